"""What the model-quality monitor writes: metrics with their deviations, thresholds, and violations of these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from hourglass.capture.window import Window, format_time
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.report import Report, SegmentReport
from hourglass.quality import QualityReport, quality_statistics, quality_violations
from hourglass.undefined import Undefined


@dataclass(frozen=True)
class ModelQualityOutputs:
    """The files and metrics of a window whose constraints are `given`, as they were read, or suggested."""

    given: bytes | None

    metrics_name: ClassVar[str] = "model-metrics"
    sometimes: ClassVar[tuple[str, ...]] = ()

    def files(self, report: Report) -> dict[str, bytes]:
        """The contract's three files; constraints that were given are passed on as they are."""
        given = report.asked or self.given
        return {
            documents.STATISTICS_JSON: documents.to_json(_statistics(report.quality, report.window)),
            documents.CONSTRAINTS_JSON: given or documents.to_json(report.constraints or _no_thresholds(report.quality)),
            documents.VIOLATIONS_JSON: documents.to_json(quality_violations(report.evaluations)),
        }

    def segment_files(self, segment: SegmentReport) -> dict[str, bytes]:
        """Metrics and violations of a segment."""
        return {
            documents.STATISTICS_JSON: documents.to_json(_statistics(segment.quality)),
            documents.VIOLATIONS_JSON: documents.to_json(quality_violations(segment.evaluations)),
        }

    def metrics(self, report: Report) -> Iterator[cloudwatch.Metric]:
        """The metrics that have a value, by their names; one without a value has no point, rather than a 0.

        Nor has one that CloudWatch would not take, such as the square of an enormous error: the others must not fail with it.
        """
        if report.quality is not None:
            yield {"MetricName": "hourglass_evaluated_rows", "Value": float(report.quality.counted), "Unit": "Count"}
        for key, measured in report.quality.metrics.items() if report.quality is not None else ():
            if not isinstance(measured.value, Undefined) and abs(measured.value) < cloudwatch.LARGEST:
                yield {"MetricName": key, "Value": measured.value}


def _no_thresholds(quality: QualityReport | None) -> dict[str, Any]:
    return {"version": 0.0, **({f"{quality.problem.part}_constraints": {}} if quality is not None else {})}


def _statistics(quality: QualityReport | None, window: Window | None = None) -> dict[str, Any]:
    """`statistics.json`: how many rows of which time there are, how many have label and prediction, and every metric.

    A record may hold several rows.
    """
    span = {"start_time": format_time(window.start), "end_time": format_time(window.end)} if window else {}
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    counts = {"item_count": quality.rows, "evaluated_count": quality.counted} if quality else {"item_count": 0}
    head = {"version": 0.0, "dataset": {**counts, **span, "evaluation_time": now}}
    return {**head, **(quality_statistics(quality) if quality is not None else {})}
