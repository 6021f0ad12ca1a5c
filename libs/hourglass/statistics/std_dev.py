"""The spread of the numbers."""

import math

from hourglass.states import ColumnProfile, Moments
from hourglass.statistics.statistic import AppliesTo, finite, statistic
from hourglass.undefined import Undefined


@statistic(needs=(Moments,), applies_to=AppliesTo.NUMERIC, place="numerical_statistics.std_dev", source="Chan, Golub, LeVeque (1979)")
def std_dev(column: ColumnProfile) -> float | Undefined:
    """Population standard deviation of the finite numbers: sqrt(M2 / n).

    Missing values, NaN and infinities are left out. Undefined without finite numbers, or beyond a double's range.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["moments"], 0)
    >>> column.update(classify(["1", "3"]))
    >>> std_dev(column)
    1.0
    """
    moments = column.get(Moments)
    return finite(math.sqrt(moments.m2 / moments.n) if moments.n else 0.0, moments.n)
