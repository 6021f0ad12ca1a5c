"""Numbers that come again and were rare before: rows that were copied, values that were rounded finely."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from hourglass.small_tests.chance import log_of, z_of
from hourglass.small_tests.column import pairs_of
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.005, source="Hourglass")
def copied_numbers(pair: Pair) -> Found | None:
    """The share of the rows whose number comes again, of numbers that the baseline's sketch does not have.

    Pairs of such rows are Poisson's. Numbers that are frequent in the baseline are in its sketch, so those that are left are rare;
    what the baseline says of all its pairs, and its error twice, is more than they explain.
    """
    window, baseline = pair.window.repeats, pair.baseline.repeats
    if window is None or baseline is None or window.numbers is None or window.n < 2 or baseline.n < 3:
        return None
    again = window.counts > 1
    if not again.any():
        return None
    known = pair.baseline.items[0]
    numbers, counts = window.numbers[again], window.counts[again]
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    fresh = counts[known[places] != numbers].astype(np.float64)
    pairs = fresh * (fresh - 1) / 2
    found = float(pairs.sum())
    if not found:
        return None
    rate = baseline.share_of_pairs
    error = math.sqrt(baseline.equal_pairs + 1) / pairs_of(baseline.n) if baseline.is_exact else baseline.error
    expected = window.share * pairs_of(window.n) * (rate + 2 * error)
    clump = float((pairs**2).sum()) / found  # pairs of one number come together
    found, expected = found / clump, max(expected / clump, 1e-9)
    if found <= expected + 0.5:
        return Found(0.0, 0.0)
    count = math.ceil(found)  # as many or more
    log_p = log_of(float(special.gammainc(count, expected)), count * math.log(expected) - expected - math.lgamma(count + 1))
    copied = float(fresh.sum()) / max(1, int(window.counts.sum()))
    return Found(z_of(log_p), copied, f"{copied:.1%} of the numbers come again that are not frequent in the baseline")
