"""Our side of the ratios: the product's own pass, command and worker."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from hourglass.capture.detect import detect_format
from hourglass.capture.files import list_files
from hourglass.capture.reader import ReadPlan
from hourglass.capture.slices import Task, cut_tasks
from hourglass.dataset import dataset_of
from hourglass.hours import HourStates, gather
from hourglass.local import run_locally
from hourglass.outputs.documents import statistics_document, to_json
from hourglass.processes import processors
from hourglass.scan import ScanPlan, scan
from hourglass.states import COLUMN_STATES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COMMAND = "from hourglass.cli import main; main()"


def statistics(session: SparkSession, folder: Path) -> bytes:
    """The statistics document of all files under a folder, by one pass on the session."""
    from hourglass.spark.one_pass import spark_engine

    files = list_files(str(folder), None).files
    form = detect_format(files)
    engine, parallelism = spark_engine(session)
    states = engine(cut_tasks(files, form, parallelism), _plan(form))
    document = to_json(statistics_document(dataset_of(HourStates.merged(list(gather(states).values())))))
    _need(document)
    return document


def _plan(form) -> ScanPlan:
    return ScanPlan(ReadPlan(form), tuple(COLUMN_STATES))


def _need(document: bytes) -> None:
    if b'"distribution"' not in document:
        raise SystemExit("our statistics have no distributions: nothing to compare")


def command(folder: Path, output: Path, baseline: Path | None = None, engine: str = "spark") -> None:
    """The command in a process of its own: suggests a baseline, or evaluates against one."""
    arguments = ["data-quality", "--dataset-source", folder, "--output-path", output, "--engine", engine]
    if baseline:
        arguments += ["--baseline-constraints", baseline, "--baseline-statistics", baseline]
    subprocess.run([sys.executable, "-c", COMMAND, *map(str, arguments)], check=True, capture_output=True)


def local_seconds(folder: Path, cores: int) -> float:
    """How long the local engine takes on so many cores, in a process of its own; its start does not count."""
    code = f"import os; os.sched_setaffinity(0, range({cores})); import ours; print(ours.scan_locally({str(folder)!r}))"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def scan_locally(folder: str) -> float:
    """Seconds for all statistics of the files under a folder by processes of this machine."""
    files = list_files(folder, None).files
    form = detect_format(files)
    start = perf_counter()
    states = run_locally(cut_tasks(files, form, processors()), _plan(form))
    _need(to_json(statistics_document(dataset_of(HourStates.merged(list(gather(states).values()))))))
    return perf_counter() - start


def worker_memory(folder: Path, share: float) -> float:
    """Peak memory in MB of a fresh process that scans, as one task, a share of the files (above 1: some more than once)."""
    found = subprocess.run([sys.executable, __file__, str(folder), str(share)], check=True, capture_output=True, text=True)
    return float(found.stdout)


def _scan_share(folder: str, share: float) -> float:
    files = list_files(folder, None).files
    form = detect_format(files)
    whole = [replace(piece, partition="e/v/2026/11/21/00", part=0) for task in cut_tasks(files, form, 2) for piece in task]
    count = round(share * len(whole))
    task: Task = tuple(whole[i % len(whole)] for i in range(max(1, count)))
    deque(scan(task, _plan(form)), maxlen=0)
    # not getrusage's ru_maxrss: a process inherits there what its parent had when it was started, which was 623 MB
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(_scan_share(sys.argv[1], float(sys.argv[2])))
