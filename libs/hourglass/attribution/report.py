"""The attributions of a window, with what chance makes of them, beside those of the baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hourglass.attribution.chance import quantiles
from hourglass.attribution.config import Aggregation
from hourglass.attribution.digest import kept_as
from hourglass.attribution.metric import ATTRIBUTION_METRICS, STOCK, AttributionMetric, Drawn, Interval, ranks, shares
from hourglass.constraints import Verdict
from hourglass.errors import InputError
from hourglass.states import Attributions, RowSample
from hourglass.undefined import Undefined
from hourglass.values import Floats

LEAST_ROWS = 30
_TERMS = {Aggregation.MEAN_ABS: 0, Aggregation.MEAN_SQ: 1}  # the places of their sums among a replicate's
NO_DRAWS = (
    "Nothing is known of the chance in the baseline, which came without its states: "
    "intervals of changes take it to be of as many rows as were explained here."
)
CHECK = "feature_attribution_drift_check"


@dataclass(frozen=True)
class GlobalAttributions:
    """What drives a model's answer: a number of each feature, and draws of it (draw × feature).

    `features` are in alphabetical order. No draws: nothing is known of chance.
    `rows` are those that it is of: of a median the kept ones; 0 where nobody knows.
    """

    label: str
    features: tuple[str, ...]
    values: Floats
    draws: Floats
    expected: float
    rows: int = 0


@dataclass(frozen=True)
class FeatureChange:
    """A feature's attribution, its share of all and its rank, in the baseline and now; `change` is that of the share."""

    feature: str
    value: float
    share: float
    rank: int
    interval: Interval | None
    share_interval: Interval | None = None
    baseline: float | None = None
    baseline_share: float | None = None
    baseline_rank: int | None = None
    change: float | None = None
    change_interval: Interval | None = None


@dataclass(frozen=True)
class Comparison:
    """A metric of a label: what was measured, with its interval, the threshold, and the verdict with its reason."""

    label: str
    metric: str
    definition: str
    value: float | None
    interval: Interval | None
    threshold: float | None
    verdict: Verdict
    description: str = ""


@dataclass(frozen=True)
class LabelReport:
    """One answer of the model: its features, the largest attribution first, and how it compares with the baseline."""

    label: str
    expected: float
    features: tuple[FeatureChange, ...]
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class AttributionReport:
    """The attributions of a window: of so many explained rows, out of `seen`; by label.

    `lacking` are the comparisons of labels that the baseline has and the window has not.
    """

    labels: tuple[LabelReport, ...] = ()
    rows: int = 0
    seen: int = 0
    notes: tuple[str, ...] = ()
    local: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    lacking: tuple[Comparison, ...] = ()

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Those of all labels."""
        return (*(found for label in self.labels for found in label.comparisons), *self.lacking)


def global_values(
    state: Attributions, sample: RowSample | None = None, how: Aggregation = Aggregation.MEAN_ABS, segment: str = ""
) -> dict[str, Floats]:
    """One number of each feature by label: the mean of |φ|, that of φ², or the median of |φ| over the kept rows.

    The median is of the rows of a segment where one is named. Without such rows there is none, of no label.
    """
    if how is Aggregation.MEDIAN:
        return {label: np.median(table, axis=0) for label, table in _tables(state, sample, segment).items()}
    return {label: state.sums[1 + _TERMS[how], place] / state.weight for place, label in enumerate(state.labels)}


def global_attributions(
    state: Attributions, sample: RowSample | None = None, how: Aggregation = Aggregation.MEAN_ABS, segment: str = ""
) -> dict[str, GlobalAttributions]:
    """The same with its draws: the state's replicates, and of the median as many of the kept rows."""
    rows = dict.fromkeys(state.labels, state.n)
    if how is Aggregation.MEDIAN:
        tables = _tables(state, sample, segment)
        draws = {label: _medians(table, len(state.drawn)) for label, table in tables.items()}
        rows = {label: len(table) for label, table in tables.items()}
    else:
        known = state.drawn > 0
        found = state.replicates[known, _TERMS[how]] / state.drawn[known, np.newaxis, np.newaxis]
        draws = {label: found[:, place] for place, label in enumerate(state.labels)}
    expected = dict(zip(state.labels, (state.expected / state.weight).tolist(), strict=True))
    return {
        label: GlobalAttributions(label, state.features, values, draws[label], expected[label], rows[label])
        for label, values in global_values(state, sample, how, segment).items()
    }


