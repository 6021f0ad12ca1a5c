"""Whether a column's values are of the type that the baseline has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import (
    Evaluation,
    Share,
    SuggestionOptions,
    Verdict,
    check,
    columns_to_check,
    lower_bound,
    share_evaluation,
)
from hourglass.dataset import Dataset
from hourglass.states import ColumnProfile, ValueClasses
from hourglass.statistics import ColumnType
from hourglass.statistics.inferred_type import inferred_type


def suggest_data_type(column: ColumnProfile, options: SuggestionOptions) -> dict[str, Any]:
    """The column's type; where some values are of another, the share that the next window must reach."""
    kind = inferred_type(column)
    part: dict[str, Any] = {"inferred_type": str(kind)}
    share = matching_share(column, kind, whole_floats=False)
    if share is not None and share < 1:
        bound = lower_bound(share, column.get(ValueClasses).present, options.completeness_interval)
        part["monitoringConfigOverrides"] = {"datatype_check_threshold": bound}
    return part


@check(source="SageMaker Model Monitor", suggest=suggest_data_type)
def data_type_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Share of a column's values that have the baseline's type; at least `datatype_check_threshold`.

    Whole numbers are Fractional too. A text column matches unless most of its values are numbers. An infinity is of
    no type; missing values are left out. Not computable without values.
    """
    for feature, column in columns_to_check(dataset, baseline):
        expected, threshold = feature.inferred_type, feature.config.datatype_check_threshold
        if expected is ColumnType.UNKNOWN:
            reason = "the baseline does not know the type of this feature"
            yield Evaluation(feature.name, "data_type_check", "share of values of a type", None, threshold, Verdict.NOT_COMPUTABLE, reason)
            continue
        share = matching_share(column, expected, whole_floats=feature.config.whole_floats_are_integral)
        sentence = (
            f"Data type match requirement is not met. Expected data type: {expected}, Expected match: {threshold * 100}%. "
            f"Observed: Only {(share or 0.0) * 100}% of data is {expected}."
        )
        present = column.get(ValueClasses).present
        test = "text_share" if expected.numeric else "number_share"
        asked = Share(f"share of values that are {expected}", share, threshold, present, test)
        yield share_evaluation(baseline, feature, "data_type_check", asked, sentence)


def matching_share(column: ColumnProfile, expected: ColumnType, *, whole_floats: bool) -> float | None:
    """The share of values of a type; None without values."""
    classes = column.get(ValueClasses)
    if classes.present == 0 or expected is ColumnType.UNKNOWN:
        return None
    if expected is ColumnType.STRING:
        return 1.0 if inferred_type(column) is ColumnType.STRING else classes.textual / classes.present
    matching = classes.integral
    if expected is ColumnType.FRACTIONAL:
        matching += classes.fractional
    elif whole_floats:
        matching = classes.whole
    return matching / classes.present
