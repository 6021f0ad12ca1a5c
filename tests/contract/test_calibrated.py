"""The calibrated decision in runs of the monitor: chosen in constraints.json, with one budget for all columns and segments."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hourglass.constraints import parse_calibration
from hourglass.errors import InputError, SettingsError
from hourglass.outputs.report import Report
from tests.engine import read, run

NAMES = ("age", "income", "city")
PARTS = 3 + 7 / 8  # of the budget: three comparisons; completeness and type of each, and one domain


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
    """Our baseline of 5,000 rows, as it is suggested."""
    run(tmp_path / "base", dataset_source=write(tmp_path / "train.csv", 0, 5000), dataset_format=CSV)
    return tmp_path / "base"


def report_of(tmp_path: Path, baseline: Path, path: Path, **flags: Any) -> Report:
    given = {"baseline_constraints": baseline, "baseline_statistics": baseline, **flags}
    return run(tmp_path / "out", dataset_source=path, dataset_format=CSV, **given).reports[0]


def drift(report: Report) -> dict[str, Any]:
    return {found.feature: found for found in report.evaluations if found.check == "baseline_drift_check"}


def test_a_clean_window_passes_and_says_its_share_of_the_budget(tmp_path: Path, baseline: Path) -> None:
    """1 % over three columns, each with its comparison, and an eighth for completeness and type, and for one domain."""
    found = drift(report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000)))
    assert {name: str(one.verdict) for name, one in found.items()} == dict.fromkeys(NAMES, "pass")
    assert [one.threshold for one in found.values()] == pytest.approx([0.01 / PARTS] * 3)
    assert {one.definition for one in found.values()} == {"calibrated, budget 0.01 in 3.875 parts"}


def test_each_verdict_explains_itself(tmp_path: Path, baseline: Path) -> None:
    """The test, the effect, z, λ, p, the share of the budget, and what moved with it; the same sentence in the violations' file."""
    now = write(tmp_path / "now.csv", 1, 1000, {"income": -999, "city": "Chur"})
    report = report_of(tmp_path, baseline, now)
    found = {name: one.description for name, one in drift(report).items() if one.description}
    assert found.keys() == {"income", "city"}
    assert found["income"].startswith("10.0% of the numbers are exactly -999, in the baseline 0.0% (frequent_number: effect 0.1, z ")
    assert found["city"].startswith("10.0% of the values are 'Chur', in the baseline 0.0% (largest_category: effect 0.1, z ")
    assert found["income"].endswith("its share of the budget 0.0026; moved together with city")
    assert found["city"].endswith("its share of the budget 0.0026; moved together with income")
    assert all(", λ 1, p < 1e-15)" in sentence for sentence in found.values())
    assert found["income"] in (Path(__file__).parents[2] / "README.md").read_text()
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
    report = report_of(tmp_path, tmp_path / "base", write(tmp_path / "now.csv", 1, 2000), segments="city")
    assert len(report.segments) == 3
    assert drift(report)["age"].threshold == pytest.approx(0.01 / PARTS / 4)
    for segment in report.segments:
        thresholds: Sequence[float] = [one.threshold for one in segment.evaluations if one.definition.startswith("calibrated")]
        assert thresholds == pytest.approx([0.01 / PARTS / 4] * 3)


def test_a_segment_in_violation_stands_first_and_says_what_it_violates(tmp_path: Path) -> None:
    """Whatever else drifted more there, or drifted more elsewhere without a violation."""
    run(tmp_path / "base", dataset_source=write(tmp_path / "train.csv", 0, 5000), dataset_format=CSV, segments="city")
    rows = list(csv.reader(write(tmp_path / "now.csv", 1, 2000).read_text().splitlines()))
    rows[1:] = [[age, "-999" if city == "Basel" and place % 5 == 0 else pay, city] for place, (age, pay, city) in enumerate(rows[1:])]
    (tmp_path / "now.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    first, *others = report_of(tmp_path, tmp_path / "base", tmp_path / "now.csv", segments="city").segments
    assert (first.name, first.feature) == ("city=Basel", "income")
    assert re.fullmatch(r"\d\d\.\d% of the numbers are exactly -999, in the baseline 0\.0%", first.finding)
    assert first.examples
    assert not any(other.violations for other in others)


def test_a_suggested_baseline_has_the_budget_that_was_said(tmp_path: Path) -> None:
    run(tmp_path / "base", dataset_source=write(tmp_path / "train.csv", 0, 500), dataset_format=CSV, budget="5%")
    assert read(tmp_path / "base" / "constraints.json")["monitoring_config"]["budget"] == 0.05


def test_the_budget_and_the_method_are_set_by_run_and_by_feature(tmp_path: Path, baseline: Path) -> None:
    """5 % for all; one column goes by another comparison, and takes no part of it."""
    document = read(baseline / "constraints.json")
    document["monitoring_config"] |= {"budget": 0.05, "share_comparison_method": "Robust"}
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


def test_a_flag_sets_the_budget_of_a_run(tmp_path: Path, baseline: Path) -> None:
    """In percent or as a share."""
    found = drift(report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000), budget="5%"))
    assert [one.threshold for one in found.values()] == pytest.approx([0.05 / PARTS] * 3)


