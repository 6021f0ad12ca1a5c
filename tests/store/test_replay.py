"""What stored hours say of alarms and of chance: `hourglass replay` and `hourglass calibrate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from hourglass.capture.window import format_time, hour_name
from hourglass.errors import InputError
from tests.engine import capture_line, read, write_hour
from tests.store.test_commands import as_json, call
from tests.store.test_windows import START

DAYS, ROWS = 5, 120
STUCK = "2026/11/04/07"
SPAN = ("--start-time", "2026-11-02T00:00:00Z", "--end-time", "2026-11-07T00:00:00Z")


def rows_of(random: np.random.Generator, hour: int) -> list[str]:
    """Lines of an hour: a column with an own level each hour, one that has none, and a category."""
    time = format_time(START + timedelta(hours=hour))
    level = random.normal(0, 0.6)
    numbers, noise = random.normal(level, 1, ROWS).round(3), random.normal(0, 1, ROWS).round(3)
    if hour_name(START + timedelta(hours=hour)) == STUCK:
        noise[: ROWS // 2] = 0.125
    kinds = random.choice(["a", "b"], ROWS)
    return [capture_line(None, f"{x},{y},{kind}", time=time) for x, y, kind in zip(numbers, noise, kinds, strict=True)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five days of hours that differ in one column's level, in one of which another is stuck; the baseline knows neither."""
    place = tmp_path_factory.mktemp("replayed")
    random = np.random.default_rng(3)
    for hour in range(DAYS * 24):
        write_hour(place / "capture", hour_name(START + timedelta(hours=hour)), rows_of(random, hour))
    train = place / "train.csv"
    lines = [
        f"{x:.3f},{y:.3f},{kind}" for x, y, kind in zip(*random.normal(0, 1.15, (2, 4000)), random.choice(["a", "b"], 4000), strict=True)
    ]
    train.write_text("_c0,_c1,_c2\n" + "\n".join(lines) + "\n")
    form = '{"csv": {"header": true}}'
    source = ("--engine", "local", "--segments", "_c2", "--dataset-source")
    call("data-quality", *source, train, "--dataset-format", form, "--output-path", place / "base")
    times = ("--from", SPAN[1], "--to", SPAN[3])
    call("backfill", *source, place / "capture", "--state-root", place / "states", *times)
    return place


def given(place: Path) -> tuple[object, ...]:
    return ("--state-root", place / "states", *SPAN, "--baseline-constraints", place / "base")


def alarms(document: Mapping[str, object]) -> dict[float, int]:
    lines = document["budgets"]
    assert isinstance(lines, list)
    return {line["budget"]: line["alarms"] for line in lines}


def test_replay_shows_how_many_alarms_each_budget_would_have_given(stored: Path) -> None:
    """More with a larger budget; a week's worth is said; the stuck hour is among them, with its sentence."""
    document = as_json("replay", *given(stored), "--budget", "1%")
    found = alarms(document)
    assert list(found) == [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]
    assert list(found.values()) == sorted(found.values())
    assert document["budgets"][3]["alarms_a_week"] == pytest.approx(found[0.01] * 168 / (DAYS * 24))
    hours = {hour["hour"]: hour for hour in document["hours"]}
    assert len(hours) == DAYS * 24
    assert any("are exactly 0.125" in entry["description"] for entry in hours[STUCK]["violations"])
    table = call("replay", *given(stored), "--budget", "2%").stdout
    assert "0.02 ←" in table
    assert STUCK in table


