"""Thresholds of a model's metrics: suggested from a baseline, and a window held against them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hourglass.comparisons import Worse
from hourglass.constraints.check import Evaluation, Verdict
from hourglass.errors import HourglassError, InputError, SettingsError, did_you_mean
from hourglass.problems import Problem
from hourglass.quality.metric import metrics_of
from hourglass.quality.report import Measured, QualityReport
from hourglass.undefined import Undefined

OPERATORS: Mapping[str, Worse] = MappingProxyType({"GreaterThanThreshold": Worse.HIGHER, "LessThanThreshold": Worse.LOWER})


class Mode(StrEnum):
    """How a metric is held against its threshold: plainly, as the stock analyzer does, or beyond what chance makes of it."""

    STRICT = "strict"
    UNCERTAINTY = "uncertainty"


@dataclass(frozen=True)
class QualityConstraint:
    """The threshold of a metric, and on which side of it a value is a violation."""

    metric: str
    threshold: float
    operator: str


def quality_constraints(report: QualityReport) -> dict[str, Any]:
    """The document of `constraints.json`: the baseline's own value as threshold of each of the contract's metrics.

    What the baseline could not compute has no threshold; the metrics of a constant classifier, and those that the stock
    analyzer does not have, get one when somebody writes it.
    """
    operators = {worse: name for name, worse in OPERATORS.items()}
    suggested = {
        key: {"threshold": report.metrics[key].value, "comparison_operator": operators[metric.worse]}
        for key, metric in metrics_of(report.problem).items()
        if metric.suggested and not isinstance(report.metrics[key].value, Undefined)
    }
    return {"version": 0.0, f"{report.problem.part}_constraints": suggested}


def parse_quality_constraints(document: Mapping[str, Any], problem: Problem, subject: str = "constraints") -> list[QualityConstraint]:
    """The constraints in a document; SettingsError with all faults at once when some cannot be used.

    >>> part = {"f2": {"threshold": 0.625, "comparison_operator": "LessThanThreshold"}}
    >>> parse_quality_constraints({"binary_classification_constraints": part}, Problem.BINARY)
    [QualityConstraint(metric='f2', threshold=0.625, operator='LessThanThreshold')]
    """
    name = f"{problem.part}_constraints"
    part = document.get(name)
    if not isinstance(part, Mapping):
        raise InputError(subject, found=", ".join(document) or "nothing", expected=name, hint="the baseline may be of another problem type")
    faults: list[HourglassError] = []
    found = []
    known = metrics_of(problem)
    for metric, entry in part.items():
        where = f"{subject}: {name}.{metric}"
        if metric not in known:
            faults.append(InputError(where, found="no such metric", expected=", ".join(known), hint=did_you_mean(metric, known)))
            continue
        given = entry if isinstance(entry, Mapping) else {}
        threshold, operator = given.get("threshold"), given.get("comparison_operator")
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
            faults.append(InputError(f"{where}.threshold", found=repr(threshold), expected="a number"))
        elif not isinstance(operator, str) or operator not in OPERATORS:
            faults.append(InputError(f"{where}.comparison_operator", found=repr(operator), expected=" or ".join(OPERATORS)))
        else:
            found.append(QualityConstraint(metric, float(threshold), operator))
    if faults:
        raise SettingsError(faults)
    return found


def baseline_deviations(statistics: Mapping[str, Any], problem: Problem) -> dict[str, float]:
    """The deviations in a baseline's `statistics.json`, by metric; those that are "NaN", or not there, are left out.

    >>> part = {"mae": {"value": 0.5, "standard_deviation": 0.1}, "mse": {"value": 0.5, "standard_deviation": "NaN"}}
    >>> baseline_deviations({"regression_metrics": part}, Problem.REGRESSION)
    {'mae': 0.1}
    """
    metrics = statistics.get(f"{problem.part}_metrics")
    found = {}
    for key, entry in metrics.items() if isinstance(metrics, Mapping) else ():
        spread = entry.get("standard_deviation") if isinstance(entry, Mapping) else None
        if isinstance(spread, int | float) and not isinstance(spread, bool) and math.isfinite(spread):
            found[key] = float(spread)
    return found


def evaluate_quality(
    report: QualityReport,
    constraints: Iterable[QualityConstraint],
    *,
    mode: Mode = Mode.STRICT,
    deviations: Mapping[str, float] = MappingProxyType({}),
    times: float = 1.0,
) -> list[Evaluation]:
    """A window's metrics against their thresholds, in the order of the constraints; none of a window without rows.

    `strict`: a violation is a value beyond the threshold. `uncertainty`: it is beyond the threshold by more than `times` the
    deviation: the window's, and where the baseline's are given as `deviations`, that of their difference, the root of the
    sum of both squares. Where the window has no deviation there is insufficient data, whichever side the value is on. A metric
    without a value is not computable in either mode. An evaluation's `feature` is the metric.
    """
    if report.rows == 0:
        return []
    known = metrics_of(report.problem)
    return [
        _evaluate(constraint, report.metrics[constraint.metric], known[constraint.metric].definition, mode, deviations, times)
        for constraint in constraints
    ]


def _evaluate(
    constraint: QualityConstraint, measured: Measured, definition: str, mode: Mode, deviations: Mapping[str, float], times: float
) -> Evaluation:
    key, threshold, operator = constraint.metric, constraint.threshold, constraint.operator
    value, spread = measured.value, measured.deviation
    if isinstance(value, Undefined):
        return Evaluation(key, operator, definition, None, threshold, Verdict.NOT_COMPUTABLE, value.reason)
    margin, noted = 0.0, ""
    if mode == Mode.UNCERTAINTY:
        if isinstance(spread, Undefined):
            return Evaluation(key, operator, definition, value, threshold, Verdict.INSUFFICIENT, spread.reason)
        margin = times * math.hypot(spread, deviations.get(key, 0.0))
        by = "its deviation" if times == 1.0 else f"{times:g} of its deviations"
        definition, noted = f"{definition} Beyond the threshold by more than {by}.", f" +/- {margin}"
    worse = OPERATORS[operator]
    if not worse.breaches(value, threshold + margin if worse is Worse.HIGHER else threshold - margin):
        return Evaluation(key, operator, definition, value, threshold, Verdict.PASS)
    sentence = f"Metric {key} with {value}{noted} was {operator} '{threshold}'"
    return Evaluation(key, operator, definition, value, threshold, Verdict.VIOLATION, sentence)


def quality_violations(evaluations: Iterable[Evaluation]) -> dict[str, Any]:
    """The document of `constraint_violations.json`, as the contract has it for model quality."""
    return {
        "violations": [
            {"constraint_check_type": found.check, "description": found.description, "metric_name": found.feature}
            for found in evaluations
            if found.verdict is Verdict.VIOLATION
        ]
    }
