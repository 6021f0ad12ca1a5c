"""PutMetricData against moto's server: what the stock platform would publish is published without it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hourglass.outputs.cloudwatch import BATCH_NAMESPACE, ENDPOINT_NAMESPACE
from tests.engine import run


@pytest.mark.parametrize(("endpoint", "namespace"), [("shop", ENDPOINT_NAMESPACE), ("", BATCH_NAMESPACE)])
def test_metrics_are_put_under_the_stock_monitors_namespace(cloudwatch: Any, tmp_path: Path, endpoint: str, namespace: str) -> None:
    """Values and dimensions as CloudWatch gives them back."""
    (tmp_path / "data.csv").write_text("age,colour\n" + "".join(f"{i},red\n" for i in range(1, 101)))
    run(
        tmp_path / "out",
        dataset_source=tmp_path / "data.csv",
        publish_cloudwatch_metrics="Enabled",
        publish="put-metric-data",
        metric_time="2026-11-21T09:00:00Z",
        sagemaker_endpoint_name=endpoint,
        sagemaker_monitoring_schedule_name="hourly",
    )
    found = {metric["MetricName"]: metric for metric in cloudwatch.list_metrics(Namespace=f"{namespace}/data-metrics")["Metrics"]}
    assert {"feature_data_age", "feature_non_null_age", "feature_non_null_colour", "hourglass_bad_line_share"} <= set(found)
    names = ["Endpoint", "MonitoringSchedule"] if endpoint else ["MonitoringSchedule"]
    assert sorted(d["Name"] for d in found["feature_data_age"]["Dimensions"]) == names
    points = cloudwatch.get_metric_statistics(
        Namespace=f"{namespace}/data-metrics",
        MetricName="feature_data_age",
        Dimensions=found["feature_data_age"]["Dimensions"],
        StartTime=datetime(2026, 11, 21, 8, tzinfo=UTC),
        EndTime=datetime(2026, 11, 21, 10, tzinfo=UTC),
        Period=3600,
        Statistics=["Sum", "Minimum", "Maximum", "SampleCount"],
    )["Datapoints"]
    assert [(p["SampleCount"], p["Sum"], p["Minimum"], p["Maximum"]) for p in points] == [(100.0, 5050.0, 1.0, 100.0)]
