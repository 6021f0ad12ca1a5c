"""How many rows have no value."""

from hourglass.states import ColumnProfile, ValueClasses
from hourglass.statistics.statistic import AppliesTo, statistic


@statistic(needs=(ValueClasses,), applies_to=AppliesTo.ANY, place="common.num_missing", source="SageMaker Model Monitor")
def num_missing(column: ColumnProfile) -> int:
    """Rows without a value: null, empty or NaN.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["value_classes"], 0)
    >>> column.update(classify(["1", "", "nan"]))
    >>> num_missing(column)
    2
    """
    return column.get(ValueClasses).missing
