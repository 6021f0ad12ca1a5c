"""The Wasserstein-1 distance in the column's own units."""

import numpy as np

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution, cumulative_shares
from hourglass.statistics import AppliesTo
from hourglass.statistics.statistic import finite
from hourglass.undefined import Undefined


@comparison(
    names=("EarthMovers", "EMD"),
    applies_to=AppliesTo.NUMERIC,
    worse=Worse.HIGHER,
    default_threshold=None,
    minimum_rows=100,
    source="Kantorovich (1942); Vallender (1974)",
)
def wasserstein(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Wasserstein-1 distance in the column's own units: the integral of |F1 - F2|, how far a value has moved on average.

    0 and up, and without a default threshold, since that depends on the units. F1 and F2 are the sketches' step
    functions. Missing values are left out. Undefined when either side has no numbers, or beyond a double's range.

    >>> from hourglass.states import Quantiles
    >>> window, baseline = (Quantiles.from_levels([[x, x + 1]], x, x + 1) for x in (3.0, 1.0))
    >>> wasserstein(Distribution(sketch=window), Distribution(sketch=baseline))
    2.0
    """
    if window.sketch is None or baseline.sketch is None:
        return Undefined("the columns are not numeric")
    if window.n == 0 or baseline.n == 0:
        return Undefined("no values in the window" if window.n == 0 else "no values in the baseline")
    points, first, second = cumulative_shares(window.sketch, baseline.sketch)
    with np.errstate(over="ignore", invalid="ignore"):
        distance = float(np.sum(np.abs(first - second)[:-1] * np.diff(points)))
    return finite(distance, window.n)
