"""Parquet files into batches: row groups, a chunk of the columns at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from hourglass import storage
from hourglass.capture.batches import UNREADABLE, Batch, ReadPlan
from hourglass.capture.documents import columns_of, flatten
from hourglass.capture.payloads import NAMED, Column
from hourglass.capture.slices import Slice, Task
from hourglass.capture.tally import Tally
from hourglass.hashing import hash_places

_BATCH_BYTES, _ROWS = 64 << 20, 65_536


def parquet_batches(task: Task, plan: ReadPlan, tally: Tally) -> Iterator[Batch]:
    """Row groups in batches of about 64 MB; a file that cannot be read is set aside."""
    for piece in task:
        try:
            with storage.opened(piece.path) as stream:
                footer = pq.read_metadata(stream)
                fields = footer.schema.to_arrow_schema()
                texts = [field.name for field in fields if pa.types.is_string(field.type)]
                file = pq.ParquetFile(stream, metadata=footer, read_dictionary=texts)
                nested = any(pa.types.is_nested(field.type) for field in fields)
                yield from _row_groups(file, piece, plan, tally, nested=nested)
        except (OSError, pa.ArrowException) as fault:
            tally.unreadable(piece, f"{UNREADABLE}: {fault}")


def _row_groups(file: pq.ParquetFile, piece: Slice, plan: ReadPlan, tally: Tally, *, nested: bool) -> Iterator[Batch]:
    """Batches of 65,536 rows by as many columns as make 64 MB, so that a block of a column costs the same in any width.

    Columns that hold others are flattened row by row, so all are read together then, and where whole rows are wanted.
    """
    together = nested or plan.whole_rows
    names = file.schema_arrow.names
    width = len(names) if together else _BATCH_BYTES // (8 * _ROWS)
    size = _ROWS if not together else max(1024, _BATCH_BYTES // (8 * len(names)))
    groups = list(piece.row_groups) or range(file.num_row_groups)
    before = sum(file.metadata.row_group(group).num_rows for group in range(next(iter(groups), 0)))
    for first in range(0, max(1, len(names)), width):
        chosen = names[first : first + width]
        columns = chosen if len(chosen) < len(names) else None
        at = before
        for batch in file.iter_batches(size, row_groups=groups, columns=columns, use_threads=False):
            count = batch.num_rows if first == 0 else 0
            tally.lines[piece.partition, piece.part] += count
            found = _flat_columns(batch, nested=nested, empty_lists=plan.whole_documents)
            ids = hash_places(piece.path, at, batch.num_rows) if plan.ids else None
            at += batch.num_rows
            wanted = found if together else {name: found[name] for name in chosen}
            yield Batch(piece.partition, piece.part, NAMED, count, wanted, first, ids)


def _flat_columns(batch: pa.RecordBatch, *, nested: bool, empty_lists: bool) -> dict[str, Column]:
    if not nested:
        return dict(zip(batch.schema.names, batch.columns, strict=True))
    return dict(columns_of([flatten(row, empty_lists=empty_lists) for row in batch.to_pylist()]))
