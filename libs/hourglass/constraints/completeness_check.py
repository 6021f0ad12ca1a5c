"""Whether a column has as many values as the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import Evaluation, Share, SuggestionOptions, check, columns_to_check, lower_bound, share_evaluation
from hourglass.dataset import Dataset
from hourglass.states import ColumnProfile, ValueClasses
from hourglass.statistics.completeness import completeness
from hourglass.undefined import Undefined

LEAST_SHARE = 0.2  # a column that is emptier than that is not held to anything


def suggest_completeness(column: ColumnProfile, options: SuggestionOptions) -> dict[str, Any]:
    """A full column stays full; one with gaps keeps to its share, less what chance explains."""
    share = completeness(column)
    if isinstance(share, Undefined) or share <= LEAST_SHARE:
        return {}
    if share == 1.0:
        return {"completeness": 1.0}
    return {"completeness": lower_bound(share, column.get(ValueClasses).rows, options.completeness_interval)}


@check(source="Deequ, CompleteIfCompleteRule and RetainCompletenessRule", suggest=suggest_completeness)
def completeness_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Share of rows that have a value; at least the baseline's `completeness`.

    Null, empty and NaN are missing; a row that lacks the column altogether is, too.
    """
    for feature, column in columns_to_check(dataset, baseline):
        if feature.completeness is None:
            continue
        share = completeness(column)
        found = None if isinstance(share, Undefined) else share
        sentence = f"Completeness requirement is not met. Expected at least {feature.completeness}. Observed: {found}."
        rows = column.get(ValueClasses).rows
        asked = Share("share of rows with a value", found, feature.completeness, rows, "missing_share")
        yield share_evaluation(baseline, feature, "completeness_check", asked, sentence)
