"""What the attribution monitor writes: analysis.json, violations in the contract's words, tables, and metrics by feature."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hourglass.attribution.background import BACKGROUND_JSON
from hourglass.attribution.digest import AttributionDigest
from hourglass.attribution.how_explained import MODEL_JSON, HowExplained
from hourglass.attribution.report import AttributionReport, analysis_document, attribution_violations
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.attribution_report import attribution_files
from hourglass.outputs.report import Report, SegmentReport
from hourglass.outputs.report_files import REPORT_HTML, REPORT_PDF

ATTRIBUTION_CSV = "attribution_data.csv"
LOCAL_CSV, BASELINE_CSV = "explanations_shap/out.csv", "explanations_shap/baseline.csv"
_METHOD = "KernelShap"  # the stock monitor's only one


@dataclass(frozen=True)
class AttributionOutputs:
    """The files and metrics of a window."""

    digest: AttributionDigest
    how: HowExplained

    metrics_name: ClassVar[str] = "explainability-metrics"
    sometimes: ClassVar[tuple[str, ...]] = (documents.VIOLATIONS_JSON, REPORT_HTML, REPORT_PDF)

    def files(self, report: Report) -> dict[str, bytes]:
        """The analysis, tables, the violations if there are some, since a clean run writes none, and the report for people."""
        found = report.attribution or AttributionReport()
        of_window = {"labels": [label.label for label in found.labels], "explained_rows": found.rows, "rows": found.seen}
        files = {**_files(found), MODEL_JSON: documents.to_json(self.how.document() | of_window)}
        files[BACKGROUND_JSON] = documents.to_json(self.digest.background.document())
        if self.digest.config.save_local:
            background = self.digest.background
            files[LOCAL_CSV] = _csv(sorted({name for row in found.local for name in row}), found.local)
            files[BASELINE_CSV] = _csv(background.names, [dict(zip(background.names, row, strict=True)) for row in background.rows])
        return {**files, **(attribution_files(report.attribution_page) if report.attribution_page is not None else {})}

    def segment_files(self, segment: SegmentReport) -> dict[str, bytes]:
        """The same of a segment, without what is of the model."""
        return _files(segment.attribution or AttributionReport())

    def metrics(self, report: Report) -> Iterator[cloudwatch.Metric]:
        """Each feature's attribution and the expected value, by label."""
        for label in (report.attribution or AttributionReport()).labels:
            common = {"ExplainabilityMethod": _METHOD, "Label": label.label}
            for feature in label.features:
                name = cloudwatch.metric_name("feature_", feature.feature)
                yield _metric(name, feature.value, {**common, "ValueType": "GlobalShapValues"})
            if not math.isnan(label.expected):
                yield _metric("ExpectedValue", label.expected, {**common, "ValueType": "ExpectedValue"})


def _metric(name: str, value: float, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return {"MetricName": name, "Value": value, "Dimensions": [{"Name": key, "Value": word} for key, word in dimensions.items()]}


def _files(found: AttributionReport) -> dict[str, bytes]:
    violations = attribution_violations(found.comparisons)
    files = {documents.ANALYSIS_JSON: documents.to_json(analysis_document(found.labels)), ATTRIBUTION_CSV: _table(found)}
    return files if violations is None else {**files, documents.VIOLATIONS_JSON: documents.to_json(violations)}


def _table(found: AttributionReport) -> bytes:
    """A line for each feature of each label; an empty field where there is no baseline."""
    rows = []
    for label in found.labels:
        for feature in label.features:
            low, high = feature.interval or (None, None)
            change_low, change_high = feature.change_interval or (None, None)
            rows.append(
                {
                    "label": label.label,
                    "feature": feature.feature,
                    "value": feature.value,
                    "low": low,
                    "high": high,
                    "share": feature.share,
                    "rank": feature.rank,
                    "baseline": feature.baseline,
                    "baseline_share": feature.baseline_share,
                    "baseline_rank": feature.baseline_rank,
                    "change": feature.change,
                    "change_low": change_low,
                    "change_high": change_high,
                }
            )
    return _csv(list(rows[0]) if rows else ["label", "feature", "value"], rows)


def _csv(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: None if _is_nan(value) else value for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8")


def _is_nan(value: object) -> bool:
    """Whether a field stays empty."""
    return isinstance(value, float) and math.isnan(value)
