"""Whether a column has the distribution of the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hourglass.comparisons import COMPARISONS, Distribution, Worse, aligned, distribution_of
from hourglass.constraints.baseline import Baseline, FeatureConstraint
from hourglass.constraints.check import Evaluation, Verdict, check, columns_to_check
from hourglass.constraints.correction import PValue, by_rank, corrected, corrected_label
from hourglass.dataset import Dataset
from hourglass.errors import shorten
from hourglass.small_tests.chance import told
from hourglass.states import ColumnProfile
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined

KEY = "baseline_drift_check"
NEW_CATEGORIES = 0.1
SHOWN_TOGETHER, LONGEST_SHOWN = 5, 40
OTHER_SHARE = 0.1  # what may move unseen between values that are only counted together


@dataclass(frozen=True)
class _Drift:
    """What was measured of one feature before it meets a threshold, which may depend on all the others.

    `distance` is how far it moved beyond chance, where `value` is a p-value with a share of the budget.
    """

    feature: FeatureConstraint
    window: Distribution
    reference: Distribution
    value: float | Undefined
    distance: float | None = None


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
        _measured(
            feature,
            column,
            baseline.distributions.get(feature.name, Distribution()),
        )
        for feature, column in columns_to_check(dataset, baseline)
        if feature.config.perform_comparison
    ]
    tests = {drift.feature.name: test for drift in found if isinstance(drift, _Drift) and (test := _p_value(drift))}
    thresholds = corrected(tests, correction, baseline.budget_parts)
    moved, alike = _moved(tests), Counter(test.shared for test in tests.values())
    for drift in found:
        if isinstance(drift, Evaluation):
            yield drift
            continue
        feature = drift.feature
        label = feature.comparison_label
        if feature.name in tests:
            test = tests[feature.name]
            others = alike[test.shared]
            label = corrected_label(label, test, correction, baseline.budget_parts if test.shared else others)
            if test.shared:
                yield _within_budget(drift, test, label, thresholds[feature.name], [name for name in moved if name != feature.name])
                continue
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
        value = feature.compare(window, reference)
        robust = COMPARISONS["linf_robust"].compare(window, reference) if feature.shares_budget else None
        return _Drift(feature, window, reference, value, None if isinstance(robust, Undefined) else robust)
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
        which = "distance: {} exceeds" if worse is Worse.HIGHER else "p-value: {} is below"
        sentence = f"Baseline drift {which.format(value)} threshold: {threshold}"
        return Evaluation(name, KEY, label, value, threshold, Verdict.VIOLATION, sentence)
    if (hidden := _hidden(drift)) > OTHER_SHARE:
        unseen = f"{hidden:.0%} of the values are known only as one of more than 1,000"
        return Evaluation(name, KEY, label, None, threshold, Verdict.NOT_COMPUTABLE, unseen)
    return Evaluation(name, KEY, label, value, threshold, Verdict.PASS)


def _moved(tests: Mapping[str, PValue]) -> list[str]:
    """The features that moved together, the most first: of those named at most the budget's share is expected to be chance."""
    shared = {name: test for name, test in tests.items() if test.shared}
    thresholds = by_rank(shared)
    return sorted((name for name, test in shared.items() if test.value < thresholds[name]), key=lambda name: shared[name].ratio)


def _within_budget(drift: _Drift, test: PValue, label: str, threshold: float, others: Sequence[str]) -> Evaluation:
    """The evaluation of a p-value that has a share of the budget: its comparison explains itself, and which columns moved with it."""
    name, comparison, p, distance = drift.feature.name, drift.feature.comparison, test.value, drift.distance
    budget = min(1.0, p * test.alpha / threshold)
    if p >= threshold:
        return Evaluation(name, KEY, label, p, threshold, Verdict.PASS, budget=budget, distance=distance)
    why = comparison.explain(drift.window, drift.reference) if comparison.explain else None
    sentence = f"{why.words} ({why.numbers})" if why else comparison.definition
    sentence += f"; all tests of the column: {told(p)}, its share of the budget {threshold:.2g}"
    if others:
        more = f" and {len(others) - SHOWN_TOGETHER} more" if len(others) > SHOWN_TOGETHER else ""
        sentence += f"; moved together with {', '.join(shorten(name, LONGEST_SHOWN) for name in others[:SHOWN_TOGETHER])}{more}"
    words = why.words if why else ""
    return Evaluation(name, KEY, label, p, threshold, Verdict.VIOLATION, sentence, budget=budget, distance=distance, words=words)


def _hidden(drift: _Drift) -> float:
    """The share of the values that may move unseen."""
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
