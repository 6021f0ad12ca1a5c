"""What reading is asked for, and what it gives: batches of named columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hourglass.capture.blocks import Block
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.hooks import Script
from hourglass.capture.payloads import Column, Rows
from hourglass.capture.row_ids import Ids
from hourglass.capture.window import Window

UNREADABLE = "unreadable file"


@dataclass(frozen=True)
class ReadPlan:
    """How to read: the format, the names of columns that have only positions, the window, and the user's hook.

    `inputs` are the files of batch transform's inputs, by the path of their output. With `ids` each row gets an id, and
    with `whole_rows` a batch has all columns of its rows, however many they are.
    """

    form: DatasetFormat
    names: tuple[str, ...] = ()
    window: Window | None = None
    preprocessor: Script | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    batch_paths: frozenset[str] = frozenset()
    ids: bool = False
    whole_rows: bool = False


@dataclass(frozen=True)
class Batch:
    """Rows of one part of a partition and of one layout as named columns, and their ids where the plan wants them.

    `first` is the place of the first column; wide rows come in several batches, of which only the first counts them.
    """

    partition: str
    part: int
    layout: str
    count: int
    columns: dict[str, Column]
    first: int = 0
    ids: Ids | None = None


def batch_of(rows: Rows, block: Block, plan: ReadPlan) -> Batch:
    """Rows with all their columns named."""
    columns: dict[str, Column] = {}
    for name, (_, column) in zip(_names(plan.names, [own for own, _ in rows.columns]), rows.columns, strict=True):
        columns[_free(name, columns)] = column
    return Batch(block.partition, block.part, rows.layout, rows.count, columns, ids=rows.ids)


def _names(expected: Sequence[str], own: Sequence[str | None]) -> list[str]:
    """The names of a row's columns: their own, and for those with a position only the baseline's that are left, in order.

    Where their numbers differ, a column is called by its place among the columns without names.

    >>> _names(["score", "age", "zip"], ["score", None, None]), _names(["score"], [None, None])
    (['score', 'age', 'zip'], ['_c0', '_c1'])
    """
    left = [name for name in expected if name not in own]
    nameless = own.count(None)
    given = iter(left if len(left) == nameless else [f"_c{i}" for i in range(nameless)])
    return [next(given) if name is None else name for name in own]


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, or `name.1`, `name.2`, … where input and output have columns of the same name."""
    number = 1
    free = name
    while free in taken:
        free, number = f"{name}.{number}", number + 1
    return free
