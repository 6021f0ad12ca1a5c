"""When the attribution monitor writes its report for people, and that it knows the features of captured lists by their names."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from hourglass.monitors import attribution_drift
from hourglass.outputs.attribution_report import AttributionPage
from hourglass.outputs.report import Report
from tests.engine import capture_line, plain_engine, settings_of, write_hour

PAGES = {"report.html", "report.pdf"}
MODEL = "def predict(rows):\n    return (0.5 * rows['age'] + 0.2 * rows['hours'] + 0.05 * rows['gain']).tolist()\n"
CONFIG = {"headers": ["age", "hours", "gain"], "features": "features", "predictor": {"content_type": "application/json"}}


def write_capture(root: Path, hours: Mapping[int, tuple[float, float, float]], rows: int = 60) -> Path:
    """Hours of lists of three features, by how far each spreads."""
    for hour, spreads in hours.items():
        chance = random.Random(hour)
        lines = [
            capture_line(
                None,
                json.dumps({"features": [chance.gauss(0, spread) for spread in spreads]}),
                time=f"2026-11-21T{hour:02d}:{row // 60:02d}:{row % 60:02d}Z",
                encoding="JSON",
            )
            for row in range(rows)
        ]
        write_hour(root, f"2026/11/21/{hour:02d}", lines)
    return root


@pytest.fixture
def flags(tmp_path: Path) -> dict[str, object]:
    """A model, its configuration, the baseline of an hour, and three hours of which the last one is other than it."""
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    common = {"analysis_config": tmp_path / "config.json", "model": tmp_path / "model.py"}
    usual, other = (1.0, 1.0, 1.0), (0.01, 1.0, 40.0)
    first = write_capture(tmp_path / "before", {1: usual})
    attribution_drift.run(settings_of(tmp_path / "base", {**common, "dataset_source": first}), plain_engine)
    capture = write_capture(tmp_path / "capture", {8: usual, 9: usual, 10: other})
    return {**common, "baseline_constraints": tmp_path / "base", "dataset_source": capture, "state_root": tmp_path / "states"}


def run(output: Path, flags: Mapping[str, object], start: int, end: int, **more: object) -> tuple[Report, ...]:
    """A run over some hours."""
    span = {"start_time": f"2026-11-21T{start:02d}:00:00Z", "end_time": f"2026-11-21T{end:02d}:00:00Z"}
    return attribution_drift.run(settings_of(output, {**flags, **span, **more}), plain_engine).reports


def page_of(report: Report) -> AttributionPage:
    """What a person is to read of a window."""
    assert report.attribution_page is not None
    return report.attribution_page


def test_of_many_windows_those_with_a_violation_have_a_report(tmp_path: Path, flags: dict[str, object]) -> None:
    """A month of clean hours would be 720 of them."""
    reports = run(tmp_path / "out", flags, 8, 11, window="1h")
    assert [report.verdict for report in reports] == ["pass", "pass", "violation"]
    assert [report.attribution_page is not None for report in reports] == [False, False, True]
    written = {path.parent.name for path in (tmp_path / "out").rglob("report.html")}
    assert len(written) == 1
    assert {path.name for path in (tmp_path / "out").rglob("report.*")} == PAGES


def test_a_clean_window_that_was_asked_for_alone_has_a_report(tmp_path: Path, flags: dict[str, object]) -> None:
    """With the course of the day's stored hours; a later run without one takes it away."""
    (report,) = run(tmp_path / "out", flags, 8, 10)
    page = page_of(report)
    assert [f"{time:%H}" for time, _ in page.history] == ["08", "09"]
    assert "What drives the model has not changed beyond the limit" in (tmp_path / "out" / "report.html").read_text()
    run(tmp_path / "out", flags, 14, 15)
    assert not PAGES & {path.name for path in (tmp_path / "out").iterdir()}


def test_the_course_reaches_back_to_hours_that_the_window_has_not(tmp_path: Path, flags: dict[str, object]) -> None:
    run(tmp_path / "early", flags, 8, 10)
    (report,) = run(tmp_path / "late", flags, 10, 11)
    page = page_of(report)
    assert [f"{time:%H}" for time, _ in page.history] == ["08", "09", "10"]
    before, _, now = (shares["label0"] for _, shares in page.history)
    assert max(before, key=lambda name: before[name]) == "age"
    assert max(now, key=lambda name: now[name]) == "gain"


def test_features_of_captured_lists_have_their_values_by_name(tmp_path: Path, flags: dict[str, object]) -> None:
    """The capture has them as features[0]; a kept row by their names, with its attributions."""
    (report,) = run(tmp_path / "out", flags, 8, 9)
    assert page_of(report).report.local[0].keys() == {*CONFIG["headers"], *(f"φ(label0) {name}" for name in CONFIG["headers"])}


def test_a_baseline_has_a_report_too(tmp_path: Path, flags: dict[str, object]) -> None:
    """Of what drives the model, compared with nothing."""
    assert flags
    text = (tmp_path / "base" / "report.html").read_text()
    assert "No baseline: this is what drives the model" in text
