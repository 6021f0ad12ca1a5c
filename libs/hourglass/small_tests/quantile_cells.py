"""The distribution functions at the baseline's quantiles, the tails among them."""

from __future__ import annotations

import numpy as np

from hourglass.small_tests.chance import widened, z_of, z_of_shares
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.01, source="Hourglass; Anderson and Darling (1952) weigh tails so")
def quantile_cells(pair: Pair) -> Found | None:
    """The largest standardised difference of the shares of the numbers up to each of about 29 quantiles of the baseline."""
    window, baseline = pair.window, pair.baseline
    if not window.n or not baseline.n or not len(baseline.cuts[0]):
        return None
    values, before = baseline.cuts
    up_to = window.sketch.counts_below(values, inclusive=True).astype(np.float64)
    own = before * (1 - before) * (1 / window.n + 1 / baseline.n)
    z = widened(z_of_shares(up_to, window.n, before * baseline.n, baseline.n), own, window.rank_variance + baseline.rank_variance)
    place = int(np.abs(z).argmax())
    share, was = float(up_to[place]) / window.n, float(before[place])
    sign, now, past = ("≤", share, was) if share > was else (">", 1 - share, 1 - was)  # on the side where the window has more
    words = f"{now:.1%} of the numbers are {sign} {values[place]:.15g}, in the baseline {past:.1%}"
    return Found(z_of(baseline.bridge.log_p_of_largest(float(z[place]))), abs(share - was), words)
