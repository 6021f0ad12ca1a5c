"""`hourglass alarms`: on metrics that the jobs publish, valid by botocore's shapes, put by moto, and nothing put twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from hourglass.cli import main
from hourglass.constraints.check import falls_short
from tests.attribution.test_job import NUMBERS, write_config, write_model
from tests.bias.test_job import SAMPLES, config
from tests.engine import read, run, run_attribution, run_bias, run_quality

NAMES = {"sagemaker_endpoint_name": "shop", "sagemaker_monitoring_schedule_name": "hourly"}
PUBLISHED = {"publish_cloudwatch_metrics": "Enabled", "metric_time": "2026-11-21T09:00:00Z", **NAMES}
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
Published = tuple[Path, dict[str, Any]]


def asked(baseline: Path, *more: str) -> list[str]:
    """The command line for a baseline."""
    names = [f"--{name.replace('_', '-')}={value}" for name, value in NAMES.items()]
    return ["alarms", f"--baseline-constraints={baseline}", *names, *more]


def printed(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> dict[str, Any]:
    """What the command prints as JSON."""
    main(arguments)
    return dict(json.loads(capsys.readouterr().out))


def dry(capsys: pytest.CaptureFixture[str], baseline: Path, *more: str) -> dict[str, Any]:
    """What would be put."""
    return printed(capsys, asked(baseline, "--dry-run", *more))


def identity(metric: Mapping[str, Any]) -> tuple[str, str]:
    """A metric's name and dimensions, in any order."""
    return metric["MetricName"], json.dumps(sorted(metric["Dimensions"], key=lambda one: one["Name"]))


def data_quality(folder: Path) -> Published:
    """Numbers, counts and texts, with and without gaps."""
    rows = "".join(f"{i % 50},{i * 0.5},{'red' if i % 3 else 'blue'},{'' if i % 5 == 0 else i}\n" for i in range(500))
    (folder / "data.csv").write_text(f"age,price,colour,seldom\n{rows}")
    run(folder / "baseline", dataset_source=folder / "data.csv")
    suggested = read(folder / "baseline" / "constraints.json")
    config = suggested["monitoring_config"]
    config["share_comparison_method"] = "Robust"  # each feature by itself, as in existing baselines
    config["distribution_constraints"] |= {
        "comparison_method": "Robust",
        "comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
        "categorical_comparison_threshold": 0.1,
    }
    (folder / "baseline" / "constraints.json").write_text(json.dumps(suggested))
    files = {f"baseline_{name}": folder / "baseline" / f"{name}.json" for name in ("constraints", "statistics")}
    run(folder / "out", dataset_source=folder / "data.csv", **files, **PUBLISHED)
    return folder / "baseline" / "constraints.json", {"namespace": "data-metrics"}


def model_quality(folder: Path) -> Published:
    """Thresholds of a binary model."""
    rows = "".join(f"{(i * 7 % 10) / 10},{int(i % 10 > 4)}\n" for i in range(200))
    (folder / "data.csv").write_text(f"score,label\n{rows}")
    said = {"dataset_source": folder / "data.csv", "problem_type": "BinaryClassification", "ground_truth_attribute": "label"}
    said |= {"probability_attribute": "score"}
    run_quality(folder / "baseline", **said)
    run_quality(folder / "out", **said, baseline_constraints=folder / "baseline", **PUBLISHED)
    return folder / "baseline" / "constraints.json", {"namespace": "model-metrics"}


def bias(folder: Path) -> Published:
    """The labels of Adult."""
    made = config(folder, features="[*].features", label="[*].label", dataset_type="application/jsonlines")
    said = {"dataset_source": SAMPLES / "adult_validation-dataset.jsonl", "analysis_config": made, "bootstrap_draws": 20}
    run_bias(folder / "baseline", **said)
    run_bias(folder / "out", **said, baseline_constraints=folder / "baseline", **PUBLISHED)
    return folder / "baseline" / "analysis.json", {"namespace": "bias-metrics"}


