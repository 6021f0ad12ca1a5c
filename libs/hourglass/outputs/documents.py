"""The contract's JSON files: statistics and violations, and our evaluation beside them."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from hourglass.attribution.report import Comparison
from hourglass.bias import BiasReport, by_facet
from hourglass.capture.window import Window, format_time
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.outputs.report import Report
from hourglass.states import ColumnProfile
from hourglass.statistics import STATISTICS
from hourglass.statistics.inferred_type import inferred_type
from hourglass.undefined import Undefined

STATISTICS_JSON, CONSTRAINTS_JSON, ANALYSIS_JSON = "statistics.json", "constraints.json", "analysis.json"
VIOLATIONS_JSON, EVALUATION_JSON = "constraint_violations.json", "evaluation.json"
SEGMENTS_JSON, BASELINE_STATES, CALIBRATION_JSON = "segments.json", "baseline_states.parquet", "calibration.json"
QUARANTINE = "quarantine/bad_lines.jsonl"
EVALUATION_VERSION = "1.0"
_LONGEST_FOLDER = 80
NO_CONSTRAINTS: dict[str, Any] = {"version": 0.0, "features": [], "monitoring_config": {}}


def to_json(document: Any) -> bytes:
    """A document as indented UTF-8."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)


def statistics_document(dataset: Dataset, deequ_metrics: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """`statistics.json`: every registered statistic of every column, at its place, and what the user's own analyzers found."""
    return {
        "version": 0.0,
        "dataset": {"item_count": dataset.rows},
        **({"deequ_metrics": list(deequ_metrics)} if deequ_metrics else {}),
        "features": [_feature(name, column) for name, column in dataset.columns.items()],
    }


def _feature(name: str, column: ColumnProfile) -> dict[str, Any]:
    kind = inferred_type(column)
    part = "numerical_statistics" if kind.numeric else "string_statistics"
    feature: dict[str, Any] = {"name": name, "inferred_type": None, part: {"common": {}}}
    for statistic in STATISTICS.values():
        if not statistic.place or not statistic.applies_to.covers(kind):
            continue
        value = statistic.function(column)
        if isinstance(value, Undefined):
            continue
        *parents, last = statistic.place.replace("common", f"{part}.common").split(".")
        place = feature
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    feature[part] = _ordered(feature[part])
    return feature


_ORDER = ("common", "mean", "sum", "std_dev", "min", "max", "distinct_count", "distribution")


def _ordered(part: dict[str, Any]) -> dict[str, Any]:
    known = {key: part[key] for key in _ORDER if key in part}
    if "common" in known:
        known["common"] = dict(sorted(known["common"].items(), key=lambda item: item[0] != "num_present"))
    return {**known, **{key: value for key, value in part.items() if key not in known}}


def violations_document(evaluations: Iterable[Evaluation]) -> dict[str, Any]:
    """`constraint_violations.json`: the evaluations that violate their constraint."""
    return {
        "violations": [
            {
                "feature_name": evaluation.feature,
                "constraint_check_type": evaluation.check,
                "description": evaluation.description,
            }
            for evaluation in evaluations
            if evaluation.verdict is Verdict.VIOLATION
        ]
    }


def evaluation_document(report: Report, looked_at: Iterable[str]) -> dict[str, Any]:
    """`evaluation.json`: what was read, and the measured value of every check, not of violations only."""
    intake = report.dataset.intake
    return {
        "version": EVALUATION_VERSION,
        "verdict": report.verdict,
        "window": _span(report.window) if report.window else None,
        "reference": {
            "kind": report.reference.kind,
            "windows": [_span(window) for window in report.reference.windows],
            "hours": {"expected": report.reference.hours.expected, "found": report.reference.hours.found},
        },
        "hours": {"expected": report.coverage.expected, "found": report.coverage.found, "warnings": list(report.coverage.warnings)},
        "traffic": [
            {"source": source, "rows": report.traffic[source], "share": share} for source, share in traffic_shares(report.traffic).items()
        ],
        "input": {
            "looked_at": list(looked_at),
            "files": intake.files,
            "lines": intake.lines,
            "rows": report.dataset.rows,
            "rows_with_other_numbers_of_columns": sum(report.dataset.other_layouts.values()),
            "bad_lines": intake.bad_lines,
            "bad_line_share": intake.bad_share,
            "bad_lines_by_reason": dict(sorted(intake.bad.items())),
            "records_outside_of_their_hour": {"count": intake.outside, "examples": list(intake.outside_at)},
            "kept_rows": report.kept_rows,
        },
        **({"facets": [_facet(facet) for facet in by_facet(report.bias.facets).values()]} if report.bias is not None else {}),
        **({"attribution": [_measured(found) for found in report.attribution.comparisons]} if report.attribution is not None else {}),
        "evaluations": [evaluation_entry(evaluation) for evaluation in report.evaluations],
    }


def _measured(found: Comparison) -> dict[str, Any]:
    """A comparison of attributions, whether it has a limit or not."""
    keys = ("label", "metric", "value", "interval", "threshold", "description")
    return {key: getattr(found, key) for key in keys}


def _facet(facet: BiasReport) -> dict[str, Any]:
    """The rows that the metrics of a facet are of: all, without a value of it, with a label, a prediction, and in the flip test."""
    keys = ("facet", "rows", "missing", "labelled", "predicted", "sampled", "left_out")
    return {key: getattr(facet, key) for key in keys}


def segments_document(report: Report) -> dict[str, Any]:
    """`segments.json`: the segments of a window, ranked, with their checks and kept rows that show it."""
    return {
        "version": EVALUATION_VERSION,
        "ranked_by": report.ranking.definition,
        "segments": [
            {
                "segment": segment.name,
                "folder": segment_folder(segment.name),
                "rows": segment.dataset.rows,
                "verdict": segment.verdict,
                "effect": segment.effect,
                "feature": segment.feature,
                "finding": segment.finding,
                "examples": list(segment.examples),
                "evaluations": [evaluation_entry(evaluation) for evaluation in segment.evaluations],
            }
            for segment in report.segments
        ],
    }


def segment_folder(name: str) -> str:
    """Where a segment's files lie: its name in letters, digits and signs that any file system takes, and a checksum.

    >>> segment_folder("sex=Male")
    'segments/sex=Male-f4484948'
    """
    plain = re.sub(r"[^A-Za-z0-9=._()-]+", "_", name)[:_LONGEST_FOLDER]
    return f"segments/{plain}-{zlib.crc32(name.encode('utf-8', 'replace')):08x}"


def traffic_shares(traffic: Mapping[str, int]) -> dict[str, float]:
    """Each variant's share of its endpoint's rows; 0 of none is 0.

    >>> traffic_shares({"churn/A": 3, "churn/B": 1, "fraud/A": 5})
    {'churn/A': 0.75, 'churn/B': 0.25, 'fraud/A': 1.0}
    """
    totals: Counter[str] = Counter()
    for source, rows in traffic.items():
        totals[source.partition("/")[0]] += rows
    return {source: rows / totals[source.partition("/")[0]] if rows else 0.0 for source, rows in traffic.items()}


def _span(window: Window) -> dict[str, str]:
    return {"start": format_time(window.start), "end": format_time(window.end)}


def evaluation_entry(evaluation: Evaluation) -> dict[str, Any]:
    """A check with its measured value."""
    return {
        "feature": evaluation.feature,
        "check": evaluation.check,
        "definition": evaluation.definition,
        "value": evaluation.value,
        **({"interval": list(evaluation.interval)} if evaluation.interval is not None else {}),
        "threshold": evaluation.threshold,
        "verdict": str(evaluation.verdict),
        "description": evaluation.description,
    }
