"""The calibrated decision at its edges: few rows, small baselines, constant columns, a million categories, ten million rows."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from hourglass.comparisons import COMPARISONS, Distribution, aligned, distribution_of
from hourglass.states import COLUMN_STATES, ColumnProfile
from hourglass.undefined import Undefined
from hourglass.values import classify

BLOCK = 1_000_000


def of(values: object) -> Distribution:
    """The distribution of a column of numbers or texts, with all its states."""
    profile = ColumnProfile.of(COLUMN_STATES, 0)
    profile.update(classify(pa.array(values)))
    return distribution_of(profile)


def p(window: Distribution, baseline: Distribution) -> float:
    """The calibrated p of a column; 1 where there is none."""
    found = COMPARISONS["calibrated"].compare(*aligned(window, baseline))
    return 1.0 if isinstance(found, Undefined) else found


@pytest.mark.parametrize("rows", [20, 50, 200])
@pytest.mark.parametrize("size", [100, 5000])
def test_few_rows_and_small_baselines_alarm_no_more_than_their_p_says(rows: int, size: int) -> None:
    """Of 120 clean windows, each beside a baseline of its own, at most 3 deviations more than 1 % have a p below 0.01."""
    random = np.random.default_rng(rows * size)
    for draw in (lambda n: random.normal(size=n), lambda n: random.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1])):
        small = sum(p(of(draw(rows)), of(draw(size))) < 0.01 for _ in range(120))
        assert small <= 120 * (0.01 + 3 * np.sqrt(0.01 * 0.99 / 120))


def test_a_hundred_rows_are_enough_for_a_large_change() -> None:
    """A window of 50 beside a baseline of 100: every number has moved by two deviations; every text is another one."""
    random = np.random.default_rng(0)
    assert p(of(random.normal(2, 1, 50)), of(random.normal(0, 1, 100))) < 1e-6
    assert p(of(["x"] * 50), of(["a", "b"] * 50)) < 1e-6


@pytest.mark.parametrize(("value", "other"), [(7.0, 8.0), ("yes", "no")])
def test_a_constant_column_passes_while_it_is_the_same_and_alarms_when_it_is_not(value: object, other: object) -> None:
    """Also when a tenth of its values are new; one row in a thousand is too little to matter."""
    baseline = of([value] * 5000)
    assert p(of([value] * 1000), baseline) > 0.9
    assert p(of([other] * 1000), baseline) < 1e-100
    assert p(of([value] * 900 + [other] * 100), baseline) < 1e-20
    assert p(of([value] * 999 + [other]), baseline) > 0.01


@cache
def ids(first: int, count: int) -> Distribution:
    return of([f"order-{number}" for number in range(first, first + count)])


def test_a_column_of_a_million_categories_may_have_new_ones() -> None:
    """As ids have, all of whose values are new; it is found where many of them become one."""
    baseline = ids(0, BLOCK)
    assert p(ids(2 * BLOCK, 2000), baseline) > 0.01
    for lost in (2000, 1200):
        assert p(of([f"order-{number}" for number in range(3 * BLOCK, 3 * BLOCK + 2000 - lost)] + ["unknown"] * lost), baseline) < 1e-6


def five_million_counts(mean: float) -> Distribution:
    """Five million counts, of which the first million come again."""
    random = np.random.default_rng(int(mean * 1e6))
    profile = ColumnProfile.of(COLUMN_STATES, 0)
    profile.update(classify(pa.array(random.poisson(mean, BLOCK))))
    return distribution_of(ColumnProfile.merged([profile] * 5))


def test_millions_of_counts_do_not_alarm_about_nothing() -> None:
    """Their mean moves by a two-hundredth, or by a tenth."""
    baseline = five_million_counts(4.0)
    assert p(five_million_counts(4.02), baseline) > 0.01
    assert p(five_million_counts(4.4), baseline) < 1e-12


def ten_million(shift: float) -> Distribution:
    """Ten million normal numbers, of which the first million come again."""
    random = np.random.default_rng(int(shift * 1e6) + 1)
    parts = []
    for _ in range(5):
        profile = ColumnProfile.of(COLUMN_STATES, 0)
        profile.update(classify(pa.array(random.normal(shift, 1, BLOCK))))
        parts.append(profile)
    return distribution_of(ColumnProfile.merged([*parts, *parts]))


def test_ten_million_rows_do_not_alarm_about_nothing() -> None:
    """A shift of a hundredth of a deviation is 22 standard errors, and too small to matter; one of a tenth is not."""
    baseline = ten_million(0.0)
    assert p(ten_million(0.01), baseline) > 0.01
    assert p(ten_million(0.1), baseline) < 1e-12