def test_segments_share_the_budget_as_in_a_run(stored: Path, tmp_path: Path) -> None:
    """What replay finds in an hour and its segments is what the run over that hour's data finds; a segment by itself has fewer rows."""
    found = {hour["hour"]: hour for hour in as_json("replay", *given(stored), "--segments", "_c2")["hours"]}[STUCK]
    hour = ("--start-time", "2026-11-04T07:00:00Z", "--end-time", "2026-11-04T08:00:00Z")
    said = ("--baseline-constraints", stored / "base", "--segments", "_c2", "--output-path", tmp_path)
    call("data-quality", "--engine", "local", "--dataset-source", stored / "capture", *hour, *said)
    whole = [("", entry) for entry in read(tmp_path / "evaluation.json")["evaluations"]]
    parts = [(part["segment"], entry) for part in read(tmp_path / "segments.json")["segments"] for entry in part["evaluations"]]
    wanted = {(segment, entry["feature"], entry["description"]) for segment, entry in whole + parts if entry["verdict"] == "violation"}
    assert {(entry["segment"], entry["feature"], entry["description"]) for entry in found["violations"]} == wanted
    assert {segment for segment, _, _ in wanted} == {"", "_c2=a", "_c2=b"}
    alone = {hour["hour"]: hour for hour in as_json("replay", *given(stored))["hours"]}[STUCK]
    assert found["alarms_from_budget"] > alone["alarms_from_budget"]
    with pytest.raises(InputError, match="--segments: found no '_c1' in the baseline; expected segments of both"):
        call("replay", *given(stored), "--segments", "_c1")


def test_what_calibrate_learns_makes_quiet_hours_quiet_and_leaves_the_stuck_one_an_alarm(stored: Path, tmp_path: Path) -> None:
    """Two thirds of the hours alarm before; after they were accepted, hardly one does but the one that is left out of the accepted."""
    before = alarms(as_json("replay", *given(stored)))[0.01]
    assert before > DAYS * 24 / 3
    said = call("calibrate", *given(stored), "--accept-alarms", "--output", tmp_path / "base" / "calibration.json").stdout
    assert f"learnt from {DAYS * 24} hours" in said
    assert f"{before} of {DAYS * 24} hours alarm and were taken for quiet: 2026/11/" in said
    for path in (stored / "base").iterdir():
        if path.name != "calibration.json":
            (tmp_path / "base" / path.name).write_bytes(path.read_bytes())
    learnt = read(tmp_path / "base" / "calibration.json")["learnt"]
    assert learnt.keys() == {"all", "hour-of-day"}
    assert learnt["all"]["features"]["_c0"]["rank_mean"]["dispersion"] > 10
    assert "rank_mean" not in learnt["all"]["features"]["_c1"] or learnt["all"]["features"]["_c1"]["rank_mean"]["dispersion"] < 2
    after = as_json("replay", "--state-root", stored / "states", *SPAN, "--baseline-constraints", tmp_path / "base")
    alarming = [hour["hour"] for hour in after["hours"] if hour["violations"]]
    assert STUCK in alarming
    assert len(alarming) <= 4


def test_hours_that_alarm_are_left_out_and_named(stored: Path, tmp_path: Path) -> None:
    """Never silently: the baseline's own file stays as it is, and the hours are listed."""
    before = (stored / "base" / "calibration.json").read_bytes()
    said = " ".join(call("calibrate", *given(stored), "--output", tmp_path / "calibration.json").stdout.split())
    left_out = alarms(as_json("replay", *given(stored)))[0.01]
    assert f"{left_out} of {DAYS * 24} hours alarm and were left out: 2026/11/02/" in said
    assert read(tmp_path / "calibration.json")["learnt"]["all"]["windows"] == DAYS * 24 - left_out
    assert (stored / "base" / "calibration.json").read_bytes() == before


def test_hours_in_which_nothing_can_be_compared_are_not_said_to_be_quiet(stored: Path, tmp_path: Path) -> None:
    """Beside a baseline of five rows there are no alarms, and that is no good sign."""
    (tmp_path / "few.csv").write_text("".join(f"{row}.5,{row},a\n" for row in range(5)))
    few = ("--dataset-source", tmp_path / "few.csv", "--output-path", tmp_path / "base", "--segments", "_c2")
    call("data-quality", "--engine", "local", *few)
    beside = ("--state-root", stored / "states", *SPAN, "--baseline-constraints", tmp_path / "base")
    assert f"In {DAYS * 24} of {DAYS * 24} hours no column could be compared: too few values" in call("replay", *beside).stdout


