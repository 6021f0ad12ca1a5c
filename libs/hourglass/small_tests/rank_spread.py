"""The spread of the window's ranks among the baseline's numbers."""

from __future__ import annotations

import numpy as np

from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.005, source="Mood (1954)")
def rank_spread(pair: Pair) -> Found | None:
    """Whether the numbers are spread more or less: the mean squared distance of their ranks from the middle."""
    if not pair.window.n or not pair.baseline.n:
        return None
    expected, variance = pair.baseline.spread
    if variance <= 0:
        return None
    below, up_to, shares = pair.ranks
    found = float(((below + up_to) / 2 - 0.5) ** 2 @ shares)
    own = variance * (1 / pair.window.n + 1 / pair.baseline.n)
    z = (found - expected) / np.sqrt(own + (pair.window.rank_variance + pair.baseline.rank_variance) / 16)
    word = "more" if found > expected else "less"
    words = f"the numbers are spread {word}: the deviation of their ranks is {np.sqrt(found):.3f}, in the baseline {np.sqrt(expected):.3f}"
    return Found(float(z), abs(found - expected), words)
