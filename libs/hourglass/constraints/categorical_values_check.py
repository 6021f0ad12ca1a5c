"""Whether a column's values are among those that the baseline knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import Evaluation, Share, SuggestionOptions, check, columns_to_check, lower_bound, share_evaluation
from hourglass.dataset import Dataset
from hourglass.errors import shorten
from hourglass.states import Categories, ColumnProfile
from hourglass.statistics import ColumnType
from hourglass.statistics.inferred_type import inferred_type

MOST_VALUES = 120
ALL_VALUES_ONCE_SHARE, TOP_VALUES_ONCE_SHARE = 0.1, 0.4
TOP_SHARE = 0.9
SHOWN_VALUES = 3


def suggest_domain(column: ColumnProfile, options: SuggestionOptions) -> dict[str, Any]:
    """The values of a column that has few: all of them, or the most frequent where many occur only once."""
    kind = inferred_type(column)
    if kind is not ColumnType.STRING and not (options.integral_domains and kind is ColumnType.INTEGRAL):
        return {}
    state = column.get(Categories)
    counts = state.table()
    if state.truncated or not 0 < len(counts) <= MOST_VALUES:
        return {}
    once = sum(count == 1 for count in counts.values()) / len(counts)
    if once <= ALL_VALUES_ONCE_SHARE:
        return {"string_constraints": {"domains": list(counts)}}
    if once > TOP_VALUES_ONCE_SHARE:
        return {}
    domain: list[str] = []
    covered = 0
    for value, count in counts.items():
        if covered >= TOP_SHARE * state.total:
            break
        domain.append(value)
        covered += count
    bound = lower_bound(covered / state.total, state.total, options.completeness_interval)
    return {"string_constraints": {"domains": domain}, "monitoringConfigOverrides": {"domain_content_threshold": bound}}


@check(source="Deequ, CategoricalRangeRule and FractionalCategoricalRangeRule", suggest=suggest_domain)
def categorical_values_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Share of a column's values that are among the baseline's `domains`; at least `domain_content_threshold`.

    Missing values are left out. Of a column with more than 1,000 distinct values those beyond count as unknown.
    """
    for feature, column in columns_to_check(dataset, baseline):
        if not feature.domains:
            continue
        state, threshold = column.get(Categories), feature.config.domain_content_threshold
        known = feature.known_values
        unknown = {value: count for value, count in state.table().items() if value not in known}
        share = 1 - (sum(unknown.values()) + state.other) / state.total if state.total else None
        shown = ", ".join(f"{shorten(value, 40)!r} ({count} times)" for value, count in list(unknown.items())[:SHOWN_VALUES])
        sentence = (
            f"Domain content requirement is not met. Expected match: {threshold * 100}%. Observed: Only {(share or 0.0) * 100}% of "
            f"data is in the baseline's domain of {len(known)} values; unknown: {shown or 'other values'}."
        )
        asked = Share("share of values in the domain", share, threshold, state.total, "new_categories")
        yield share_evaluation(baseline, feature, "categorical_values_check", asked, sentence)
