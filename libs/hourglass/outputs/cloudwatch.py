"""CloudWatch metrics: the lines that the platform publishes, and the call that publishes them without a platform."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from hourglass.capture.window import format_time
from hourglass.constraints import Baseline, Evaluation, MonitoringConfig
from hourglass.dataset import Dataset
from hourglass.errors import EnvironmentFault, shorten
from hourglass.states import Moments, ValueClasses
from hourglass.statistics.inferred_type import inferred_type
from hourglass.storage import Limits

ROWS, BAD_LINE_SHARE, VIOLATIONS = "hourglass_rows", "hourglass_bad_line_share", "hourglass_violations"
ENDPOINT_NAMESPACE, BATCH_NAMESPACE = "aws/sagemaker/Endpoints", "aws/sagemaker/ModelMonitoring"
METRICS_FILE = "output/metrics/cloudwatch/cloudwatch_metrics.jsonl"
DATA, NON_NULL, DRIFT = "feature_data_", "feature_non_null_", "feature_baseline_drift_"
_LONGEST_NAME = 255
_A_CALL = 500
_ATTEMPTS = 5  # between which boto waits up to 1, 2, 4 and 8 seconds
LARGEST = 2.0**360  # what CloudWatch takes

Metric = dict[str, Any]


def common_parts(dimensions: Mapping[str, str | None], time: datetime) -> Metric:
    """What all metrics of a window have: its time, and the dimensions that are known."""
    return {"Timestamp": format_time(time), "Dimensions": dimensions_of(dimensions)}


def dimensions_of(named: Mapping[str, str | None]) -> list[dict[str, str]]:
    """Dimensions as CloudWatch spells them, those that are known."""
    return [{"Name": name, "Value": value} for name, value in named.items() if value]


def monitor_dimensions(endpoint: str | None, schedule: str | None) -> dict[str, str | None]:
    """The dimensions that every metric of a monitor has."""
    return {"Endpoint": endpoint, "MonitoringSchedule": schedule}


def namespace(name: str, *, endpoint: bool) -> str:
    """The stock monitor's namespace of a name, such as `data-metrics`."""
    return f"{ENDPOINT_NAMESPACE if endpoint else BATCH_NAMESPACE}/{name}"


def window_metrics(dataset: Dataset, violations: int | None) -> Iterator[Metric]:
    """Our metrics of the whole window; `violations` is None where there was nothing to violate."""
    yield {"MetricName": ROWS, "Value": float(dataset.rows), "Unit": "Count"}
    yield {"MetricName": BAD_LINE_SHARE, "Value": dataset.intake.bad_share, "Unit": "None"}
    if violations is not None:
        yield {"MetricName": VIOLATIONS, "Value": float(violations), "Unit": "Count"}


def data_metrics(dataset: Dataset, baseline: Baseline | None, evaluations: Iterable[Evaluation]) -> Iterator[Metric]:
    """The contract's data metrics of every column whose `emit_metrics` is on.

    `feature_data_{f}` is a statistic set and needs numbers; `feature_baseline_drift_{f}` needs a distance: where the
    verdict is a calibrated p, it is linf_robust beside it.
    """
    drift = {
        e.feature: e.value if e.distance is None else e.distance
        for e in evaluations
        if e.check == "baseline_drift_check" and isinstance(e.value, float)
    }
    for name, column in dataset.columns.items():
        if not _config(baseline, name).emit_metrics:
            continue
        moments = column.get(Moments)
        if moments.n and inferred_type(column).numeric and abs(moments.sum) < LARGEST:
            values = {"SampleCount": float(moments.n), "Sum": moments.sum, "Minimum": moments.minimum, "Maximum": moments.maximum}
            yield {"MetricName": metric_name(DATA, name), "StatisticValues": values}
        present = float(column.get(ValueClasses).present)
        yield {"MetricName": metric_name(NON_NULL, name), "Value": present, "Unit": "Count"}
        if name in drift:
            yield {"MetricName": metric_name(DRIFT, name), "Value": drift[name]}


def _config(baseline: Baseline | None, name: str) -> MonitoringConfig:
    if baseline is None:
        return MonitoringConfig()
    feature = baseline.features.get(name)
    return feature.config if feature else baseline.config


def metric_name(prefix: str, feature: str) -> str:
    """A metric's name; what CloudWatch does not take (other scripts, control characters) becomes an underscore.

    A name that was changed or cut ends in a checksum of the feature, so that two features never share a metric.

    >>> metric_name("feature_data_", "Größe")
    'feature_data_Gr__e_946e9015'
    """
    name = prefix + re.sub(r"[^\x20-\x7e]", "_", feature)
    if name == prefix + feature and len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}_{zlib.crc32(feature.encode('utf-8', 'replace')):08x}"


def metric_lines(metrics: Iterable[Metric]) -> bytes:
    """One JSON a line."""
    return b"".join(orjson.dumps(metric) + b"\n" for metric in metrics)


def put_metrics(metrics: Sequence[Metric], name: str, *, endpoint: bool) -> None:
    """Publishes with PutMetricData, under the stock monitor's namespace of the name `data-metrics`, say.

    EnvironmentFault when CloudWatch does not take them. It is waited for as object stores are, not for boto's own ten minutes.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    limits = Limits.said()
    patience = Config(
        connect_timeout=limits.connect_s,
        read_timeout=limits.silent_s,
        retries={"mode": "standard", "total_max_attempts": min(limits.attempts, _ATTEMPTS)},
    )
    into = namespace(name, endpoint=endpoint)
    try:
        client = boto3.client("cloudwatch", config=patience)
        for start in range(0, len(metrics), _A_CALL):
            client.put_metric_data(Namespace=into, MetricData=list(metrics[start : start + _A_CALL]))
    except (BotoCoreError, ClientError) as fault:
        hint = "the right it takes is cloudwatch:PutMetricData; check AWS_REGION, the credentials and the network"
        subject = f"CloudWatch metrics {into}"
        raise EnvironmentFault(
            subject, found=shorten(" ".join(str(fault).split()).rstrip("."), 400), expected="PutMetricData", hint=hint
        ) from fault
