"""The Wasserstein-1 distance in units of the baseline's spread."""

import math

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution
from hourglass.comparisons.wasserstein import wasserstein
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("WassersteinNormalised", "WassersteinNormalized", "NormalisedWasserstein", "NormalizedWasserstein"),
    applies_to=AppliesTo.NUMERIC,
    worse=Worse.HIGHER,
    default_threshold=0.1,
    minimum_rows=1000,  # 95 % of clean windows of 1,000 normal values stay below 0.07; of 100, below 0.2 only
    source="Kantorovich (1942); divided by the baseline's deviation as in Evidently",
)
def wasserstein_normalised(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Wasserstein-1 distance divided by the baseline's standard deviation: how far a value has moved on average.

    0 and up; the deviation is the population's, sqrt(M2 / m). Missing values are left out. Undefined when either side
    has no numbers, and when the baseline has no deviation: one value only, or none given.

    >>> from hourglass.states import Moments, Quantiles
    >>> window, baseline = (Quantiles.from_levels([[x, x + 2]], x, x + 2) for x in (3.0, 1.0))
    >>> wasserstein_normalised(Distribution(sketch=window), Distribution(sketch=baseline, moments=Moments(2, 4.0, 2.0, 2.0, 1.0, 3.0)))
    2.0
    """
    distance = wasserstein(window, baseline)
    if isinstance(distance, Undefined):
        return distance
    moments = baseline.moments
    # of one value many times the deviation is rounding, and not always 0
    spread = moments is not None and moments.n > 0 and moments.maximum > moments.minimum
    deviation = math.sqrt(moments.m2 / moments.n) if moments is not None and spread else 0.0
    if not 0 < deviation < math.inf:
        return Undefined("the baseline has no standard deviation")
    return distance / deviation
