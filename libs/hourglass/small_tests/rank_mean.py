"""The mean of the window's ranks among the baseline's numbers."""

from __future__ import annotations

import numpy as np

from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.01, source="Mann and Whitney (1947)")
def rank_mean(pair: Pair) -> Found | None:
    """Whether the numbers are larger or smaller: their mean rank among the baseline's, which is one half."""
    if not pair.window.n or not pair.baseline.n:
        return None
    variance, _ = pair.baseline.spread
    if variance <= 0:
        return None
    below, up_to, shares = pair.ranks
    mean = float(((below + up_to) / 2) @ shares)
    own = variance * (1 / pair.window.n + 1 / pair.baseline.n)
    z = (mean - 0.5) / np.sqrt(own + (pair.window.rank_variance + pair.baseline.rank_variance) / 4)
    word = "larger" if mean > 0.5 else "smaller"
    chance = max(mean, 1 - mean)
    return Found(float(z), abs(mean - 0.5), f"the numbers are {word}: {chance:.1%} of pairs have the {word} one in the window")
