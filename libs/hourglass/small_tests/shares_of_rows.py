"""Shares of rows: without a value, and with one of the other kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hourglass.small_tests.chance import z_of_shares
from hourglass.small_tests.small_test import Found, Pair, small_test
from hourglass.states import ValueClasses
from hourglass.statistics import AppliesTo


@small_test(applies_to=AppliesTo.ANY, least_effect=0.005, source="Hourglass", names_cause=True)
def missing_share(pair: Pair) -> Found | None:
    """The share of the rows without a value."""
    return _found(pair, lambda classes: (classes.missing, classes.rows), "of the rows have no value")


@small_test(applies_to=AppliesTo.NUMERIC, least_effect=0.005, source="Hourglass", names_cause=True)
def text_share(pair: Pair) -> Found | None:
    """The share of the values of a numeric column that are texts."""
    return _found(pair, lambda classes: (classes.textual, classes.present), "of the values are texts")


@small_test(applies_to=AppliesTo.TEXT, least_effect=0.005, source="Hourglass", names_cause=True)
def number_share(pair: Pair) -> Found | None:
    """The share of the values of a text column that are numbers."""
    return _found(pair, lambda classes: (classes.numeric, classes.present), "of the values are numbers")


def _found(pair: Pair, counts: Callable[[ValueClasses], tuple[int, int]], what: str) -> Found | None:
    if pair.window.classes is None or pair.baseline.classes is None:
        return None
    (x, n), (y, m) = counts(pair.window.classes), counts(pair.baseline.classes)
    if not n or not m or not x + y or (x, y) == (n, m):
        return None
    z = float(z_of_shares(np.array([float(x)]), n, np.array([float(y)]), m)[0])
    return Found(z, abs(x / n - y / m), f"{x / n:.1%} {what}, in the baseline {y / m:.1%}")