def attribution(folder: Path) -> Published:
    """A logistic model in a Python file."""
    rows = "".join(f"{20 + i % 40},{30 + i % 17},{i % 7}\n" for i in range(100))
    (folder / "data.csv").write_text(f"{','.join(NUMBERS)}\n{rows}")
    said = {"dataset_source": folder / "data.csv", "analysis_config": write_config(folder, write_model(folder), NUMBERS)}
    run_attribution(folder / "baseline", **said)
    run_attribution(folder / "out", **said, baseline_constraints=folder / "baseline", **PUBLISHED)
    return folder / "baseline" / "analysis.json", {"namespace": "explainability-metrics"}


@pytest.mark.parametrize("make", [data_quality, model_quality, bias, attribution])
def test_every_alarm_and_every_line_of_the_dashboard_is_on_a_metric_that_the_job_publishes(
    make: Callable[[Path], Published], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Name, dimensions and namespace, as the job's own file of metrics has them."""
    baseline, said = make(tmp_path)
    lines = (tmp_path / "out" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    published = {identity(json.loads(line)) for line in lines}
    found = dry(capsys, baseline)
    on = list(_alarmed(found["alarms"]))
    assert {metric["Namespace"] for metric in on} == {f"aws/sagemaker/Endpoints/{said['namespace']}"}
    assert {identity(metric) for metric in on} <= published
    assert {name for name, _ in published} >= {"hourglass_violations", "hourglass_rows", "hourglass_bad_line_share"}
    drawn = list(_drawn(found))
    assert {identity(metric) for metric in drawn} <= published
    assert {metric["Namespace"] for metric in drawn} == {metric["Namespace"] for metric in on}


def _alarmed(alarms: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for alarm in alarms:
        if "MetricName" in alarm:
            yield {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}
        for query in alarm.get("Metrics", ()):
            if "MetricStat" in query:
                yield query["MetricStat"]["Metric"]


def _drawn(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for widget in found["dashboard"]["DashboardBody"]["widgets"]:
        for namespace, name, *rest in widget["properties"].get("metrics", ()):
            dimensions = [{"Name": key, "Value": value} for key, value in zip(rest[::2], rest[1::2], strict=True)]
            yield {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}


@pytest.mark.parametrize("make", [data_quality, model_quality, bias, attribution])
def test_what_is_printed_is_valid_by_botocores_shapes(
    make: Callable[[Path], Published], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Types, required members, lengths and choices of PutMetricAlarm and PutDashboard."""
    service = botocore.session.get_session().get_service_model("cloudwatch")
    found = dry(capsys, make(tmp_path)[0], f"--alarm-action={TOPIC}", f"--ok-action={TOPIC}")
    shape = service.operation_model("PutMetricAlarm").input_shape
    assert found["alarms"]
    for alarm in found["alarms"]:
        report = ParamValidator().validate(alarm, shape)
        assert not report.has_errors(), report.generate_report()
        for name, value in alarm.items():
            limits = shape.members[name].metadata
            assert "enum" not in limits or value in limits["enum"]
            assert "max" not in limits or len(value) <= limits["max"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"] == 2
    body = {**found["dashboard"], "DashboardBody": json.dumps(found["dashboard"]["DashboardBody"])}
    assert not ParamValidator().validate(body, service.operation_model("PutDashboard").input_shape).has_errors()
    assert len({alarm["AlarmName"] for alarm in found["alarms"]}) == len(found["alarms"])


def test_thresholds_and_directions_are_those_of_the_constraints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of data quality in an override too; what is switched off has no alarm, and what cannot have one says so."""
    baseline, _ = data_quality(tmp_path)
    document = read(baseline)
    for feature, overrides in zip(
        document["features"],
        ({"distribution_constraints": {"comparison_threshold": 0.25}}, {"evaluate_constraints": "Disabled"}, {"emit_metrics": "Disabled"}),
        strict=False,
    ):
        feature["monitoringConfigOverrides"] = overrides
    document["features"][3]["monitoringConfigOverrides"] = {"distribution_constraints": {"comparison_method": "Calibrated"}}
    baseline.write_text(json.dumps(document))
    found = dry(capsys, baseline)
    alarms = {alarm["AlarmName"].rpartition("/")[2]: alarm for alarm in found["alarms"]}
    drift = alarms["feature_baseline_drift_age"]
    assert (drift["Threshold"], drift["ComparisonOperator"], drift["Statistic"]) == (0.25, "GreaterThanThreshold", "Maximum")
    below = alarms["feature_data_age"]
    assert (below["Threshold"], below["ComparisonOperator"], below["Statistic"]) == (0.0, "LessThanThreshold", "Minimum")
    assert not any("price" in name or "colour" in name for name in alarms)
    assert found["without"] == [
        "colour: its emit_metrics is Disabled",
        "drift and completeness of seldom: calibrated, with one budget for all of a window",
    ]
    silent = alarms["hourglass_rows"]
    assert (silent["TreatMissingData"], silent["DatapointsToAlarm"], silent["Threshold"]) == ("breaching", 2, 0.0)


def test_a_suggested_baseline_is_judged_as_a_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its decisions are calibrated: the job's own count of violations is the alarm, beside silence, bad lines and signs."""
    (tmp_path / "data.csv").write_text("age,colour\n" + "".join(f"{i % 50},{'red' if i % 3 else 'blue'}\n" for i in range(500)))
    run(tmp_path / "baseline", dataset_source=tmp_path / "data.csv")
    found = dry(capsys, tmp_path / "baseline")
    names = {alarm["AlarmName"].rpartition("/")[2] for alarm in found["alarms"]}
    assert names == {"hourglass_violations", "hourglass_rows", "hourglass_bad_line_share", "feature_data_age"}
    assert found["without"] == ["drift and completeness of 2 features: calibrated, with one budget for all of a window"]


@pytest.mark.parametrize("method", ["Robust", "Simple"])
@pytest.mark.parametrize("share", [1.0, 0.94, 0.5])
def test_the_alarm_on_completeness_is_on_when_the_job_finds_a_violation(
    method: str, share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its expression, computed for every number of values of a window; Robust may differ at the edge, where it takes the normal tail."""
    feature = {"name": "age", "inferred_type": "Integral", "completeness": share}
    config = {"evaluate_constraints": "Enabled", "emit_metrics": "Enabled", "share_comparison_method": method}
    (tmp_path / "constraints.json").write_text(json.dumps({"version": 0.0, "features": [feature], "monitoring_config": config}))
    alarms = dry(capsys, tmp_path / "constraints.json", "--no-dashboard")["alarms"]
    alarm = next(alarm for alarm in alarms if alarm["AlarmName"].endswith("feature_non_null_age"))
    expression = next(query["Expression"] for query in alarm["Metrics"] if query["ReturnData"])
    for rows in (50, 700, 20_000):
        wrong = [
            present
            for present in range(rows // 4, rows + 1)
            if computed(expression, alarm, present, rows) != falls_short(present / rows, share, rows, method)
        ]
        assert len(wrong) <= (2 if method == "Robust" and share < 1.0 else 0), (rows, wrong)


def computed(expression: str, alarm: dict[str, Any], present: int, rows: int) -> bool:
    """Whether CloudWatch's metric math, in the two forms that we write, would be on."""
    share = alarm["Threshold"]
    if expression == "present / rows":
        assert alarm["ComparisonOperator"] == "LessThanThreshold"
        return bool(present / rows < share)
    asked = float(expression.removeprefix("IF(present < ").partition(" * rows")[0])
    assert expression == f"IF(present < {asked!r} * rows, ({asked!r} - present / rows) * ({asked!r} * rows - present), 0)"
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    value = (asked - present / rows) * (asked * rows - present) if present < asked * rows else 0
    return bool(value > share)


def test_bias_is_held_to_both_sides_and_a_stock_interval_has_our_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """|value| for metrics around 0, a range for DI; (40.0, 79.0] is published as (40, inf)."""
    metrics = [{"name": "DPL", "description": "", "value": -0.2}]
    posttraining = [{"name": "DI", "description": "", "value": 0.8}]
    part = {"label": "y", "label_value_or_threshold": "1", "facets": {"age": [{"value_or_threshold": "(40.0, 79.0]", "metrics": metrics}]}}
    post = {**part, "facets": {"age": [{"value_or_threshold": "(40.0, 79.0]", "metrics": posttraining}]}}
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps({"version": "1.0", "pre_training_bias_metrics": part, "post_training_bias_metrics": post}))
    alarms = {
        query["Expression"]: (alarm["Threshold"], alarm)
        for alarm in dry(capsys, path, "--decision=interval")["alarms"]
        for query in alarm.get("Metrics", ())
        if "Expression" in query
    }
    assert {expression: threshold for expression, (threshold, _) in alarms.items()} == {
        "ABS(measured)": 0.2,
        "IF(measured < 0.8, 1, 0) + IF(measured > 1.25, 1, 0)": 0.0,
    }
    stat = alarms["ABS(measured)"][1]["Metrics"][1]["MetricStat"]["Metric"]
    assert {one["Name"]: one["Value"] for one in stat["Dimensions"]} == {
        "Endpoint": "shop",
        "MonitoringSchedule": "hourly",
        "BiasStage": "Pre-training",
        "Label": "y",
        "LabelValue": "1",
        "Facet": "age",
        "FacetValue": "(40, inf)",
    }


def test_a_second_run_puts_nothing_and_a_change_only_what_changed(
    cloudwatch: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By moto, with what it has been called; stale alarms are named, and deleted when that is asked for."""
    baseline, _ = data_quality(tmp_path)
    first = printed(capsys, asked(baseline, "--json", f"--alarm-action={TOPIC}"))
    assert {change["status"] for change in first["alarms"]} == {"new"}
    assert first["dashboard"] == {"name": "hourglass-shop-hourly-data-quality", "status": "new"}
    assert first["unpublished"] == ["hourglass_rows"]
    before = described(cloudwatch)
    assert len(before) == len(first["alarms"])
    again = printed(capsys, asked(baseline, "--json", f"--alarm-action={TOPIC}"))
    assert {change["status"] for change in again["alarms"]} == {"as it was"}
    assert again["dashboard"]["status"] == "as it was"
    assert described(cloudwatch) == before

    document = read(baseline)
    document["features"][0]["completeness"] = 0.5
    gone = document["features"].pop()["name"]
    baseline.write_text(json.dumps(document))
    changed = printed(capsys, asked(baseline, "--json", f"--alarm-action={TOPIC}"))
    by_status: dict[str, list[str]] = {}
    for change in changed["alarms"]:
        by_status.setdefault(change["status"], []).append(change["name"].rpartition("/")[2])
    assert by_status["changed"] == ["feature_non_null_age"]
    assert all(gone in name for name in by_status["not asked for any more"])
    assert changed["dashboard"]["status"] == "changed"
    assert len(described(cloudwatch)) == len(before)
    main(asked(baseline, "--prune", f"--alarm-action={TOPIC}"))
    out = capsys.readouterr().out
    assert "deleted" in out
    assert "nobody has published metrics with these dimensions yet" in out
    assert {name.rpartition("/")[2] for name in described(cloudwatch)} == {*by_status["changed"], *by_status["as it was"]}


def test_alarms_of_another_monitor_are_left_alone(cloudwatch: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also with --prune: names begin with endpoint, schedule and monitor."""
    (tmp_path / "model").mkdir()
    (tmp_path / "data").mkdir()
    printed(capsys, asked(model_quality(tmp_path / "model")[0], "--json"))
    there = described(cloudwatch).keys()
    printed(capsys, asked(data_quality(tmp_path / "data")[0], "--json", "--prune"))
    assert there <= described(cloudwatch).keys()


def test_an_alarm_goes_on_when_the_job_publishes_a_violation(cloudwatch: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The points that PutMetricData brought lie beyond the alarm's threshold, and those of a clean hour do not."""
    baseline, _ = data_quality(tmp_path)
    files = {f"baseline_{name}": tmp_path / "baseline" / f"{name}.json" for name in ("constraints", "statistics")}
    rows = "".join(f"{i % 50 + 40},{i * 0.5},red,{i}\n" for i in range(500))
    (tmp_path / "now.csv").write_text(f"age,price,colour,seldom\n{rows}")
    put = {**PUBLISHED, "publish": "put-metric-data"}
    run(tmp_path / "clean", dataset_source=tmp_path / "data.csv", **files, **put)
    run(tmp_path / "drifted", dataset_source=tmp_path / "now.csv", **files, **{**put, "metric_time": "2026-11-21T10:00:00Z"})
    alarm = next(a for a in dry(capsys, baseline)["alarms"] if a["AlarmName"].endswith("feature_baseline_drift_age"))
    points = cloudwatch.get_metric_statistics(
        **{key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions", "Period")},
        StartTime="2026-11-21T09:00:00Z",
        EndTime="2026-11-21T11:00:00Z",
        Statistics=[alarm["Statistic"]],
    )["Datapoints"]
    values = [point[alarm["Statistic"]] for point in sorted(points, key=lambda point: point["Timestamp"])]
    assert [value > alarm["Threshold"] for value in values] == [False, True]
    assert printed(capsys, asked(baseline, "--json"))["unpublished"] == []


def described(cloudwatch: Any) -> dict[str, Any]:
    """All alarms by name, with the time of their last change."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate()
    return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--late=8d"], "late: found windows of 1h whose metrics come up to 8d later; expected at most 7 days together"),
        (["--alarm-action=me@example.org"], "--alarm-action: found me@example.org; expected at most 5 ARNs"),
        (["--exclude-features-attribute=agee"], "exclude_features_attribute: found 'agee'; expected a column. Hint: did you mean age?"),
    ],
)
def test_wrong_input_is_said(more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anybody is called."""
    (tmp_path / "constraints.json").write_text('{"version": 0.0, "features": [{"name": "age", "inferred_type": "Integral"}]}')
    with pytest.raises(SystemExit) as caught:
        main(asked(tmp_path / "constraints.json", *more))
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_constraints_and_metrics_without_a_name_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what would do."""
    (tmp_path / "other.json").write_text('{"violations": []}')
    for arguments, said in (
        (asked(tmp_path / "other.json"), "other.json: found violations; expected a baseline's constraints.json, or an analysis.json"),
        (["alarms", f"--baseline-constraints={tmp_path / 'other.json'}"], "dimensions: found neither endpoint nor schedule"),
        (["alarms", "--sagemaker-endpoint-name=shop"], "baseline_constraints: found nothing"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert said in capsys.readouterr().err


def test_without_rights_the_call_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Here nobody answers at all."""
    from botocore.exceptions import EndpointConnectionError

    from hourglass.commands import alarms

    class Client:
        def get_paginator(self, _: str) -> Any:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(alarms, "client", lambda _: Client())
    (tmp_path / "constraints.json").write_text('{"version": 0.0, "features": []}')
    with pytest.raises(SystemExit) as caught:
        main(asked(tmp_path / "constraints.json"))
    assert caught.value.code == 2
    assert "CloudWatch, DescribeAlarms: found Could not connect" in capsys.readouterr().err
