"""Welch's test of two means, with a tolerance."""

import math
from typing import Annotated

from hourglass.comparisons.comparison import Accepts, Worse, comparison
from hourglass.comparisons.distribution import Distribution
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("TTest", "Welch"),
    applies_to=AppliesTo.NUMERIC,
    worse=Worse.LOWER,
    default_threshold=0.05,
    minimum_rows=30,
    source="Welch (1947); tolerance: arXiv 2111.13657",
)
def t_test(
    window: Distribution,
    baseline: Distribution,
    *,
    tolerance: Annotated[float, Accepts("a number of 0 or more", lambda difference: difference >= 0)] = 0.0,
) -> float | Undefined:
    """Welch's p-value: how likely means that differ by more than the tolerance as much as these are by chance.

    0 to 1, small is worse: one-sided p of t = (|x1 - x2| - tolerance) / sqrt(s1^2 / n + s2^2 / m), the tolerance in the
    column's units. Missing values are left out. Undefined with fewer than two numbers on either side, or without any spread.

    >>> from hourglass.states import Moments
    >>> t_test(Distribution(moments=Moments(50, 0, 1.0, 49.0)), Distribution(moments=Moments(50, 0, 1.0, 49.0)))
    0.5
    """
    first, second = window.moments, baseline.moments
    if first is None or second is None:
        return Undefined("the columns are not numeric")
    if first.n < 2 or second.n < 2:
        return Undefined("fewer than two numbers")
    first_error, second_error = first.m2 / (first.n - 1) / first.n, second.m2 / (second.n - 1) / second.n
    error = first_error + second_error
    if not 0 < error < math.inf:
        return Undefined("no spread in either column")
    t = (abs(first.mean - second.mean) - tolerance) / math.sqrt(error)
    freedom = error**2 / (first_error**2 / (first.n - 1) + second_error**2 / (second.n - 1))
    from scipy import special  # a sixth of a second to import, and many runs never ask

    return float(special.stdtr(freedom, -t))
