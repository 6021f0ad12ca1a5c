"""The laws of the waist for the states of labels and predictions: the same as for those of columns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.errors import InputError
from hourglass.states import Attributions, ClassProbabilities, Confusion, Errors, FacetCounts, LabelSets, Quantiles, Rankings, Scores
from hourglass.states.scores import CAP

NAMES = st.none() | st.sampled_from(["0", "1", "1.0", "yes", "é", "", "x" * 300])
IDS = st.integers(0, 2**64 - 1)
NUMBERS = st.floats(-1e6, 1e6, width=32) | st.sampled_from([math.nan, math.inf, 0.0, -0.0, 1.0])


@dataclass(frozen=True)
class Kind:
    """A state: rows to try it with, and how it is fed with them."""

    cls: Any
    row: st.SearchStrategy
    many: Callable[[int], list]
    feed: Callable[[Any, list], None]


def feed_classes(state: Confusion, rows: list) -> None:
    state.update(pa.array([a for a, _ in rows], pa.string()), pa.array([p for _, p in rows], pa.string()))


def many_classes(seed: int) -> list:
    """More classes than are kept."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 1500, 4000)
    other = np.where(random.random(4000) < 0.5, codes, random.integers(0, 1500, 4000))
    return [(f"c{a}", f"c{p}") for a, p in zip(codes, other, strict=True)]


def feed_facets(state: FacetCounts, rows: list) -> None:
    sex, group, actual, predicted = (pa.array([row[place] for row in rows], pa.string()) for place in range(4))
    both = pa.array([None if row[0] is None or row[1] is None else f"{row[0]} & {row[1]}" for row in rows], pa.string())
    state.update({"Sex": sex, "Sex & Ethnic group": both}, group, actual, predicted)


def many_facets(seed: int) -> list:
    """More values, groups and classes than are kept."""
    random = np.random.default_rng(seed)
    names = [[f"{letter}{i}" for i in range(1300)] + [None] for letter in "fgcc"]
    return list(zip(*([of_each[code] for code in random.integers(0, 1301, 3000)] for of_each in names), strict=True))


def feed_scores(state: Scores, rows: list) -> None:
    state.update(pa.array([a for a, _ in rows], pa.bool_()), np.array([s for _, s in rows], np.float64))


def many_scores(seed: int) -> list:
    """More distinct scores than are kept."""
    random = np.random.default_rng(seed)
    scores = random.random(CAP + 500)
    return list(zip((random.random(len(scores)) < scores).tolist(), scores.tolist(), strict=True))


def feed_errors(state: Errors, rows: list) -> None:
    table = np.array([row[:2] for row in rows], np.float64).reshape(-1, 2)
    state.update(table[:, 0], table[:, 1], np.array([row[2] for row in rows], np.uint64))


def many_errors(seed: int) -> list:
    """Enough for the sketch to compact."""
    random = np.random.default_rng(seed)
    y = random.normal(50, 9, 5000)
    return list(zip(y.tolist(), (y + random.normal(size=5000)).tolist(), random.integers(0, 2**64, 5000, np.uint64).tolist(), strict=True))


def feed_label_sets(state: LabelSets, rows: list) -> None:
    sets = [pa.array([row[side] for row in rows], pa.list_(pa.string())) for side in (0, 1)]
    state.update(*sets, np.array([row[2] for row in rows], np.uint64))


def many_label_sets(seed: int) -> list:
    """More labels than are kept."""
    random = np.random.default_rng(seed)
    names = [f"c{i}" for i in range(1300)]
    sets = [[random.choice(names, 3).tolist() for _ in range(1500)] for _ in range(2)]
    return list(zip(*sets, random.integers(0, 2**64, 1500, np.uint64).tolist(), strict=True))


def feed_rankings(state: Rankings, rows: list) -> None:
    lists = [pa.array([row[side] for row in rows], pa.list_(pa.float64())) for side in (0, 1)]
    state.update(*lists, np.array([row[2] for row in rows], np.uint64))


def many_rankings(seed: int) -> list:
    """Lists of twelve, with ties."""
    random = np.random.default_rng(seed)
    items = random.integers(0, 3, (300, 12)), random.integers(0, 9, (300, 12))
    return list(zip(*(lists.tolist() for lists in items), random.integers(0, 2**64, 300, np.uint64).tolist(), strict=True))


def feed_probabilities(state: ClassProbabilities, rows: list) -> None:
    table = np.array([row[1] for row in rows], np.float64).reshape(-1, 3)
    state.update(pa.array([row[0] for row in rows], pa.string()), table, ["a", "b", "c"], np.array([row[2] for row in rows], np.uint64))


def many_probabilities(seed: int) -> list:
    """Some hundreds of rows."""
    random = np.random.default_rng(seed)
    ids = random.integers(0, 2**64, 300, np.uint64).tolist()
    return list(zip(random.choice(["a", "b", "c", "d"], 300).tolist(), random.dirichlet([1, 1, 1], 300).tolist(), ids, strict=True))


