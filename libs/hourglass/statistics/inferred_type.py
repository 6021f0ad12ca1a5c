"""The type of a column."""

from hourglass.states import ColumnProfile, ValueClasses
from hourglass.statistics.statistic import AppliesTo, ColumnType, statistic


@statistic(needs=(ValueClasses,), applies_to=AppliesTo.ANY, place="inferred_type", source="Deequ, DataType")
def inferred_type(column: ColumnProfile) -> ColumnType:
    """The contract's type of a column: Integral, Fractional, String or Unknown.

    Text or numbers, whichever are more; of numbers, Fractional if any is. (Deequ says String if any value is text:
    one bad value in a million would then change the type; here it shows as a share in the data type check.)
    Booleans are String. All missing, or no rows, is Unknown.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["value_classes"], 0)
    >>> column.update(classify(["1", "2.5", ""]))
    >>> str(inferred_type(column))
    'Fractional'
    """
    classes = column.get(ValueClasses)
    if classes.present == 0:
        return ColumnType.UNKNOWN
    if classes.textual >= classes.numeric:
        return ColumnType.STRING
    return ColumnType.FRACTIONAL if classes.fractional or not classes.integral else ColumnType.INTEGRAL
