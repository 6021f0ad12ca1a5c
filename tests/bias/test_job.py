"""The bias monitor from files to files: the real job, data sets, merged captures of both kinds, and what a clean run leaves."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hourglass.cli import cli
from hourglass.errors import InputError
from hourglass.outputs.bias_report import BiasPage
from hourglass.outputs.report import Report
from hourglass.terminal import findings
from hourglass.undefined import Undefined
from tests.engine import read, run_bias, validator

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
CONFIG = SAMPLES / "bias_endpoint_json.analysis_config.json"
BASELINE = SAMPLES / "bias_endpoint_json.analysis.baseline.json"
MERGED = {"dataset_format": json.dumps({"sagemakerMergeJson": {}})}
TOLERANCE = 1e-9


def merged_record(folder: Path) -> Path:
    """The real merged record in a tree of hours."""
    hour = folder / "merged" / "endpoint" / "AllTraffic" / "2024" / "01" / "19" / "19"
    hour.mkdir(parents=True)
    (hour / "part-00000.jsonl").write_text(json.dumps(read(SAMPLES / "bias_endpoint_json.merged_record.json")) + "\n")
    return folder / "merged"


def config(folder: Path, **changes: Any) -> Path:
    """The real configuration with changes."""
    path = folder / "analysis_config.json"
    path.write_text(json.dumps({**read(CONFIG), **changes}))
    return path


def report_of(output: Path, **flags: Any) -> Report:
    """The only window's report."""
    return run_bias(output, **flags).reports[0]


