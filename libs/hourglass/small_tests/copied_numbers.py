"""Numbers that come again and were rare before: rows that were copied, values that were rounded finely."""

from __future__ import annotations

import numpy as np
from scipy import special

from hourglass.small_tests.chance import z_of
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.states.second_moment import ERROR
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.005, source="Hourglass")
def copied_numbers(pair: Pair) -> Found | None:
    """The share of the rows whose number comes again, of numbers that the baseline's sketch does not have.

    Pairs of such rows are Poisson's. Numbers that are frequent in the baseline are in its sketch, so those that are left are rare;
    what the baseline says of all its pairs, less its error twice, is more than they explain.
    """
    window, baseline = pair.window.repeats, pair.baseline.repeats
    if window is None or baseline is None or window.numbers is None or window.n < 2 or baseline.n < 3:
        return None
    known, again = pair.baseline.items[0], window.counts > 1
    numbers, counts = window.numbers[again], window.counts[again]
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    fresh = counts[known[places] != numbers].astype(np.float64)
    pairs = fresh * (fresh - 1) / 2
    found = float(pairs.sum())
    if not found:
        return None
    rate = baseline.equal_pairs / (baseline.n * (baseline.n - 1) / 2)
    error = 0.0 if baseline.is_exact else ERROR * (rate + 1 / baseline.n)
    expected = window.share * window.n * (window.n - 1) / 2 * (rate + 2 * error)
    clump = float((pairs**2).sum()) / found  # pairs of one number come together
    found, expected = found / clump, max(expected / clump, 1e-9)
    if found <= expected + 0.5:
        return Found(0.0, 0.0)
    p = float(special.gammainc(np.ceil(found), expected))  # of as many or more
    copied = float(fresh.sum()) / max(1, int(window.counts.sum()))
    return Found(z_of(p), copied, f"{copied:.1%} of the numbers come again that are not frequent in the baseline")
