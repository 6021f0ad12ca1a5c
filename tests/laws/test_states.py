"""The laws of the waist, over every registered state: whatever is added there must obey them to be merged."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.errors import InputError
from hourglass.states import COLUMN_STATES, Categories, ColumnProfile, Distinct, Intake, Moments, Quantiles, ValueClasses
from hourglass.states.quantiles import K
from hourglass.values import classify

KINDS = sorted(COLUMN_STATES)
RANK_ERROR = 0.0033  # of a k = 2048 KLL sketch after merging, at 99.9999 %: the laws are tried hundreds of times

FINITE = st.floats(-1e9, 1e9, width=32).map(float)
VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    FINITE,
    st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.0]),
    st.text(max_size=4),
)
COLUMN = st.one_of(
    st.lists(VALUE, max_size=30),
    st.lists(st.integers(-3, 3), max_size=40),
    # long enough for sketches to compact and tables to overflow; from a seed, since Hypothesis cannot draw so many values
    st.builds(
        lambda seed, n, spread: np.random.default_rng(seed).normal(0, spread, n).round(2).tolist(),
        st.integers(0, 99),
        st.sampled_from([K, 3000, 9001]),
        st.sampled_from([0.1, 100.0]),
    ),
    st.builds(lambda start, n: [f"id-{i}" for i in range(start, start + n)], st.integers(0, 3000), st.sampled_from([999, 1001, 2500])),
)


def state_of(kind: str, *columns: list[Any]) -> Any:
    """The state of blocks of values, one after the other."""
    state = COLUMN_STATES[kind].empty()
    for column in columns:
        state.update(classify(column))
    return state


def numbers_of(column: list[Any]) -> np.ndarray:
    """The finite numbers of a column, ascending."""
    return np.sort(classify(column).numbers)


def assert_same(first: Any, second: Any, column: list[Any]) -> None:
    """Equal: to the bit where a state is exact, within its stated error where it is a sketch or a sum of floats."""
    if isinstance(first, Quantiles):
        assert (first.n, first.minimum, first.maximum) == (second.n, second.minimum, second.maximum)
        assert_ranks(first, column)
        assert_ranks(second, column)
    elif isinstance(first, Moments):
        scale = max(1.0, abs(first.minimum), abs(first.maximum)) if first.n else 1.0
        assert (first.n, first.minimum, first.maximum) == (second.n, second.minimum, second.maximum)
        assert second.sum == pytest.approx(first.sum, rel=1e-9, abs=1e-9 * scale * max(1, first.n))
        assert second.mean == pytest.approx(first.mean, rel=1e-9, abs=1e-9 * scale)
        assert second.m2 == pytest.approx(first.m2, rel=1e-6, abs=1e-9 * scale**2 * max(1, first.n))
    else:
        assert first.to_bytes() == second.to_bytes()


def assert_ranks(sketch: Quantiles, column: list[Any]) -> None:
    """The ranks of a sketch are within its stated error of the true ones."""
    numbers = numbers_of(column)
    if len(numbers):
        points = np.unique(numbers)
        for inclusive, side in ((True, "right"), (False, "left")):
            wrong = np.abs(sketch.counts_below(points, inclusive=inclusive) - np.searchsorted(numbers, points, side=side)).max()
            assert wrong <= RANK_ERROR * len(numbers)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(first=COLUMN, second=COLUMN)
def test_addition_is_commutative(kind: str, first: list, second: list) -> None:
    """Sums a + b and b + a are the same to the last bit, so that a run gives the same files however Spark orders its tasks."""
    a, b = state_of(kind, first), state_of(kind, second)
    before = a.to_bytes(), b.to_bytes()
    assert (a + b).to_bytes() == (b + a).to_bytes()
    assert (a.to_bytes(), b.to_bytes()) == before


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(first=COLUMN, second=COLUMN, third=COLUMN)
def test_addition_is_associative(kind: str, first: list, second: list, third: list) -> None:
    """(a + b) + c is a + (b + c): a day may be summed from hours or from half days."""
    a, b, c = state_of(kind, first), state_of(kind, second), state_of(kind, third)
    assert_same((a + b) + c, a + (b + c), first + second + third)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(column=COLUMN)
def test_the_state_of_no_rows_changes_nothing(kind: str, column: list) -> None:
    """Quiet hours may be merged or left out."""
    state, nothing = state_of(kind, column), COLUMN_STATES[kind].empty()
    assert (state + nothing).to_bytes() == state.to_bytes() == (nothing + state).to_bytes()
    assert state_of(kind, column, []).to_bytes() == state.to_bytes()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(columns=st.lists(COLUMN, max_size=3))
def test_bytes_give_the_state_back(kind: str, columns: list[list]) -> None:
    """What the store reads is what was written, and it merges on as the original would."""
    state = state_of(kind, *columns)
    again = COLUMN_STATES[kind].from_bytes(state.to_bytes())
    assert again == state
    assert again.to_bytes() == state.to_bytes()
    assert (again + again).to_bytes() == (state + state).to_bytes()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(first=COLUMN, second=COLUMN)
def test_the_sum_of_states_is_the_state_of_the_union(kind: str, first: list, second: list) -> None:
    """Rows may be cut into tasks, hours and machines anywhere."""
    assert_same(state_of(kind, first) + state_of(kind, second), state_of(kind, first + second), first + second)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(column=COLUMN, random=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(kind: str, column: list, random: Any) -> None:
    """The same rows in another order, and in other blocks, give the same state."""
    shuffled = column.copy()
    random.shuffle(shuffled)
    cut = random.randint(0, len(column))
    assert_same(state_of(kind, column), state_of(kind, shuffled[:cut], shuffled[cut:]), column)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(column=COLUMN, share=st.floats(0, 1, exclude_max=True), rubbish=st.binary(max_size=40))
def test_damaged_bytes_are_an_input_error(kind: str, column: list, share: float, rubbish: bytes) -> None:
    """Bytes that are cut off, or are no state at all, raise the error that says so and nothing else."""
    whole = state_of(kind, column).to_bytes()
    for data in (whole[: int(share * len(whole))], rubbish):
        with pytest.raises(InputError, match=f"stored state '{kind}'"):
            COLUMN_STATES[kind].from_bytes(data)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(columns=st.lists(COLUMN, max_size=5), random=st.randoms(use_true_random=False))
def test_the_sum_of_many_is_the_same_in_any_order(kind: str, columns: list[list], random: Any) -> None:
    """A window of hours gives the same bytes however its hours are listed, and changes none of them."""
    cls = COLUMN_STATES[kind]
    states = [state_of(kind, column) for column in columns]
    before = [state.to_bytes() for state in states]
    shuffled = [cls.from_bytes(data) for data in before] + [cls.empty()]
    random.shuffle(shuffled)
    merged = cls.merged(states)
    assert cls.merged(shuffled).to_bytes() == merged.to_bytes()
    assert [state.to_bytes() for state in states] == before


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(columns=st.lists(COLUMN, max_size=5))
def test_the_sum_of_many_is_the_sum_of_each_with_the_next(kind: str, columns: list[list]) -> None:
    """`merged` is `+`, many at once: within the state's stated error, and to the bit for two."""
    states = [state_of(kind, column) for column in columns]
    merged = COLUMN_STATES[kind].merged(states)
    assert_same(merged, sum(states, COLUMN_STATES[kind].empty()), [value for column in columns for value in column])
    assert len(states) != 1 or merged.to_bytes() == states[0].to_bytes()
    assert len(states) != 2 or merged.to_bytes() == (states[0] + states[1]).to_bytes()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(column=COLUMN, more=COLUMN)