def values_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of a value of a facet."""
    return {metric["name"]: metric["value"] for metric in entry["metrics"]}


def number(sentence: str) -> float:
    return float(sentence.split()[2])


def test_the_real_jobs_violations_come_out(tmp_path: Path) -> None:
    """Eight values to 1e-9 and no others; of the ninth, FT, formulas.md says that it does not follow from the definition."""
    flags = {"analysis_config": CONFIG, "baseline_constraints": BASELINE, "decision": "strict", **MERGED}
    assert report_of(tmp_path / "out", dataset_source=merged_record(tmp_path), **flags).verdict == "violation"
    found = {entry["metric_name"]: entry for entry in read(tmp_path / "out" / "constraint_violations.json")["violations"]}
    real = {
        entry["metric_name"]: entry
        for entry in read(SAMPLES / "bias_endpoint_json.constraint_violations.json")["violations"]
        if entry["metric_name"] != "FT"
    }
    assert found.keys() == real.keys()
    for key, entry in real.items():
        mine = found[key]
        assert number(mine["description"]) == pytest.approx(number(entry["description"]), rel=TOLERANCE)
        assert mine["description"].split("requirement")[1] == entry["description"].split("requirement")[1]
        assert {**mine, "description": ""} == {**entry, "description": ""}


def test_the_baselines_part_on_labels_comes_out_of_its_data(tmp_path: Path) -> None:
    """666 rows of JSON lines, their features in a list that the headers name."""
    made = config(tmp_path, features="[*].features", label="[*].label", dataset_type="application/jsonlines")
    report = report_of(tmp_path / "out", dataset_source=SAMPLES / "adult_validation-dataset.jsonl", analysis_config=made)
    assert report.verdict == "suggested"
    found, real = (read(path)["pre_training_bias_metrics"]["facets"]["Sex"][0] for path in (tmp_path / "out" / "analysis.json", BASELINE))
    assert found["value_or_threshold"] == real["value_or_threshold"]
    assert {m["name"]: m["value"] for m in found["metrics"]} == pytest.approx(
        {m["name"]: m["value"] for m in real["metrics"]}, rel=TOLERANCE
    )
    on_predictions = read(tmp_path / "out" / "analysis.json")["post_training_bias_metrics"]["facets"]["Sex"][0]
    assert set(values_of(on_predictions).values()) == {None}


def csv_record(i: int, age: int, sex: str, label: int, said: int) -> str:
    """A merged record whose input and output are CSV."""
    sides = {"endpointInput": f"{age},{sex}", "endpointOutput": f"{said},0.{said}5"}
    capture = {name: {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"} for name, data in sides.items()}
    metadata = {"eventId": f"id-{i}", "inferenceTime": "2026-11-21T09:00:00Z"}
    truth = {"data": str(label), "encoding": "CSV"}
    return json.dumps({"captureData": capture, "eventMetadata": metadata, "eventVersion": "0", "groundTruthData": truth})


CSV_CONFIG = {
    "headers": ["age", "sex", "income"],
    "label": "income",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
    "group_variable": "age",
    "predictor": {"label": "0"},
}


def write_csv_hours(folder: Path, hours: int = 2, *, against: Collection[int] = (), rows: int = 400) -> dict[str, Any]:
    """Merged CSV captures: half the rows are of each sex; `against` are hours whose predictions are turned against one."""
    for hour in range(hours):
        lines = []
        for i in range(rows):
            sex = "fm"[i % 2]
            said = 0 if hour in against and sex == "f" else i // 2 % 2
            lines.append(csv_record(1000 * hour + i, 20 + i % 3, sex, i // 2 % 2, said))
        place = (
            folder / "merged" / "endpoint" / "AllTraffic" / f"{datetime(2026, 11, 21, 9, tzinfo=UTC) + timedelta(hours=hour):%Y/%m/%d/%H}"
        )
        place.mkdir(parents=True, exist_ok=True)
        (place / "part-00000.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "config.json").write_text(json.dumps(CSV_CONFIG))
    return {"dataset_source": folder / "merged", "analysis_config": folder / "config.json", **MERGED}


def test_columns_of_csv_inputs_are_called_by_the_headers(tmp_path: Path) -> None:
    """The output's columns stand before them, and the label's header is not among them; numbers count what is captured."""
    flags = write_csv_hours(tmp_path)
    report_of(tmp_path / "out", **flags)
    found = {
        m["name"]: m["value"] for m in read(tmp_path / "out" / "analysis.json")["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"]
    }
    assert (found["DPPL"], found["DI"], found["AD"]) == (0.0, 1.0, 0.0)
    assert found["FT"] is not None


def test_without_headers_numbers_count_the_inputs_columns(tmp_path: Path) -> None:
    """Of the facet and the group; those of the prediction count the answer's."""
    flags = write_csv_hours(tmp_path)
    report_of(tmp_path / "out", **flags)
    numbers = {**CSV_CONFIG, "headers": None, "label": 2, "facet": [{"name_or_index": 1, "value_or_threshold": ["f"]}], "group_variable": 0}
    (tmp_path / "config.json").write_text(json.dumps(numbers))
    report_of(tmp_path / "numbers", **flags)
    named, numbered = (
        values_of(read(tmp_path / output / "analysis.json")["post_training_bias_metrics"]["facets"][facet][0])
        for output, facet in (("out", "sex"), ("numbers", "1"))
    )
    assert numbered == named
    assert named["CDDPL"] is not None


def test_predictions_that_turn_against_a_group_are_found_in_their_hour(tmp_path: Path) -> None:
    """By the interval; the hour before is clean and writes no violations, and those of an earlier run are gone."""
    flags = write_csv_hours(tmp_path, against={1})
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T11:00:00Z", "window": "1h", "state_root": tmp_path / "states"}
    first = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
    run_bias(tmp_path / "baseline", **flags, **first)
    stale = tmp_path / "out" / "2026" / "11" / "21" / "09" / "constraint_violations.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    outcome = run_bias(tmp_path / "out", baseline_constraints=tmp_path / "baseline" / "analysis.json", **flags, **span)
    clean, turned = outcome.reports
    assert (clean.verdict, turned.verdict) == ("pass", "violation")
    assert {"sex = f: DPPL", "sex = f: DI"} <= {found.feature for found in turned.violations}
    assert all(found.interval is not None for found in turned.violations)
    assert not stale.exists()
    assert (stale.parents[1] / "10" / "constraint_violations.json").exists()


