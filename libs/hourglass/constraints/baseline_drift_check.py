"""Whether a column has the distribution of the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from hourglass.comparisons import Comparison, Distribution, Worse, find_comparison
from hourglass.comparisons.distribution import aligned
from hourglass.constraints.baseline import Baseline, FeatureConstraint
from hourglass.constraints.check import Evaluation, Verdict, check, columns_to_check
from hourglass.dataset import Dataset
from hourglass.states import Categories, ColumnProfile, Moments, Quantiles
from hourglass.statistics import AppliesTo, ColumnType
from hourglass.undefined import Undefined

KEY = "baseline_drift_check"
NEW_CATEGORIES = 0.1
OTHER_SHARE = 0.1  # what may move unseen between values that are only counted together


@check(source="SageMaker Model Monitor")
def baseline_drift_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Distance between a column's distribution and the baseline's, by the comparison that the baseline names.

    Numeric columns are compared by their sketches, text columns by their counts. Fewer rows than the comparison, or
    `minimum_rows`, asks for are insufficient data. Not computable where the baseline has no distribution.
    """
    for feature, column in columns_to_check(dataset, baseline):
        if feature.config.perform_comparison:
            yield from _evaluations(feature, column, baseline.distributions.get(feature.name, Distribution()))


def _evaluations(feature: FeatureConstraint, column: ColumnProfile, reference: Distribution) -> Iterator[Evaluation]:
    config = feature.config
    if feature.inferred_type is ColumnType.UNKNOWN:
        reason = "the baseline does not know the type of this feature"
        yield Evaluation(feature.name, KEY, "distance to the baseline", None, None, Verdict.NOT_COMPUTABLE, reason)
        return
    if feature.inferred_type.numeric:
        found = find_comparison(config.comparison_method, feature.name, AppliesTo.NUMERIC)
        window = Distribution(sketch=column.get(Quantiles), moments=column.get(Moments))
        threshold = config.comparison_threshold
    else:
        found = find_comparison(config.categorical_drift_method, feature.name, AppliesTo.TEXT)
        categories = column.get(Categories)
        window, reference = aligned(Distribution(counts=categories.table(), other=categories.other), reference)
        threshold = config.categorical_comparison_threshold
    limit = found.default_threshold if threshold is None else threshold
    verdict, value, reason = _verdict(found, window, reference, limit, config.minimum_rows)
    yield Evaluation(feature.name, KEY, found.key, value, limit, verdict, reason)
    if found.key == "chi_squared" and window.counts and reference.counts and window.n:
        yield _new_categories(feature, window, reference)


def _new_categories(feature: FeatureConstraint, window: Distribution, reference: Distribution) -> Evaluation:
    """Categories that the baseline never had are no cell of its test; they are judged by their share."""
    new = {value: count for value, count in (window.counts or {}).items() if value not in (reference.counts or {})}
    share = sum(new.values()) / window.n
    definition = "share of values in categories that the baseline lacks"
    if share <= NEW_CATEGORIES:
        return Evaluation(feature.name, KEY, definition, share, NEW_CATEGORIES, Verdict.PASS)
    sentence = f"New categories: {share} of the values exceed threshold: {NEW_CATEGORIES}; most frequent: {next(iter(new))!r}"
    return Evaluation(feature.name, KEY, definition, share, NEW_CATEGORIES, Verdict.VIOLATION, sentence)


def _verdict(
    found: Comparison, window: Distribution, reference: Distribution, threshold: float, minimum_rows: int | None
) -> tuple[Verdict, float | None, str]:
    if reference.sketch is None and reference.counts is None:
        return Verdict.NOT_COMPUTABLE, None, "the baseline's statistics.json has no distribution of this feature"
    least = found.minimum_rows if minimum_rows is None else minimum_rows
    for side, n in (("window", window.n), ("baseline", reference.n)):
        if n < max(1, least):
            return Verdict.INSUFFICIENT, None, f"the {side} has {n} values, {found.key} needs {max(1, least)}"
    value = found.function(window, reference)
    if isinstance(value, Undefined):
        return Verdict.NOT_COMPUTABLE, None, value.reason
    if not found.worse.breaches(value, threshold):
        hidden = min(window.other / window.n, reference.other / reference.n)
        unseen = f"{hidden:.0%} of the values are known only as one of more than 1,000"
        return (Verdict.NOT_COMPUTABLE, None, unseen) if hidden > OTHER_SHARE else (Verdict.PASS, value, "")
    if found.worse is Worse.HIGHER:
        return Verdict.VIOLATION, value, f"Baseline drift distance: {value} exceeds threshold: {threshold}"
    return Verdict.VIOLATION, value, f"Baseline drift p-value: {value} is below threshold: {threshold}"
