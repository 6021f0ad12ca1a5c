"""The Kullback-Leibler divergence."""

import numpy as np

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution, smoothed_shares
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@comparison(
    names=("KullbackLeibler", "KL", "RelativeEntropy"),
    applies_to=AppliesTo.ANY,
    worse=Worse.HIGHER,
    default_threshold=0.1,
    minimum_rows=100,
    source="Kullback, Leibler (1951)",
)
def kullback_leibler(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Kullback-Leibler divergence of the window from the baseline in nats, with Laplace's +1: sum of p1 * ln(p1 / p2).

    0 and up. p1 are the window's shares, p2 the baseline's, one added to the count of every cell; the other direction
    added to it is the population stability index, hence half of that one's threshold. Cells are the values of a
    categorical column, or a numeric column's ten between the baseline's deciles. Missing values are left out.
    Undefined when either side has no values.

    >>> window = Distribution(counts={"a": 100, "b": 100, "c": 100, "d": 100})
    >>> round(kullback_leibler(window, Distribution(counts={"a": 100, "b": 100, "c": 100})), 6)
    0.869393
    """
    shares = smoothed_shares(window, baseline)
    if isinstance(shares, Undefined):
        return shares
    first, second = shares
    return max(0.0, float(np.sum(first * np.log(first / second))))