def test_groups_are_held_against_the_rest_and_against_the_best_off_one(tmp_path: Path) -> None:
    """Intersections too; comparisons with one group are told beside the others, and are neither constraints nor metrics."""
    facets = [{"name_or_index": ["Sex", "Ethnic group"]}]
    flags = {"analysis_config": config(tmp_path, facet=facets), "publish_cloudwatch_metrics": "Enabled", "minimum_count": 1, **MERGED}
    report = report_of(tmp_path / "out", dataset_source=merged_record(tmp_path), **flags)
    assert report.verdict == "suggested"
    found = read(tmp_path / "out" / "analysis.json")
    name = "Sex & Ethnic group"
    groups = {entry["value_or_threshold"] for entry in found["post_training_bias_metrics"]["facets"][name]}
    assert {"0 & 4", "1 & 4"} <= groups
    beside = found["reference_bias_metrics"][name]
    references = {entry["reference"] for entry in beside}
    assert len(references) == 1
    assert {entry["value_or_threshold"] for entry in beside} == groups - references
    lines = [json.loads(line) for line in (tmp_path / "out" / "cloudwatch_metrics.jsonl").read_text().splitlines()]
    points = [(line["MetricName"], str(line["Dimensions"])) for line in lines]
    assert len(points) == len(set(points))


def wide_rows(folder: Path, facets: list[dict[str, Any]], rows: int = 6000) -> dict[str, Any]:
    """Labels and predictions of a data set with a column of 80 numbers, of which ten have few rows."""
    ids = [i % 80 if i % 80 >= 10 or i < 800 else 79 for i in range(rows)]
    lines = [f"u{place},{i % 7 % 2},{(i + place) % 5 % 2}" for i, place in enumerate(ids)]
    (folder / "data.csv").write_text("\n".join(["id,y,p", *lines]) + "\n")
    document = {"label": "y", "label_values_or_threshold": [1], "facet": facets, "predictor": {"label": "p"}}
    (folder / "config.json").write_text(json.dumps(document))
    return {"dataset_source": folder / "data.csv", "analysis_config": folder / "config.json", "bootstrap_draws": 20}


def test_a_facet_with_many_values_has_a_report_that_can_be_read(tmp_path: Path) -> None:
    """Of 80 values the 50 largest are held against the best-off one; what is left out is said."""
    flags = wide_rows(tmp_path, [{"name_or_index": "id", "value_or_threshold": [name]} for name in ("u1", "u20")])
    bias = report_of(tmp_path / "out", **flags).bias
    assert bias is not None
    beside = [report for report in bias.facets if report.values[0].against != "all others"]
    assert [(len(report.values), report.not_compared) for report in beside] == [(50, 29)]
    assert min(value.rows[0] for value in beside[0].values) >= 30
    text = (tmp_path / "out" / "report.html").read_text()
    assert "29 values of id are not compared with the best-off one" in text
    assert text.count("<img") <= 20
    entries = read(tmp_path / "out" / "analysis.json")["reference_bias_metrics"]["id"]
    assert {(entry["value_or_threshold"], len(entry["metrics"])) for entry in entries} >= {("u20", 8), ("u20", 13)}
    assert len(entries) == 2 * 50  # once in each stage, though the facet stands in the configuration twice


def test_the_flip_test_is_held_against_the_best_off_one_too(tmp_path: Path) -> None:
    """On the same sampled rows, though a facet stands in the configuration twice; its rows are listed once."""
    facets = [{"name_or_index": "Ethnic group", "value_or_threshold": [value]} for value in (2, 4)]
    flags = {"analysis_config": config(tmp_path, facet=facets), **MERGED}
    bias = report_of(tmp_path / "out", dataset_source=merged_record(tmp_path), **flags).bias
    assert bias is not None
    flip_tests = [value.metrics["FT"].value for report in bias.facets for value in report.values if value.against != "all others"]
    assert flip_tests
    assert not any(isinstance(value, Undefined) and "no sampled rows" in value.reason for value in flip_tests)
    assert any(isinstance(value, float) for value in flip_tests)
    assert (tmp_path / "out" / "report.html").read_text().count("334 sampled rows") == 1


