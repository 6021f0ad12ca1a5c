"""What every peer's script says on its last line: how long its steps took, and what it found, so that the runner can check it.

Imports and the start of a session come before the first step. The step named `warm-up`, the same work on little data, is
not counted either: what libraries import late and compile is behind them, as it is on a session that is up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

FEATURES = [f"f{i}" for i in range(20)]
WARM_UP = "warm-up"


@dataclass
class Timed:
    """The steps of one run, in their order."""

    package: str
    steps: dict[str, float] = field(default_factory=dict)
    work: float = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measures what is done under it."""
        start, work = perf_counter(), core_seconds(os.getsid(0))
        yield
        self.steps[name] = perf_counter() - start
        if name != WARM_UP:
            self.work += core_seconds(os.getsid(0)) - work

    def done(self, rows: float, mean: float | None) -> None:
        """Prints the steps, how many rows were seen, the mean of the first feature where the peer computes one, and the peak memory."""
        found = {
            "version": version(self.package),
            "steps": self.steps,
            "rows": int(rows),
            "mean": None if mean is None else float(mean),
            "memory": _peak_bytes(),
            "work": self.work,
        }
        print(json.dumps(found), flush=True)


def core_seconds(session: int) -> float:
    """For how long all processes of a session, and those of their children that have ended, were on a core."""
    return sum(sum(times) for times in members(session).values()) / os.sysconf("SC_CLK_TCK")


def members(session: int) -> dict[Path, list[int]]:
    """The processes of a session, and the ticks that each and its ended children have used."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended
        if int(after_name[3]) == session:
            found[process] = [int(ticks) for ticks in after_name[11:15]]
    return found


def _peak_bytes() -> int:
    """The most that this process has had resident; `ru_maxrss` would be its parent's where that had more."""
    return 1024 * int(Path("/proc/self/status").read_text("utf-8").partition("VmHWM:")[2].split(maxsplit=1)[0])
