"""The categories of a text column: all together, the one that changed most, and those that are new."""

from __future__ import annotations

import math

import numpy as np

from hourglass.errors import shorten
from hourglass.small_tests.chance import log_chi_squared, log_p_of, z_of, z_of_shares
from hourglass.small_tests.small_test import OTHER, Found, Pair, small_test
from hourglass.statistics import AppliesTo

_LEAST_EXPECTED = 10.0
_SHOWN = 40  # letters of a category


@small_test(applies_to=AppliesTo.TEXT, least_effect=0.02, source="Pearson (1900)")
def all_categories(pair: Pair) -> Found | None:
    """Pearson's chi-squared of the counts of both, with the cells that have few pooled."""
    names, x, y = pair.cells
    n, m = x.sum(), y.sum()
    if not n or not m or len(names) < 2:
        return None
    expected = (x + y) * min(n, m) / (n + m)
    few = expected < _LEAST_EXPECTED
    if few.any():
        if expected[few].sum() < _LEAST_EXPECTED and not few.all():
            few[np.flatnonzero(~few)[expected[~few].argmin()]] = True  # too few even together
        x, y = np.append(x[~few], x[few].sum()), np.append(y[~few], y[few].sum())
        filled = x + y > 0
        x, y = x[filled], y[filled]
    if len(x) < 2:
        return None
    both = (x + y) / (n + m)
    statistic = float(((x - n * both) ** 2 / (n * both) + (y - m * both) ** 2 / (m * both)).sum())
    distance = float(np.abs(x / n - y / m).sum() / 2)
    words = f"{distance:.1%} of the values are in other categories than in the baseline"
    return Found(z_of(log_chi_squared(statistic, len(x) - 1)), distance, words)


@small_test(applies_to=AppliesTo.TEXT, least_effect=0.01, source="Hourglass", names_cause=True)
def largest_category(pair: Pair) -> Found | None:
    """The share of the category that changed most."""
    names, x, y = pair.cells
    n, m = x.sum(), y.sum()
    if not n or not m or len(names) < 2:
        return None
    z = z_of_shares(x, n, y, m)
    place = int(np.abs(z).argmax())
    log_p = log_p_of(float(z[place])) + math.log(len(names) - (len(names) == 2))
    share, before = x[place] / n, y[place] / m
    which = "none of those that are counted one by one" if names[place] == OTHER else repr(shorten(names[place], _SHOWN))
    return Found(z_of(log_p), abs(share - before), f"{share:.1%} of the values are {which}, in the baseline {before:.1%}")


@small_test(applies_to=AppliesTo.TEXT, least_effect=0.005, source="Good (1953)", names_cause=True)
def new_categories(pair: Pair) -> Found | None:
    """The share of values in categories that the baseline lacks, beside what Good and Turing expect of them."""
    names, x, y = pair.cells
    n, m = x.sum(), y.sum()
    if not n or not m:
        return None
    new = np.array([place for place in np.flatnonzero((y == 0) & (x > 0)) if names[place] != OTHER], np.intp)
    count, unseen = float(x[new].sum()), float((y == 1).sum()) + 1.0
    if not count:
        return None
    z = max(0.0, float(z_of_shares(np.array([count]), n, np.array([unseen]), m + 1)[0]))
    name = names[int(new[x[new].argmax()])]
    words = f"{count / n:.1%} of the values are in categories that the baseline has not, such as {shorten(name, _SHOWN)!r}"
    return Found(z, count / n, f"at least {words}" if pair.window.other else words)