def test_metrics_have_the_facets_dimensions_and_infinities_a_number(tmp_path: Path) -> None:
    """As the stock monitor publishes them."""
    flags = {"analysis_config": CONFIG, "publish_cloudwatch_metrics": "Enabled", "sagemaker_endpoint_name": "endpoint", **MERGED}
    report_of(tmp_path / "out", dataset_source=merged_record(tmp_path), **flags)
    lines = [json.loads(line) for line in (tmp_path / "out" / "cloudwatch_metrics.jsonl").read_text().splitlines()]
    found = {line["MetricName"]: line for line in lines}
    assert found["bias_metric_TE"]["Value"] == 2.348543e108
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in found["bias_metric_TE"]["Dimensions"]}
    assert dimensions["Endpoint"] == "endpoint"
    assert (dimensions["Label"], dimensions["LabelValue"], dimensions["Facet"], dimensions["FacetValue"]) == ("Target", "1", "Sex", "0")
    assert dimensions["BiasStage"] == "Post-Training"


def test_what_is_not_in_the_data_is_said(tmp_path: Path) -> None:
    """A facet, a path of features, a configuration that is not named, a decision of another monitor."""
    flags = write_csv_hours(tmp_path)
    (tmp_path / "wrong.json").write_text(json.dumps({**CSV_CONFIG, "headers": [], "label": "0", "facet": [{"name_or_index": "gender"}]}))
    with pytest.raises(InputError, match="facet gender: found no column 'gender'"):
        run_bias(tmp_path / "out", **{**flags, "analysis_config": tmp_path / "wrong.json"})
    (tmp_path / "predictor.json").write_text(json.dumps({**CSV_CONFIG, "predictor": {"label": "9"}}))
    with pytest.raises(InputError, match=r"predictor\.label: found no column '9'"):
        run_bias(tmp_path / "out", **{**flags, "analysis_config": tmp_path / "predictor.json"})
    made = config(tmp_path, features="rows[*].values")
    with pytest.raises(InputError, match="features: found no column"):
        run_bias(tmp_path / "out", dataset_source=merged_record(tmp_path / "real"), analysis_config=made, **MERGED)
    with pytest.raises(InputError, match="analysis_config: found nothing"):
        run_bias(tmp_path / "out", **{name: value for name, value in flags.items() if name != "analysis_config"})
    with pytest.raises(InputError, match="decision: found 'uncertainty'"):
        run_bias(tmp_path / "out", **flags, decision="uncertainty")
    with pytest.raises(InputError, match="reference: found last:7; expected baseline"):
        run_bias(tmp_path / "out", **flags, reference="last:7")


def slip(folder: Path, label: list[Any] | None = None, facet: list[Any] | None = None, named: str = "config") -> dict[str, Any]:
    """A data set of 0 and 1 of f and m, and a configuration that may name others."""
    rows = [f"{'fm'[i % 2]},{i // 2 % 2},{i // 4 % 2}" for i in range(400)]
    (folder / "data.csv").write_text("\n".join(["sex,y,p", *rows]) + "\n")
    facets = [{"name_or_index": "sex", "value_or_threshold": facet or ["f"]}]
    document = {"label": "y", "label_values_or_threshold": label or [1], "facet": facets, "predictor": {"label": "p"}}
    (folder / f"{named}.json").write_text(json.dumps(document))
    return {"dataset_source": folder / "data.csv", "analysis_config": folder / f"{named}.json"}


def baseline_of(folder: Path, positive: str) -> Path:
    """A sound baseline, as if it were of another positive label: one that has not occurred since."""
    path = folder / "right" / "analysis.json"
    run_bias(path.parent, **slip(folder))
    path.write_text(path.read_text().replace('"label_value_or_threshold": "1"', f'"label_value_or_threshold": "{positive}"'))
    return path