def kept_rows(sample: RowSample | None, segment: str = "") -> list[Mapping[str, object]]:
    """The values of the kept rows, those of a segment where one is named."""
    return [row.values for row in sample.rows() if not segment or segment in row.segments] if sample is not None else []


def _tables(state: Attributions, sample: RowSample | None, segment: str) -> dict[str, Floats]:
    """|φ| of the kept rows, row × feature, by label; without the labels that none of the rows has."""
    rows = kept_rows(sample, segment)
    tables = {}
    for label in state.labels:
        keys = [kept_as(label, feature) for feature in state.features]
        if found := [[row[key] for key in keys] for row in rows if keys[0] in row]:
            tables[label] = np.abs(np.array(found, np.float64))
    return tables


def _medians(table: Floats, count: int) -> Floats:
    """The medians of as many rows that are drawn again, draw × feature."""
    random = np.random.default_rng(0)
    draws = [np.median(table[random.integers(0, len(table), len(table))], axis=0) for _ in range(count)]
    return np.array(draws).reshape(-1, table.shape[1])


def compared(live: GlobalAttributions, baseline: GlobalAttributions | None, thresholds: Mapping[str, float]) -> LabelReport:
    """A label's features and comparisons, with a baseline of the same features; without one its features only.

    Intervals of features are from the 2.5 % quantile of the draws to the 97.5 % one; those of a comparison its metric makes.
    A baseline without draws is taken to be of as many rows as the window: in 400 simulated windows of 300 rows and 10 features
    with nothing changed, 4.6 % of the intervals of a share's change exclude 0 (14 % if the baseline were free of chance).
    """
    if baseline is None:
        return LabelReport(live.label, live.expected, _features(live, None))
    comparisons = tuple(
        _comparison(metric, live, baseline, thresholds.get(metric.key, metric.default)) for metric in ATTRIBUTION_METRICS.values()
    )
    return LabelReport(live.label, live.expected, _features(live, baseline), comparisons)


def not_compared(label: str, thresholds: Mapping[str, float], verdict: Verdict, description: str) -> tuple[Comparison, ...]:
    """The comparisons of a label of the baseline that cannot be made, and why: those that have a threshold."""
    limits = {key: thresholds.get(key, metric.default) for key, metric in ATTRIBUTION_METRICS.items()}
    return tuple(
        Comparison(label, key, ATTRIBUTION_METRICS[key].definition, None, None, limit, verdict, description)
        for key, limit in limits.items()
        if limit is not None
    )


def _draws(live: GlobalAttributions, baseline: GlobalAttributions | None) -> tuple[Floats, Floats]:
    """Draws of both sides, as many."""
    of_live = live.draws
    if baseline is None:
        return of_live, of_live
    if len(baseline.draws) == 0:
        return of_live, _as_of(live, baseline)
    count = min(len(of_live), len(baseline.draws))
    # the replicates of both are drawn by the hashes of other rows, so they are independent of each other
    return of_live[:count], baseline.draws[:count]