def test_existing_baselines_keep_what_they_say(tmp_path: Path, baseline: Path) -> None:
    """One that names other methods is held against them, whatever lies beside it."""
    document = read(baseline / "constraints.json")
    document["monitoring_config"] = {"distribution_constraints": {"comparison_method": "Simple", "comparison_threshold": 0.1}}
    (baseline / "constraints.json").write_text(json.dumps(document))
    report = report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000))
    assert {one.definition for one in drift(report).values()} == {"linf_simple"}
    assert {one.budget for one in report.evaluations} == {None}


def test_a_missing_value_or_two_is_chance_and_many_are_not(tmp_path: Path, baseline: Path) -> None:
    """The baseline has none in 5,000 rows, which does not say that there is none in a million."""
    for rows, verdict in ((1000, "violation"), (20, "pass")):
        window = write(tmp_path / f"{rows}.csv", 1, 1000)
        lines = window.read_text().splitlines()
        emptied = ["," + line.partition(",")[2] for line in lines[1 : 1 + rows // 10]]
        window.write_text("\n".join([lines[0], *emptied, *lines[1 + rows // 10 :]]) + "\n")
        report = report_of(tmp_path, baseline, window)
        found = next(one for one in report.evaluations if (one.feature, one.check) == ("age", "completeness_check"))
        assert (str(found.verdict), found.budget is not None) == (verdict, True)


def dependent(path: Path, seed: int, hours: int, rows: int = 250) -> Path:
    """Rows of `hours`, in each of which a column lies a little higher or lower than in the others; the other does not."""
    random = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["load", "id"])
        for shift in random.normal(0, 0.8, hours):
            writer.writerows(zip(random.normal(shift, 1, rows).round(4), random.normal(0, 1, rows).round(4), strict=True))
    return path


def test_what_the_baselines_rows_say_of_chance_is_learnt_and_used(tmp_path: Path) -> None:
    """Clean windows of dependent rows alarm nearly always without it, and hardly ever with it; a real shift is still found."""
    run(tmp_path / "base", dataset_source=dependent(tmp_path / "train.csv", 0, 16), dataset_format=CSV)
    learnt = read(tmp_path / "base" / "calibration.json")["learnt"]["all"]
    assert 12 <= learnt["windows"] <= 24
    assert learnt["features"]["load"]["rank_mean"]["dispersion"] > 10
    assert learnt["features"]["id"].get("rank_mean", {"dispersion": 1})["dispersion"] < 3
    verdicts: dict[bool, list[bool]] = {True: [], False: []}
    for calibrated in (True, False):
        if not calibrated:
            (tmp_path / "base" / "calibration.json").unlink()
        for seed in range(1, 13):
            report = report_of(tmp_path, tmp_path / "base", dependent(tmp_path / "now.csv", seed, 1))
            verdicts[calibrated].append(any(one.description for one in drift(report).values()))
    assert sum(verdicts[False]) >= 8
    assert sum(verdicts[True]) <= 1


def test_what_is_known_of_chance_is_said_in_the_sentence(tmp_path: Path) -> None:
    """λ of the test that says most."""
    run(tmp_path / "base", dataset_source=dependent(tmp_path / "train.csv", 0, 16), dataset_format=CSV)
    now = tmp_path / "now.csv"
    numbers = np.random.default_rng(7).normal(2.5, 0.3, 500).round(4).tolist()
    now.write_text("load,id\n" + "".join(f"{number},{number}\n" for number in numbers))
    found = drift(report_of(tmp_path, tmp_path / "base", now))["load"].description
    factor = float(found.partition("λ ")[2].partition(",")[0])
    assert factor > 1


def test_a_calibration_that_is_none_is_refused(tmp_path: Path, baseline: Path) -> None:
    """Another version, another shape, a dispersion below 1; the message names the file."""
    now = write(tmp_path / "now.csv", 1, 200)
    sound = read(baseline / "calibration.json")
    broken = [
        {"version": 9, "learnt": {}},
        {"version": 1, "learnt": {"all": {"windows": 3}}},
        {
            "version": 1,
            "learnt": {"all": sound["learnt"]["all"] | {"features": {"age": {"rank_mean": {"dispersion": 0, "freedom": None}}}}},
        },
    ]
    for document in broken:
        (baseline / "calibration.json").write_text(json.dumps(document))
        with pytest.raises(InputError, match=r"calibration\.json"):
            report_of(tmp_path, baseline, now)
    with pytest.raises(InputError, match=r"baseline_calibration: found no file"):
        report_of(tmp_path, baseline, now, baseline_calibration=tmp_path / "none.json")


def test_a_threshold_of_distances_is_none_of_the_budget(tmp_path: Path, baseline: Path) -> None:
    """As stock baselines have it, in which somebody has written Calibrated."""
    document = read(baseline / "constraints.json")
    document["monitoring_config"]["distribution_constraints"] |= {"comparison_threshold": 0.1, "categorical_comparison_threshold": 0.1}
    (baseline / "constraints.json").write_text(json.dumps(document))
    found = drift(report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000)))
    assert [one.threshold for one in found.values()] == pytest.approx([0.01 / PARTS] * 3)


@pytest.mark.parametrize("budget", [0, 1, -0.1, "100%", "much"])
def test_a_budget_that_is_none_is_told(tmp_path: Path, baseline: Path, budget: object) -> None:
    """With none nothing would ever alarm."""
    document = read(baseline / "constraints.json")
    document["monitoring_config"]["budget"] = budget
    (baseline / "constraints.json").write_text(json.dumps(document))
    with pytest.raises(SettingsError) as raised:
        report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000))
    (fault,) = raised.value.faults
    assert str(fault).startswith(
        f"{baseline}/constraints.json.monitoring_config.budget: found {budget!r}; expected a share of clean windows"
    )


def test_a_budget_is_written_in_percent_too(tmp_path: Path, baseline: Path) -> None:
    """As the flag takes it."""
    document = read(baseline / "constraints.json")
    document["monitoring_config"]["budget"] = "2%"
    (baseline / "constraints.json").write_text(json.dumps(document))
    found = drift(report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000)))
    assert [one.threshold for one in found.values()] == pytest.approx([0.02 / PARTS] * 3)


