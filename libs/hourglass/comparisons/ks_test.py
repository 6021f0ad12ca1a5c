"""The two-sample Kolmogorov-Smirnov test."""

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution
from hourglass.comparisons.linf_simple import linf_simple
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("KolmogorovSmirnov", "KS"),
    applies_to=AppliesTo.NUMERIC,
    worse=Worse.LOWER,
    default_threshold=0.05,
    minimum_rows=30,
    source="Kolmogorov (1933), Smirnov (1948); scipy.stats.kstwo",
)
def ks_test(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Kolmogorov-Smirnov p-value: how likely a largest distance of the two distribution functions this big is by chance.

    0 to 1, small is worse; from Kolmogorov's distribution of D at n * m / (n + m) values. Missing values are left out.
    Undefined when either side has no numbers, or both have one.

    >>> from hourglass.states import Quantiles
    >>> column = Distribution(sketch=Quantiles.from_levels([[1.0, 2.0, 3.0, 4.0]], 1.0, 4.0))
    >>> ks_test(column, column)
    1.0
    """
    if window.sketch is None or baseline.sketch is None:
        return Undefined("the columns are not numeric")
    distance = linf_simple(window, baseline)
    if isinstance(distance, Undefined):
        return distance
    values = round(window.n * baseline.n / (window.n + baseline.n))
    if values == 0:
        return Undefined("too few values")
    from scipy import stats  # half a second to import, and most runs never ask for this test

    return float(stats.kstwo.sf(distance, values))