def _as_of(live: GlobalAttributions, baseline: GlobalAttributions) -> Floats:
    """Draws of a baseline that has none, as of one of as many rows: as far off its values, in proportion, as those of now.

    Each is taken from the draw of now before it, of which it is independent.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(live.values > 0, live.draws / live.values, 1.0)
    return np.roll(off, 1, axis=0) * baseline.values


def _features(live: GlobalAttributions, baseline: GlobalAttributions | None) -> tuple[FeatureChange, ...]:
    draws, of_baseline = _draws(live, baseline)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, drawn = shares(live.values[np.newaxis])[0], shares(draws)
        before = shares(baseline.values[np.newaxis])[0] if baseline is not None else None
        changes = drawn - shares(of_baseline) if baseline is not None else None
    rank = ranks(live.values[np.newaxis])[0]
    rank_before = ranks(baseline.values[np.newaxis])[0] if baseline is not None else None
    found = []
    for place, name in enumerate(live.features):
        feature = FeatureChange(
            name,
            float(live.values[place]),
            float(share[place]),
            int(rank[place]),
            quantiles(draws[:, place]),
            quantiles(drawn[:, place]),
        )
        if baseline is not None and before is not None and rank_before is not None and changes is not None:
            feature = replace(
                feature,
                baseline=float(baseline.values[place]),
                baseline_share=float(before[place]),
                baseline_rank=int(rank_before[place]),
                change=float(share[place] - before[place]),
                change_interval=quantiles(changes[:, place]),
            )
        found.append(feature)
    return tuple(sorted(found, key=lambda feature: feature.rank))


def _comparison(metric: AttributionMetric, live: GlobalAttributions, baseline: GlobalAttributions, threshold: float | None) -> Comparison:
    of_live, of_baseline = _draws(live, baseline)
    before, now = baseline.values[np.newaxis], live.values[np.newaxis]
    value = float(metric.values(before, now)[0])
    interval = None if np.isnan(value) else metric.interval(Drawn(before, now, of_baseline, of_live))
    verdict, description = Verdict.PASS, ""
    if np.isnan(value):
        verdict, description = Verdict.NOT_COMPUTABLE, "no feature has any attribution in the baseline"
        if baseline.values.any():
            description = "no feature has any attribution now: the model says the same of all rows"
            verdict = Verdict.NOT_COMPUTABLE if threshold is None else Verdict.VIOLATION
    elif live.rows < LEAST_ROWS:
        verdict, description = Verdict.INSUFFICIENT, f"{live.rows} explained rows; a verdict takes {LEAST_ROWS}"
    elif 0 < baseline.rows < LEAST_ROWS:
        verdict, description = Verdict.INSUFFICIENT, f"{baseline.rows} explained rows in the baseline; a verdict takes {LEAST_ROWS}"
    elif threshold is not None:
        low, high = interval if interval is not None and metric.by_interval else (value, value)
        if metric.beyond(low, high, threshold):
            verdict, description = Verdict.VIOLATION, _sentence(metric, value, threshold)
    return Comparison(
        live.label, metric.key, metric.definition, None if np.isnan(value) else value, interval, threshold, verdict, description
    )


def _sentence(metric: AttributionMetric, value: float, threshold: float) -> str:
    """A violation in the stock analyzer's words, which has one metric; others by their name.

    >>> _sentence(ATTRIBUTION_METRICS["ndcg"], 0.5, 0.9)
    'Feature attribution drift 0.5 exceeds threshold 0.9'
    """
    by = "" if metric.contract_name == STOCK else f" by {metric.key}"
    return f"Feature attribution drift{by} {value} exceeds threshold {threshold}"


def attribution_violations(comparisons: Iterable[Comparison]) -> dict[str, Any] | None:
    """The document of `constraint_violations.json`, as the contract has it; None of a clean run, which writes none."""
    found = [
        {
            "label": comparison.label,
            "metric_name": ATTRIBUTION_METRICS[comparison.metric].contract_name,
            "constraint_check_type": CHECK,
            "description": comparison.description,
        }
        for comparison in comparisons
        if comparison.verdict is Verdict.VIOLATION
    ]
    return {"version": "1.0", "violations": found} if found else None


def analysis_document(labels: Iterable[LabelReport]) -> dict[str, Any]:
    """The document of `analysis.json`, as the contract has it: the baseline of later runs. An expected value that is not known is null."""
    return {
        "version": "1.0",
        "explanations": {
            "kernel_shap": {
                label.label: {
                    "global_shap_values": {feature.feature: feature.value for feature in sorted(label.features, key=lambda f: f.feature)},
                    "expected_value": None if math.isnan(label.expected) else label.expected,
                }
                for label in labels
            }
        },
    }


def parse_baseline(document: Mapping[str, Any], subject: str) -> dict[str, GlobalAttributions]:
    """The attributions in an analysis.json by label, without draws; InputError where there are none.

    >>> label = {"global_shap_values": {"sex": 0.1, "age": 0.2}, "expected_value": 0.25}
    >>> found = parse_baseline({"explanations": {"kernel_shap": {"label0": label}}}, "analysis.json")["label0"]
    >>> found.features, found.values.tolist()
    (('age', 'sex'), [0.2, 0.1])
    """
    explanations = document.get("explanations")
    labels = explanations.get("kernel_shap") if isinstance(explanations, Mapping) else None
    if not isinstance(labels, Mapping) or not labels:
        found = ", ".join(document) or "nothing"
        hint = "the baseline of the attribution monitor is its analysis.json"
        raise InputError(subject, found=found, expected="explanations.kernel_shap with labels", hint=hint)
    baseline = {}
    for label, entry in labels.items():
        where = f"{subject}: explanations.kernel_shap.{label}"
        values = entry.get("global_shap_values") if isinstance(entry, Mapping) else None
        if not isinstance(values, Mapping) or not values:
            raise InputError(f"{where}.global_shap_values", found=repr(values), expected="a number of each feature")
        for feature, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
                raise InputError(f"{where}.global_shap_values.{feature}", found=repr(value), expected="a number of 0 or more")
        names = sorted(values)
        given = entry.get("expected_value")
        expected = float(given) if isinstance(given, int | float) else float("nan")
        baseline[label] = GlobalAttributions(
            label, tuple(names), np.array([values[name] for name in names], np.float64), np.zeros((0, len(names))), expected
        )
    return baseline


def finding(change: FeatureChange) -> str | Undefined:
    """What happened to a feature, in a sentence; undefined where its share moved within what chance makes of it.

    >>> finding(FeatureChange("age", 0.1, 0.1, 6, None, None, 0.3, 0.3, 2, -0.2, (-0.25, -0.15)))
    'age lost two thirds of its weight, from rank 2 to 6.'
    >>> finding(FeatureChange("age", 0.31, 0.31, 2, None, None, 0.26, 0.26, 3, 0.05, (0.02, 0.08)))
    'age gained 19% in weight, from rank 3 to 2.'
    >>> finding(FeatureChange("sex", 0.17, 0.17, 3, None, None, 0.1, 0.1, 3, 0.07, (0.06, 0.08)))
    'sex grew to 1.7 times its weight, still on rank 3.'
    """
    if change.change is None or change.baseline_share is None or change.baseline_rank is None:
        return Undefined("no baseline")
    low, high = change.change_interval if change.change_interval is not None else (change.change, change.change)
    if low <= 0.0 <= high:
        return Undefined("within chance")
    moved = change.rank != change.baseline_rank
    where = f"from rank {change.baseline_rank} to {change.rank}" if moved else f"still on rank {change.rank}"
    if change.baseline_share == 0.0:
        return f"{change.feature} had no weight and now has {change.share:.0%} of all, {where}."
    ratio = change.share / change.baseline_share
    if ratio < 1:
        return f"{change.feature} lost {_part(1 - ratio)} of its weight, {where}."
    amount = f"grew to {ratio:.1f} times its weight" if ratio >= 1.5 else f"gained {ratio - 1:.0%} in weight"
    return f"{change.feature} {amount}, {where}."


def _part(share: float) -> str:
    """A share in words where there is a plain one.

    >>> _part(0.66), _part(0.5), _part(0.07)
    ('two thirds', 'half', '7%')
    """
    words = {1 / 4: "a quarter", 1 / 3: "a third", 1 / 2: "half", 2 / 3: "two thirds", 3 / 4: "three quarters", 1.0: "all"}
    nearest = min(words, key=lambda known: abs(known - share))
    return words[nearest] if abs(nearest - share) < 0.02 else f"{share:.0%}"
