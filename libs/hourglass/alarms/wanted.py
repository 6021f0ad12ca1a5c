"""Which alarms a constraints file asks for, on the metrics that the job of the same settings publishes.

A constraint that cannot be told from a metric, such as one that depends on all other columns, has no alarm of its own: it is
among `hourglass_violations`, which counts what the job itself has judged.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hourglass.attribution.report import parse_baseline as parse_attributions
from hourglass.bias.baseline import parse_bias_baseline
from hourglass.bias.constraints import Decision, allowed_range, lower_end
from hourglass.bias.facets import above_name
from hourglass.bias.metric import BIAS_METRICS
from hourglass.capture.window import duration_name
from hourglass.comparisons import Worse
from hourglass.constraints import Baseline
from hourglass.constraints.baseline import CALIBRATED, NO_CORRECTION, ROBUST, FeatureConstraint
from hourglass.errors import InputError, shorten
from hourglass.outputs import cloudwatch
from hourglass.outputs.attribution import AttributionOutputs
from hourglass.outputs.bias import BiasOutputs, named_metric
from hourglass.outputs.data_quality import DataQualityOutputs
from hourglass.outputs.model_quality import ModelQualityOutputs
from hourglass.problems import Problem
from hourglass.quality import parse_quality_constraints
from hourglass.statistics import ColumnType

Alarm = dict[str, Any]  # the parameters of PutMetricAlarm

_LONGEST_NAME, _LONGEST_DESCRIPTION = 255, 1024
_LONGEST_REACH = timedelta(days=7)
_BEYOND_CHANCE = 3.0  # standard errors: the one-sided tail of 0.00135 that a Robust share asks for
_OPERATORS = {Worse.HIGHER: "GreaterThanThreshold", Worse.LOWER: "LessThanThreshold"}
_STATISTICS = {Worse.HIGHER: "Maximum", Worse.LOWER: "Minimum"}  # of two points of one hour, from a job that ran twice, the worse


@dataclass(frozen=True)
class Place:
    """Whose metrics they are, how often they come, and who is told.

    `late` is for how long after a window's end its metrics may come; an alarm looks back that far, and so stays on that long.
    """

    endpoint: str | None
    schedule: str | None
    period: timedelta = timedelta(hours=1)
    late: timedelta = timedelta(hours=1)
    actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    bad_line_share: float = 0.01

    @property
    def periods(self) -> int:
        """How many periods an alarm looks back; InputError for more than CloudWatch's seven days."""
        count = 1 + math.ceil(self.late / self.period)
        if count * self.period > _LONGEST_REACH:
            found = f"windows of {duration_name(self.period)} whose metrics come up to {duration_name(self.late)} later"
            raise InputError("late", found=found, expected="at most 7 days together, as CloudWatch has it", hint="set --window or --late")
        return count

    def prefix(self, monitor: str) -> str:
        """How the names of the alarms of one monitor begin."""
        return f"hourglass/{self.endpoint or '-'}/{self.schedule or '-'}/{monitor}/"