def test_a_setting_in_the_wrong_place_is_told(tmp_path: Path, baseline: Path) -> None:
    """Where it would mean nothing."""
    document = read(baseline / "constraints.json")
    document["monitoring_config"]["categorical_drift_method"] = "Calibrated"
    document["monitoring_config"]["distribution_constraints"]["budget"] = 0.5
    (baseline / "constraints.json").write_text(json.dumps(document))
    with pytest.raises(SettingsError) as raised:
        report_of(tmp_path, baseline, write(tmp_path / "now.csv", 1, 1000))
    told = [str(fault).removeprefix(f"{baseline}/constraints.json.") for fault in raised.value.faults]
    assert "monitoring_config.categorical_drift_method: found 'Calibrated'; expected to stand in distribution_constraints" in told
    assert "monitoring_config.distribution_constraints.budget: found 0.5; expected to stand beside distribution_constraints" in told


def test_a_folder_as_the_baseline_has_both_of_its_files(tmp_path: Path, baseline: Path) -> None:
    """A stock one: what its statistics.json tells is judged though nobody named it; so it is where constraints.json is named."""
    (baseline / "baseline_states.parquet").unlink()
    for given in (baseline, baseline / "constraints.json"):
        now = write(tmp_path / "now.csv", 1, 1000, {"income": 900000.0})
        report = run(tmp_path / "out", dataset_source=now, dataset_format=CSV, baseline_constraints=given).reports[0]
        assert str(drift(report)["income"].verdict) == "violation"


def test_a_segment_is_held_to_no_negative_numbers_only_where_the_whole_is(tmp_path: Path) -> None:
    """A dozen rows of Zug had none by chance; those of the others had some."""
    rows = [("Bern", n - 5) for n in range(400)] + [("Zug", n) for n in range(12)]
    for name, values in (("train", rows), ("now", [*rows, ("Zug", -1)])):
        (tmp_path / f"{name}.csv").write_text("city,balance\n" + "".join(f"{city},{number}\n" for city, number in values))
    run(tmp_path / "base", dataset_source=tmp_path / "train.csv", dataset_format=CSV, segments="city")
    report = report_of(tmp_path, tmp_path / "base", tmp_path / "now.csv", segments="city")
    assert len(report.segments) == 2
    assert "non_negative_check" not in {one.check for segment in report.segments for one in segment.evaluations}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"version": 2, "learnt": {}}, "found version 2"),
        ({"version": True, "learnt": {}}, "found version True"),
        ({"version": 1}, "found no object 'learnt'"),
        ({"version": 1, "learnt": {"al": {}}}, "found learnt from 'al'; expected what was learnt from all, hour-of-day, hour-of-week"),
        ({"version": 1, "learnt": {"all": {}}}, "found another shape"),
        ({"version": 1, "learnt": {"all": {"windows": float("inf"), "source": "", "features": {}}}}, "found another shape"),
    ],
)
def test_a_calibration_that_is_none_is_told(document: dict[str, Any], told: str) -> None:
    """With what was found and who writes it."""
    with pytest.raises(InputError, match=re.escape(told)) as raised:
        parse_calibration(document, "calibration.json")
    assert "hourglass calibrate writes it" in str(raised.value)
