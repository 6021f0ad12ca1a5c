"""How many rows have a value."""

from hourglass.states import ColumnProfile, ValueClasses
from hourglass.statistics.statistic import AppliesTo, statistic


@statistic(needs=(ValueClasses,), applies_to=AppliesTo.ANY, place="common.num_present", source="SageMaker Model Monitor")
def num_present(column: ColumnProfile) -> int:
    """Rows with a value: not null, not empty, not NaN; an infinity is a value.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["value_classes"], 0)
    >>> column.update(classify(["1", "", "nan"]))
    >>> num_present(column)
    1
    """
    return column.get(ValueClasses).present
