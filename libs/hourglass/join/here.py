"""The join in this process, without Spark: for small hours, and for the tests of its steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from hourglass.join import match
from hourglass.join.keys import capture_rows
from hourglass.join.labels import label_rows
from hourglass.join.merged_lines import merged_rows
from hourglass.join.plan import JoinPlan
from hourglass.schemas import KEY_ROWS, KEY_ROWS_ORDER, MATCH_ROWS


def read_task(plan: JoinPlan, number: int) -> Iterator[pa.RecordBatch]:
    """The key rows of a task, by its number: those of captures come first, then those of labels."""
    if number < len(plan.capture_tasks):
        return capture_rows(plan.capture_tasks[number], plan)
    return label_rows(plan.label_tasks[number - len(plan.capture_tasks)], plan)


def join_here(plan: JoinPlan) -> pa.Table:
    """The notes of a join whose rows fit into memory."""
    tasks = range(len(plan.capture_tasks) + len(plan.label_tasks))
    rows = pa.Table.from_batches([batch for number in tasks for batch in read_task(plan, number)], KEY_ROWS)
    rows = rows.sort_by([(name, "ascending") for name in KEY_ROWS_ORDER])
    targets = np.zeros(len(plan.parts), np.int32)
    # in batches, as Spark hands them on
    matched = match.match_rows(rows.combine_chunks().to_batches(match.ROWS_AT_A_TIME), plan, targets)
    matches = pa.Table.from_batches(list(matched), MATCH_ROWS).sort_by("place")
    return pa.Table.from_batches(list(merged_rows(matches.combine_chunks().to_batches(match.ROWS_AT_A_TIME), plan)), MATCH_ROWS)
