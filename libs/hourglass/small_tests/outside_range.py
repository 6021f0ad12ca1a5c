"""Numbers below all of the baseline's, or above."""

from __future__ import annotations

import math

import numpy as np

from hourglass.small_tests.chance import log_p_of, z_of, z_of_shares
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.005, source="Hourglass; Wilks (1941) for the next number's probability")
def outside_range(pair: Pair) -> Found | None:
    """The share of the numbers below the baseline's smallest, or above its largest, beside the 1 / (m + 1) of chance."""
    window, baseline = pair.window, pair.baseline
    if not window.n or not baseline.n:
        return None
    ends = baseline.sketch.minimum, baseline.sketch.maximum
    if ends[0] <= window.sketch.minimum and window.sketch.maximum <= ends[1]:
        return None
    below = window.sketch.counts_below(np.array(ends[:1]), inclusive=False)
    above = window.n - window.sketch.counts_below(np.array(ends[1:]), inclusive=True)
    outside = np.concatenate([below, above]).astype(np.float64)
    side = int(outside.argmax())
    z = float(z_of_shares(outside[side : side + 1], window.n, np.ones(1), baseline.n + 1.0)[0])
    if z <= 0:
        return None
    words = f"{outside[side] / window.n:.1%} of the numbers are {('below', 'above')[side]} {ends[side]:.15g}, where the baseline has none"
    return Found(z_of(math.log(2) + log_p_of(z)), float(outside[side]) / window.n, words)  # two ends
