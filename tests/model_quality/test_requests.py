"""Real job requests run with their own environment and folders, as the platform starts the container."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.container import Container
from tests.engine import check_outputs, read
from tests.model_quality import oracles
from tests.model_quality.shapes import label_csv, merged_record, side

REQUESTS = Path(__file__).parents[1] / "data" / "requests"


def request_of(name: str) -> dict[str, Any]:
    return read(REQUESTS / f"{name}.processingjobconfig.json")


def local_path(request: dict[str, Any], name: str) -> str:
    """Where the platform puts an input of the request."""
    return next(part["S3Input"]["LocalPath"] for part in request["ProcessingInputs"] if part["InputName"] == name)


def test_the_real_baseline_and_monitoring_jobs_of_abalone(tmp_path: Path) -> None:
    """Regression: thresholds of a CSV with label and prediction, then an hour of merged captures by index "0" that is worse."""
    draws = random.Random(0)
    training = [(age, age + draws.gauss(0, 1)) for age in (draws.uniform(1, 20) for _ in range(300))]
    hour = [(age, age + draws.gauss(1, 2)) for age in (draws.uniform(1, 20) for _ in range(250))]
    baseline, monitor = request_of("model_quality_baseline"), request_of("model_quality_monitor")

    first = Container(tmp_path / "first")
    folder = first.path(local_path(baseline, "baseline_dataset_input"))
    folder.mkdir(parents=True)
    (folder / "baseline.csv").write_text("label,prediction\n" + "".join(f"{label!r},{said!r}\n" for label, said in training))
    assert first.run(baseline) == 0
    suggested = first.path(baseline["Environment"]["output_path"])
    check_outputs(suggested, suggested=True, monitor="model-quality")
    assert first.message == "Completed: Job completed successfully with no violations."
    assert not (first.root / "output" / "metrics").exists()
    expected = oracles.regression(*map(list, zip(*training, strict=True)))
    thresholds = read(suggested / "constraints.json")["regression_constraints"]
    assert {key: entry["threshold"] for key, entry in thresholds.items()} == pytest.approx(
        {k: expected[k] for k in ("mae", "mse", "rmse", "r2")}
    )
    assert {key: entry["comparison_operator"] for key, entry in thresholds.items()} == {
        **dict.fromkeys(("mae", "mse", "rmse"), "GreaterThanThreshold"),
        "r2": "LessThanThreshold",
    }

    second = Container(tmp_path / "second")
    constraints = second.path(local_path(monitor, "constraints"))
    constraints.mkdir(parents=True)
    (constraints / "constraints.json").write_bytes((suggested / "constraints.json").read_bytes())
    mounted = second.path(local_path(monitor, "endpoint_input_1"))
    mounted.mkdir(parents=True)
    records = [merged_record(side(repr(said), "CSV"), label_csv(repr(label)), i) for i, (label, said) in enumerate(hour)]
    (mounted / "part-0.jsonl").write_text("".join(f"{r}\n" for r in records).replace("2026-11-21T09:00:00Z", "2021-05-06T22:10:00Z"))
    assert second.run(monitor) == 0
    reports = second.path(monitor["Environment"]["output_path"])
    check_outputs(reports, suggested=False, monitor="model-quality")
    assert second.message == "CompletedWithViolations: Job completed successfully with 4 violations."
    statistics = read(reports / "statistics.json")
    assert {key: statistics["dataset"][key] for key in ("item_count", "start_time", "end_time")} == {
        "item_count": 250,
        "start_time": "2021-05-06T22:00:00Z",
        "end_time": "2021-05-06T23:00:00Z",
    }
    found = {key: entry["value"] for key, entry in statistics["regression_metrics"].items() if "value" in entry}
    assert found == pytest.approx(oracles.regression(*map(list, zip(*hour, strict=True))), rel=1e-9)
    assert read(reports / "constraint_violations.json")["violations"][0] == {
        "constraint_check_type": "GreaterThanThreshold",
        "description": f"Metric mae with {found['mae']!r} was GreaterThanThreshold '{thresholds['mae']['threshold']!r}'",
        "metric_name": "mae",
    }
    lines = [json.loads(line) for line in (second.root / "output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()]
    of_model = {line["MetricName"]: line for line in lines if not line["MetricName"].startswith("hourglass_")}
    assert {name: line["Value"] for name, line in of_model.items()} == found
    assert of_model["mae"] == {
        "MetricName": "mae",
        "Timestamp": "2021-05-06T22:00:00Z",
        "Dimensions": [
            {"Name": "Endpoint", "Value": "abalone-prod-endpoint"},
            {"Name": "MonitoringSchedule", "Value": "abalone-monitoring-schedule-2021-05-06-2240"},
        ],
        "Value": found["mae"],
    }
