"""How often two rows have the same value: rounding, and texts that became one."""

from __future__ import annotations

import math

import numpy as np

from hourglass.small_tests.chance import log_chi_squared, z_of, z_of_shares
from hourglass.small_tests.column import pairs_of
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo

_FEW = 25  # pairs, whose number is Poisson's
_NORMAL, _LEAST_SHARE = 1e5, 1e-3  # degrees of freedom from which a chi-squared is normal, and a share that makes it so


@small_test(applies_to=AppliesTo.ANY, least_effect=0.05, source="Hourglass; Hoeffding (1948), Pearson (1895)")
def equal_pairs(pair: Pair) -> Found | None:
    """The share of pairs of rows that have the same value; of texts where some are known by their number only.

    The effect is the difference of both shares in units of the larger.
    """
    window, baseline = pair.window.repeats, pair.baseline.repeats
    if window is None or baseline is None or window.n < 2 or baseline.n < 3:
        return None
    if pair.baseline.counts is not None and window.is_exact and baseline.is_exact:
        return None  # the counts themselves are compared
    mine, theirs = window.share_of_pairs, baseline.share_of_pairs
    of_window, of_baseline = pairs_of(window.n), pairs_of(baseline.n)
    most = theirs + 2 * baseline.error  # where few values repeat, a state may know of none
    rate = (mine * of_window + most * of_baseline) / (of_window + of_baseline)
    if rate <= 0:
        return None
    away = abs(mine - theirs) - 0.5 / of_window
    if away <= 0:
        return Found(0.0, 0.0)
    # of pairs that have a row in common, as the side has them that differ most in how frequent their values are
    beyond = pair.baseline.most_triples - theirs**2
    if window.is_exact:
        beyond = max(beyond, pair.window.most_triples - mine**2)
    variance = sum(4 * (side.n - 2) * max(0.0, beyond) / (side.n * (side.n - 1)) for side in (window, baseline))
    own = [rate * (1 - rate) / pairs_of(side.n) for side in (window, baseline)]
    variance += sum(own) + window.error**2 + baseline.error**2
    z = _skewed(away / math.sqrt(variance), rate, own[mine < theirs] / variance)
    if window.is_exact and rate * of_window < _FEW:  # few pairs are skewed
        few = float(z_of_shares(np.array([mine * of_window]), of_window, np.array([most * of_baseline]), of_baseline)[0])
        z = min(z, max(0.0, math.copysign(1, mine - theirs) * few))
    words = f"{100 * mine:.3g}% of pairs of rows have the same value, in the baseline {100 * theirs:.3g}%"
    return Found(math.copysign(z, mine - theirs), abs(mine - theirs) / max(mine, theirs), words)


def _skewed(z: float, rate: float, share: float) -> float:
    """A z of which a `share` of the variance is of squares: chi-squared's where values are uniform, else nearly normal."""
    freedom = max(1.0, (1 - rate) / rate) / max(share, _LEAST_SHARE) ** 3
    return z if freedom >= _NORMAL else z_of(math.log(2) + log_chi_squared(freedom + z * math.sqrt(2 * freedom), freedom))
