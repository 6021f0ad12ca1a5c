"""Whether a column has the distribution of the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hourglass.comparisons import Distribution, Worse, aligned, distribution_of
from hourglass.constraints.baseline import Baseline, FeatureConstraint
from hourglass.constraints.check import Evaluation, Verdict, check, columns_to_check
from hourglass.constraints.correction import PValue, corrected, corrected_label
from hourglass.dataset import Dataset
from hourglass.states import ColumnProfile
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined

KEY = "baseline_drift_check"
NEW_CATEGORIES = 0.1
OTHER_SHARE = 0.1  # what may move unseen between values that are only counted together


@dataclass(frozen=True)
class _Drift:
    """What was measured of one feature before it meets a threshold, which may depend on all the others."""

    feature: FeatureConstraint
    window: Distribution
    reference: Distribution
    value: float | Undefined


@check(source="SageMaker Model Monitor")
def baseline_drift_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Distance between a column's distribution and the baseline's, by the comparison that the baseline names.

    Numeric columns are compared by their sketches, text columns by their counts. Fewer values than the comparison, or
    `minimum_rows`, asks for are insufficient data. Not computable where the baseline has no distribution, and where
    neither it nor the comparison has a threshold. The thresholds of p-values are corrected for their number if the
    baseline asks for it.
    """
    correction = baseline.config.correction
    found = [
        _measured(feature, column, baseline.distributions.get(feature.name, Distribution()))
        for feature, column in columns_to_check(dataset, baseline)
        if feature.config.perform_comparison
    ]
    tests = {drift.feature.name: test for drift in found if isinstance(drift, _Drift) and (test := _p_value(drift))}
    thresholds = corrected(tests, correction, baseline.data_sets)
    for drift in found:
        if isinstance(drift, Evaluation):
            yield drift
            continue
        feature = drift.feature
        label = feature.comparison_label
        if feature.name in tests:
            test = tests[feature.name]
            label = corrected_label(label, test, correction, sum(other.shared == test.shared for other in tests.values()))
        yield _evaluation(drift, label, thresholds.get(feature.name, feature.threshold))
        if feature.comparison.key == "chi_squared" and drift.window.counts and drift.reference.counts:
            yield _new_categories(drift)


def _measured(feature: FeatureConstraint, column: ColumnProfile, reference: Distribution) -> _Drift | Evaluation:
    if feature.inferred_type is ColumnType.UNKNOWN:
        reason = "the baseline does not know the type of this feature"
        return Evaluation(feature.name, KEY, "distance to the baseline", None, None, Verdict.NOT_COMPUTABLE, reason)
    verdict = Verdict.NOT_COMPUTABLE
    window, reference = aligned(distribution_of(column, feature.inferred_type), reference)
    reason = too_few(feature, window, reference)
    if reference.sketch is None and reference.counts is None:
        reason = "the baseline's statistics.json has no distribution of this feature"
    elif reason:
        verdict = Verdict.INSUFFICIENT
    else:
        return _Drift(feature, window, reference, feature.compare(window, reference))
    return Evaluation(feature.name, KEY, feature.comparison_label, None, feature.threshold, verdict, reason)


def too_few(feature: FeatureConstraint, window: Distribution, reference: Distribution) -> str:
    """Which side has fewer values than the feature's comparison asks for; "" when both have enough."""
    for side, n in (("window", window.n), ("baseline", reference.n)):
        if n < feature.least_values:
            return f"the {side} has {n} values, {feature.comparison.key} needs {feature.least_values}"
    return ""


def _p_value(drift: _Drift) -> PValue | None:
    threshold = drift.feature.threshold
    if isinstance(drift.value, Undefined) or threshold is None or drift.feature.comparison.worse is not Worse.LOWER:
        return None
    return PValue(drift.value, threshold, drift.feature.comparison.shares_budget)


def _evaluation(drift: _Drift, label: str, threshold: float | None) -> Evaluation:
    name, value, worse = drift.feature.name, drift.value, drift.feature.comparison.worse
    if isinstance(value, Undefined):
        return Evaluation(name, KEY, label, None, threshold, Verdict.NOT_COMPUTABLE, value.reason)
    if threshold is None:
        reason = (
            f"{drift.feature.comparison.key} has no default threshold, since it is in the column's own units: give comparison_threshold"
        )
        return Evaluation(name, KEY, label, value, None, Verdict.NOT_COMPUTABLE, reason)
    if worse.breaches(value, threshold):
        return Evaluation(name, KEY, label, value, threshold, Verdict.VIOLATION, _sentence(drift, value, threshold))
    if (hidden := _hidden(drift)) > OTHER_SHARE:
        unseen = f"{hidden:.0%} of the values are known only as one of more than 1,000"
        return Evaluation(name, KEY, label, None, threshold, Verdict.NOT_COMPUTABLE, unseen)
    return Evaluation(name, KEY, label, value, threshold, Verdict.PASS)


def _sentence(drift: _Drift, value: float, threshold: float) -> str:
    """The stock analyzer's sentence; of a comparison that explains itself its own, with its share of the budget."""
    comparison = drift.feature.comparison
    if comparison.explain is not None:
        return f"{comparison.explain(drift.window, drift.reference)}: p {value:.2g}, its share of the budget {threshold:.2g}"
    which = "distance: {} exceeds" if comparison.worse is Worse.HIGHER else "p-value: {} is below"
    return f"Baseline drift {which.format(value)} threshold: {threshold}"


def _hidden(drift: _Drift) -> float:
    """The share of the values that may move unseen; to small tests values that are known by their number are a category."""
    if drift.feature.comparison.shares_budget:
        return 0.0
    return min(drift.window.other / drift.window.n, drift.reference.other / drift.reference.n)


def _new_categories(drift: _Drift) -> Evaluation:
    """Categories that the baseline never had are no cell of its test; they are judged by their share."""
    new = {value: count for value, count in (drift.window.counts or {}).items() if value not in (drift.reference.counts or {})}
    share = sum(new.values()) / drift.window.n
    name, definition = drift.feature.name, "share of values in categories that the baseline lacks"
    if share <= NEW_CATEGORIES:
        return Evaluation(name, KEY, definition, share, NEW_CATEGORIES, Verdict.PASS)
    sentence = f"New categories: {share} of the values exceed threshold: {NEW_CATEGORIES}; most frequent: {next(iter(new))!r}"
    return Evaluation(name, KEY, definition, share, NEW_CATEGORIES, Verdict.VIOLATION, sentence)
