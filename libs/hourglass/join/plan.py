"""What a join is to do: the parts of captures to write, the labels to look at, and how far apart the two may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby

import numpy as np
import numpy.typing as npt

from hourglass.capture.blocks import Block
from hourglass.capture.files import InputFile
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.slices import Slice, Task, cut_tasks
from hourglass.capture.window import HOUR, hour_name, hour_of, hour_start

EARLY_HOURS = 1  # a label may be in the hour before its capture's: the clocks of two services differ
PLACE_BITS = 40  # a part's or a file's bytes are counted with these, its number stands above them
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CAPTURED = DatasetFormat("capture")
LINES = DatasetFormat("json")

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MergedPart:
    """A part of an hour's captures, which becomes one file; `known` is the SHA-256 of the file that is there, if its report has it."""

    partition: str
    number: int
    slices: tuple[Slice, ...]
    known: str | None = None

    @property
    def name(self) -> str:
        """The file that it becomes."""
        return part_name(self.number)


@dataclass(frozen=True)
class JoinPlan:
    """What is handed to an engine.

    `capture_tasks` are the numbers of the parts that are read, and later written, together. `label_files` are in the
    order that decides between labels of the same time. `wait` is in hours. `batch` is the format of the partitions in
    `batch_partitions`, which hold the outputs of batch transforms. Files are staged in `output` under names with `token`.
    """

    parts: tuple[MergedPart, ...]
    capture_tasks: tuple[tuple[int, ...], ...]
    label_tasks: tuple[Task, ...]
    label_files: tuple[str, ...]
    wait: int
    output: str
    token: str
    batch: DatasetFormat = LINES
    batch_partitions: frozenset[str] = frozenset()

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions of the captures, in order; rows name them by their number."""
        return tuple(dict.fromkeys(part.partition for part in self.parts))


def part_name(number: int) -> str:
    """The file of a part.

    >>> part_name(3)
    'part-00003.jsonl'
    """
    return f"part-{number:05d}.jsonl"


def plan_join(
    captures: Sequence[InputFile],
    batch: Sequence[InputFile],
    labels: Sequence[InputFile],
    known: Mapping[tuple[str, str], str],
    parallelism: int,
    *,
    wait: int,
    output: str,
    token: str,
    batch_form: DatasetFormat = LINES,
) -> JoinPlan:
    """Cuts captures and labels into tasks of about the same size; `known` has the SHA-256 by partition and name."""
    tasks = [*cut_tasks(captures, CAPTURED, parallelism), *cut_tasks(batch, batch_form, parallelism)]
    parts: list[MergedPart] = []
    capture_tasks = []
    for task in tasks:
        first = len(parts)
        for (partition, number), slices in groupby(task, key=lambda piece: (piece.partition, piece.part)):
            parts.append(MergedPart(partition, number, tuple(slices), known.get((partition, part_name(number)))))
        capture_tasks.append(tuple(range(first, len(parts))))
    return JoinPlan(
        tuple(parts),
        tuple(capture_tasks),
        tuple(cut_tasks(labels, LINES, parallelism)),
        tuple(file.path for file in sorted(labels, key=lambda file: (hour_of(file.partition), file.path))),
        wait,
        output,
        token,
        batch_form,
        frozenset(file.partition for file in batch),
    )


@lru_cache(maxsize=4096)
def hour_number(hour: str) -> int:
    """An hour as folders spell it, counted from 1970.

    >>> hour_number("1970/01/02/03")
    27
    """
    return (hour_start(hour) - _EPOCH) // HOUR


def hour_spelled(number: int) -> str:
    """The hour of a number.

    >>> hour_spelled(27)
    '1970/01/02/03'
    """
    return hour_name(_EPOCH + number * HOUR)


def reach(hour: str, wait: int) -> range:
    """The hours whose labels count for an hour of captures: from the hour before on, for as long as labels are waited for.

    >>> [hour_spelled(number) for number in reach("2026/11/21/09", 1)]
    ['2026/11/21/08', '2026/11/21/09', '2026/11/21/10']
    """
    return range(hour_number(hour) - EARLY_HOURS, hour_number(hour) + wait + 1)


def begins(block: Block, lines: Places) -> Places:
    """At which byte of the block each record begins; of several on one line each has a byte of its own.

    Only a document over several lines holds several records, and it has more bytes than records.
    """
    if len(lines) == 0:
        return np.empty(0, np.int64)
    first = np.concatenate([[True], lines[1:] != lines[:-1]])
    numbers = np.arange(len(lines))
    return np.asarray(block.line_starts[lines] + numbers - np.maximum.accumulate(np.where(first, numbers, 0)))