def feed_attributions(state: Attributions, rows: list) -> None:
    values = np.array([row[0] for row in rows], np.float64).reshape(-1, 2, 3)
    ids = np.array([row[1] for row in rows], np.uint64)
    state.update(values, ("b", "a"), ("x", "z", "y"), np.array([0.25, 0.5]), ids, weight=2.5)


def many_attributions(seed: int) -> list:
    """Some hundreds of rows."""
    random = np.random.default_rng(seed)
    return list(zip(random.normal(size=(300, 6)).tolist(), random.integers(0, 2**64, 300, np.uint64).tolist(), strict=True))


SETS = st.none() | st.lists(NAMES, max_size=3)
LISTS = st.none() | st.lists(st.sampled_from([0.0, 1.0, 2.0, -1.0, math.nan]) | st.floats(0, 3), max_size=4)
PROBABILITIES = st.lists(st.sampled_from([0.0, 0.5, 1.0, math.nan, 1.5]) | st.floats(0, 1), min_size=3, max_size=3)

KINDS = {
    kind.cls.kind: kind
    for kind in (
        Kind(Confusion, st.tuples(NAMES, NAMES), many_classes, feed_classes),
        Kind(FacetCounts, st.tuples(NAMES, NAMES | st.just("(missing)"), NAMES, NAMES), many_facets, feed_facets),
        Kind(Scores, st.tuples(st.none() | st.booleans(), NUMBERS | st.floats(0, 1)), many_scores, feed_scores),
        Kind(Errors, st.tuples(NUMBERS, NUMBERS, IDS), many_errors, feed_errors),
        Kind(LabelSets, st.tuples(SETS, SETS, IDS), many_label_sets, feed_label_sets),
        Kind(Rankings, st.tuples(LISTS, LISTS, IDS), many_rankings, feed_rankings),
        Kind(
            Attributions,
            st.tuples(st.lists(st.floats(-10, 10, width=32), min_size=6, max_size=6), IDS),
            many_attributions,
            feed_attributions,
        ),
        Kind(ClassProbabilities, st.tuples(NAMES | st.just("a"), PROBABILITIES, IDS), many_probabilities, feed_probabilities),
    )
}
EVERY = pytest.mark.parametrize("kind", sorted(KINDS))


def rows_of(kind: str, data: st.DataObject) -> list:
    """Some rows, or, one time in four, more than are kept as they are."""
    of = KINDS[kind]
    large = data.draw(st.integers(0, 3)) == 3
    return of.many(data.draw(st.integers(0, 3))) if large else data.draw(st.lists(of.row, max_size=12))


def state_of(kind: str, *blocks: list) -> Any:
    """The state of blocks of rows, one after the other."""
    state = KINDS[kind].cls.empty()
    for block in blocks:
        KINDS[kind].feed(state, block)
    return state


