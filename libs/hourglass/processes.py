"""Work in processes of this machine, on all of its cores."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

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
    found: list[Any] = [None] * len(items)
    with ThreadPoolExecutor(count) as threads:
        for number, results in enumerate(threads.map(partial(_elsewhere, function), [items[number::count] for number in range(count)])):
            found[number::count] = results
    return found


def _elsewhere(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """The function of some items, by another process that can import what this one can."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **ONE_THREAD}
    # -P: the folder that the command was called in may hold data, and a random.py
    command = [sys.executable, "-P", "-c", "from hourglass.processes import work; work()"]
    message = pickle.dumps((function, list(items)))
    done = subprocess.run(command, input=message, stdout=subprocess.PIPE, env=environment, check=False)  # noqa: S603 our own words only
    if done.returncode != 0:
        raise ChildProcessError(f"a process of this machine ended with code {done.returncode}; was it out of memory?")
    results, fault = pickle.loads(done.stdout)  # noqa: S301 what our own process has written
    if fault is not None:
        raise fault
    return list(results)


def work() -> None:
    """What the other process does: a function and its items come in, results or the first failure go out."""
    function, items = pickle.load(sys.stdin.buffer)  # noqa: S301 what the process that started this one has written
    results, fault = [], None
    with contextlib.redirect_stdout(sys.stderr):  # what a hook prints is no result
        try:
            results = [function(item) for item in items]
        except Exception as problem:  # noqa: BLE001 it is raised by the process that asked
            fault = problem
    sys.stdout.buffer.write(pickle.dumps((results, fault)))
