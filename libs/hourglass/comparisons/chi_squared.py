"""Pearson's chi-squared test of a window's counts against the baseline's shares."""

import heapq

from hourglass.comparisons.comparison import Worse, comparison
from hourglass.comparisons.distribution import Distribution, with_other
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined

SMALL, SMALL_OF_TWO, SMALL_SHARE = 5, 10, 0.2


@comparison(
    names=("ChiSquared",),
    applies_to=AppliesTo.TEXT,
    worse=Worse.LOWER,
    default_threshold=0.05,
    minimum_rows=30,
    source="Deequ, Distance (chi-squared); Pearson (1900)",
)
def chi_squared(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Chi-squared p-value: how likely counts as far from the baseline's shares are by chance alone.

    0 to 1, small is worse. Expected counts are the baseline's, scaled to the window's total over the baseline's
    categories; while more than 20 % of the cells expect fewer than 5 (of two cells, any fewer than 10) the smallest
    is merged into the second smallest. A category the baseline never had is left to the check of categorical values.
    Undefined when fewer than two cells are left, or either side has no values.

    >>> chi_squared(Distribution(counts={"a": 60, "b": 40}), Distribution(counts={"a": 50, "b": 50}))
    0.04550026389635857
    """
    if window.n == 0 or baseline.n == 0:
        return Undefined("no values in the window" if window.n == 0 else "no values in the baseline")
    if window.counts is None or baseline.counts is None:
        return Undefined("the columns are not categorical")
    reference, seen = with_other(baseline), with_other(window)
    observed = {value: seen.get(value, 0) for value in reference}
    total = sum(observed.values())
    scale = total / sum(reference.values())
    cells = [(count * scale, observed[value]) for value, count in reference.items() if count > 0]
    heapq.heapify(cells)
    while len(cells) > 1 and _too_small([expected for expected, _ in cells]):
        (first, first_seen), (second, second_seen) = heapq.heappop(cells), heapq.heappop(cells)
        heapq.heappush(cells, (first + second, first_seen + second_seen))
    if len(cells) < 2 or total == 0:
        return Undefined("fewer than two categories with enough expected rows")
    statistic = sum((found - expected) ** 2 / expected for expected, found in cells)
    from scipy import special  # a sixth of a second to import, and many runs never ask

    return float(special.chdtrc(len(cells) - 1, statistic))


def _too_small(expected: list[float]) -> bool:
    if len(expected) == 2:
        return min(expected) < SMALL_OF_TWO
    return sum(count < SMALL for count in expected) > SMALL_SHARE * len(expected)
