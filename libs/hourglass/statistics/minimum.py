"""The smallest number."""

from hourglass.states import ColumnProfile, Moments
from hourglass.statistics.statistic import AppliesTo, finite, statistic
from hourglass.undefined import Undefined


@statistic(needs=(Moments,), applies_to=AppliesTo.NUMERIC, place="numerical_statistics.min", source="SageMaker Model Monitor")
def minimum(column: ColumnProfile) -> float | Undefined:
    """Smallest finite number.

    Missing values, NaN and infinities are left out. Undefined without finite numbers, or beyond a double's range.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["moments"], 0)
    >>> column.update(classify(["1", "2", "", "3"]))
    >>> minimum(column)
    1.0
    """
    moments = column.get(Moments)
    return finite(moments.minimum, moments.n)
