"""The share of rows that have a value."""

from hourglass.states import ColumnProfile, ValueClasses
from hourglass.statistics.statistic import AppliesTo, statistic
from hourglass.undefined import Undefined


@statistic(needs=(ValueClasses,), applies_to=AppliesTo.ANY, place="", source="Deequ, Completeness")
def completeness(column: ColumnProfile) -> float | Undefined:
    """Share of the rows that have a value: present / rows.

    Undefined without rows.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["value_classes"], 0)
    >>> column.update(classify(["1", "", "3", "4"]))
    >>> completeness(column)
    0.75
    """
    classes = column.get(ValueClasses)
    return classes.present / classes.rows if classes.rows else Undefined("no rows")
