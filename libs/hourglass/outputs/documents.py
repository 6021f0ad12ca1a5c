"""The contract's JSON files: statistics and violations, and our evaluation beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from hourglass.capture.window import Window, format_time
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.states import ColumnProfile
from hourglass.statistics import STATISTICS
from hourglass.statistics.inferred_type import inferred_type
from hourglass.undefined import Undefined

STATISTICS_JSON, CONSTRAINTS_JSON = "statistics.json", "constraints.json"
VIOLATIONS_JSON, EVALUATION_JSON = "constraint_violations.json", "evaluation.json"
QUARANTINE = "quarantine/bad_lines.jsonl"
EVALUATION_VERSION = "1.0"
NO_CONSTRAINTS: dict[str, Any] = {"version": 0.0, "features": [], "monitoring_config": {}}


def to_json(document: Any) -> bytes:
    """A document as indented UTF-8."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)


def statistics_document(dataset: Dataset) -> dict[str, Any]:
    """`statistics.json`: every registered statistic of every column, at its place."""
    return {
        "version": 0.0,
        "dataset": {"item_count": dataset.rows},
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


def evaluation_document(
    window: Window | None, dataset: Dataset, evaluations: Iterable[Evaluation], verdict: str, looked_at: Iterable[str]
) -> dict[str, Any]:
    """`evaluation.json`: what was read, and the measured value of every check, not of violations only."""
    intake = dataset.intake
    return {
        "version": EVALUATION_VERSION,
        "verdict": verdict,
        "window": {"start": format_time(window.start), "end": format_time(window.end)} if window else None,
        "input": {
            "looked_at": list(looked_at),
            "files": intake.files,
            "lines": intake.lines,
            "rows": dataset.rows,
            "rows_with_other_numbers_of_columns": sum(dataset.other_layouts.values()),
            "bad_lines": intake.bad_lines,
            "bad_line_share": intake.bad_share,
            "bad_lines_by_reason": dict(sorted(intake.bad.items())),
        },
        "evaluations": [
            {
                "feature": evaluation.feature,
                "check": evaluation.check,
                "definition": evaluation.definition,
                "value": evaluation.value,
                "threshold": evaluation.threshold,
                "verdict": str(evaluation.verdict),
                "description": evaluation.description,
            }
            for evaluation in evaluations
        ],
    }
