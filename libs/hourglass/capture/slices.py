"""Files cut into the parts of their partition, and whole parts packed into tasks.

What is a part depends on the files of its partition only, never on how many tasks run or what else is read: a part is
digested by itself, so an hour's states are the same, to the last byte, in every run that reads the hour.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, groupby, pairwise

import pyarrow.parquet as pq

from hourglass import storage
from hourglass.capture.files import InputFile
from hourglass.capture.formats import DatasetFormat

LARGEST_BYTES = 1 << 30  # of a part or a task: both stream, so their size costs no memory
PART_BYTES = 8 << 20  # a hundred times the bytes make ten times the parts, so that the states to merge grow slowly
COLUMN_BYTES = 400 << 10  # the same for wide tables: a column's states take 50 KB, whatever little the part has of it
SMALLEST_TASK_BYTES = 4 << 20
_THREADS = 16
_NEAR = 8  # a file is not cut within an eighth of a part from its end: a sliver costs a request and gives few lines


@dataclass(frozen=True)
class Slice:
    """A piece of a file: the lines that begin in [start, end), or some row groups of a Parquet file.

    `part` is the number, within the partition, of the part that it belongs to. The first slice of a file, and no other,
    starts at 0. A `whole` file's end is its size as it is stored, packed or not.
    """

    path: str
    partition: str
    part: int
    start: int
    end: int
    whole: bool
    row_groups: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes it has in the file."""
        return self.end - self.start


Part = tuple[Slice, ...]
Task = tuple[Slice, ...]


def cut_tasks(files: Iterable[InputFile], form: DatasetFormat, parallelism: int) -> list[Task]:
    """Runs of whole parts of about the same size: as many as run at a time, or a multiple where they would be over 1 GB each."""
    found = list(files)
    parts = _parts(found, form)
    total = sum(file.size for file in found)
    rounds = -(-total // (parallelism * LARGEST_BYTES))
    return _packed(parts, max(1, min(rounds * parallelism, -(-total // SMALLEST_TASK_BYTES))))


def slices_of(files: Iterable[InputFile], form: DatasetFormat) -> list[Slice]:
    """The pieces of all files in the order of their partitions, which is that of time."""
    return [piece for part in _parts(files, form) for piece in part]


def _parts(files: Iterable[InputFile], form: DatasetFormat) -> list[Part]:
    ordered = sorted(files, key=lambda file: (file.partition, file.path))
    partitions = [list(group) for _, group in groupby(ordered, key=lambda file: file.partition)]
    with ThreadPoolExecutor(_THREADS) as threads:  # large files are looked into
        return [part for parts in threads.map(partial(cut_parts, form=form), partitions) for part in parts]


def cut_parts(files: Sequence[InputFile], form: DatasetFormat) -> list[Part]:
    """The parts of one partition, whose files come in order of path: √(bytes / 8 MB) of them, and none much over 1 GB.

    For Parquet of more than 20 columns 8 MB are 400 KB a column. The files' bytes are cut at as many places, evenly.
    Compressed files, and CSV files with their quoted line breaks and header, are never cut; they, and row groups, belong
    where their middle falls.
    """
    total = sum(file.size for file in files)
    count = _count(total, PART_BYTES)
    if count > 1 and form.kind == "parquet":
        count = _count(total, max(PART_BYTES, _columns(files) * COLUMN_BYTES))
    edges = [total * number // count for number in range(1, count)]
    near = total // count // _NEAR
    parts: dict[int, list[Slice]] = {}
    at = 0
    for file in files:
        inside = edges[bisect_left(edges, at + near) : bisect_right(edges, at + file.size - near)]
        for piece in _cut(file, form, [edge - at for edge in inside]):
            part = bisect_right(edges, at + (piece.start + piece.end) // 2)
            parts.setdefault(part, []).append(replace(piece, part=part))
        at += file.size
    return [tuple(parts[part]) for part in sorted(parts)]


def _count(total: int, unit: int) -> int:
    return max(1, round(math.sqrt(total / unit)), -(-total // LARGEST_BYTES))


def _columns(files: Sequence[InputFile]) -> int:
    """The number of columns of the first file that can be read."""
    return next((footer.num_columns for footer in map(_footer, (file.path for file in files)) if footer), 0)


def _cut(file: InputFile, form: DatasetFormat, edges: Sequence[int]) -> Iterator[Slice]:
    whole = Slice(file.path, file.partition, 0, 0, file.size, whole=True)
    if not edges or form.kind == "csv":
        yield whole
    elif form.kind == "parquet":
        yield from _cut_row_groups(whole, edges)
    elif _is_packed(file):
        yield whole
    else:
        for start, end in pairwise([0, *edges, file.size]):
            yield replace(whole, start=start, end=end, whole=False)


def _is_packed(file: InputFile) -> bool:
    """Whether a file is gzip's, whatever its name says."""
    try:
        with storage.opened(file.path) as stream:
            return bytes(stream.read(2)) == b"\x1f\x8b"
    except OSError:
        return True


def _cut_row_groups(whole: Slice, edges: Sequence[int]) -> Iterator[Slice]:
    """The row groups between each two edges, by their sizes in the file; a file whose footer cannot be read is one slice that fails."""
    footer = _footer(whole.path)
    if footer is None:
        yield whole
        return
    sizes = []
    for group in range(footer.num_row_groups):
        chunks = footer.row_group(group)
        sizes.append(sum(chunks.column(column).total_compressed_size for column in range(chunks.num_columns)))
    ends = list(accumulate(sizes))
    segments = [bisect_right(edges, end - size // 2) for size, end in zip(sizes, ends, strict=True)]
    for _, members in groupby(range(len(sizes)), key=segments.__getitem__):
        groups = tuple(members)
        start = ends[groups[0]] - sizes[groups[0]]
        yield replace(whole, start=start, end=ends[groups[-1]], whole=False, row_groups=groups)


def _footer(path: str) -> pq.FileMetaData | None:
    try:
        with storage.opened(path) as stream:
            return pq.read_metadata(stream)
    except (OSError, ValueError):
        return None


def _packed(parts: Sequence[Part], count: int) -> list[Task]:
    """The parts in order as at most `count` tasks: each goes where the middle of its bytes falls."""
    sizes = [sum(piece.size for piece in part) for part in parts]
    total = sum(sizes) or 1
    tasks: dict[int, list[Slice]] = {}
    at = 0
    for part, size in zip(parts, sizes, strict=True):
        tasks.setdefault(min(count - 1, (2 * at + size) * count // (2 * total)), []).extend(part)
        at += size
    return [tuple(task) for task in tasks.values()]
