"""The spread of the window's ranks among the baseline's numbers."""

from __future__ import annotations

import math

from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo
from hourglass.values import Floats


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.005, source="Mood (1954)")
def rank_spread(pair: Pair) -> Found | None:
    """Whether the numbers are spread more or less: the mean squared distance of their ranks from the middle."""
    ranks = pair.of_ranks(_from_the_middle, error=0.25)
    if ranks is None:
        return None
    word = "more" if ranks.found > ranks.expected else "less"
    now, before = math.sqrt(ranks.found), math.sqrt(ranks.expected)
    words = f"the numbers are spread {word}: the deviation of their ranks is {now:.3f}, in the baseline {before:.3f}"
    return Found(ranks.z, abs(ranks.found - ranks.expected), words)


def _from_the_middle(ranks: Floats) -> Floats:
    return (ranks - 0.5) ** 2
