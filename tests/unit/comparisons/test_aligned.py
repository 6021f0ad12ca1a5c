"""Two categorical sides of which some values are known only by their number."""

from __future__ import annotations

import random

import pytest

from hourglass.comparisons import Distribution, aligned, distribution_of
from hourglass.comparisons.linf_simple import linf_simple
from hourglass.states import ColumnProfile
from hourglass.states.categories import CAP
from hourglass.statistics import ColumnType
from hourglass.values import classify


def counted(*blocks: list[str]) -> Distribution:
    """What a state keeps of a column of text."""
    column = ColumnProfile.of(["value_classes", "categories"], 0)
    for block in blocks:
        column.update(classify(block))
    return distribution_of(column, ColumnType.STRING)


def drawn(prefix: str, seed: int, n: int = 20_000, distinct: int = 3000) -> list[str]:
    """Random values of a column with more than the cap; where there are enough, each of them at least once."""
    random_ = random.Random(seed)
    once = list(range(distinct)) if n > distinct else []
    return [f"{prefix}{number}" for number in (*once, *(random_.randrange(distinct) for _ in range(n - len(once))))]


@pytest.mark.parametrize("prefix", ["v", "x" * 300, "x" * 255], ids=["short", "long", "about the limit"])
def test_both_sides_keep_the_same_values_however_long_they_are(prefix: str) -> None:
    """A long text is kept by the hash of the whole, not by that of its shortened key, which would put the limit anywhere."""
    window, baseline = aligned(counted(drawn(prefix, 1)), counted(drawn(prefix, 2)))
    assert set(window.counts or {}) == set(baseline.counts or {})
    assert 0.9 * CAP < len(window.counts or {}) <= CAP
    assert linf_simple(window, baseline) < 0.02  # type: ignore[operator]


def test_a_few_long_texts_do_not_move_the_limit_of_the_short_ones() -> None:
    """One message of 300 characters among 3,000 names; the window has few enough names to know them all."""
    baseline = counted(drawn("v", 1) + ["x" * 300] * 50)
    window = counted(drawn("v", 2, 600) + ["x" * 300] * 2)
    assert baseline.other
    assert not window.other
    window, baseline = aligned(window, baseline)
    assert set(window.counts or {}) <= set(baseline.counts or {})


def test_numbers_among_the_texts_do_not_move_the_limit() -> None:
    """They are kept by their number, whatever the hash of their name."""
    mixed = [str(number) for number in range(200)] * 5
    window, baseline = aligned(counted(drawn("v", 2, 600) + mixed), counted(drawn("v", 1) + mixed))
    assert set(window.counts or {}) <= set(baseline.counts or {})
    assert {"0", "199"} <= set(window.counts or {})


def test_numbers_that_one_side_lost_are_other_on_both() -> None:
    """2,000 distinct numbers are only a total; the 50 of a small window are then no new categories."""
    texts = ["red", "green"] * 3000
    baseline = counted(texts + [str(number) for number in range(2000)])
    window = counted(["red", "green"] * 300 + [str(number) for number in range(150)] + ["violet"])
    window, baseline = aligned(window, baseline)
    assert set(window.counts or {}) == {"red", "green", "violet"}
    assert window.other == 150
    assert linf_simple(window, baseline) < 0.1  # type: ignore[operator]


def test_sides_that_know_all_their_values_stay_as_they_are() -> None:
    """Nothing to align."""
    window, baseline = counted(["a", "b", "7"]), counted(["a", "c"])
    assert aligned(window, baseline) == (window, baseline)


def test_aligning_twice_changes_nothing_more() -> None:
    """What has been reduced is known on both sides."""
    once = aligned(counted(drawn("v", 1)), counted(drawn("v", 2, 300)))
    assert aligned(*once) == once
