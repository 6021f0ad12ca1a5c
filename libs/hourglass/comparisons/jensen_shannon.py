"""The Jensen-Shannon distance."""

import numpy as np

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution, cell_shares
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("JensenShannon", "JS"),
    applies_to=AppliesTo.ANY,
    worse=Worse.HIGHER,
    default_threshold=0.1,
    minimum_rows=100,
    source="Lin (1991); Endres, Schindelin (2003)",
)
def jensen_shannon(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Jensen-Shannon distance to base 2: the root of the mean divergence, in bits, of both sides from their mixture.

    0 to 1. Cells are the values of a categorical column, or a numeric column's ten between the baseline's deciles.
    Missing values are left out. Undefined when either side has no values.

    >>> window = Distribution(counts={"a": 85, "b": 5, "c": 5, "d": 5})
    >>> round(jensen_shannon(window, Distribution(counts={"a": 25, "b": 25, "c": 25, "d": 25})), 6)
    0.531239
    """
    shares = cell_shares(window, baseline)
    if isinstance(shares, Undefined):
        return shares
    from scipy import special  # a sixth of a second to import, and many runs never ask

    first, second = shares
    mixture = (first + second) / 2
    divergence = float(np.sum(special.rel_entr(first, mixture) + special.rel_entr(second, mixture))) / 2
    return float(np.sqrt(max(0.0, divergence) / np.log(2)))
