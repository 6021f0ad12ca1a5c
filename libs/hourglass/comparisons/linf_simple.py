"""The largest difference between two distributions."""

import numpy as np

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution, cell_shares
from hourglass.small_tests import pair_of
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("Simple", "LInfinity"),
    applies_to=AppliesTo.ANY,
    worse=Worse.HIGHER,
    default_threshold=0.1,
    minimum_rows=100,
    source="Deequ, Distance (linf_simple); SageMaker's comparison_method Simple",
)
def linf_simple(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Largest distance: max |F1 - F2| of two numeric columns, max |p1 - p2| over the values of two categorical ones.

    0 to 1. Missing values are left out; a category that only one side has counts with its share. Values that are known
    only as "other" are one category. Undefined when either side has no values.

    >>> linf_simple(Distribution(counts={"a": 3, "b": 1}), Distribution(counts={"a": 2, "b": 2}))
    0.25
    """
    if window.n == 0 or baseline.n == 0:
        return Undefined("no values in the window" if window.n == 0 else "no values in the baseline")
    if window.sketch is not None and baseline.sketch is not None:
        over, under = pair_of(window.column, baseline.column).differences
        return float(max(over.max(), under.max()))
    if window.counts is not None and baseline.counts is not None:
        shares = cell_shares(window, baseline)
        if isinstance(shares, Undefined):
            return shares
        return float(np.abs(shares[0] - shares[1]).max())
    return Undefined("the window and the baseline are of different kinds")
