"""The number that occurs most often: stuck sensors, sentinels, defaults."""

from __future__ import annotations

import numpy as np
from scipy import special

from hourglass.small_tests.chance import widened, z_of, z_of_shares
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.statistics import AppliesTo
from hourglass.values import Counts, Floats

_AS_MUCH = 0.99


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.005, source="Hourglass", names_cause=True)
def frequent_number(pair: Pair) -> Found | None:
    """The share of a number that occurs often in the window or in the baseline, the one that changed most."""
    window, baseline = pair.window, pair.baseline
    if not window.n or not baseline.n or not (window.has_repeats or baseline.has_repeats):
        return None
    (mine, counts), (theirs, others) = window.counted, baseline.counted
    values = np.concatenate([window.most_frequent, baseline.most_frequent])
    x, y = _counts(values, mine, counts), _counts(values, theirs, others)
    z = z_of_shares(x, window.n, y, baseline.n)
    both = (x + y) / (window.n + baseline.n)
    extra = 2 * sum(side.rank_variance for side in (window, baseline) if not side.is_exact)
    z = widened(z, both * (1 - both) * (1 / window.n + 1 / baseline.n), extra)
    # as many numbers could be as frequent as that
    alike = np.minimum(1 / both, len(theirs) + 1.0)
    log_p = np.log(2 * np.maximum(1.0, alike)) + special.log_ndtr(-np.abs(z))
    change = x / window.n - y / baseline.n
    best = told = int(log_p.argmin())
    most = int(change.argmax())
    if change[most] >= _AS_MUCH * abs(change[best]):  # what came says more than what went
        told = most
    share, before = x[told] / window.n, y[told] / baseline.n
    words = f"{share:.1%} of the numbers are exactly {values[told]:.15g}, in the baseline {before:.1%}"
    return Found(z_of(float(log_p[best])), abs(float(change[best])), words, follows=share < before)


def _counts(values: Floats, known: Floats, counts: Counts) -> Floats:
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[places] == values, counts[places], 0).astype(np.float64)
