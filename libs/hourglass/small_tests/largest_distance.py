"""The Kolmogorov-Smirnov test."""

from __future__ import annotations

import math

from scipy import special

from hourglass.small_tests.chance import log_of, z_of
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.02, source="Kolmogorov (1933), Smirnov (1948); Stephens (1970)")
def largest_distance(pair: Pair) -> Found | None:
    """The largest difference of the two distribution functions of the numbers."""
    if not pair.window.n or not pair.baseline.n:
        return None
    over, under = pair.differences
    up, down = int(over.argmax()), int(under.argmax())
    lower = over[up] >= under[down]
    distance, place = float(max(over[up], under[down], 0.0)), up if lower else down
    root = 1 / math.sqrt(pair.chance)
    scaled = distance * (root + 0.12 + 0.11 / root)
    log_p = log_of(float(special.kolmogorov(scaled)), math.log(2) - 2 * scaled**2)
    values, below, up_to = pair.window.items
    share = up_to[place] / pair.window.n if lower else 1 - below[place] / pair.window.n  # on the side where the window has more
    words = f"{share:.1%} of the numbers are {'≤' if lower else '≥'} {values[place]:.15g}, in the baseline {max(0.0, share - distance):.1%}"
    return Found(z_of(log_p), distance, words)