def test_hours_may_be_replayed_against_their_own_past(stored: Path) -> None:
    """The same hour of the three days before; hours without a past are left out."""
    document = as_json("replay", *given(stored), "--reference", "hour-of-day:3")
    assert len(document["hours"]) == (DAYS - 1) * 24


def test_what_is_learnt_of_the_same_hour_is_used_beside_the_same_hour(stored: Path, tmp_path: Path) -> None:
    """With λ of the same hour of day hours alarm less beside it; without it as much as with none."""
    for path in (stored / "base").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    call("calibrate", *given(stored), "--accept-alarms", "--output", tmp_path / "calibration.json")
    document = read(tmp_path / "calibration.json")
    beside = ("--reference", "hour-of-day:3", "--state-root", stored / "states", *SPAN, "--baseline-constraints", tmp_path)
    found = []
    for kinds in (["hour-of-day"], []):
        kept = {kind: document["learnt"][kind] for kind in kinds}
        (tmp_path / "calibration.json").write_text(json.dumps({**document, "learnt": kept}))
        found.append(alarms(as_json("replay", *beside))[0.01])
    assert found[0] < found[1] / 2


def test_mistakes_are_told(stored: Path, tmp_path: Path) -> None:
    """A budget that is no share, a span without hours, a baseline without a budget, too few quiet hours."""
    with pytest.raises(InputError, match="--budget: found '200%'"):
        call("replay", *given(stored), "--budget", "200%")
    with pytest.raises(InputError, match="--budget: found 'abc'"):
        call("replay", *given(stored), "--budget", "abc")
    with pytest.raises(InputError, match=r"no stored hours with rows in .* that have hours of hour-of-week:4 before them"):
        call("replay", *given(stored), "--reference", "hour-of-week:4")
    with pytest.raises(InputError, match=r"--output: found the folder .*; expected a file\. Hint: --output .*calibration\.json"):
        call("calibrate", *given(stored), "--output", tmp_path)
    empty = ("--state-root", stored / "states", "--start-time", "2025-01-01T00:00:00Z", "--end-time", "2025-01-02T00:00:00Z")
    with pytest.raises(InputError, match="no stored hours"):
        call("replay", *empty, "--baseline-constraints", stored / "base")
    document = read(stored / "base" / "constraints.json")
    document["monitoring_config"] = {"distribution_constraints": {"comparison_method": "Robust"}}
    (tmp_path / "constraints.json").write_text(json.dumps(document))
    (tmp_path / "statistics.json").write_bytes((stored / "base" / "statistics.json").read_bytes())
    robust = ("--state-root", stored / "states", *SPAN, "--baseline-constraints", tmp_path)
    with pytest.raises(InputError, match="no feature with a budget"):
        call("calibrate", *robust, "--output", tmp_path / "calibration.json")
    with pytest.raises(InputError, match="no feature with a budget"):
        call("replay", *robust)
    with pytest.raises(InputError, match=r"budget: found 0\.02, and a baseline of which no check has a budget; expected calibrated"):
        call("replay", *robust, "--budget", "2%")
    (tmp_path / "other.csv").write_text("a,b\n" + "".join(f"{row}.5,x\n" for row in range(50)))
    call("data-quality", "--engine", "local", "--dataset-source", tmp_path / "other.csv", "--output-path", tmp_path / "other")
    other = ("--state-root", stored / "states", *SPAN, "--baseline-constraints", tmp_path / "other")
    with pytest.raises(InputError, match=r"found 0 quiet hours.*Hint: is it their baseline\? In all of them: There are "):
        call("calibrate", *other, "--output", tmp_path / "calibration.json")
    short = ("--start-time", "2026-11-02T00:00:00Z", "--end-time", "2026-11-02T03:00:00Z")
    with pytest.raises(InputError, match="quiet hours"):
        call(
            "calibrate",
            "--state-root",
            stored / "states",
            *short,
            "--baseline-constraints",
            stored / "base",
            "--output",
            tmp_path / "c.json",
        )
    assert not (tmp_path / "c.json").exists()