@dataclass(frozen=True)
class Metric:
    """A metric as the job publishes it: namespace, name, and its own dimensions beside the monitor's."""

    place: Place
    metrics_name: str
    name: str
    own: tuple[tuple[str, str], ...] = ()

    @property
    def namespace(self) -> str:
        """Where it is published."""
        return cloudwatch.namespace(self.metrics_name, endpoint=self.place.endpoint is not None)

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """All of its dimensions."""
        common = cloudwatch.dimensions_of(cloudwatch.monitor_dimensions(self.place.endpoint, self.place.schedule))
        return [*common, *({"Name": name, "Value": value} for name, value in self.own)]

    def document(self) -> dict[str, Any]:
        """As CloudWatch's calls name it."""
        return {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": self.dimensions}


@dataclass(frozen=True)
class Shown:
    """Metrics that belong on one graph of the dashboard, with the thresholds that all of them have."""

    title: str
    metrics: tuple[Metric, ...]
    thresholds: tuple[tuple[str, float], ...] = ()
    statistic: str = "Maximum"


@dataclass
class Alarms:
    """The alarms of one monitor, what has none and why, and what the dashboard shows."""

    monitor: str
    place: Place
    metrics_name: str
    alarms: list[Alarm] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """How the names of its alarms begin."""
        return self.place.prefix(self.monitor)

    def metric(self, name: str, own: Mapping[str, str] | None = None) -> Metric:
        """A metric of this monitor."""
        return Metric(self.place, self.metrics_name, name, tuple((own or {}).items()))

    def add(
        self, metric: Metric, what: str, worse: Worse, threshold: float, statistic: str | None = None, *, when_missing: bool = False
    ) -> None:
        """An alarm on a metric; with `when_missing` it is on when no point comes."""
        reach = self.place.periods
        self.alarms.append(
            {
                **self._common(metric.name, metric.own, what),
                **metric.document(),
                "Statistic": statistic or _STATISTICS[worse],
                "Period": int(self.place.period.total_seconds()),
                "EvaluationPeriods": reach,
                "DatapointsToAlarm": reach if when_missing else 1,
                "Threshold": threshold,
                "ComparisonOperator": _OPERATORS[worse],
                "TreatMissingData": "breaching" if when_missing else "notBreaching",
            }
        )

    def add_expression(self, metrics: Mapping[str, Metric], expression: str, what: str, worse: Worse, threshold: float) -> None:
        """An alarm on an expression of metrics; the first of them gives the alarm its name."""
        first = next(iter(metrics.values()))
        queries: list[dict[str, Any]] = [{"Id": "asked", "Expression": expression, "Label": "asked", "ReturnData": True}]
        for key, metric in metrics.items():
            stat = {"Metric": metric.document(), "Period": int(self.place.period.total_seconds()), "Stat": "Maximum"}
            queries.append({"Id": key, "MetricStat": stat, "ReturnData": False})
        self.alarms.append(
            {
                **self._common(first.name, first.own, what),
                "Metrics": queries,
                "EvaluationPeriods": self.place.periods,
                "DatapointsToAlarm": 1,
                "Threshold": threshold,
                "ComparisonOperator": _OPERATORS[worse],
                "TreatMissingData": "notBreaching",
            }
        )

    def _common(self, name: str, own: Iterable[tuple[str, str]], what: str) -> Alarm:
        told = ", ".join(f"{key}={value}" for key, value in own)
        full = f"{self.prefix}{name}{f' ({told})' if told else ''}"
        if len(full) > _LONGEST_NAME:
            full = f"{full[: _LONGEST_NAME - 9]}_{zlib.crc32(full.encode()):08x}"
        return {
            "AlarmName": full,
            "AlarmDescription": shorten(what, _LONGEST_DESCRIPTION - 40),
            "ActionsEnabled": True,
            "OKActions": list(self.place.ok_actions),
            "AlarmActions": list(self.place.actions),
            "InsufficientDataActions": [],
        }


def wanted_alarms(
    document: Mapping[str, Any],
    path: str,
    place: Place,
    baseline: Callable[[], Baseline],
    *,
    excluded: Callable[[Baseline], Collection[str]] = lambda _: (),
    decision: Decision = Decision.INTERVAL,
) -> list[Alarms]:
    """The alarms for a constraints.json, or for an analysis.json, which may be of two monitors; InputError for other files.

    `baseline` reads the constraints of data quality, `excluded` says which of their features the job leaves out.
    """
    found: list[Alarms] = []
    if "features" in document:
        found.append(_data_quality(place, baseline(), excluded))
    problems = [problem for problem in Problem if f"{problem.part}_constraints" in document]
    found += [_model_quality(place, document, path, problem) for problem in problems]
    if {"pre_training_bias_metrics", "post_training_bias_metrics"} & document.keys():
        found.append(_bias(place, document, path, decision))
    if "explanations" in document:
        found.append(_attribution(place, document, path))
    if not found:
        keys = ", ".join(map(str, document)) or "nothing"
        raise InputError(path, found=shorten(keys), expected="a baseline's constraints.json, or an analysis.json")
    for alarms in found:
        _add_of_the_window(alarms)
    return found


def _add_of_the_window(alarms: Alarms) -> None:
    """What every monitor has: violations as the job itself counts them, silence, and lines that are set aside."""
    rows, bad, violations = (alarms.metric(name) for name in (cloudwatch.ROWS, cloudwatch.BAD_LINE_SHARE, cloudwatch.VIOLATIONS))
    share = alarms.place.bad_line_share
    alarms.add(violations, f"A window of the {alarms.monitor} monitor has violations.", Worse.HIGHER, 0.0)
    alarms.add(bad, f"More than {share:.2%} of a window's lines could not be used.", Worse.HIGHER, share)
    silent = f"The {alarms.monitor} monitor is silent: no window has been reported in time. A window without data is reported."
    alarms.add(rows, silent, Worse.LOWER, 0.0, "Maximum", when_missing=True)
    first = [
        Shown("violations", (violations,), (("none", 0.0),)),
        Shown("rows", (rows,)),
        Shown("share of bad lines", (bad,), (("limit", share),)),
    ]
    alarms.shown[:0] = first


def _data_quality(place: Place, baseline: Baseline, excluded: Callable[[Baseline], Collection[str]]) -> Alarms:
    alarms = Alarms("data-quality", place, DataQualityOutputs.metrics_name)
    out = set(excluded(baseline))
    drifting: dict[float | None, list[Metric]] = {}
    budgeted: list[str] = []
    for feature in baseline.features.values():
        if feature.name in out or not feature.config.evaluate_constraints:
            continue
        if not feature.config.emit_metrics:
            alarms.without.append(f"{feature.name}: its emit_metrics is Disabled")
            continue
        if feature.comparison.shares_budget or feature.config.share_comparison_method == CALIBRATED:
            budgeted.append(feature.name)
        if (metric := _add_drift(alarms, feature, baseline)) is not None:
            drifting.setdefault(feature.threshold, []).append(metric)
        _add_completeness(alarms, feature)
        if feature.is_non_negative and feature.inferred_type is not ColumnType.STRING:
            what = f"{feature.name} has a number below 0; the baseline has none."
            alarms.add(alarms.metric(cloudwatch.metric_name(cloudwatch.DATA, feature.name)), what, Worse.LOWER, 0.0)
    if budgeted:
        subject = budgeted[0] if len(budgeted) == 1 else f"{len(budgeted)} features"
        alarms.without.append(f"drift and completeness of {subject}: calibrated, with one budget for all of a window")
    for threshold, metrics in drifting.items():
        limits = (("threshold", threshold),) if threshold is not None else ()
        alarms.shown.append(Shown("distance from the baseline", tuple(metrics), limits))
    return alarms


def _add_drift(alarms: Alarms, feature: FeatureConstraint, baseline: Baseline) -> Metric | None:
    comparison, threshold = feature.comparison, feature.threshold
    if not feature.config.perform_comparison or feature.inferred_type is ColumnType.UNKNOWN:
        return None
    if threshold is None:
        alarms.without.append(f"drift of {feature.name}: {comparison.key} has no threshold")
        return None
    if comparison.shares_budget:
        return None
    if comparison.worse is Worse.LOWER and baseline.config.correction != NO_CORRECTION:
        alarms.without.append(f"drift of {feature.name}: its threshold depends on the other columns of a window")
        return None
    metric = alarms.metric(cloudwatch.metric_name(cloudwatch.DRIFT, feature.name))
    beyond = "above" if comparison.worse is Worse.HIGHER else "below"
    what = f"Drift of {feature.name} from the baseline: {feature.comparison_label} {beyond} {threshold}."
    alarms.add(metric, what, comparison.worse, threshold)
    return metric


def _add_completeness(alarms: Alarms, feature: FeatureConstraint) -> None:
    """The share of rows with a value. Robust: n (c - share)² > 9 c (1 - c) below c is three standard errors below, in + - * / and IF.

    The job itself asks for an exact binomial tail, which is the same for many rows.
    """
    share = feature.completeness
    if share is None or feature.config.share_comparison_method == CALIBRATED:
        return
    metrics = {"present": alarms.metric(cloudwatch.metric_name(cloudwatch.NON_NULL, feature.name)), "rows": alarms.metric(cloudwatch.ROWS)}
    what = f"{feature.name} has too few values: fewer than {share} of the rows"
    if feature.config.share_comparison_method == ROBUST:
        short = f"IF(present < {share!r} * rows, ({share!r} - present / rows) * ({share!r} * rows - present), 0)"
        limit = _BEYOND_CHANCE**2 * share * (1 - share)
        alarms.add_expression(metrics, short, f"{what}, beyond chance.", Worse.HIGHER, limit)
    else:
        alarms.add_expression(metrics, "present / rows", f"{what}.", Worse.LOWER, share)


def _model_quality(place: Place, document: Mapping[str, Any], path: str, problem: Problem) -> Alarms:
    alarms = Alarms("model-quality", place, ModelQualityOutputs.metrics_name)
    worse = {name: side for side, name in _OPERATORS.items()}
    for constraint in parse_quality_constraints(document, problem, path):
        metric = alarms.metric(constraint.metric)
        side = worse[constraint.operator]
        what = f"{constraint.metric} of the model is {'above' if side is Worse.HIGHER else 'below'} {constraint.threshold}."
        alarms.add(metric, what, side, constraint.threshold)
        alarms.shown.append(Shown(constraint.metric, (metric,), (("threshold", constraint.threshold),), _STATISTICS[side]))
    return alarms


def _bias(place: Place, document: Mapping[str, Any], path: str, decision: Decision) -> Alarms:
    alarms = Alarms("bias", place, BiasOutputs.metrics_name)
    baseline = parse_bias_baseline(document, path)
    if baseline.label is None or baseline.positive is None:
        raise InputError(path, found="no label, or no label_value_or_threshold", expected="both, which are dimensions of the metrics")
    positive = _as_published(baseline.positive)
    facets: dict[str, list[Metric]] = {}
    for constraint in baseline.constraints:
        who = f"{constraint.metric} of {constraint.facet} = {constraint.facet_value}"
        limit = constraint.limit
        if limit is None or math.isinf(limit):
            alarms.without.append(f"{who}: the baseline has no limit")
            continue
        value = _as_published(constraint.facet_value)
        named = named_metric(constraint.metric, baseline.label, positive, constraint.facet, value)
        metric = alarms.metric(named["MetricName"], {one["Name"]: one["Value"] for one in named["Dimensions"]})
        low, high = allowed_range(BIAS_METRICS[constraint.metric], limit, decision)
        what = f"{who} is outside of what the baseline allows: {low:g} to {high:g}."
        if low == -high:
            alarms.add_expression({"measured": metric}, "ABS(measured)", what, Worse.HIGHER, high)
        else:
            above = f" + IF(measured > {high!r}, 1, 0)" if math.isfinite(high) else ""
            alarms.add_expression({"measured": metric}, f"IF(measured < {low!r}, 1, 0){above}", what, Worse.HIGHER, 0.0)
        facets.setdefault(f"{constraint.facet} = {constraint.facet_value}", []).append(metric)
    alarms.shown += [Shown(f"bias, {facet}", tuple(metrics)) for facet, metrics in facets.items()]
    return alarms


def _as_published(name: str) -> str:
    """What our job calls an interval above a threshold, for the stock analyzer writes the data's largest value as its end.

    >>> _as_published("(40.0, 79.0]"), _as_published("1")
    ('(40, inf)', '1')
    """
    lower = lower_end(name)
    return name if lower is None else above_name(lower)


def _attribution(place: Place, document: Mapping[str, Any], path: str) -> Alarms:
    """Its limits are of all features together, NDCG first: no metric has them, and `hourglass_violations` counts them."""
    alarms = Alarms("attribution", place, AttributionOutputs.metrics_name)
    for label, found in parse_attributions(document, path).items():
        own = {"ExplainabilityMethod": "KernelShap", "Label": label, "ValueType": "GlobalShapValues"}
        metrics: Sequence[Metric] = [alarms.metric(cloudwatch.metric_name("feature_", name), own) for name in found.features]
        alarms.shown.append(Shown(f"attributions, {label}", tuple(metrics)))
        alarms.without.append(f"NDCG of {label}: it is of all features together")
    return alarms
