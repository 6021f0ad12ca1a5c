"""How the interval of a comparison is made of draws: one function for each kind of comparison.

Distances are never negative, so chance alone makes some distance, and with 30 features the largest of 30: by the plain
quantiles of draws, limits would be broken where nothing has changed. Violations in % of 150 pairs of windows with φ of
Student's t with 4 degrees of freedom, and the limits share_moved 0.05, largest_change 0.02 and rank_change 3 (before: quantiles
of the draws, less what chance adds once):

                                       share_moved     largest_change    rank_change
                                       before  now     before  now       before  now
30 rows, 10 features of shares 1 / i     23      7       34      1          1      0
30 rows, 30 features of one share        85      6        1      0        100      1
100 rows, 30 features of shares 1 / i     0      0        3      0         36      1
300 rows, 30 features of one share        0      0        0      0        100      0

Where the second and the eighth of 30 features changed places (100 rows), both find it in all windows, by rank_change in 94 %
before and 100 % now. Of 0.1 that moved from one of 10 features to another (300 rows) the interval of share_moved has the true
value in 89 % (before: 71 %), and that of largest_change in 99 %; where nearly all of 30 features stayed (100 rows) that of
share_moved has it in 56 % only (before: 9 %), and is too high otherwise: the draws show only a part of what chance adds.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from hourglass.attribution.metric import Drawn, Formula, Interval, ranks, shares
from hourglass.values import Floats

_QUANTILES = 0.025, 0.975


def quantiles(draws: Floats) -> Interval | None:
    """From the 2.5 % quantile of the draws to the 97.5 % one; None where fewer than half of them, or than two, are numbers.

    >>> quantiles(np.arange(101.0)), quantiles(np.array([1.0, np.nan, np.nan]))
    ((2.5, 97.5), None)
    """
    known = draws[np.isfinite(draws)]
    if len(known) < 2 or 2 * len(known) < len(draws):
        return None
    low, high = np.quantile(known, _QUANTILES)
    return float(low), float(high)


def of_value(formula: Formula, drawn: Drawn) -> Interval | None:
    """The quantiles of what the formula makes of the draws."""
    return quantiles(formula(drawn.of_baseline, drawn.of_live))


def of_distance(formula: Formula, drawn: Drawn) -> Interval | None:
    """The quantiles of the draws, less what chance adds to the distance and once more to every draw of it.

    What it adds is estimated by how far the middle of the draws is above the value; so twice that is taken away.
    """
    draws = formula(drawn.of_baseline, drawn.of_live)
    interval = quantiles(draws)
    if interval is None:
        return None
    added = 2 * (float(np.nanmedian(draws)) - float(formula(drawn.baseline, drawn.live)[0]))
    low, high = (max(0.0, end - added) for end in interval)
    return low, high


def of_largest_share(_: Formula, drawn: Drawn) -> Interval | None:
    """The largest change of a share of F, each within z(1 - 0.025 / F) standard deviations of its draws: Bonferroni's bound.

    So in 95 % of cases no share changed by more than the upper end, and one by more than the lower end.
    """
    bounds = _bounds_of_shares(drawn)
    if bounds is None:
        return None
    return float(bounds[0].max()), min(1.0, float(bounds[1].max()))


def of_largest_rank(formula: Formula, drawn: Drawn) -> Interval | None:
    """The largest change of a rank: the lower end is that of the features whose share changed as `of_largest_share` has it.

    Of each feature the quantiles of the draws of its rank's change are taken, up or down. Ranks of features that have about
    the same share change places by chance, however many rows there are.
    """
    bounds = _bounds_of_shares(drawn)
    if bounds is None:
        return None
    known = _known(drawn)
    low, high = np.quantile(ranks(drawn.of_live[known]) - ranks(drawn.of_baseline[known]), _QUANTILES, axis=0)
    least = np.where(bounds[0] > 0, np.maximum(0.0, np.maximum(low, -high)), 0.0)
    value = float(formula(drawn.baseline, drawn.live)[0])
    return min(value, float(least.max())), max(value, float(np.maximum(high, -low).max()))


def _bounds_of_shares(drawn: Drawn) -> tuple[Floats, Floats] | None:
    """The least and the most that each feature's share changed by, up or down, in 95 % of cases for all of them together."""
    known = _known(drawn)
    if known.sum() < 2 or 2 * known.sum() < len(known):
        return None
    change = np.abs(shares(drawn.live)[0] - shares(drawn.baseline)[0])
    deviation = (shares(drawn.of_live[known]) - shares(drawn.of_baseline[known])).std(axis=0, ddof=1)
    width = NormalDist().inv_cdf(1 - _QUANTILES[0] / len(change)) * deviation
    return np.maximum(0.0, change - width), change + width


def _known(drawn: Drawn) -> Floats:
    """The draws in which both sides have some attribution."""
    known: Floats = (drawn.of_baseline.sum(axis=1) > 0) & (drawn.of_live.sum(axis=1) > 0)
    return known
