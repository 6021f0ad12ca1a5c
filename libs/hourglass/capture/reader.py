"""A task's slices into batches of named columns, whatever the format: the whole flow of `capture` in one place.

    slices → blocks of lines → captured records, CSV, JSON → rows → batches
    slices → row groups of Parquet                                → batches

A user's hook takes the place of the step from records to rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from hourglass.capture.batch_transform import paired_batches
from hourglass.capture.batches import Batch, ReadPlan
from hourglass.capture.blocks import Block, Reading, read_blocks
from hourglass.capture.captured import CapturedRecords
from hourglass.capture.csv_files import CsvFiles
from hourglass.capture.hooked import HookedRows
from hourglass.capture.json_files import JsonFiles
from hourglass.capture.memory import keep_freed_memory
from hourglass.capture.parquet_files import parquet_batches
from hourglass.capture.slices import Task
from hourglass.capture.tally import WRONG_WIDTH, Tally

__all__ = ["WRONG_WIDTH", "Batch", "ReadPlan", "read_batches"]


def read_batches(task: Task, plan: ReadPlan, tally: Tally) -> Iterator[Batch]:
    """All rows of a task, part by part; `tally` gets what is to be known beside them.

    When a part's first batch comes, all that the tally has to say of the parts before it is said.
    """
    keep_freed_memory()
    if plan.form.kind == "parquet":
        yield from parquet_batches(task, plan, tally)
        return
    hooked = HookedRows(plan.preprocessor, plan, tally) if plan.preprocessor else None
    batches = _batches(plan, tally, hooked)
    reading = Reading(quoted=True) if plan.form.kind == "csv" else Reading(documents=True)
    inputs = {output for output, _ in plan.inputs}
    for paired, slices in groupby(task, key=lambda piece: piece.path in inputs):
        if paired:
            yield from paired_batches(slices, plan, tally, hooked)
        else:
            for block in read_blocks(slices, tally.unreadable, reading):
                yield from batches(block)
                tally.bad.numbers.passed(block)
                del block  # the next is not read while this one is in memory


def _batches(plan: ReadPlan, tally: Tally, hooked: HookedRows | None) -> Callable[[Block], Iterator[Batch]]:
    """The way from a block to its batches."""
    if plan.form.kind == "csv":
        return CsvFiles(plan, tally, hooked).batches
    if plan.form.kind == "json":
        return JsonFiles(plan, tally, hooked).batches
    return CapturedRecords(plan, tally).batches if hooked is None else hooked.records
