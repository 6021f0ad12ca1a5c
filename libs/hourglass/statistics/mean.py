"""The mean of the numbers."""

from hourglass.states import ColumnProfile, Moments
from hourglass.statistics.statistic import AppliesTo, finite, statistic
from hourglass.undefined import Undefined


@statistic(needs=(Moments,), applies_to=AppliesTo.NUMERIC, place="numerical_statistics.mean", source="Chan, Golub, LeVeque (1979)")
def mean(column: ColumnProfile) -> float | Undefined:
    """Arithmetic mean of the finite numbers: sum / n.

    Missing values, NaN and infinities are left out. Undefined without finite numbers, or beyond a double's range.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["moments"], 0)
    >>> column.update(classify(["1", "2", "", "3"]))
    >>> mean(column)
    2.0
    """
    moments = column.get(Moments)
    return finite(moments.mean, moments.n)
