"""Runs of consecutive rows of a part, however its rows come in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
import pytest

from hourglass.capture.batches import Batch
from hourglass.runs import MOST_ROWS, Run, RunPlan, Runs
from hourglass.states import Moments

KINDS = ("value_classes", "moments")


def runs_of(sizes: Sequence[int], count: int = 4, columns: int = 1) -> list[Run]:
    """The runs of batches of rows that hold their own number, of which each column comes by itself."""
    runs = Runs(RunPlan(count, KINDS))
    start = 0
    for size in sizes:
        numbers = pa.array([float(number) for number in range(start, start + size)])
        for place in range(columns):
            runs.take(Batch("", 0, "named", size, {f"c{place}": numbers}, first=place))
        start += size
    return list(runs.done())


def extents(runs: Sequence[Run], column: str = "c0") -> list[tuple[float, float]]:
    found = [run.columns["named", column].get(Moments) for run in runs]
    return [(moments.minimum, moments.maximum) for moments in found]


@pytest.mark.parametrize("rows", [1, 15, 100, 128, 1000, 2333, 40_000])
def test_there_are_between_count_and_twice_as_many_runs_of_equal_length(rows: int) -> None:
    """But for few rows; none overlaps another, and each is of consecutive rows."""
    runs = runs_of([rows])
    lengths = [run.rows["named"] for run in runs]
    assert len(runs) <= 8
    assert len(runs) >= (4 if rows >= 4 * 32 else 0)
    assert max(lengths, default=0) <= MOST_ROWS
    assert all(length == lengths[0] for length in lengths[:-1])
    spans = extents(runs)
    assert [high - low + 1 for low, high in spans] == lengths
    assert all(first[1] < second[0] for first, second in pairwise(spans))


def test_runs_do_not_depend_on_how_the_rows_are_cut_into_batches() -> None:
    """Neither their places nor their lengths."""
    whole = extents(runs_of([50_000]))
    assert extents(runs_of([1, 7, 4000, 20_992, 25_000])) == whole
    assert extents(runs_of([1000] * 50)) == whole


def test_wide_rows_have_all_their_columns_in_the_same_runs() -> None:
    """Though the columns come one after the other."""
    runs = runs_of([700, 300], columns=3)
    assert extents(runs, "c0") == extents(runs, "c2")
    assert [run.rows["named"] for run in runs] == [int(high - low + 1) for low, high in extents(runs)]


def test_a_part_far_down_is_chosen_as_well_as_the_first() -> None:
    """Runs are spread over all rows, not taken from the top."""
    assert extents(runs_of([5000] * 40))[-1][0] > 100_000