def test_a_positive_value_that_never_occurs_is_told_and_is_no_pass(tmp_path: Path) -> None:
    """Neither as a baseline, which would be one of CI, nor against one: CI alone would pass."""
    reason = "the labels and predictions are '0', '1'; none of them is positive ('yes')"
    flags = slip(tmp_path, label=["yes"], named="wrong")
    for constraints in ({}, {"baseline_constraints": baseline_of(tmp_path, "yes")}):
        report = report_of(tmp_path / "out", **flags, **constraints)
        assert report.verdict == "insufficient data"
        assert report.coverage.warnings == (reason,)
        written = read(tmp_path / "out" / "evaluation.json")
        assert written["hours"]["warnings"] == [reason]
        assert written["evaluations"][-1]["description"] == reason
    assert f"No verdict: {reason}." in (tmp_path / "out" / "report.html").read_text().replace("&#x27;", "'")


def test_a_facets_value_that_never_occurs_is_told(tmp_path: Path) -> None:
    """With those that do, and what would make them one."""
    report = report_of(tmp_path / "out", **slip(tmp_path, facet=["female"]))
    assert report.coverage.warnings == ("no row has sex = female; its values are 'f', 'm'",)
    assert report.verdict == "insufficient data"


def test_a_facet_is_not_compared_within_itself(tmp_path: Path) -> None:
    """The two metrics that compare within groups have no value, and say why; the others have theirs."""
    flags = write_csv_hours(tmp_path, 1)
    (tmp_path / "config.json").write_text(json.dumps({**CSV_CONFIG, "group_variable": "sex"}))
    report_of(tmp_path / "out", **flags)
    for stage, key, other in (("pre", "CDDL", "DPL"), ("post", "CDDPL", "DPPL")):
        (value,) = read(tmp_path / "out" / "analysis.json")[f"{stage}_training_bias_metrics"]["facets"]["sex"]
        metrics = {metric["name"]: metric for metric in value["metrics"]}
        assert metrics[key]["error"] == "the group is the facet: within a group all rows have the same value"
        assert metrics[other]["value"] is not None


@pytest.mark.parametrize("draws", [0, 1])
def test_an_interval_takes_draws(tmp_path: Path, draws: int) -> None:
    """Without them there is none to decide by; the strict decision and a baseline do without."""
    flags = {**write_csv_hours(tmp_path, 1), "bootstrap_draws": draws}
    report_of(tmp_path / "baseline", **flags)
    flags["baseline_constraints"] = tmp_path / "baseline" / "analysis.json"
    with pytest.raises(
        InputError, match=f"bootstrap_draws: found {draws}; expected 2 or more for an interval. Hint: set --decision strict"
    ):
        report_of(tmp_path / "out", **flags)
    assert report_of(tmp_path / "out", **flags, decision="strict").verdict == "pass"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "baseline_constraints",
            r"quality: found no analysis.json; expected a baseline of this monitor. Hint: it has constraints.json: is it",
        ),
        ("baseline_statistics", "baseline_statistics: found statistics; expected an analysis.json. Hint: set --baseline-constraints alone"),
    ],
)
def test_a_baseline_of_another_monitor_is_told(tmp_path: Path, name: str, message: str) -> None:
    """By what its folder has, and also beside a baseline of this one."""
    flags = write_csv_hours(tmp_path, 1)
    report_of(tmp_path / "baseline", **flags)
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality" / "constraints.json").write_text("{}")
    with pytest.raises(InputError, match=message):
        report_of(tmp_path / "out", **{**flags, "baseline_constraints": tmp_path / "baseline", name: tmp_path / "quality"})


def test_of_many_findings_the_furthest_are_on_the_screen(tmp_path: Path) -> None:
    """Five of them in a window, and how many more there are; one that is little beyond is not among them."""
    flags = write_csv_hours(tmp_path, 1)
    report_of(tmp_path / "baseline", **flags)
    analysis = read(tmp_path / "baseline" / "analysis.json")
    metrics = analysis["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"]
    next(metric for metric in metrics if metric["name"] == "AD")["threshold"] = 0.3
    (tmp_path / "baseline" / "analysis.json").write_text(json.dumps(analysis))
    flags = {**write_csv_hours(tmp_path, 1, against=[0]), "baseline_constraints": tmp_path / "baseline"}
    found = report_of(tmp_path / "out", **flags)
    lines = findings(found).split("\n")
    assert len(found.violations) > 6
    assert lines[-1] == f"{len(found.violations) - 5} more"
    assert len(lines) == 6
    assert sum(line.endswith(("baseline 0", "baseline 1")) for line in lines) == 5
    assert any(": AD" in violation.feature for violation in found.violations)
    assert all(": AD: " not in line for line in lines)


