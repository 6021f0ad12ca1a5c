"""How often two rows have the same value: rounding, and texts that became one."""

from __future__ import annotations

import numpy as np

from hourglass.small_tests.chance import z_of_shares
from hourglass.small_tests.column import Repeated
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.states.second_moment import ERROR
from hourglass.statistics import AppliesTo

_FEW = 25  # pairs, whose number is Poisson's


@small_test(applies_to=AppliesTo.ANY, least_effect=0.0, source="Hourglass; Hoeffding (1948) for the variance")
def equal_pairs(pair: Pair) -> Found | None:
    """The share of pairs of rows that have the same value; of texts where some are known by their number only."""
    window, baseline = pair.window.repeats, pair.baseline.repeats
    if window is None or baseline is None or window.n < 2 or baseline.n < 3:
        return None
    if pair.baseline.counts is not None and window.is_exact and baseline.is_exact:
        return None  # the counts themselves are compared
    mine, theirs = window.equal_pairs, baseline.equal_pairs
    of_window, of_baseline = window.n * (window.n - 1) / 2, baseline.n * (baseline.n - 1) / 2
    rate = (mine + theirs) / (of_window + of_baseline)
    if rate <= 0:
        return None
    difference = mine / of_window - theirs / of_baseline
    away = abs(difference) - 0.5 / of_window
    if away <= 0:
        return Found(0.0, 0.0)
    z = np.sign(difference) * away / np.sqrt(_variance(window, rate, baseline) + _variance(baseline, rate, baseline))
    if window.is_exact and rate * of_window < _FEW:  # few pairs are skewed
        z = float(np.clip(z_of_shares(np.array([mine]), of_window, np.array([theirs]), of_baseline)[0], -abs(z), abs(z)))
    words = f"{mine / of_window:.3%} of pairs of rows have the same value, in the baseline {theirs / of_baseline:.3%}"
    return Found(float(z), abs(difference), words)


def _variance(side: Repeated, rate: float, baseline: Repeated) -> float:
    """The variance of a side's share of equal pairs where the true one is `rate`: of chance, and of the state that it is known by."""
    n = side.n
    beyond = max(0.0, baseline.triples - rate**2)  # of pairs that have a row in common
    chance = 2 * (2 * (n - 2) * beyond + max(rate * (1 - rate), 0.0)) / (n * (n - 1))
    return chance if side.is_exact else chance + (ERROR * (rate + 1 / n)) ** 2
