"""The sum of the numbers."""

from hourglass.states import ColumnProfile, Moments
from hourglass.statistics.statistic import AppliesTo, finite, statistic
from hourglass.undefined import Undefined


@statistic(needs=(Moments,), applies_to=AppliesTo.NUMERIC, place="numerical_statistics.sum", source="SageMaker Model Monitor")
def total(column: ColumnProfile) -> float | Undefined:
    """Sum of the finite numbers.

    Missing values, NaN and infinities are left out. Undefined without finite numbers, or beyond a double's range.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["moments"], 0)
    >>> column.update(classify(["1", "2", "", "3"]))
    >>> total(column)
    6.0
    """
    moments = column.get(Moments)
    return finite(moments.sum, moments.n)
