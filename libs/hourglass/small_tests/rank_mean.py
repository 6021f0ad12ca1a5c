"""The mean of the window's ranks among the baseline's numbers."""

from __future__ import annotations

from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo
from hourglass.values import Floats


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.01, source="Mann and Whitney (1947)")
def rank_mean(pair: Pair) -> Found | None:
    """Whether the numbers are larger or smaller: their mean rank among the baseline's, which is one half."""
    ranks = pair.of_ranks(_rank, error=0.5)
    if ranks is None:
        return None
    word = "larger" if ranks.found > ranks.expected else "smaller"
    chance = max(ranks.found, 1 - ranks.found)
    words = f"the numbers are {word}: {chance:.1%} of pairs have the {word} one in the window"
    return Found(ranks.z, abs(ranks.found - ranks.expected), words)


def _rank(ranks: Floats) -> Floats:
    return ranks