def test_a_suggestion_counts_the_metrics_that_are_asked_for(tmp_path: Path) -> None:
    """And not those that analysis.json does not have."""
    flags = write_csv_hours(tmp_path, 1)
    (tmp_path / "config.json").write_text(json.dumps({**CSV_CONFIG, "methods": {"pre_training_bias": {"methods": ["DPL", "CI"]}}}))
    constraints = report_of(tmp_path / "out", **flags).constraints
    assert constraints is not None
    assert sorted(constraints["bias_constraints"]) == ["sex = f: CI", "sex = f: DPL"]


def test_the_reason_of_a_run_without_any_value_is_on_the_screen(tmp_path: Path) -> None:
    """Once, and not as one of a reference, which the run has not."""
    run_bias(tmp_path / "right", **slip(tmp_path))
    flags = {**slip(tmp_path, facet=["m"], named="other"), "baseline_constraints": tmp_path / "right" / "analysis.json"}
    arguments = [word for name, value in flags.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    shown = CliRunner().invoke(cli, ["bias", *arguments, "--output-path", str(tmp_path / "out"), "--engine", "local"])
    assert "nothing to be judged in 1 window: sex = f was not measured, but sex = m" in shown.output
    assert "the reference" not in shown.output
    wrong = [word.replace("other.json", "wrong.json") for word in arguments]
    slip(tmp_path, label=["yes"], named="wrong")
    baseline_of(tmp_path, "yes")
    shown = CliRunner().invoke(cli, ["bias", *wrong, "--output-path", str(tmp_path / "out"), "--engine", "local"])
    assert shown.output.count("none of them is positive ('yes')") == 1


def test_the_rows_of_each_facet_are_in_the_evaluation(tmp_path: Path) -> None:
    """For machines: who has no value, label or prediction, and how many the flip test saw; once for a facet with two values."""
    lines = [f"{'fm'[i % 2] if i >= 30 else ''},{i % 40 if i % 9 else ''},{i % 3 % 2 if i % 5 else ''},{i // 2 % 2}" for i in range(400)]
    (tmp_path / "data.csv").write_text("\n".join(["sex,age,y,p", *lines]) + "\n")
    facets = [{"name_or_index": "sex", "value_or_threshold": [value]} for value in "fm"]
    document = {"headers": ["sex", "age", "y", "p"], "label": "y", "label_values_or_threshold": [1], "facet": facets}
    (tmp_path / "config.json").write_text(json.dumps({**document, "predictor": {"label": "p"}}))
    report_of(tmp_path / "out", dataset_source=tmp_path / "data.csv", analysis_config=tmp_path / "config.json")
    written = read(tmp_path / "out" / "evaluation.json")
    validator("evaluation").validate(written)
    (found,) = written["facets"]
    complete = sum(1 for i in range(30, 400) if i % 9)
    counts = {"rows": 400, "missing": 30, "labelled": 320, "predicted": 400, "sampled": complete, "left_out": 400 - complete}
    assert found == {"facet": "sex", **counts}


def test_a_report_for_people_is_of_the_last_window_and_of_those_in_violation(tmp_path: Path) -> None:
    """With the course of all that is judged over the stored hours, also where nothing is beyond; as HTML and as PDF."""
    flags = write_csv_hours(tmp_path, hours=4, against={1})
    first = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
    run_bias(tmp_path / "baseline", **flags, **first)
    assert "21 November 2026, 09:00 to 10:00 UTC" in (tmp_path / "baseline" / "report.html").read_text()
    assert (tmp_path / "baseline" / "report.pdf").read_bytes().startswith(b"%PDF")
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T13:00:00Z", "window": "1h", "state_root": tmp_path / "states"}
    outcome = run_bias(tmp_path / "out", baseline_constraints=tmp_path / "baseline" / "analysis.json", **flags, **span)
    assert [report.verdict for report in outcome.reports] == ["pass", "violation", "pass", "pass"]
    assert sorted(path.parent.name for path in (tmp_path / "out").rglob("report.html")) == ["10", "12"]
    turned, last = (report.bias.page for report in outcome.reports if report.bias is not None and report.bias.page is not None)
    assert times_of(turned, "DPPL") == [9, 10]
    judged = [line for section in last.sections for line in section.lines if line.value is not None]
    assert judged
    assert {tuple(point.time.hour for point in line.history) for line in judged} == {(9, 10, 11, 12)}
    assert "Each point is an hour." in (tmp_path / "out" / "2026" / "11" / "21" / "12" / "report.html").read_text()


def times_of(page: BiasPage, metric: str) -> list[int]:
    """The hours of a metric's history."""
    return [point.time.hour for section in page.sections for line in section.lines if line.metric == metric for point in line.history]


def test_a_week_has_the_course_of_all_of_it(tmp_path: Path) -> None:
    """In points of three hours, each the sum of them."""
    flags = write_csv_hours(tmp_path, hours=160, rows=40)
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-28T01:00:00Z", "state_root": tmp_path / "states"}
    run_bias(tmp_path / "baseline", **flags, **span)
    report = report_of(tmp_path / "out", baseline_constraints=tmp_path / "baseline" / "analysis.json", **flags, **span)
    assert report.bias is not None
    assert report.bias.page is not None
    (line,) = [line for line in report.bias.page.sections[0].lines if line.metric == "DPPL"]
    assert len(line.history) == 54
    assert {later.time - earlier.time for earlier, later in pairwise(line.history)} == {timedelta(hours=3)}
    assert "Each point is 3 hours." in (tmp_path / "out" / "report.html").read_text()


def test_a_whole_number_is_a_threshold_where_a_column_has_many(tmp_path: Path) -> None:
    """The documented rule: more than 20 distinct numbers; against a baseline it is what the baseline had."""
    rows = ["age,sex,income"] + [f"{20 + i % 60},{'fm'[i % 2]},{int(i % 60 > 35)}" for i in range(600)]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n")
    made = {**CSV_CONFIG, "facet": [{"name_or_index": "age", "value_or_threshold": [50]}], "predictor": {}, "group_variable": None}
    (tmp_path / "config.json").write_text(json.dumps(made))
    flags = {"dataset_source": tmp_path / "data.csv", "analysis_config": tmp_path / "config.json"}
    run_bias(tmp_path / "baseline", **flags)
    found = read(tmp_path / "baseline" / "analysis.json")["pre_training_bias_metrics"]["facets"]["age"][0]
    above = sum(20 + i % 60 > 50 for i in range(600))
    assert values_of(found)["CI"] == pytest.approx((600 - above - above) / 600)
    held = report_of(tmp_path / "out", baseline_constraints=tmp_path / "baseline" / "analysis.json", **flags)
    assert held.verdict == "pass"


def test_what_is_one_class_in_the_data_is_one_in_the_configuration(tmp_path: Path) -> None:
    """Numbers by their value, and other names: of labels, predictions and facets."""
    flags = write_csv_hours(tmp_path, hours=1)
    spelled = {**CSV_CONFIG, "label_values_or_threshold": ["yes"], "facet": [{"name_or_index": "sex", "value_or_threshold": ["woman"]}]}
    (tmp_path / "config.json").write_text(json.dumps(spelled))
    report_of(tmp_path / "out", **flags, class_aliases="yes=1,woman=f")
    numbers = {**CSV_CONFIG, "label_values_or_threshold": ["1.0"]}
    (tmp_path / "config.json").write_text(json.dumps(numbers))
    report_of(tmp_path / "numbers", **flags, same_class="number")
    for output in ("out", "numbers"):
        document = read(tmp_path / output / "analysis.json")["post_training_bias_metrics"]
        (entry,) = document["facets"]["sex"]
        assert (document["label_value_or_threshold"], entry["value_or_threshold"], values_of(entry)["DI"]) == ("1", "f", 1.0)
