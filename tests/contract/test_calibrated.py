"""The calibrated decision in runs of the monitor: chosen in constraints.json, with one budget for all columns and segments."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hourglass.outputs.report import Report
from tests.engine import read, run

NAMES = ("age", "income", "city")


def write(path: Path, seed: int, rows: int, faults: Mapping[str, Any] | None = None) -> Path:
    """Rows of three columns; faults replace the first tenth of a column's values."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {
        "age": random.integers(18, 80, rows).tolist(),
        "income": np.exp(random.normal(10, 0.5, rows)).round(2).tolist(),
        "city": random.choice(["Bern", "Basel", "Zug"], rows, p=[0.6, 0.3, 0.1]).tolist(),
    }
    for name, value in (faults or {}).items():
        columns[name][: rows // 10] = [value] * (rows // 10)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([NAMES, *zip(*columns.values(), strict=True)])
    return path


CSV = json.dumps({"csv": {"header": True}})


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    """Our baseline of 5,000 rows, with both kinds of column set to Calibrated."""
    run(tmp_path / "base", dataset_source=write(tmp_path / "train.csv", 0, 5000), dataset_format=CSV)
    document = read(tmp_path / "base" / "constraints.json")
    document["monitoring_config"]["distribution_constraints"] = {
        "comparison_method": "Calibrated",
        "categorical_drift_method": "Calibrated",
    }
    (tmp_path / "base" / "constraints.json").write_text(json.dumps(document))
    return tmp_path / "base"


def report_of(tmp_path: Path, baseline: Path, path: Path, **flags: Any) -> Report:
    given = {"baseline_constraints": baseline, "baseline_statistics": baseline, **flags}
    return run(tmp_path / "out", dataset_source=path, dataset_format=CSV, **given).reports[0]


def drift(report: Report) -> dict[str, Any]:
    return {found.feature: found for found in report.evaluations if found.check == "baseline_drift_check"}


def test_a_clean_window_passes_and_says_its_share_of_the_budget(tmp_path: Path, baseline: Path) -> None:
    """1 % over three columns."""
    found = drift(report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000)))
    assert {name: str(one.verdict) for name, one in found.items()} == dict.fromkeys(NAMES, "pass")
    assert [one.threshold for one in found.values()] == pytest.approx([0.01 / 3] * 3)
    assert {one.definition for one in found.values()} == {"calibrated, budget 0.01 over 3 features"}


def test_each_verdict_explains_itself(tmp_path: Path, baseline: Path) -> None:
    """The test, the effect, z, p and the share of the budget; the same sentence in the violations' file."""
    now = write(tmp_path / "now.csv", 1, 1000, {"income": -999, "city": "Chur"})
    report = report_of(tmp_path, baseline, now)
    found = {name: one.description for name, one in drift(report).items() if one.description}
    assert found.keys() == {"income", "city"}
    assert found["income"].startswith("10.0% of the numbers are exactly -999, in the baseline 0.0% (frequent_number: effect 0.1, z ")
    assert found["city"].startswith("10.0% of the values are 'Chur', in the baseline 0.0% (largest_category: effect 0.1, z ")
    assert all(sentence.endswith("its share of the budget 0.0033") for sentence in found.values())
    told = {entry["description"] for entry in read(tmp_path / "out" / "constraint_violations.json")["violations"]}
    assert set(found.values()) <= told


def test_missing_values_are_found_though_the_values_have_not_changed(tmp_path: Path, baseline: Path) -> None:
    """A tenth, in a column that had none."""
    found = drift(report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000, {"age": ""})))
    assert found["age"].description.startswith("10.0% of the rows have no value, in the baseline 0.0% (missing_share: ")


def test_segments_share_the_budget(tmp_path: Path) -> None:
    """The window and its three cities, each of three columns."""
    train = write(tmp_path / "train.csv", 0, 5000)
    run(tmp_path / "base", dataset_source=train, dataset_format=CSV, segments="city")
    document = read(tmp_path / "base" / "constraints.json")
    document["monitoring_config"]["distribution_constraints"] = {
        "comparison_method": "Calibrated",
        "categorical_drift_method": "Calibrated",
    }
    (tmp_path / "base" / "constraints.json").write_text(json.dumps(document))
    report = report_of(tmp_path, tmp_path / "base", write(tmp_path / "now.csv", 1, 2000), segments="city")
    assert len(report.segments) == 3
    assert drift(report)["age"].threshold == pytest.approx(0.01 / 3 / 4)
    for segment in report.segments:
        thresholds: Sequence[float] = [one.threshold for one in segment.evaluations if one.definition.startswith("calibrated")]
        assert thresholds == pytest.approx([0.01 / 3 / 4] * 3)


def test_the_budget_and_the_method_are_set_by_run_and_by_feature(tmp_path: Path, baseline: Path) -> None:
    """5 % for all; one column goes by another comparison, and takes no part of it."""
    document = read(baseline / "constraints.json")
    rules = document["monitoring_config"]["distribution_constraints"]
    rules |= {"comparison_threshold": 0.05, "categorical_comparison_threshold": 0.05}
    document["features"][0]["monitoringConfigOverrides"] = {"distribution_constraints": {"comparison_method": "Robust"}}
    (baseline / "constraints.json").write_text(json.dumps(document))
    found = drift(report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000)))
    assert {name: one.threshold for name, one in found.items()} == pytest.approx({"age": 0.1, "income": 0.025, "city": 0.025})


def test_a_baseline_without_states_is_compared_by_what_its_statistics_tell(tmp_path: Path, baseline: Path) -> None:
    """As a stock one: shifts are found, missing values are left to the completeness check."""
    (baseline / "baseline_states.parquet").unlink()
    moved = report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000, {"income": 900000.0}))
    assert str(drift(moved)["income"].verdict) == "violation"
    lacking = report_of(tmp_path, baseline, write(tmp_path / "less.csv", 1, 1000, {"age": ""}))
    assert str(drift(lacking)["age"].verdict) == "pass"
    assert "completeness_check" in {found.check for found in lacking.violations}
