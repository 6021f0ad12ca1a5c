"""The laws of the waist for the sample of rows, and that it is a fair one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourglass.errors import InputError
from hourglass.hashing import hash_ids, hash_places
from hourglass.states import RowSample
from hourglass.values import string_array

VALUES = st.dictionaries(
    st.sampled_from(["age", "city", "é", ""]),
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=3), st.binary(max_size=2)),
    max_size=3,
)
# few hashes, so that rows come twice and in parts, and samples overflow
ROW = st.tuples(st.integers(0, 12) | st.integers(0, 2**64 - 1), VALUES, st.lists(st.sampled_from(["a", "b"]), max_size=2))
ROWS = st.lists(ROW, max_size=12)


def sample_of(k: int, *blocks: list, layout: str = "named") -> RowSample:
    """The sample of blocks of rows, each filtered first as a pass does."""
    sample = RowSample.empty(k)
    for block in blocks:
        hashes = np.array([hashed for hashed, _, _ in block], np.uint64)
        places = sample.below(hashes)
        sample.take(
            hashes[places],
            [block[place][1] for place in places],
            [block[place][2] for place in places],
            layout=layout,
            counted=len(block),
        )
    return sample


@given(st.integers(1, 9), ROWS, ROWS, ROWS)
def test_samples_obey_the_laws(k: int, first: list, second: list, third: list) -> None:
    """Samples add up as states do: commutative, associative, with an identity, to the bit."""
    a, b, c = sample_of(k, first), sample_of(k, second), sample_of(k, third)
    before = [state.to_bytes() for state in (a, b, c)]
    assert a + b == b + a
    assert (a + b) + c == a + (b + c) == RowSample.merged([c, a, b])
    assert a + RowSample.empty(k) == a == RowSample.empty(k) + a
    assert RowSample.merged([]) == RowSample.empty()
    assert [state.to_bytes() for state in (a, b, c)] == before


@given(st.integers(1, 9), ROWS, ROWS)
def test_the_sum_of_samples_is_the_sample_of_the_union(k: int, first: list, second: list) -> None:
    """Rows may be cut into blocks, tasks and hours anywhere, and come in any order."""
    assert sample_of(k, first) + sample_of(k, second) == sample_of(k, first, second) == sample_of(k, second + first)


@given(st.integers(1, 9), ROWS, ROWS)
def test_bytes_give_the_sample_back(k: int, first: list, second: list) -> None:
    """What was read is what was written, row by row, and merges on without being parsed."""
    a, b = sample_of(k, first), sample_of(k, second)
    again = RowSample.from_bytes(a.to_bytes())
    assert again == a
    assert again.to_bytes() == a.to_bytes()
    assert again.rows() == a.rows()
    assert again + RowSample.from_bytes(b.to_bytes()) == a + b


@given(st.integers(1, 9), st.integers(1, 9), ROWS, ROWS)
def test_samples_of_different_sizes_make_one_of_the_smaller(k: int, other: int, first: list, second: list) -> None:
    """A setting that changed in the middle of a month costs rows, not correctness; an hour without rows costs none."""
    a, b = sample_of(k, first), sample_of(other, second)
    assert a + b == b + a
    if first and second:
        assert a + b == sample_of(min(k, other), first, second)
    if first:
        assert (a + RowSample.empty(0)).rows() == a.rows()


@given(ROWS, st.floats(0, 1, exclude_max=True), st.binary(max_size=40))
def test_damaged_samples_are_an_input_error(rows: list, share: float, rubbish: bytes) -> None:
    """Bytes that are cut off, or are no sample, raise the error that says so."""
    whole = sample_of(5, rows).to_bytes()
    for data in (whole[: int(share * len(whole))], rubbish):
        with pytest.raises(InputError, match="stored state 'row_sample'"):
            RowSample.from_bytes(data)


def test_a_damaged_row_is_found_when_it_is_asked_for() -> None:
    """Rows are parsed late, and the error is the same then."""
    sample = RowSample.from_bytes(sample_of(5, [(1, {"a": 1}, [])]).to_bytes().replace(b'{"a":1}', b'{"a";1}'))
    with pytest.raises(InputError, match="stored state 'row_sample'"):
        sample.rows()


def test_rows_of_a_wide_table_come_in_parts() -> None:
    """Groups of columns of one row are laid together, and the row is counted once."""
    sample = RowSample.empty(2)
    hashes = np.array([5, 3, 9], np.uint64)
    for group, counted in (({"a": 1}, 3), ({"b": 2}, 0), ({"c": None}, 0)):
        places = sample.below(hashes)
        sample.take(hashes[places], [group] * len(places), layout="named", counted=counted)
    assert [(row.hash, row.values) for row in sample.rows()] == [(3, {"a": 1, "b": 2, "c": None}), (5, {"a": 1, "b": 2, "c": None})]
    assert sample.seen == 3


def test_an_event_that_was_captured_twice_is_one_row() -> None:
    """Where the two differ, what is there goes before what is not, and the result does not hang on which came first."""
    first, second = (1, {"a": None, "b": 2}, ["x"]), (1, {"a": "here", "b": 1}, ["y"])
    for rows in ([first, second], [second, first]):
        (row,) = sample_of(3, rows).rows()
        assert (row.values, row.segments) == ({"a": "here", "b": 2}, ("x", "y"))


def test_values_are_kept_as_json_can_hold_them() -> None:
    """What JSON has no word for is text."""
    values = {"nan": math.nan, "inf": -math.inf, "large": 2**70, "bytes": b"\xffx", "lone": "\ud800", "one": np.float32(0.5), "list": [1]}
    (row,) = RowSample.from_bytes(sample_of(1, [(1, values, [])]).to_bytes()).rows()
    assert row.values == {
        "nan": "nan",
        "inf": "-inf",
        "large": str(2**70),
        "bytes": "\ufffdx",
        "lone": "?",
        "one": 0.5,
        "list": "[1]",
    }


def test_only_rows_that_stay_need_be_made() -> None:
    """Of a million hashes the filter leaves k, and of a further million about as many as will be replaced."""
    random = np.random.default_rng(1)
    sample = RowSample.empty(100)
    for expected in (100, 50):
        hashes = random.integers(0, 2**64, 1_000_000, np.uint64)
        places = sample.below(hashes)
        assert len(places) == pytest.approx(expected, abs=30)
        sample.take(hashes[places], [{}] * len(places), layout="named", counted=len(hashes))
    assert (len(sample), sample.seen) == (100, 2_000_000)
    assert len(RowSample.empty(0).below(hashes)) == 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ids", ["numbered", "uuids", "places"])
def test_the_sample_is_uniform(ids: str, seed: int) -> None:
    """Each tenth of the rows in their order has its share of the sample: a chi-squared test that fails once in a million."""
    n, k = 20_000, 2000
    if ids == "places":
        hashes = hash_places(f"2026/01/01/00/{seed}.jsonl", 0, n)
    elif ids == "numbered":
        hashes = hash_ids(string_array([f"request-{seed}-{i:06d}" for i in range(n)]))
    else:
        halves = np.random.default_rng(seed).integers(0, 2**63, (n, 2)).tolist()
        hashes = hash_ids(string_array([f"{a:016x}-{b:016x}" for a, b in halves]))
    sample = RowSample.empty(k)
    sample.take(hashes, [{"i": i} for i in range(n)], layout="named", counted=n)
    counts = np.bincount([row.values["i"] * 10 // n for row in sample.rows()], minlength=10)
    expected = k / 10
    # drawn without replacement: the variance of a tenth's count is smaller by 1 - k/n
    assert np.sum((counts - expected) ** 2 / expected) / (1 - k / n) < 45.1  # 9 degrees of freedom
