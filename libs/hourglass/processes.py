"""Work in processes of this machine, on all of its cores."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from hourglass.errors import OutOfMemory

# there is a process for each core already: threads of libraries, such as those of boosted trees, would only wait for each other
ONE_THREAD = MappingProxyType({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})

A = TypeVar("A")
B = TypeVar("B")


def processors() -> int:
    """How many tasks run at a time: the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """The function of each item; in this process where there is one item or one core.

    Not by multiprocessing: forked processes lose Arrow's threads, spawned ones run the user's script once more when it
    has no `if __name__ == "__main__"`, and its pools need semaphores, which AWS Lambda has not. A failure there is
    raised here.
    """
    count = min(len(items), processors())
    if count <= 1:
        return [function(item) for item in items]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **ONE_THREAD}
    # -P: the folder that the command was called in may hold data, and a random.py
    command = [sys.executable, "-P", "-c", "from hourglass.processes import work; work()"]
    found: list[Any] = [None] * len(items)
    with ExitStack() as started, ThreadPoolExecutor(count) as threads:
        with killed_first():
            others = [
                started.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment))  # noqa: S603 our own words only
                for _ in range(count)
            ]
        parts = [items[number::count] for number in range(count)]
        try:
            for number, results in enumerate(threads.map(partial(_elsewhere, function), others, parts)):
                found[number::count] = results
        except BaseException:  # of one of them, or because this process is to stop: nobody waits for the others
            for other in others:
                other.kill()
            raise
    return found


def _elsewhere(function: Callable[[A], B], other: subprocess.Popen[bytes], items: Sequence[A]) -> list[B]:
    """The function of some items, by another process that can import what this one can."""
    out, _ = other.communicate(pickle.dumps((function, list(items))))
    if other.returncode == -signal.SIGKILL:
        raise OutOfMemory("a process that the system has killed")
    if other.returncode != 0:
        raise ChildProcessError(f"a process of this machine ended with code {other.returncode}; was it out of memory?")
    results, fault = pickle.loads(out)  # noqa: S301 what our own process has written
    if fault is not None:
        raise fault
    return list(results)


@contextmanager
def killed_first() -> Iterator[None]:
    """Processes that are started in the block are killed before this one where memory runs out, so that this one can say so.

    Linux only; elsewhere nothing. A process may always raise its score, and lower it again to where it was.
    """
    score = Path("/proc/self/oom_score_adj")
    try:
        before = score.read_text().strip()
        score.write_text(str(min(1000, int(before) + 500)))
    except (OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            score.write_text(before)


def work() -> None:
    """What the other process does: a function and its items come in, results or the first failure go out."""
    function, items = pickle.load(sys.stdin.buffer)  # noqa: S301 what the process that started this one has written
    results, fault = [], None
    answer = os.dup(1)
    os.dup2(2, 1)  # what a hook prints, or a program that it starts, is no result
    try:
        results = [function(item) for item in items]
    except Exception as problem:  # noqa: BLE001 it is raised by the process that asked
        fault = problem
    with os.fdopen(answer, "wb") as stream:
        stream.write(pickle.dumps((results, fault)))
