"""The pass without Spark: tasks run in processes of this machine, or in this one where there is only one task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pyarrow as pa

from hourglass.processes import in_processes
from hourglass.scan import ScanPlan, Work, scan
from hourglass.schemas import STATE_ROWS


def run_locally(tasks: Sequence[Work], plan: ScanPlan) -> pa.Table:
    """The states of all tasks, in the schema `STATE_ROWS`; the same as Spark's, since both call `scan`."""
    return pa.Table.from_batches([batch for batches in in_processes(partial(_scanned, plan), tasks) for batch in batches], STATE_ROWS)


def _scanned(plan: ScanPlan, task: Work) -> list[pa.RecordBatch]:
    return list(scan(task, plan))
