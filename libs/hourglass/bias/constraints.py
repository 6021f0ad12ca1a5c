"""A baseline's analysis.json as constraints, and a window's bias held against them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hourglass.bias.interval import Interval
from hourglass.bias.metric import BIAS_METRICS, BiasMetric, Stage, metrics_of
from hourglass.bias.report import ALL_OTHERS, LEAST_COUNT, BiasReport, MeasuredBias, json_number
from hourglass.constraints.check import Verdict
from hourglass.errors import HourglassError, InputError, SettingsError, did_you_mean, near_misses
from hourglass.undefined import Undefined

CHECK = "bias_drift_check"
_KEYS = ("name", "description", "value", "error", "threshold")


class Decision(StrEnum):
    """How a metric is held against its baseline: plainly, as the stock analyzer does, or with what chance makes of it."""

    STRICT = "strict"
    INTERVAL = "interval"


@dataclass(frozen=True)
class BiasConstraint:
    """What the baseline had of a metric of a facet's value, and the threshold that somebody wrote in its place, if any.

    Without either the baseline could not compute it, and says why in `error`.
    """

    facet: str
    facet_value: str
    metric: str
    baseline: float | None
    threshold: float | None = None
    error: str = ""

    @property
    def limit(self) -> float | None:
        """The value that a window is held against."""
        return self.baseline if self.threshold is None else self.threshold


@dataclass(frozen=True)
class BiasEvaluation:
    """One metric of a value of a facet: what was measured, with its interval, what was allowed, and the verdict.

    `allowed` is the range that the value, or in mode `interval` its interval, is held against. `description` is the
    violation's sentence in the contract's words, or why there is no verdict. `measured` is what the window calls the value,
    where the baseline has another end of the same interval.
    """

    facet: str
    facet_value: str
    measured: str
    metric: str
    definition: str
    value: float | None
    interval: Interval | None
    threshold: float | None
    allowed: tuple[float, float] | None
    verdict: Verdict
    description: str = ""
    check: str = CHECK


def parse_bias_constraints(document: Mapping[str, Any], subject: str = "constraints") -> list[BiasConstraint]:
    """The constraints in an analysis.json, in its order; SettingsError with all faults at once when some cannot be used.

    A metric is {"name", "value"}; `threshold`, which is ours and optional, takes the place of its value. Numbers may be the
    words "Infinity" and "-Infinity". A metric whose value is null has no constraint unless it has a threshold.

    >>> metrics = [{"name": "DPL", "description": "…", "value": 0.2}, {"name": "CI", "value": 0.4, "threshold": 0.5}]
    >>> document = {"pre_training_bias_metrics": {"facets": {"Sex": [{"value_or_threshold": "0", "metrics": metrics}]}}}
    >>> [(found.metric, found.limit) for found in parse_bias_constraints(document)]
    [('DPL', 0.2), ('CI', 0.5)]
    """
    stages = {f"{stage}_bias_metrics": stage for stage in Stage}
    if not stages.keys() & document.keys():
        found = ", ".join(document) or "nothing"
        raise InputError(
            subject, found=found, expected=" or ".join(stages), hint="the constraints of bias are the baseline's analysis.json"
        )
    faults: list[HourglassError] = []
    constraints: list[BiasConstraint] = []
    for name, stage in ((name, stages[name]) for name in document if name in stages):
        facets = _part(document[name], "facets", dict, f"{subject}: {name}", faults)
        for facet, entries in facets.items():
            where = f"{subject}: {name}.facets.{facet}"
            if not isinstance(entries, list):
                faults.append(InputError(where, found=type(entries).__name__, expected="a list of values with their metrics"))
                continue
            for place, entry in enumerate(entries):
                at = f"{where}[{place}]"
                value = entry.get("value_or_threshold") if isinstance(entry, Mapping) else None
                if value is None or isinstance(value, list | dict):
                    faults.append(InputError(f"{at}.value_or_threshold", found=repr(value), expected="the value of the facet"))
                    continue
                constraints += _constraints(stage, facet, str(value), _part(entry, "metrics", list, at, faults), f"{at}.metrics", faults)
    if faults:
        raise SettingsError(faults)
    return constraints


def _part(entry: Any, name: str, kind: type, where: str, faults: list[HourglassError]) -> Any:
    found = entry.get(name) if isinstance(entry, Mapping) else None
    if isinstance(found, kind):
        return found
    faults.append(InputError(f"{where}.{name}", found=repr(found), expected="an object" if kind is dict else "a list"))
    return kind()


def _constraints(
    stage: Stage, facet: str, value: str, metrics: Iterable[Any], where: str, faults: list[HourglassError]
) -> list[BiasConstraint]:
    known = metrics_of(stage)
    found = []
    for place, entry in enumerate(metrics):
        given = entry if isinstance(entry, Mapping) else {}
        name = given.get("name")
        if not isinstance(name, str) or name not in known:
            hint = did_you_mean(str(name), known)
            faults.append(InputError(f"{where}[{place}].name", found=repr(name), expected=", ".join(known), hint=hint))
            continue
        at = f"{where}[{place}] ({name})"
        faults += near_misses(given, _KEYS, f"{at}.")
        numbers: dict[str, float | None] = {}
        for key in ("value", "threshold"):
            number = _number(given.get(key))
            if isinstance(number, Undefined):
                faults.append(InputError(f"{at}.{key}", found=number.reason, expected="a number, Infinity or null"))
            elif number is not None and not _is_possible(number, known[name], key):
                faults.append(InputError(f"{at}.{key}", found=json_number(number), expected=_possible(known[name], key)))
            else:
                numbers[key] = number
        if len(numbers) == 2:
            found.append(BiasConstraint(facet, value, name, numbers["value"], numbers["threshold"], str(given.get("error") or "")))
    return found


def _is_possible(number: float, metric: BiasMetric, key: str) -> bool:
    """Whether a metric can have such a value, or be held against such a threshold: infinity switches it off, 0 is none of a ratio."""
    if metric.ideal == 1.0:
        return number > 0 or (number == 0 and key == "value")
    return abs(number) <= metric.most or (math.isinf(number) and key == "threshold")


def _possible(metric: BiasMetric, key: str) -> str:
    if metric.ideal == 1.0:
        return "a number above 0" if key == "threshold" else "a number that is not below 0"
    return f"a number from -{metric.most:g} to {metric.most:g}"


def _number(given: Any) -> float | Undefined | None:
    words = {"Infinity": math.inf, "-Infinity": -math.inf}
    if given is None:
        return None
    if isinstance(given, str) and given in words:
        return words[given]
    if isinstance(given, bool) or not isinstance(given, int | float) or math.isnan(given):
        return Undefined(repr(given))
    return float(given)


def evaluate_bias(
    reports: Sequence[BiasReport],
    constraints: Iterable[BiasConstraint],
    *,
    decision: Decision = Decision.INTERVAL,
    least_count: int = LEAST_COUNT,
) -> list[BiasEvaluation]:
    """A window's bias against its baseline, in the order of the constraints; none of a window without rows.

    `strict`: a violation is |value| > |baseline|, of DI too, as the stock analyzer has it. `interval`: the value and
    its whole interval are outside of [-|baseline|, |baseline|]; DI, whose ideal is 1, is held against [1/c, c] with c the
    baseline or its inverse, which is to compare |ln DI|.

    With fewer than `least_count` rows on a side there is insufficient data, and in mode `interval` also where what the
    metric's shares or ratios are of has fewer. A metric without a value, or without a baseline, is not computable.
    """
    if not any(report.rows for report in reports):
        return []
    measured = {(report.facet, value.value): value.metrics for report in reports for value in report.values if value.against == ALL_OTHERS}
    evaluations = []
    for constraint in constraints:
        name = _same_value(constraint, measured)
        metrics = measured.get((constraint.facet, name))
        found = None if metrics is None else metrics[constraint.metric]
        evaluations.append(_evaluate(constraint, name, found, measured, decision, least_count))
    return evaluations


def _same_value(constraint: BiasConstraint, measured: Iterable[tuple[str, str]]) -> str:
    """What the value of a constraint is called among the measured ones: the same, or another interval above the same threshold.

    The stock analyzer writes the largest value of its data as the upper end: `(40.0, 79.0]` is our `(40, inf)`.
    """
    lower = lower_end(constraint.facet_value)
    if (constraint.facet, constraint.facet_value) in measured or lower is None:
        return constraint.facet_value
    alike = (value for facet, value in measured if facet == constraint.facet and lower_end(value) == lower)
    return next(alike, constraint.facet_value)


def lower_end(name: str) -> float | None:
    """Where an interval begins whose lower end is outside, `(40.0, 79.0]`; None for other texts.

    >>> lower_end("(40.0, 79.0]"), lower_end("(40, inf)"), lower_end("0")
    (40.0, 40.0, None)
    """
    if not (name.startswith("(") and name.endswith((")", "]")) and name.count(",") == 1):
        return None
    try:
        return float(name[1:].partition(",")[0])
    except ValueError:
        return None


def _evaluate(
    constraint: BiasConstraint,
    name: str,
    measured: MeasuredBias | None,
    known: Iterable[tuple[str, str]],
    decision: Decision,
    least_count: int,
) -> BiasEvaluation:
    metric = BIAS_METRICS[constraint.metric]
    value = None if measured is None or isinstance(measured.value, Undefined) else measured.value
    interval = None if measured is None or isinstance(measured.interval, Undefined) else measured.interval
    limit = constraint.limit
    allowed = None if limit is None else allowed_range(metric, limit, decision)

    key = constraint.facet, constraint.facet_value, name, constraint.metric
    verdict, description = _verdict(constraint, measured, known, decision, least_count, allowed)
    return BiasEvaluation(*key, metric.definition, value, interval, limit, allowed, verdict, description)


def _verdict(
    constraint: BiasConstraint,
    measured: MeasuredBias | None,
    known: Iterable[tuple[str, str]],
    decision: Decision,
    least_count: int,
    allowed: tuple[float, float] | None,
) -> tuple[Verdict, str]:
    if measured is None:
        there = ", ".join(f"{facet} = {name}" for facet, name in known) or "nothing"
        return Verdict.NOT_COMPUTABLE, f"{constraint.facet} = {constraint.facet_value} was not measured, but {there}"
    if few := _few(BIAS_METRICS[constraint.metric], measured, decision, least_count):
        return Verdict.INSUFFICIENT, few
    if isinstance(measured.value, Undefined):
        return Verdict.NOT_COMPUTABLE, measured.value.reason
    if constraint.limit is None or allowed is None:
        return Verdict.NOT_COMPUTABLE, f"the baseline has no value: {constraint.error or 'null'}"
    low = high = measured.value
    if decision == Decision.INTERVAL:
        if isinstance(measured.interval, Undefined):
            return Verdict.INSUFFICIENT, measured.interval.reason
        # most draws may be infinite where the value is not: of many classes each draw lacks one
        low, high = min(low, measured.interval.low), max(high, measured.interval.high)
    return (
        (Verdict.PASS, "") if high >= allowed[0] and low <= allowed[1] else (Verdict.VIOLATION, _sentence(measured.value, constraint.limit))
    )


def _sentence(value: float, limit: float) -> str:
    """A violation in the stock analyzer's words.

    >>> _sentence(math.inf, 2.9)
    "Metric value Infinity doesn't meet the baseline constraint requirement 2.9"
    """
    return f"Metric value {json_number(value)} doesn't meet the baseline constraint requirement {json_number(limit)}"


def allowed_range(metric: BiasMetric, limit: float, decision: Decision) -> tuple[float, float]:
    """The range around the ideal value that is as far from it, on either side, as the baseline was."""
    size = abs(limit)
    if metric.ideal == 0.0 or decision == Decision.STRICT:
        return -size, size
    if size == 0.0 or math.isinf(size):
        return 0.0, math.inf
    return min(size, 1 / size), max(size, 1 / size)


def _few(metric: BiasMetric, measured: MeasuredBias, decision: Decision, least_count: int) -> str:
    """Why there are too few rows for a verdict; "" when there are enough.

    A side without rows is no matter of few rows: the reason that the metric gives says more.
    """
    bases = (
        [(metric.counts, measured.counts)]
        if decision == Decision.STRICT
        else [(metric.counts, measured.counts), (metric.shares, measured.shares)]
    )
    if not all(measured.counts):
        return ""
    for basis, counts in bases:
        for side, n in zip(("d", "a"), counts, strict=True):
            if n < least_count:
                rows, have = ("row", "has") if n == 1 else ("rows", "have")
                return f"{n} {rows} of facet {side} {have} {basis.words}; a verdict takes {least_count}"
    return ""


def bias_violations(evaluations: Iterable[BiasEvaluation]) -> dict[str, Any] | None:
    """The document of `constraint_violations.json`, as the contract has it; None of a clean run, which writes none."""
    found = [
        {
            "constraint_check_type": evaluation.check,
            "description": evaluation.description,
            "facet": evaluation.facet,
            "facet_value": evaluation.facet_value,
            "metric_name": evaluation.metric,
        }
        for evaluation in evaluations
        if evaluation.verdict is Verdict.VIOLATION
    ]
    return {"version": "1.0", "violations": found} if found else None
