"""How often two rows have the same number: rounding, and rows that were copied."""

from __future__ import annotations

import numpy as np

from hourglass.small_tests.chance import z_of_shares
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo
from hourglass.values import Counts


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.0, source="Hourglass; Hoeffding (1948) for the variance")
def equal_pairs(pair: Pair) -> Found | None:
    """The share of pairs of rows that have the same number."""
    window, baseline = pair.window, pair.baseline
    if window.n < 2 or baseline.n < 3 or window.repeats is None or baseline.repeats is None:
        return None
    (mine, own), (theirs, other) = _pairs(*window.repeats), _pairs(*baseline.repeats)
    of_window, of_baseline = window.n * (window.n - 1) / 2, baseline.n * (baseline.n - 1) / 2
    if mine + theirs == 0:
        return None
    rate = (mine + theirs) / (of_window + of_baseline)
    counts, share = baseline.repeats
    numbers = counts.astype(np.float64)
    triples = float((numbers * (numbers - 1) * (numbers - 2)).sum()) / share / (baseline.n * (baseline.n - 1) * (baseline.n - 2))
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
    words = f"{mine / of_window:.3%} of pairs of rows have the same number, in the baseline {theirs / of_baseline:.3%}"
    return Found(float(z), abs(difference), words)


def _pairs(counts: Counts, share: float) -> tuple[float, float]:
    """Pairs of rows with the same number, and the variance that not all numbers are known adds."""
    pairs = counts * (counts - 1) / 2
    return float(pairs.sum()) / share, float((pairs.astype(np.float64) ** 2).sum()) * (1 - share) / share**2
