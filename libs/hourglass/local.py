"""The pass without Spark: tasks run in processes of this machine, or in this one where there is only one task."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pyarrow as pa

from hourglass.capture.slices import Task
from hourglass.scan import ScanPlan, scan
from hourglass.schemas import STATE_ROWS


def processors() -> int:
    """How many tasks run at a time: the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_locally(tasks: Sequence[Task], plan: ScanPlan) -> pa.Table:
    """The states of all tasks, in the schema `STATE_ROWS`; the same as Spark's, since both call `scan`.

    Processes are started afresh, not forked: Arrow's threads do not survive a fork. Where there can be none (AWS Lambda
    has no semaphores) the tasks run one after the other.
    """
    processes = min(len(tasks), processors())
    if processes <= 1:
        return _table(scan(task, plan) for task in tasks)
    try:
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
    except (ImportError, OSError):
        return _table(scan(task, plan) for task in tasks)
    with pool:
        return _table(pool.map(partial(_scanned, plan), tasks))


def _scanned(plan: ScanPlan, task: Task) -> list[pa.RecordBatch]:
    return list(scan(task, plan))


def _table(batches: object) -> pa.Table:
    return pa.Table.from_batches([batch for some in batches for batch in some], STATE_ROWS)  # type: ignore[attr-defined]
