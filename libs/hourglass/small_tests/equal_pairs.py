"""How often two rows have the same value: rounding, rows that were copied, texts that became one."""

from __future__ import annotations

import numpy as np

from hourglass.small_tests.chance import z_of_shares
from hourglass.small_tests.column import Repeated
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.ANY, least_effect=0.0, source="Hourglass; Hoeffding (1948) for the variance")
def equal_pairs(pair: Pair) -> Found | None:
    """The share of pairs of rows that have the same value; of texts where some are known by their number only."""
    window, baseline = pair.window.repeats, pair.baseline.repeats
    if window is None or baseline is None or window.n < 2 or baseline.n < 3:
        return None
    if pair.baseline.counts is not None and window.share == baseline.share == 1:
        return None  # the counts themselves are compared
    (mine, own), (theirs, other) = _pairs(window), _pairs(baseline)
    of_window, of_baseline = window.n * (window.n - 1) / 2, baseline.n * (baseline.n - 1) / 2
    if mine + theirs == 0:
        return None
    rate = (mine + theirs) / (of_window + of_baseline)
    numbers = baseline.counts.astype(np.float64)
    triples = float((numbers * (numbers - 1) * (numbers - 2)).sum()) / baseline.share / (baseline.n * (baseline.n - 1) * (baseline.n - 2))
    beyond = max(0.0, triples - rate**2)  # of pairs that have a row in common
    variances = [
        2 * (2 * (n - 2) * beyond + max(rate * (1 - rate), 0.0)) / (n * (n - 1)) + extra
        for n, extra in ((window.n, own / of_window**2), (baseline.n, other / of_baseline**2))
    ]
    difference = mine / of_window - theirs / of_baseline
    away = abs(difference) - 0.5 / of_window
    if away <= 0:
        return Found(0.0, 0.0)
    z = np.sign(difference) * away / np.sqrt(sum(variances))
    # few pairs are skewed: those of chance are Poisson's
    expected = rate * of_window
    if expected < 25:
        z = float(np.clip(z_of_shares(np.array([mine]), of_window, np.array([theirs]), of_baseline)[0], -abs(z), abs(z)))
    words = f"{mine / of_window:.3%} of pairs of rows have the same value, in the baseline {theirs / of_baseline:.3%}"
    return Found(float(z), abs(difference), words)


def _pairs(found: Repeated) -> tuple[float, float]:
    """Pairs of rows with the same value, and the variance that not all values are known adds."""
    pairs, share = found.counts * (found.counts - 1) / 2, found.share
    return float(pairs.sum()) / share, float((pairs.astype(np.float64) ** 2).sum()) * (1 - share) / share**2
