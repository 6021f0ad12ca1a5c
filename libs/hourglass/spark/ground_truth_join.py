"""The join on a session: one job, whose shuffles carry ids, labels and places, never a captured line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.errors import HourglassError
from hourglass.join.here import read_task
from hourglass.join.keys import notes
from hourglass.join.match import match_rows
from hourglass.join.merged_lines import merged_rows
from hourglass.join.plan import JoinPlan
from hourglass.scan import fault_document
from hourglass.schemas import KEY_ROWS_DDL, KEY_ROWS_ORDER, MATCH_ROWS, MATCH_ROWS_DDL
from hourglass.spark.one_pass import collected, forget_zips, slots

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = {
    # rows of keys are small, unlike those of states; a thousand of them would not be worth the way to a worker
    "spark.sql.execution.arrow.maxRecordsPerBatch": "16384",
    # how many tasks a shuffle takes is decided when its size is known
    "spark.sql.adaptive.enabled": "true",
}
_SEED = 42  # of Spark's hash partitioning
_MASK = 0xFFFFFFFF


def spark_join(session: SparkSession) -> tuple[Callable[[JoinPlan], pa.Table], int]:
    """The join on a session, and how many tasks it runs at a time."""
    return partial(run_join, session), slots(session)


def run_join(session: SparkSession, plan: JoinPlan) -> pa.Table:
    """The notes of a join, in the schema `MATCH_ROWS`: one Spark job, whatever it reads and writes.

    Rows are sorted by Spark, which spills. The lines of a part are written by one task, and parts that were read
    together are written together.
    """
    count = len(plan.capture_tasks) + len(plan.label_tasks)
    if count == 0:
        return MATCH_ROWS.empty_table()
    writers = max(1, len(plan.capture_tasks))
    chosen = spread(writers)
    targets = np.zeros(len(plan.parts), np.int32)
    for task, numbers in enumerate(plan.capture_tasks):
        targets[list(numbers)] = chosen[task]
    rows = session.range(0, count, 1, count).mapInArrow(partial(_read, plan), KEY_ROWS_DDL)
    keys = rows.repartition("key").sortWithinPartitions(*KEY_ROWS_ORDER)
    matches = keys.mapInArrow(partial(_match, plan, targets), MATCH_ROWS_DDL)
    lines = matches.repartition(writers, "target").sortWithinPartitions("place")
    return collected(lines.mapInArrow(partial(_write, plan), MATCH_ROWS_DDL), MATCH_ROWS)


def _read(plan: JoinPlan, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    forget_zips()
    for batch in batches:
        for number in batch.column(0).to_pylist():
            try:
                yield from read_task(plan, number)
            except HourglassError as fault:  # its own sentence is to reach the driver
                yield from notes({"fault": fault_document(fault)})


def _match(plan: JoinPlan, targets: npt.NDArray[np.int32], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    forget_zips()
    yield from match_rows(batches, plan, targets)


def _write(plan: JoinPlan, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    forget_zips()
    yield from merged_rows(batches, plan)


def spread(count: int) -> list[int]:
    """For each of so many tasks the smallest whole number that Spark's hash partitioning gives to it alone.

    Hashes of the tasks' own numbers would put two of two tasks on one core half of the time. Spark 4.1 has
    `repartitionById` for this, 3.5 has nothing.
    """
    found: dict[int, int] = {}
    number = 0
    while len(found) < count:
        found.setdefault(_hash(number) % count, number)
        number += 1
    return [found[task] for task in range(count)]


def _hash(number: int) -> int:
    """Spark's hash of an int: Murmur 3 of its four bytes, signed."""
    mixed = number * 0xCC9E2D51 & _MASK
    mixed = _rotated(mixed, 15) * 0x1B873593 & _MASK
    found = (_rotated(_SEED ^ mixed, 13) * 5 + 0xE6546B64) & _MASK
    found ^= 4
    found = (found ^ found >> 16) * 0x85EBCA6B & _MASK
    found = (found ^ found >> 13) * 0xC2B2AE35 & _MASK
    found ^= found >> 16
    return found - (1 << 32) if found >> 31 else found


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> 32 - bits) & _MASK
