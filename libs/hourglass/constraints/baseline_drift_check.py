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


@check(source="SageMaker Model Monitor")
def baseline_drift_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Distance between a column's distribution and the baseline's, by the comparison that the baseline names.

    Numeric columns are compared by their sketches, text columns by their counts. Fewer rows than the comparison, or
    `minimum_rows`, asks for are insufficient data. Not computable where the baseline has no distribution.
    """
    for feature, column in columns_to_check(dataset, baseline):
        if feature.config.perform_comparison and feature.inferred_type is not ColumnType.UNKNOWN:
            yield _evaluation(feature, column, baseline.distributions.get(feature.name, Distribution()))


def _evaluation(feature: FeatureConstraint, column: ColumnProfile, reference: Distribution) -> Evaluation:
    config = feature.config
    numeric = feature.inferred_type.numeric
    if numeric:
        found = find_comparison(config.comparison_method, feature.name, AppliesTo.NUMERIC)
        window, threshold = Distribution(sketch=column.get(Quantiles), moments=column.get(Moments)), config.comparison_threshold
    else:
        found = find_comparison(config.categorical_drift_method, feature.name, AppliesTo.TEXT)
        categories = column.get(Categories)
        window, threshold = Distribution(counts=categories.table(), other=categories.other), config.categorical_comparison_threshold
        window, reference = aligned(window, reference)
    verdict, value, reason = _verdict(found, window, reference, threshold, config.minimum_rows)
    return Evaluation(feature.name, "baseline_drift_check", found.key, value, threshold, verdict, reason)


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
        return Verdict.PASS, value, ""
    if found.worse is Worse.HIGHER:
        return Verdict.VIOLATION, value, f"Baseline drift distance: {value} exceeds threshold: {threshold}"
    return Verdict.VIOLATION, value, f"Baseline drift p-value: {value} is below threshold: {threshold}"