def test_states_that_were_read_or_merged_can_be_fed_on(kind: str, column: list, more: list) -> None:
    """Feeding a merged state leaves alone what it was made of, stored bytes included."""
    data = state_of(kind, column).to_bytes()
    cls = COLUMN_STATES[kind]
    read = cls.from_bytes(data)
    merged = cls.merged([read])
    merged.update(classify(more))
    assert read.to_bytes() == data
    assert_same(merged, state_of(kind, column, more), column + more)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(column=COLUMN, place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_a_changed_byte_is_found_or_makes_another_sound_state(kind: str, column: list, place: int, byte: int) -> None:
    """Whatever a disk does to a state, reading it raises the one error or gives a state that still merges."""
    data = bytearray(state_of(kind, column).to_bytes())
    data[place % len(data)] = byte
    cls = COLUMN_STATES[kind]
    try:
        state = cls.from_bytes(bytes(data))
    except InputError:
        return
    assert cls.from_bytes(cls.merged([state, cls.empty(), state]).to_bytes()).to_bytes() == (state + state).to_bytes()


INTAKE = st.builds(
    Intake,
    lines=st.integers(0, 99),
    rows=st.dictionaries(st.sampled_from(["21", "named"]), st.integers(1, 99)).map(Counter),
    bad=st.dictionaries(st.sampled_from(["not JSON", "not UTF-8"]), st.integers(1, 99)).map(Counter),
    files=st.integers(0, 9),
    outside=st.integers(0, 9),
    outside_at=st.lists(st.sampled_from(["a:1", "a:2", "b:1"]), max_size=3).map(lambda places: tuple(sorted(places))),
)


@given(INTAKE, INTAKE, INTAKE)
def test_intake_obeys_the_laws(a: Intake, b: Intake, c: Intake) -> None:
    """What came in is counted the same however it is merged."""
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Intake.empty() == a == Intake.empty() + a
    assert Intake.from_bytes(a.to_bytes()) == a
    assert Intake.from_bytes((a + b).to_bytes()).to_bytes() == (b + a).to_bytes()
    assert Intake.merged([c, a, b]).to_bytes() == (a + b + c).to_bytes()
    assert Intake.merged([]) == Intake.empty()


@settings(max_examples=30, deadline=None)
@given(COLUMN, COLUMN, st.integers(0, 9), st.integers(0, 9))
def test_a_profile_is_a_state_too(first: list, second: list, position: int, other: int) -> None:
    """All states of a column merge together, and the column stands where it first stood."""
    profiles = [ColumnProfile.of(KINDS, place) for place in (position, other)]
    for profile, column in zip(profiles, (first, second), strict=True):
        profile.update(classify(column))
    a, b = profiles
    assert {kind: state.to_bytes() for kind, state in (a + b).states.items()} == {
        kind: state.to_bytes() for kind, state in (b + a).states.items()
    }
    assert (a + b).position == min(position, other)
    assert (a + ColumnProfile()).states == a.states
    assert ColumnProfile.merged([b, ColumnProfile(), a]) == ColumnProfile.merged([a, b])
    assert ColumnProfile.merged([]) == ColumnProfile()


def test_every_state_is_registered_under_its_own_kind() -> None:
    """The registry is what the store and the pass know of."""
    assert {kind: state.kind for kind, state in COLUMN_STATES.items()} == {kind: kind for kind in KINDS}
    assert {Categories, Distinct, Moments, Quantiles, ValueClasses} <= set(COLUMN_STATES.values())
    assert pa.array([state.version for state in COLUMN_STATES.values()], pa.int16()).null_count == 0
