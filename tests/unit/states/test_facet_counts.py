"""Counts by facet, group, label and prediction: exact, whatever is missing, and which names are kept."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.errors import InputError
from hourglass.hashing import hash_texts
from hourglass.states import FacetCounts
from hourglass.states.categories import category_key
from hourglass.states.facet_counts import CAP, MISSING, MISSING_NAME, OTHER

NAMES = st.none() | st.sampled_from(["a", "b", "é", "", "(missing)", "other", "x" * 300, "x" * 299 + "y"])


def feed(*blocks: list[tuple]) -> FacetCounts:
    state = FacetCounts.empty()
    for rows in blocks:
        facet, group, actual, predicted = (pa.array([row[place] for row in rows], pa.string()) for place in range(4))
        state.update({"f": facet, "g": group}, group, actual, predicted)
    return state


def found(state: FacetCounts, facet: str = "f") -> Counter:
    """The cells by name; None is missing, "…" what is not kept."""
    cells = state.facets[facet]
    return Counter(
        {
            tuple(
                None if code == MISSING else "…" if code == OTHER else names[code]
                for code, names in zip(codes, (cells.values, state.groups, state.classes, state.classes), strict=True)
            ): n
            for *codes, n in zip(
                *(part.tolist() for part in (cells.value, cells.group, cells.actual, cells.predicted, cells.counts)), strict=True
            )
        }
    )


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES), min_size=1, max_size=40))
@settings(deadline=None)
def test_every_row_is_in_its_cell(rows: list[tuple]) -> None:
    """Null, empty and "(missing)" are one: what has no name. Long names that begin alike stay apart."""
    state = feed(rows)
    assert found(state) == Counter(tuple(None if name in {None, "", MISSING_NAME} else category_key(name) for name in row) for row in rows)
    assert found(state, "g") == Counter({(cell[1], *cell[1:]): n for cell, n in found(feed([(row[1], *row[1:]) for row in rows])).items()})
    assert state.n == len(rows)
    assert not state.truncated


@pytest.mark.parametrize("long", [False, True])
def test_the_names_with_the_smallest_hashes_are_kept(long: bool) -> None:
    """Of 3,000 groups, whether a block has them all or names are long; the rest is counted as other, to the row."""
    names = [f"{'x' * 300 if long else ''}g{i}" for i in range(3000)]
    state = FacetCounts.empty()
    state.update({"f": pa.array(["a", None] * 1500)}, pa.array(names), None, None)
    blocks = feed(
        *([("a" if i % 2 == 0 else None, names[i], None, None) for i in range(start, start + 500)] for start in range(0, 3000, 500))
    )
    assert list(state.groups) == list(blocks.groups)
    assert len(state.groups) == CAP
    if not long:
        hashes = dict(zip(names, hash_texts(pa.array(names)).tolist(), strict=True))
        assert list(state.groups) == sorted(names, key=hashes.__getitem__)[:CAP]
    assert state.truncated
    assert found(state).total() == 3000
    assert found(state)["a", "…", None, None] + found(state)[None, "…", None, None] == 2000
    assert found(state) == found(blocks)


def test_what_has_no_value_is_kept_beside_a_thousand() -> None:
    """However many names there are."""
    rows = [(f"v{i}", None, "1", None) for i in range(2000)] + [(None, None, None, None)] * 7
    cells = feed(rows).facets["f"]
    assert (cells.missing, cells.n) == (7, 2007)


def test_hours_may_differ_in_their_facets() -> None:
    """A configuration that gained a facet: what older hours did not count is not there."""
    old, new = FacetCounts.empty(), FacetCounts.empty()
    old.update({"Sex": pa.array(["m", "f"])}, None, pa.array(["1", "0"]), None)
    new.update({"Sex": pa.array(["m"]), "Race": pa.array(["x"])}, pa.array(["g"]), pa.array(["1"]), None)
    both = old + new
    assert {name: cells.n for name, cells in both.facets.items()} == {"Race": 1, "Sex": 3}
    assert both.n == 3
    assert FacetCounts.from_bytes(both.to_bytes()) == both == new + old


def test_no_rows_are_no_facets() -> None:
    """An empty block leaves the state of no rows as it is."""
    state = FacetCounts.empty()
    state.update({"Sex": pa.array([], pa.string())}, None, None, None)
    state.update({}, None, None, None)
    assert state == FacetCounts.empty()


def test_rows_may_come_as_a_slice() -> None:
    """Of a longer array, as blocks of a batch do."""
    column = pa.array([f"v{i % 1500}" for i in range(4000)])
    state, other = FacetCounts.empty(), FacetCounts.empty()
    state.update({"f": column.slice(1000, 2000)}, column.slice(1000, 2000), None, column.slice(1000, 2000))
    copied = pa.array(column.slice(1000, 2000).to_pylist())
    other.update({"f": copied}, copied, None, copied)
    assert state == other


def test_the_bytes_are_few() -> None:
    """Sixteen for each cell that has rows, and the names once for all facets."""
    random = np.random.default_rng(0)
    columns = [
        pa.array([f"{name}{i}" for i in random.integers(0, size, 5000)])
        for name, size in (("s", 2), ("r", 5), ("age ", 70), ("", 2), ("", 2))
    ]
    state = FacetCounts.empty()
    state.update({"Sex": columns[0], "Race": columns[1]}, *columns[2:])
    cells = sum(len(facet.counts) for facet in state.facets.values())
    assert len(state.to_bytes()) < 16 * cells + 1000


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"classes":["1"', b'"classes":["7"'),
        lambda data: data.replace(b'"f"', b'""'),
        lambda data: data.replace(b"[[", b"[[[", 1),
        lambda data: data[:-8] + (0).to_bytes(8, "little"),
        lambda data: data[:-8] + (2**62).to_bytes(8, "little"),
        lambda data: data + bytes(16),
        lambda data: data.replace(b"\n", b" ", 1),
    ],
    ids=["another class", "no facet", "another list", "a count of 0", "a huge count", "more bytes", "no end of the head"],
)
def test_bytes_that_are_no_such_counts_are_an_input_error(change: object) -> None:
    """Names out of order or without a cell, counts of 0 or beyond a whole number, bytes too many."""
    data = feed([("f", "g", "1", "0"), ("m", None, "1", "1")]).to_bytes()
    broken = change(data)  # type: ignore[operator]
    assert broken != data
    with pytest.raises(InputError, match="stored state 'facet_counts'"):
        FacetCounts.from_bytes(broken)
