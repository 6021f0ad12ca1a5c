"""What the bias monitor writes: analysis.json, violations in the contract's words, and metrics with the facet's dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from hourglass.bias import ALL_OTHERS, BIAS_METRICS, Stage, analysis_document, bias_violations
from hourglass.bias.config import AnalysisConfig
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.bias_report import bias_files
from hourglass.outputs.report import Bias, Report, SegmentReport
from hourglass.outputs.report_files import REPORT_HTML, REPORT_PDF
from hourglass.undefined import Undefined

_STAGES = {Stage.PRE: "Pre-training", Stage.POST: "Post-Training"}  # in the stock monitor's spelling
_INFINITE = 2.348543e108  # what the stock monitor publishes for an infinity, which CloudWatch does not take


@dataclass(frozen=True)
class BiasOutputs:
    """The files and metrics of a window of which a configuration asks."""

    config: AnalysisConfig

    metrics_name: ClassVar[str] = "bias-metrics"
    sometimes: ClassVar[tuple[str, ...]] = (documents.VIOLATIONS_JSON, REPORT_HTML, REPORT_PDF)

    def files(self, report: Report) -> dict[str, bytes]:
        """The analysis, the violations if there are some, since a clean run writes none, and the report for people."""
        bias = report.bias or Bias()
        return {**self._files(bias), **(bias_files(bias.page) if bias.page is not None else {})}

    def segment_files(self, segment: SegmentReport) -> dict[str, bytes]:
        """The same of a segment."""
        return self._files(segment.bias or Bias())

    def _files(self, bias: Bias) -> dict[str, bytes]:
        config = self.config
        analysis = analysis_document(bias.facets, config.label_name, config.positive.name, config.metrics)
        violations = bias_violations(bias.evaluations)
        found = {} if violations is None else {documents.VIOLATIONS_JSON: documents.to_json(violations)}
        return {documents.ANALYSIS_JSON: documents.to_json(analysis), **found}

    def metrics(self, report: Report) -> Iterator[cloudwatch.Metric]:
        """Each metric of each facet value; one without a value has no point."""
        for facet in (report.bias or Bias()).facets:
            for value in facet.values:
                if value.against != ALL_OTHERS:
                    continue
                for key in self.config.metrics:
                    measured = value.metrics[key].value
                    if isinstance(measured, Undefined):
                        continue
                    named = named_metric(key, self.config.label_name, self.config.positive.name, facet.facet, value.value)
                    yield {**named, "Value": measured if math.isfinite(measured) else math.copysign(_INFINITE, measured)}


def named_metric(key: str, label: str, positive: str, facet: str, value: str) -> cloudwatch.Metric:
    """The name and the dimensions of a metric of a facet's value."""
    dimensions = {
        "BiasStage": _STAGES[BIAS_METRICS[key].stage],
        "Label": label,
        "LabelValue": positive,
        "Facet": facet,
        "FacetValue": value,
    }
    return {"MetricName": f"bias_metric_{key}", "Dimensions": cloudwatch.dimensions_of(dimensions)}
