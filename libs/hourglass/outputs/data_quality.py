"""What the data-quality monitor writes: statistics, constraints and violations of columns, and their metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from hourglass.constraints import Baseline
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.data_quality_report import data_quality_files
from hourglass.outputs.report import Report, SegmentReport
from hourglass.outputs.report_files import REPORT_HTML, REPORT_PDF


@dataclass(frozen=True)
class DataQualityOutputs:
    """The files and metrics of a window that was held against `baseline`, or from which one is suggested."""

    baseline: Baseline | None

    metrics_name: ClassVar[str] = "data-metrics"
    sometimes: ClassVar[tuple[str, ...]] = (REPORT_HTML, REPORT_PDF)

    def files(self, report: Report) -> dict[str, bytes]:
        """The contract's three files, what a suggestion learnt of chance, and the report for people.

        Constraints that were given are passed on as they are.
        """
        given = report.asked or (self.baseline.document if self.baseline is not None else None)
        learnt = {documents.CALIBRATION_JSON: documents.to_json(report.calibration.document())} if report.calibration is not None else {}
        return {
            **learnt,
            documents.STATISTICS_JSON: documents.to_json(documents.statistics_document(report.dataset, report.deequ_metrics)),
            documents.CONSTRAINTS_JSON: given or documents.to_json(report.constraints or documents.NO_CONSTRAINTS),
            documents.VIOLATIONS_JSON: documents.to_json(documents.violations_document(report.evaluations)),
            **data_quality_files(report),
        }

    def segment_files(self, segment: SegmentReport) -> dict[str, bytes]:
        """Statistics and violations of a segment."""
        return {
            documents.STATISTICS_JSON: documents.to_json(documents.statistics_document(segment.dataset)),
            documents.VIOLATIONS_JSON: documents.to_json(documents.violations_document(segment.evaluations)),
        }

    def metrics(self, report: Report) -> Iterable[cloudwatch.Metric]:
        """The contract's data metrics of a window."""
        return cloudwatch.data_metrics(report.dataset, self.baseline, report.evaluations)
