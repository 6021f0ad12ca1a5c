"""What reading is asked for, and what it gives: batches of named columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.capture.blocks import Block
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.hooks import Script
from hourglass.capture.payloads import ALL, Column, Rows
from hourglass.capture.row_ids import Ids
from hourglass.capture.window import Window

UNREADABLE = "unreadable file"


@dataclass(frozen=True)
class ReadPlan:
    """How to read: the format, the names of columns that have only positions, the window, and the user's hook.

    `inputs` are the files of batch transform's inputs, by the path of their output. With `ids` each row gets an id, and
    with `whole_rows` a batch has all columns of its rows, however many they are. `input_names` are those of the columns of
    captured CSV inputs. With `labels` the ground truth that was merged into captured records is read too, with
    `whole_documents` a JSON document with a list is one row. Without `widths` rows of any number of columns are as good.
    """

    form: DatasetFormat
    names: tuple[str, ...] = ()
    window: Window | None = None
    preprocessor: Script | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    batch_paths: frozenset[str] = frozenset()
    ids: bool = False
    whole_rows: bool = False
    input_names: tuple[str, ...] = ()
    labels: bool = False
    whole_documents: bool = False
    widths: bool = True


@dataclass(frozen=True)
class Batch:
    """Rows of one part of a partition and of one layout as named columns, and their ids where the plan wants them.

    `first` is the place of the first column; wide rows come in several batches, of which only the first counts them.
    `labels` are the columns of the ground truth, None where the records have none. So many of the first columns are
    `ordered`, the same in all rows: those of CSV and of tables, and not those that JSON only names. `answers` are the
    columns that do not come from a record's input, by names of their own; None where rows have no sides. Columns of the
    input stand before `answers_at`.
    """

    partition: str
    part: int
    layout: str
    count: int
    columns: dict[str, Column]
    first: int = 0
    ids: Ids | None = None
    labels: dict[str, Column] | None = None
    ordered: int = ALL
    answers: dict[str, Column] | None = None
    answers_at: int = 0

    def take(self, rows: npt.NDArray[np.int64]) -> Batch:
        """Some of the rows."""
        columns = _taken_all(self.columns, rows)
        labels, answers = (None if found is None else _taken_all(found, rows) for found in (self.labels, self.answers))
        ids = None if self.ids is None else self.ids[rows]
        return replace(self, count=len(rows), columns=columns, ids=ids, labels=labels, answers=answers)


def _taken_all(columns: Mapping[str, Column], rows: npt.NDArray[np.int64]) -> dict[str, Column]:
    return {name: taken(column, rows) for name, column in columns.items()}


def taken(column: Column, rows: npt.NDArray[np.int64]) -> Column:
    """Some of a column's values."""
    return column.take(pa.array(rows)) if isinstance(column, pa.Array) else [column[row] for row in rows.tolist()]


def batch_of(rows: Rows, block: Block, plan: ReadPlan) -> Batch:
    """Rows with all their columns named."""
    columns = _named(plan.names, rows.columns)
    labels = None if rows.labels is None else _named((), rows.labels)
    batch = Batch(block.partition, block.part, rows.layout, rows.count, columns, ids=rows.ids, labels=labels, ordered=rows.ordered)
    if rows.answers is None:
        return batch
    answers = _named((), rows.columns[rows.answers.start : rows.answers.stop])
    return replace(batch, answers=answers, answers_at=rows.answers.start)


def _named(expected: Sequence[str], found: Sequence[tuple[str | None, Column]]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for name, (_, column) in zip(_names(expected, [own for own, _ in found]), found, strict=True):
        columns[_free(name, columns)] = column
    return columns


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
