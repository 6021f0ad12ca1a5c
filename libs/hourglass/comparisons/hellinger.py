"""The Hellinger distance."""

import numpy as np

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution, cell_shares
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("HellingerDistance",),
    applies_to=AppliesTo.ANY,
    worse=Worse.HIGHER,
    default_threshold=0.1,
    minimum_rows=500,  # 95 % of clean windows of 500 normal values stay below 0.07; of 100, below 0.15 only
    source="Hellinger (1909)",
)
def hellinger(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Hellinger distance: sqrt(sum of (sqrt(p1) - sqrt(p2))^2 / 2).

    0 to 1, which are equal shares and no common value. Cells are the values of a categorical column, or a numeric
    column's ten between the baseline's deciles. Missing values are left out. Undefined when either side has no values.

    >>> round(hellinger(Distribution(counts={"a": 9, "b": 16}), Distribution(counts={"a": 16, "b": 9})), 6)
    0.2
    """
    shares = cell_shares(window, baseline)
    if isinstance(shares, Undefined):
        return shares
    first, second = shares
    return min(1.0, float(np.sqrt(np.square(np.sqrt(first) - np.sqrt(second)).sum() / 2)))
