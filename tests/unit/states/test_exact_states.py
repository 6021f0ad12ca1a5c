"""States that are exact: counts, moments, categories."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.hashing import hash_texts
from hourglass.states import Categories, Moments, ValueClasses
from hourglass.states.categories import CAP, LONGEST
from hourglass.values import Values, classify

HEAD = 32  # bytes of a table of categories before its hashes


def state_of(cls: type, *columns: list) -> object:
    """A state fed with blocks."""
    state = cls.empty()
    for column in columns:
        state.update(classify(column))
    return state


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(-1e12, 1e12))
def test_moments_keep_their_digits_far_from_zero(numbers: list[float], offset: float) -> None:
    """The deviation of values around a trillion is that of the same values around zero, as far as doubles go."""
    shifted = np.array(numbers) + offset
    state = Moments.empty()
    for start in range(0, len(shifted), 7):
        part = shifted[start : start + 7]
        state.update(Values(len(part), numbers=part))
    assert state.mean == pytest.approx(math.fsum(shifted) / len(shifted), rel=1e-12, abs=1e-6)
    exact = math.fsum((value - math.fsum(shifted) / len(shifted)) ** 2 for value in shifted)
    # a mean is held to half a unit in its last place, and each merge multiplies a difference of two means with itself
    unit = float(np.spacing(np.abs(shifted).max()))
    assert state.m2 == pytest.approx(exact, rel=1e-12, abs=4 * unit * (np.ptp(shifted) + unit) * len(numbers))
    assert (state.minimum, state.maximum) == (shifted.min(), shifted.max())


def test_moments_beyond_the_largest_double_are_infinite_not_an_error() -> None:
    """A column of numbers near 1e308 ends no job."""
    state = Moments.empty()
    state.update(Values(4, numbers=np.full(4, 1.7e308)))
    assert state.n == 4
    assert state.maximum == 1.7e308
    assert not math.isfinite(state.sum)
    assert (state + state).n == 8


def test_classes_add_up() -> None:
    """Present, numeric and textual are sums of the classes."""
    state = state_of(ValueClasses, ["1", "2.5", "x", "true", "", None, "nan", "inf"])
    assert (state.rows, state.present, state.numeric, state.textual, state.missing, state.nan) == (8, 5, 3, 2, 3, 1)


def test_categories_are_exact_up_to_the_cap() -> None:
    """A thousand values are all kept, with their counts."""
    state = state_of(Categories, [f"c{i}" for i in range(CAP)], ["c7", "c7"])
    assert len(state.table()) == CAP
    assert not state.truncated
    assert next(iter(state.table().items())) == ("c7", 3)
    assert state.other == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1500), max_size=400), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_kept_categories_have_exact_counts_in_any_order(hours: list[list[int]], random: object) -> None:
    """Beyond the cap the same values stay whichever hours are merged first, and their counts are right."""
    wide = [[f"c{i}" for i in range(1100)], *[[f"c{i}" for i in hour] for hour in hours]]
    states = [state_of(Categories, hour) for hour in wide]
    random.shuffle(states)
    merged = sum(states, Categories.empty())
    every = [text for hour in wide for text in hour]
    assert merged.truncated
    assert merged.total == len(every)
    assert len(merged.table()) == CAP
    assert all(count == every.count(text) for text, count in list(merged.table().items())[:50])
    assert merged.other == len(every) - sum(merged.table().values())


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([1, 30, 999, 1000, 1001, 4000])), min_size=1, max_size=6))
def test_the_thousand_texts_with_the_smallest_hashes_are_kept(hours: list[tuple[int, int]]) -> None:
    """Which texts are kept, and their counts, are those of a plain table of all texts."""
    texts = [[f"c{i}" for i in range(start, start + n)] for start, n in hours]
    merged = Categories.from_bytes(Categories.merged([state_of(Categories, hour) for hour in texts]).to_bytes())
    counts = Counter(text for hour in texts for text in hour)
    by_hash = sorted(zip(hash_texts(pa.array(list(counts))).tolist(), counts, strict=True))
    assert merged.table() == {text: counts[text] for _, text in by_hash[:CAP]}
    assert merged.truncated == (len(counts) > CAP)
    assert merged.other == sum(counts[text] for _, text in by_hash[CAP:])


def test_texts_with_one_hash_are_told_apart() -> None:
    """Two texts whose 64 bits happen to be the same are two categories, and which is kept does not hang on the order."""
    state = state_of(Categories, [f"c{i}" for i in range(CAP)])
    data = bytearray(state.to_bytes())
    last = slice(HEAD + 8 * (CAP - 2), HEAD + 8 * (CAP - 1))
    data[HEAD + 8 * (CAP - 1) : HEAD + 8 * CAP] = data[last]  # the last two of a thousand hashes
    tied = Categories.from_bytes(bytes(data))
    first, second = tied.texts.names[-2:].to_pylist()
    alone = state_of(Categories, ["c1000000"])
    assert (tied + tied).table() == dict.fromkeys(state.table(), 2)
    merged = [Categories.merged(states).to_bytes() for states in ([tied, alone, alone], [alone, tied, alone])]
    assert merged[0] == merged[1]
    smaller = hash_texts(pa.array(["c1000000"]))[0] < tied.texts.hashes[-1]
    kept = set(Categories.from_bytes(merged[0]).table())
    assert smaller == ("c1000000" in kept)
    assert {first, second} & kept == ({min(first, second)} if smaller else {first, second})


def test_many_small_blocks_cost_no_more_memory_than_their_texts() -> None:
    """Texts wait to be summed, but not for ever."""
    state = Categories.empty()
    for start in range(0, 50_000, 100):
        state.update(classify([f"c{i}" for i in range(start, start + 100)]))
    assert sum(len(texts.names) for texts in state._waiting) <= 8 * CAP
    assert state.other == 49_000


def test_a_long_text_is_kept_by_its_beginning() -> None:
    """Texts of 10,000 characters that differ at their end are two categories with short names."""
    state = state_of(Categories, ["x" * 10_000 + "a", "x" * 10_000 + "b", "x" * 10_000 + "a"])
    assert sorted(state.table().values()) == [1, 2]
    assert all(len(name) == LONGEST for name in state.table())


def test_category_names_may_be_anything() -> None:
    """Quotes, line breaks, slashes and other scripts come back from the store as they were."""
    names = ['say "x"', "a\nb", "a/b", "日本", "\x00", "é" * 300, " "]
    state = state_of(Categories, names)
    assert Categories.from_bytes(state.to_bytes()).table() == state.table()
    assert set(names[:5]) <= set(state.table())


def test_numbers_are_categories_while_they_are_few() -> None:
    """A column of a thousand different numbers is a categorical, one of more is none."""
    assert state_of(Categories, ["1", "1.0", "2.5"]).table() == {"1": 2, "2.5": 1}
    many = state_of(Categories, [str(i) for i in range(CAP + 1)])
    assert many.table() == {}
    assert many.other == many.total == CAP + 1


def test_an_empty_dictionary_column_is_a_state_too() -> None:
    """Blocks without rows change nothing."""
    state = Categories.empty()
    state.update(classify(pa.array([], pa.string())))
    assert state == Categories.empty()
