"""The population stability index."""

import numpy as np

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution, smoothed_shares
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("PSI",),
    applies_to=AppliesTo.ANY,
    worse=Worse.HIGHER,
    default_threshold=0.2,
    minimum_rows=100,
    source="Siddiqi (2006), Credit Risk Scorecards",
)
def population_stability_index(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Population stability index with Laplace's +1: sum of (p1 - p2) * ln(p1 / p2), one added to the count of every cell.

    0 and up. Cells are the values of a categorical column, or a numeric column's ten between the baseline's deciles.
    Missing values are left out. Undefined when either side has no values.

    >>> window = Distribution(counts={"a": 100, "b": 100, "c": 100})
    >>> round(population_stability_index(window, Distribution(counts={"a": 100, "b": 100, "c": 100, "d": 100})), 6)
    1.138599
    """
    shares = smoothed_shares(window, baseline)
    if isinstance(shares, Undefined):
        return shares
    first, second = shares
    return float(np.sum((first - second) * np.log(first / second)))
