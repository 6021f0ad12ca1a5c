"""The one pass: Spark hands out tasks, its Python workers read and digest them, small rows of states come back."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING
from zipimport import zipimporter

import pyarrow as pa

from hourglass.errors import EnvironmentFault
from hourglass.processes import processors
from hourglass.scan import ScanPlan, Work, scan
from hourglass.schemas import STATE_ROWS, STATE_ROWS_DDL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


UNKNOWN_SLOTS = 16


def spark_engine(session: SparkSession) -> tuple[Callable[[Sequence[Work], ScanPlan], pa.Table], int]:
    """The pass on a session, and how many tasks it runs at a time."""
    return partial(run_pass, session), slots(session)


def slots(session: SparkSession) -> int:
    """How many tasks run at a time, from the session's configuration; a guess where a cluster does not say."""
    master = session.conf.get("spark.master", "") or ""
    if found := re.fullmatch(r"local(?:\[(\*|\d+)(?:,\d+)?\])?", master):
        return processors() if found[1] == "*" else int(found[1] or 1)
    if cores := session.conf.get("spark.cores.max", ""):  # of a standalone cluster
        return int(cores)
    executors = int(session.conf.get("spark.executor.instances", "0") or 0)
    return executors * int(session.conf.get("spark.executor.cores", "1") or 1) or UNKNOWN_SLOTS


def run_pass(session: SparkSession, tasks: Sequence[Work], plan: ScanPlan) -> pa.Table:
    """The states of all tasks, in the schema `STATE_ROWS`: one Spark job, however many columns, hours or files."""
    if not tasks:
        return STATE_ROWS.empty_table()
    numbers = session.range(0, len(tasks), 1, len(tasks))
    rows = numbers.mapInArrow(partial(_scan_numbered, tuple(tasks), plan), STATE_ROWS_DDL)
    return collected(rows, STATE_ROWS)


def _scan_numbered(tasks: tuple[Work, ...], plan: ScanPlan, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    forget_zips()
    for batch in batches:
        for number in batch.column(0).to_pylist():
            yield from scan(tasks[number], plan)


def forget_zips() -> None:
    """Takes the importers of zip files out of Python's cache, so that this worker's next task starts at once.

    Before each task pyspark has every cached importer look at its place anew, and the one of pyspark.zip reads the
    zip's whole directory: 140 ms a task, 35 without. An importer that is needed again is made again.
    """
    for path, importer in list(sys.path_importer_cache.items()):
        if isinstance(importer, zipimporter):
            del sys.path_importer_cache[path]


def collected(rows: object, schema: pa.Schema) -> pa.Table:
    """The one place that brings rows to the driver."""
    try:
        if hasattr(rows, "toArrow"):  # Spark 4
            return rows.toArrow().cast(schema)
        found = rows.collect()  # type: ignore[attr-defined]
    except Exception as fault:
        lacking = lacking_on_workers(str(fault))
        if lacking is None:
            raise
        raise lacking from fault
    return pa.Table.from_pylist([row.asDict() for row in found], schema)


def lacking_on_workers(text: str) -> EnvironmentFault | None:
    """What a failed job says of the workers' Python, where that is the reason.

    >>> print(lacking_on_workers("… ModuleNotFoundError: No module named 'hourglass' …").found)
    no package hourglass
    """
    expected = "what `make packages` packs"
    if found := re.search(r"No module named '([\w.]+)'", text):
        said = f"no package {found[1]}"
    elif found := re.search(r"Python in worker has different version:? (\S+) than that in driver:? (\d+\.\d+)", text):
        said, expected = f"{found[1]}, and {found[2]} on the driver", "one version"
    elif found := re.search(r'Cannot run program "([^"]+)"', text):
        said, expected = f"none as {found[1]}", "that of PYSPARK_PYTHON"
    else:
        return None
    return EnvironmentFault("Python on Spark's workers", found=said, expected=expected, hint="docs/clusters.md says how it gets there")
