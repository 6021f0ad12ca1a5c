"""The rows themselves as a DataFrame, for users' own checks: the same tasks, read once more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hourglass import storage
from hourglass.capture.payloads import Column
from hourglass.capture.reader import Batch, ReadPlan, read_batches
from hourglass.capture.slices import Slice, Task
from hourglass.capture.tally import Tally
from hourglass.dataset import Dataset
from hourglass.statistics import ColumnType
from hourglass.statistics.inferred_type import inferred_type
from hourglass.values import NOT_A_NUMBER, parse_number, string_array

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_ARROW = {ColumnType.INTEGRAL: pa.int64(), ColumnType.FRACTIONAL: pa.float64()}  # all others are text


def flattened(session: SparkSession, tasks: Sequence[Task], plan: ReadPlan, dataset: Dataset) -> DataFrame:
    """The data set's rows, a column a feature: long for Integral, double for Fractional, string for all others.

    The types are those that the pass has found, so nothing is guessed anew. What is missing is null, and so is a value
    that its column's type cannot hold: a text or an infinity among numbers, a whole number beyond 64 bits. Rows of
    other layouts are left out. `tasks` are the data set's: for one of several windows, those of its hours.
    """
    from pyspark.sql.types import DoubleType, LongType, StringType, StructField, StructType

    types = {ColumnType.INTEGRAL: LongType(), ColumnType.FRACTIONAL: DoubleType()}
    kinds = {name: inferred_type(column) for name, column in dataset.columns.items()}
    schema = StructType([StructField(name, types.get(kind, StringType())) for name, kind in kinds.items()])
    numbers = session.range(0, len(tasks), 1, max(1, len(tasks)))
    return numbers.mapInArrow(partial(_rows_numbered, tuple(tasks), plan, dataset.layout, kinds), schema)


def _rows_numbered(
    tasks: tuple[Task, ...], plan: ReadPlan, layout: str, kinds: Mapping[str, ColumnType], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for number in batch.column(0).to_pylist():
            yield from rows(tasks[number], plan, layout, kinds)


def rows(task: Task, plan: ReadPlan, layout: str, kinds: Mapping[str, ColumnType]) -> Iterator[pa.RecordBatch]:
    """A task's rows of one layout with the columns that are named, each of its type."""
    schema = pa.schema([(name, _ARROW.get(kind, pa.string())) for name, kind in kinds.items()])
    for batch in _whole_rows(task, plan):
        if batch.layout != layout:
            continue
        # the pass spells names as UTF-8 can hold them
        found = {name.encode("utf-8", "replace").decode("utf-8"): column for name, column in batch.columns.items()}
        columns = [
            as_type(found[field.name], kinds[field.name]) if field.name in found else pa.nulls(batch.count, field.type) for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _whole_rows(task: Task, plan: ReadPlan) -> Iterator[Batch]:
    """Batches with all their columns.

    Wide Parquet comes as runs of batches, each run with the next columns of the same rows. Runs are laid side by side
    a row group at a time, so that no more than that is held.
    """
    if plan.form.kind != "parquet":
        yield from read_batches(task, plan, Tally())
        return
    for piece in task:
        for group in piece.row_groups or _row_groups(piece):
            runs: dict[int, list[Batch]] = {}
            for batch in read_batches((replace(piece, row_groups=(group,)),), plan, Tally()):
                runs.setdefault(batch.first, []).append(batch)
            for first, *others in zip(*runs.values(), strict=True):
                yield replace(first, columns={name: column for part in (first, *others) for name, column in part.columns.items()})


def _row_groups(piece: Slice) -> range:
    try:
        with storage.opened(piece.path) as stream:
            return range(pq.read_metadata(stream).num_row_groups)
    except (OSError, pa.ArrowException):  # the pass has set the file aside
        return range(0)


def as_type(column: Column, kind: ColumnType) -> pa.Array:
    """A column's values as its type holds them; null for the others.

    >>> as_type(["7", "+ 8", "x", "", None], ColumnType.INTEGRAL).to_pylist()
    [7, 8, None, None, None]
    >>> as_type([1, 2.5, float("inf"), True], ColumnType.FRACTIONAL).to_pylist()
    [1.0, 2.5, None, None]
    """
    if not isinstance(column, pa.Array):
        column = string_array([_written(value) for value in column])
    if pa.types.is_integer(column.type) and kind.numeric and column.type != pa.uint64():
        return column.cast(_ARROW[kind], safe=False)
    if (pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)) and kind is ColumnType.FRACTIONAL:
        numbers = column.cast(pa.float64())
        return pc.if_else(pc.is_finite(numbers), numbers, None)
    texts = column if pa.types.is_dictionary(column.type) else _texts(column).dictionary_encode()
    values = _texts(texts.dictionary).to_pylist()
    return pa.array(map(_READERS.get(kind, _text), values), _ARROW.get(kind, pa.string())).take(texts.indices)


def _texts(column: pa.Array) -> pa.StringArray:
    try:
        return column.cast(pa.string())
    except pa.ArrowException:  # lists and structs; bytes that are no UTF-8
        return string_array([_written(value) for value in column.to_pylist()])


def _written(value: object) -> str | None:
    """A value as text, which the pass's own patterns then read: a float's is its shortest that gives the same float."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _whole(text: str | None) -> int | None:
    if not text or parse_number(text) is None:
        return None
    try:
        number = int(text.replace(" ", ""))
    except ValueError:  # with a fraction or an exponent
        return None
    return number if _SMALLEST <= number <= _LARGEST else None


def _number(text: str | None) -> float | None:
    return parse_number(text) if text else None


def _text(text: str | None) -> str | None:
    return None if not text or text in NOT_A_NUMBER else text


_READERS: Mapping[ColumnType, Callable[[str | None], object]] = {ColumnType.INTEGRAL: _whole, ColumnType.FRACTIONAL: _number}
