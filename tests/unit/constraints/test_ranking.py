"""Ranking of segments, and where their drift shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourglass.comparisons import Distribution, distribution_of
from hourglass.constraints import Baseline, Excess, rank_segments, where_it_shows
from hourglass.constraints.where_it_shows import Side
from hourglass.dataset import Dataset
from hourglass.undefined import Undefined
from tests.unit.constraints.columns import baseline, comparing, dataset, overriding

DRAWS = np.random.default_rng(11)


def segment(n: int, shift: float = 0.0, red: float = 0.5) -> Dataset:
    """A segment's window of n rows."""
    return dataset(
        age=DRAWS.normal(40 + shift, 10, n), pay=DRAWS.normal(0, 1, n), colour=DRAWS.choice(["red", "blue"], n, p=[red, 1 - red])
    )


WHOLE = baseline(segment(5000))


def test_segments_stand_by_their_largest_effect() -> None:
    """Not by their size, nor by their name; with the features that show it."""
    found = rank_segments(
        {"a": (segment(5000), WHOLE), "b": (segment(1000, shift=3), WHOLE), "c": (segment(1000, shift=10, red=0.8), WHOLE)}
    )
    assert [(drift.segment, drift.rows, drift.feature) for drift in found] == [("c", 1000, "age"), ("b", 1000, "age"), ("a", 5000, "")]
    assert [effect.feature for effect in found[0].top] == ["age", "colour"]
    assert found[0].effect == found[0].top[0].effect > found[1].effect > 0  # type: ignore[operator]
    assert found[2].effect == 0.0
    assert found[0].definition == "linf_robust(alpha=0.00555556)"


def test_small_clean_segments_do_not_win() -> None:
    """Of 200 segments of 40 rows the raw distances reach 0.3; the one of 5,000 rows that has moved by 0.1 stands first."""
    clean = {f"s{place}": (segment(40), WHOLE) for place in range(200)}
    found = rank_segments({**clean, "moved": (segment(5000, shift=3), WHOLE)})
    assert found[0].segment == "moved"
    assert [drift.effect for drift in found[1:]] == [0.0] * 200


def test_a_segment_that_cannot_be_compared_is_last_and_says_why() -> None:
    """Too few rows, none, or no distribution in the baseline."""
    found = rank_segments(
        {"few": (segment(5), WHOLE), "none": (dataset(), WHOLE), "new": (segment(500), Baseline({})), "a": (segment(500), WHOLE)}
    )
    assert [drift.segment for drift in found] == ["a", "new", "few", "none"]
    assert {drift.effect for drift in found[1:]} == {Undefined("no feature has enough values")}
    assert rank_segments({}) == []


def test_the_effect_is_the_same_distance_whatever_the_baseline_compares_by() -> None:
    """p-values of segments of different sizes cannot be ranked; what is switched off does not count."""
    window = segment(1000, shift=10)
    rules = baseline(segment(5000), comparing(comparison_method="KS"))
    assert rank_segments({"a": (window, rules)})[0].feature == "age"
    off = baseline(segment(5000), overriding("age", perform_comparison="Disabled"))
    assert rank_segments({"a": (window, off)})[0].feature == ""


def test_a_numeric_drift_shows_on_the_side_that_has_more() -> None:
    """Up is above a point, down is at most a point; the shares are those of the values."""
    down = shows([*range(100)], [*range(20, 120)])
    assert (down.side, down.place, down.window_share, down.baseline_share) == (Side.AT_MOST, 19.0, 0.2, 0.0)
    up = shows([1.5] * 6 + [3.5] * 4, [1.5] * 8 + [3.5] * 2)
    assert (up.side, up.place, up.window_share, up.baseline_share) == (Side.ABOVE, 1.5, 0.4, pytest.approx(0.2))


def shows(window: object, reference: object) -> Excess:
    """Where the drift between two columns shows."""
    sides = [distribution_of(dataset(a=side).columns["a"]) for side in (window, reference)]  # type: ignore[arg-type]
    found = where_it_shows(*sides)
    assert isinstance(found, Excess)
    return found


NUMBERS = st.lists(st.integers(-50, 50), min_size=1, max_size=200)


@given(NUMBERS, NUMBERS)
def test_the_rows_that_hold_are_as_many_as_the_excess_says(window: list[int], reference: list[int]) -> None:
    """Counted row by row, as numbers and as their texts."""
    sides = [distribution_of(dataset(a=side).columns["a"]) for side in (window, reference)]
    found = where_it_shows(*sides)
    if isinstance(found, Undefined):
        assert sorted(window * len(reference)) == sorted(reference * len(window))
        return
    assert sum(map(found.holds, window)) / len(window) == pytest.approx(found.window_share)
    assert sum(found.holds(str(value)) for value in reference) / len(reference) == pytest.approx(found.baseline_share)


TEXTS = st.lists(st.sampled_from(["a", "b", "true", "7", "x" * 300]), min_size=1, max_size=60)


@given(TEXTS, TEXTS)
def test_the_rows_of_the_category_are_as_many_as_the_excess_says(window: list[str], reference: list[str]) -> None:
    """Long texts, booleans and numbers among the categories too."""
    counts = [distribution_of(dataset(a=[*side, "z"]).columns["a"], kind=None) for side in (window, reference)]
    found = where_it_shows(*counts)
    if isinstance(found, Excess) and found.side is Side.IS:
        assert sum(map(found.holds, [*window, "z"])) / (len(window) + 1) == pytest.approx(found.window_share)


@pytest.mark.parametrize("value", [None, "", "nan", float("nan"), "inf", float("inf"), 10**400, "red", True, {"a": 1}], ids=repr)
def test_what_is_no_number_is_on_no_side_of_a_point(value: object) -> None:
    """Missing, infinite, and text."""
    assert not Excess(Side.ABOVE, 0.0, 0.5, 0.1).holds(value)
    assert not Excess(Side.AT_MOST, 1e300, 0.5, 0.1).holds(value)


@pytest.mark.parametrize("value", [7, 7.0, "7", "7.0", "+7", "7e0"], ids=repr)
def test_a_number_among_texts_is_one_category_however_it_is_written(value: object) -> None:
    """As the states count it."""
    assert Excess(Side.IS, "7", 0.5, 0.1).holds(value)


def test_an_excess_reads_as_a_sentence() -> None:
    """For a report, beside the rows."""
    assert str(Excess(Side.ABOVE, 41.5, 0.3125, 0.12)) == "31.2 % of the values are above 41.5, the baseline has 12 %"
    assert str(Excess(Side.AT_MOST, 3.0, 1.0, 0.001)) == "100 % of the values are at most 3, the baseline has 0.1 %"
    assert str(Excess(Side.IS, "red", 0.5, 0.0)) == "50 % of the values are 'red', the baseline has 0 %"


def test_nothing_shows_where_nothing_differs_or_nothing_is_there() -> None:
    """Each with its reason."""
    same, empty, numbers = Distribution(counts={"a": 1}), Distribution(counts={}), distribution_of(dataset(a=[1, 2]).columns["a"])
    assert where_it_shows(same, same) == Undefined("the window has no values in excess of the baseline")
    assert where_it_shows(numbers, numbers) == Undefined("the window has no values in excess of the baseline")
    assert where_it_shows(empty, same) == Undefined("no values in the window")
    assert where_it_shows(same, empty) == Undefined("no values in the baseline")
    assert where_it_shows(same, numbers) == Undefined("the window and the baseline are of different kinds")
    assert where_it_shows(Distribution(counts={}, other=5), same) == Undefined("the window and the baseline are of different kinds")