def assert_same(first: Any, second: Any) -> None:
    """Equal: to the bit where a state is exact, within its stated error where it is a sketch or a sum of floats."""
    if isinstance(first, Errors):
        assert first.counts == second.counts
        np.testing.assert_allclose(first.sums, second.sums, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(first.sums).max(initial=0)))
        assert (first.quantiles.n, first.quantiles.minimum) == (second.quantiles.n, second.quantiles.minimum)
        assert_close_ranks(first.quantiles, second.quantiles)
    elif isinstance(first, Attributions):
        assert (first.labels, first.features, first.n) == (second.labels, second.features, second.n)
        for ours, theirs in zip(parts_of(first), parts_of(second), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
    elif isinstance(first, Scores) and first.binned:
        assert (first.tallies, first.binned) == (second.tallies, second.binned)
        for name in ("negatives", "positives"):
            assert_close_counts(first.points, second.points, name)
    else:
        assert first.to_bytes() == second.to_bytes()


def parts_of(state: Attributions) -> list[Any]:
    """All that a state of attributions holds."""
    return [state.weight, state.drawn, state.expected, state.sums, state.replicates]


def assert_close_ranks(first: Quantiles, second: Quantiles) -> None:
    """The ranks of both are the same within twice the sketch's error."""
    points = np.linspace(first.minimum, first.maximum, 50) if first.n else np.empty(0)
    apart = first.counts_below(points, inclusive=True) - second.counts_below(points, inclusive=True)
    assert np.abs(apart).max(initial=0) <= 0.0066 * first.n


def assert_close_counts(first: Any, second: Any, name: str) -> None:
    """The running counts of a class differ by no more than a few buckets."""
    points = np.linspace(0, 1, 999)
    running = [np.concatenate([[0], np.cumsum(getattr(table, name))])[np.searchsorted(table.scores, points)] for table in (first, second)]
    assert np.abs(running[0] - running[1]).max() <= 4 + 1e-4 * getattr(first, name).sum()


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_states_add_up(kind: str, data: st.DataObject) -> None:
    """Sums commute to the bit, associate, have the state of no rows as identity, and leave alone what they are made of."""
    a, b, c = (state_of(kind, rows_of(kind, data)) for _ in range(3))
    before = [state.to_bytes() for state in (a, b, c)]
    nothing = KINDS[kind].cls.empty()
    assert (a + b).to_bytes() == (b + a).to_bytes()
    assert_same((a + b) + c, a + (b + c))
    assert (a + nothing).to_bytes() == a.to_bytes() == (nothing + a).to_bytes()
    assert [state.to_bytes() for state in (a, b, c)] == before


@EVERY
@settings(max_examples=30, deadline=None)
@given(data=st.data(), random=st.randoms(use_true_random=False))
def test_the_sum_of_many_is_the_same_in_any_order(kind: str, data: st.DataObject, random: Any) -> None:
    """A window of hours gives the same bytes however its hours are listed."""
    cls = KINDS[kind].cls
    states = [state_of(kind, rows_of(kind, data)) for _ in range(3)]
    shuffled = [*(cls.from_bytes(state.to_bytes()) for state in states), cls.empty()]
    random.shuffle(shuffled)
    merged = cls.merged(states)
    assert cls.merged(shuffled).to_bytes() == merged.to_bytes()
    assert_same(merged, states[0] + states[1] + states[2])
    assert cls.merged([]) == cls.empty()
    assert cls.merged(states[:1]).to_bytes() == states[0].to_bytes()


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99), share=st.floats(0, 1))
def test_rows_may_be_cut_anywhere_and_come_in_any_order(kind: str, data: st.DataObject, seed: int, share: float) -> None:
    """The state of all rows is the sum of the states of their parts."""
    rows = rows_of(kind, data)
    shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    cut = int(share * len(rows))
    whole = state_of(kind, rows)
    assert_same(whole, state_of(kind, shuffled[:cut], shuffled[cut:]))
    assert_same(whole, state_of(kind, shuffled[:cut]) + state_of(kind, shuffled[cut:]))


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_bytes_give_the_state_back(kind: str, data: st.DataObject) -> None:
    """What the store reads is what was written; it merges and is fed on as the original would, and what it came from stays."""
    rows, more = rows_of(kind, data), rows_of(kind, data)
    state = state_of(kind, rows)
    stored = state.to_bytes()
    again = KINDS[kind].cls.from_bytes(stored)
    assert again == state
    assert again.to_bytes() == stored
    assert (again + again).to_bytes() == (state + state).to_bytes()
    merged = KINDS[kind].cls.merged([again])
    KINDS[kind].feed(merged, more)
    assert again.to_bytes() == stored
    assert_same(merged, state_of(kind, rows, more))


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data(), share=st.floats(0, 1, exclude_max=True), rubbish=st.binary(max_size=60))
def test_damaged_bytes_are_an_input_error(kind: str, data: st.DataObject, share: float, rubbish: bytes) -> None:
    """Bytes that are cut off, or are no state at all, raise the error that says so and nothing else."""
    whole = state_of(kind, rows_of(kind, data)).to_bytes()
    for broken in (whole[: int(share * len(whole))], rubbish):
        with pytest.raises(InputError, match=f"stored state '{kind}'"):
            KINDS[kind].cls.from_bytes(broken)


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data(), place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_a_changed_byte_is_found_or_makes_another_sound_state(kind: str, data: st.DataObject, place: int, byte: int) -> None:
    """Whatever a disk does to a state, reading it or its sum raises the one error, or gives a state that still merges."""
    changed = bytearray(state_of(kind, rows_of(kind, data)).to_bytes())
    changed[place % len(changed)] = byte
    cls = KINDS[kind].cls
    try:
        state = cls.from_bytes(bytes(changed))
        again = cls.from_bytes(cls.merged([state, cls.empty(), state]).to_bytes())
    except InputError:  # a count that was changed to 2^61 may be read, and its double not any more
        return
    assert again.to_bytes() == (state + state).to_bytes()


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_errors_with_other_numbers_of_replicates_make_one_of_the_smaller(few: int, more: int, seed: int) -> None:
    """A setting that changed in the middle of a month costs replicates, not correctness."""
    a, b = Errors.empty(few), Errors.empty(more)
    feed_errors(a, many_errors(seed))
    feed_errors(b, many_errors(seed + 1))
    assert a + b == b + a
    assert (a + b).replicates == min(few, more)
    assert (a + Errors.empty(0)).replicates == few


def test_attributions_of_other_features_and_labels_add_up_side_by_side() -> None:
    """What one state lacks is as the other has it; fewer replicates are those that both have."""
    ours, theirs = Attributions.empty(7), Attributions.empty(4)
    ids = np.array([1, 2], np.uint64)
    ours.update(np.array([[[1.0, -2.0]], [[3.0, 0.0]]]), ("up",), ("age", "sex"), np.array([0.5]), ids)
    theirs.update(np.array([[[4.0, 1.0]]]), ("down",), ("sex", "job"), np.array([0.25]), ids[:1], weight=3.0)
    both = ours + theirs
    assert (both.labels, both.features, both.n, both.weight, len(both.drawn)) == (("down", "up"), ("age", "job", "sex"), 3, 5.0, 4)
    assert both.sums[1].tolist() == [[0.0, 3.0, 12.0], [4.0, 0.0, 2.0]]
    assert both.sums[0, 1].tolist() == [4.0, 0.0, -2.0]
    assert both.expected.tolist() == [0.75, 1.0]
