"""Whether a column that never was negative still is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import Evaluation, SuggestionOptions, Verdict, check, columns_to_check
from hourglass.dataset import Dataset
from hourglass.states import ColumnProfile, Moments
from hourglass.statistics import ColumnType
from hourglass.statistics.inferred_type import inferred_type


def suggest_non_negative(column: ColumnProfile, options: SuggestionOptions) -> dict[str, Any]:  # noqa: ARG001 one signature for all
    """A numeric column whose smallest number is 0 or more stays non-negative."""
    moments = column.get(Moments)
    if not inferred_type(column).numeric or moments.n == 0:
        return {}
    return {"num_constraints": {"is_non_negative": moments.minimum >= 0}}


@check(source="Deequ, NonNegativeNumbersRule; the stock analyzer writes it and reports nothing", suggest=suggest_non_negative)
def non_negative_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Smallest number of a column; not below 0 where the baseline says `is_non_negative`."""
    for feature, column in columns_to_check(dataset, baseline):
        if not feature.is_non_negative or feature.inferred_type is ColumnType.STRING:
            continue
        moments = column.get(Moments)
        if moments.n == 0:
            yield Evaluation(
                feature.name, "non_negative_check", "smallest number", None, 0.0, Verdict.INSUFFICIENT, "the window has no numbers"
            )
            continue
        passed = moments.minimum >= 0
        description = f"Non-negative requirement is not met. Expected no number below 0. Observed minimum: {moments.minimum}."
        yield Evaluation(
            feature.name,
            "non_negative_check",
            "smallest number",
            moments.minimum,
            0.0,
            Verdict.PASS if passed else Verdict.VIOLATION,
            "" if passed else description,
        )
