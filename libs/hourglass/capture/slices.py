"""Files cut and packed into tasks: small files together, large ones at byte ranges or row groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pyarrow.parquet as pq

from hourglass import storage
from hourglass.capture.files import InputFile
from hourglass.capture.formats import DatasetFormat

TASK_BYTES = 1 << 30  # a task streams, so its size costs no memory, and each one sends all states of its columns to the driver
SMALLEST_TASK_BYTES = 4 << 20
PIECES_A_TASK = 8  # how finely files are cut, so that tasks come out alike


@dataclass(frozen=True)
class Slice:
    """A part of a file: the lines that begin in [start, end), or some row groups of a Parquet file.

    The first slice of a file, and no other, starts at 0. A `whole` file's end is its size as it is stored, packed or not.
    """

    path: str
    hour: str
    start: int
    end: int
    whole: bool
    row_groups: tuple[int, ...] = ()


Task = tuple[Slice, ...]


def cut_tasks(files: Iterable[InputFile], form: DatasetFormat, parallelism: int) -> list[Task]:
    """Tasks of the same size: as many as run at a time, or a multiple where they would be over 1 GB each.

    Compressed files, and CSV files with their quoted line breaks and header, are never cut.
    """
    files = sorted(files, key=lambda file: (file.hour, file.path))
    total = sum(file.size for file in files)
    rounds = -(-total // (parallelism * TASK_BYTES))
    count = max(1, min(rounds * parallelism, -(-total // SMALLEST_TASK_BYTES)))
    pieces = [piece for file in files for piece in _cut(file, form, max(SMALLEST_TASK_BYTES, total // (count * PIECES_A_TASK)))]
    return _packed(pieces, count)


def _cut(file: InputFile, form: DatasetFormat, target: int) -> Iterator[Slice]:
    if form.kind == "parquet":
        yield from _cut_row_groups(file, target)
    elif form.kind == "csv" or file.size <= target or _is_packed(file):
        yield Slice(file.path, file.hour, 0, file.size, whole=True)
    else:
        pieces = -(-file.size // target)
        edges = [file.size * piece // pieces for piece in range(pieces + 1)]
        for start, end in pairwise(edges):
            yield Slice(file.path, file.hour, start, end, whole=False)


def _is_packed(file: InputFile) -> bool:
    """Whether a file is gzip's, whatever its name says."""
    try:
        files, inner = storage.filesystem(file.path)
        with files.open_input_file(inner) as stream:
            return bytes(stream.read(2)) == b"\x1f\x8b"
    except OSError:
        return True


def _cut_row_groups(file: InputFile, target: int) -> Iterator[Slice]:
    """Row groups are packed by their size in the file; a file whose footer cannot be read is one slice that fails."""
    try:
        files, inner = storage.filesystem(file.path)
        with files.open_input_file(inner) as stream:
            footer = pq.read_metadata(stream)
    except (OSError, ValueError):
        yield Slice(file.path, file.hour, 0, file.size, whole=True)
        return
    groups: list[int] = []
    start = size = 0
    for group in range(footer.num_row_groups):
        chunks = footer.row_group(group)
        bytes_ = sum(chunks.column(column).total_compressed_size for column in range(chunks.num_columns))
        if groups and size + bytes_ > target:
            yield Slice(file.path, file.hour, start, start + size, whole=False, row_groups=tuple(groups))
            groups, start, size = [], start + size, 0
        groups.append(group)
        size += bytes_
    if groups:
        yield Slice(file.path, file.hour, start, start + size, whole=False, row_groups=tuple(groups))


def _packed(slices: Sequence[Slice], count: int) -> list[Task]:
    """The slices in order as at most `count` tasks: each goes where the middle of its bytes falls."""
    total = sum(piece.end - piece.start for piece in slices) or 1
    tasks: dict[int, list[Slice]] = {}
    at = 0
    for piece in slices:
        length = piece.end - piece.start
        tasks.setdefault(min(count - 1, (2 * at + length) * count // (2 * total)), []).append(piece)
        at += length
    return [tuple(_joined(task)) for task in tasks.values()]


def _joined(task: Sequence[Slice]) -> Iterator[Slice]:
    """The slices of a task with those that follow each other in a file as one: fewer seams, and larger batches of rows."""
    last: Slice | None = None
    for piece in task:
        if last and last.path == piece.path and last.end == piece.start and not piece.whole:
            last = replace(last, end=piece.end, row_groups=last.row_groups + piece.row_groups)
        else:
            if last:
                yield last
            last = piece
    if last:
        yield last
