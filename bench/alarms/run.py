"""How often rules alarm where nothing has changed, and how often they find a planted fault: `python bench/alarms/run.py`.

Real data, random and consecutive windows, 17 kinds of faults: ours, simple rules, and other packages, each at its defaults and at
1 % of false alarms. Every part (data set, size, order, who judges) is a file of its own, and is not made again while it is there.
With all of them it writes bench/ALARMS.md and bench/alarms.svg. No rule was fitted to these windows.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).resolve().parent
BENCH, ROOT = HERE.parent, HERE.parents[1]
sys.path[1:1] = [str(ROOT / "libs"), str(BENCH / "peers")]

import pandas as pd  # noqa: E402 found by the path above
from data_sets import ENVIRONMENTS, OURS, READERS, DataSet  # noqa: E402 the same
from environments import environment  # noqa: E402 the same
from packages import PACKAGES, Package  # noqa: E402 the same
from rules import Judge  # noqa: E402 the same
from windows import RANDOM, SIZES, Counts, Part, Window, parts  # noqa: E402 the same

WE = "hourglass"
KEYS = ("data", "size", "order", "who", "split", "window", "group", "fault", "planted", "rule", "column")


@dataclass(frozen=True)
class Job:
    """A part of the benchmark for one who judges, and where its answers are kept."""

    data: str
    size: int
    order: str
    who: str
    counts: Counts
    folder: Path
    environments: Path

    @property
    def path(self) -> Path:
        """Its file."""
        return self.folder / f"{self.data}.{self.size}.{self.order}.{self.who}.parquet"


def packages_of(python: Path) -> Path:
    """Where an environment has its packages."""
    return next(python.parents[1].glob("lib/python3*/site-packages"))


@cache
def data_set(name: str, environments: Path) -> DataSet:
    """A data set, read once in a process."""
    folders = {} if name in OURS else {which: packages_of(environments / which / "bin" / "python") for which in ENVIRONMENTS}
    return READERS[name](folders)


def _answers(part: Part, job: Job) -> Iterator[dict[str, object]]:
    if job.who == WE:
        for scene in part.scenes():
            judge = Judge(part.data, scene.baseline, scene.chunks, scene.history)
            for window in scene.windows:
                for answer in judge.answers(window.columns):
                    yield _row(part, job, window, answer.rule, answer.column, answer.badness, checked=answer.checked)
        return
    with Package(PACKAGES[job.who], job.environments) as package:
        for scene in part.scenes():
            windows = list(scene.windows)
            answers = package.answers(part.data, scene.baseline, windows)
            for window in windows:
                for column, badness in answers[window.number].items():
                    yield _row(part, job, window, PACKAGES[job.who].rule, column, badness, checked=False)


def _row(part: Part, job: Job, window: Window, rule: str, column: str, badness: float, *, checked: bool) -> dict[str, object]:
    where = (part.data.name, part.size, part.order, job.who, window.split, window.number, window.group, window.fault, window.column)
    return {**dict(zip(KEYS, (*where, rule, column), strict=True)), "severity": window.severity, "badness": badness, "checked": checked}


def work(job: Job) -> str:
    """Makes a part's answers; says what it took."""
    start = perf_counter()
    data = data_set(job.data, job.environments)
    part = Part(data, job.size, job.order, job.counts)
    found = pd.DataFrame(list(_answers(part, job)))
    found = found.astype(dict.fromkeys(("data", "order", "who", "group", "fault", "planted", "rule", "column"), "category"))
    unfinished = job.path.with_suffix(".part")
    found.to_parquet(unfinished, index=False)
    unfinished.rename(job.path)
    windows = found.groupby("group", observed=True)["window"].nunique().to_dict()
    return f"{job.path.stem}: {perf_counter() - start:.0f} s, {windows}"


def done(jobs: Sequence[Job], processes: int) -> list[str]:
    """Makes parts, so many at a time; the names of those that failed."""
    failed = []
    with ProcessPoolExecutor(processes) as pool:
        going = {pool.submit(work, job): job for job in jobs}
        for future in as_completed(going):
            fault = future.exception()
            print(f"{going[future].path.stem}: {fault!r}" if fault else future.result(), file=sys.stderr, flush=True)
            if fault:
                failed.append(going[future].path.stem)
    return failed


def main(given: Sequence[str] | None = None) -> None:
    """Makes what is not there, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(READERS), help=f"some of {', '.join(READERS)}, with commas")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="rows of a window, with commas")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True, help=f"also {', '.join(PACKAGES)}")
    parser.add_argument("--page-only", action="store_true", help="write the page of what is there")
    parser.add_argument("--again", action="store_true", help="make our parts anew, also those that are there")
    parser.add_argument("--clean", type=int, default=Counts.clean, help=f"clean windows of a part, about (default {Counts.clean})")
    parser.add_argument("--faulty", type=int, default=Counts.faulty, help=f"of each kind and severity (default {Counts.faulty})")
    parser.add_argument("--processes", type=int, default=2, help="parts that are made at a time (default 2)")
    parser.add_argument("--raw", type=Path, default=Path(tempfile.gettempdir(), "hourglass-alarms"), help="where answers are kept")
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir(), "hourglass-peers"), help="where those are kept")
    parser.add_argument("--page", type=Path, default=BENCH / "ALARMS.md", help="the page; its plot is beside it")
    arguments = parser.parse_args(given)
    names = arguments.only.split(",")
    if unknown := set(names) - set(READERS):
        parser.error(f"--only: found {', '.join(sorted(unknown))}; expected some of {', '.join(READERS)}")
    arguments.raw.mkdir(parents=True, exist_ok=True)
    arguments.environments.mkdir(parents=True, exist_ok=True)
    who = [WE, *(PACKAGES if arguments.peers else ())]
    for which in dict.fromkeys(
        [*(ENVIRONMENTS if set(names) - set(OURS) else ()), *(PACKAGES[one].environment for one in who if one != WE)]
    ):
        environment(arguments.environments, which)
    counts = Counts(arguments.clean, faulty=arguments.faulty, large_clean=min(60, arguments.clean), large_faulty=min(5, arguments.faulty))
    sizes = [int(size) for size in arguments.sizes.split(",")]
    data = {name: data_set(name, arguments.environments) for name in names}
    made = [part for one in data.values() for part in parts(one, counts, sizes)]
    jobs = [Job(part.data.name, part.size, part.order, one, counts, arguments.raw, arguments.environments) for one in who for part in made]
    open_jobs = [job for job in jobs if not job.path.exists() or (arguments.again and job.who == WE)]
    # ours first, so that a first page is soon there; then packages, the small windows first, since they are the many
    open_jobs.sort(key=lambda job: (job.who != WE, job.order != RANDOM, job.size, job.data, job.who))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    failed = [] if arguments.page_only else done(open_jobs, arguments.processes)
    missing = [job.path.stem for job in jobs if not job.path.exists()]
    there = [job.path for job in jobs if job.path.exists()]

    from tables import write  # what draws is not needed before

    write(arguments.page, data, made, there, missing, "make bench-alarms")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
