"""One run of a script as a process: how long it took, its cores' time and memory with all children, and its last line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep, thread_time

from timed import WARM_UP, members

PATIENCE = 1200
QUIET = 0.1
_BREAK = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """What one process found.

    `whole` lacks the warm-up, `seconds` also imports and the start of a session. `work` is for how many seconds cores were
    busy with the steps; `memory` the peak in MB; `others` the number of cores that other processes of the machine kept
    busy meanwhile.
    """

    version: str
    steps: Mapping[str, float]
    rows: int
    mean: float | None
    whole: float
    work: float
    memory: float
    others: float

    @property
    def seconds(self) -> float:
        """All steps but the warm-up."""
        return sum(seconds for step, seconds in self.steps.items() if step != WARM_UP)


def run(command: Sequence[str | Path], environment: Mapping[str, str], cores: set[int]) -> Run:
    """Runs it on these cores; fails with what it said."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        os.sched_setaffinity(0, cores)  # which the process and its children inherit
        start, busy = perf_counter(), _busy()
        process = subprocess.Popen(list(map(str, command)), stdout=said, stderr=complained, env=environment, start_new_session=True)
        watch = _Watch(process.pid)
        watch.start()
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            for member in members(process.pid):
                os.kill(int(member.name), signal.SIGKILL)
            code = f"nothing after {PATIENCE} s"
        whole = perf_counter() - start
        busy = _busy() - busy
        watch.stop()
        said.seek(0)
        complained.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
        if code:
            raise RuntimeError(f"ended with {code}: {complained.read().decode(errors='replace')[-2000:]}")
    found = json.loads(lines[-1])
    # a process that is over in a second is seen a few times only, but knows its own peak
    memory = max(watch.peak, found.pop("memory")) / 2**20
    others = max(0.0, busy - watch.work) / whole
    return Run(**found, whole=whole - found["steps"].get(WARM_UP, 0.0), memory=memory, others=others)


def wait_for_quiet(patience: float) -> None:
    """Waits until nobody else keeps a tenth of a core busy for two seconds, or until patience is over."""
    end = perf_counter() + patience
    while perf_counter() < end:
        busy = _busy()
        sleep(2)
        if _busy() - busy < 2 * QUIET:
            return


def _busy() -> float:
    """Seconds for which the machine's cores have been busy since it was started."""
    user, nice, system, _idle, _waiting, *interrupts = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:8]
    return sum(map(int, (user, nice, system, *interrupts))) / _TICKS


class _Watch(threading.Thread):
    """Looks again and again at all processes of a session: their time, and their proportional set size, where shared pages count once."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self._session, self._going, self.peak = session, True, 0
        self._times: dict[str, float] = {}

    @property
    def work(self) -> float:
        """Seconds of cores, up to the last look at each process."""
        return sum(self._times.values())

    def run(self) -> None:
        while self._going:
            start = thread_time()
            found = members(self._session)
            self._times |= {process.name: sum(ticks[:2]) / _TICKS for process, ticks in found.items()}
            self.peak = max(self.peak, sum(map(_bytes, found)))
            # a large process takes long to look at: never more than a thirtieth of a core
            sleep(max(_BREAK, 30 * (thread_time() - start)))

    def stop(self) -> None:
        """Looks no more."""
        self._going = False


def _bytes(process: Path) -> int:
    try:
        sizes = (process / "smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    return 1024 * int(sizes.partition("\nPss:")[2].split(maxsplit=1)[0])
