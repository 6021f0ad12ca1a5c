"""Speed and memory as ratios, measured in one run: `python bench/run.py [--quick] [name …]`.

Ours and the other side of a ratio take turns (A B A B …), so that a noisy machine disturbs both; the table has the
median, the smallest and the largest of each. Not a test: nothing fails when a goal is missed.
"""

from __future__ import annotations

import argparse
import atexit
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from time import perf_counter

BENCH = Path(__file__).resolve().parent
LIBS = BENCH.parent / "libs"
# Spark's Python workers and the processes that are started here must find the same code and packages
sys.path[:0] = [str(LIBS), str(BENCH)]
os.environ["PYTHONPATH"] = os.pathsep.join([str(LIBS), str(BENCH)])
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable

import data  # noqa: E402 found by the path above
import others  # noqa: E402 the same
import ours  # noqa: E402 the same
import quality as model  # noqa: E402 the same
import results  # noqa: E402 the same
import stored  # noqa: E402 the same
from pyspark.sql import SparkSession  # noqa: E402 after the environment is set

Measure = Callable[[], float]


@dataclass(frozen=True)
class Bench:
    """Where the data are, how large they are, and the warm session that all benchmarks share."""

    folder: Path
    quick: bool

    def size(self, full: int) -> int:
        """The size, or a tenth of it for a quick run."""
        return full // 10 if self.quick else full

    @cached_property
    def session(self) -> SparkSession:
        """A warm session: its Python workers are up and have imported what a pass needs."""
        from hourglass.spark.session import start_session

        session = start_session("bench")
        session.sparkContext.setLogLevel("ERROR")
        ours.statistics(session, data.captures(self.folder, 10_000, 8))
        return session


@dataclass(frozen=True)
class Ratio:
    """One line of the table: two measures and the goal for their ratio."""

    title: str
    goal: float
    ours: Measure
    other: Measure
    unit: str = "s"
    fixed: Measure | None = None  # a cost that both sides have whatever their size; taken off before the division


def seconds(work: Callable[[], object]) -> Measure:
    """How long the work takes."""

    def measure() -> float:
        start = perf_counter()
        work()
        return perf_counter() - start

    return measure


def captured(bench: Bench) -> Path:
    return data.captures(bench.folder, bench.size(1_000_000), 8)


# the benchmarks, in the order of the goals ------------------------------------------------------------------------


def transport(bench: Bench) -> Ratio:
    """All statistics of captured records, against shipping their lines to Python and counting them."""
    files, session = captured(bench), bench.session
    plain = others.Transport()
    atexit.register(plain.stop)
    return Ratio(
        f"{bench.size(1_000_000):,} captured records ÷ their lines shipped through mapInArrow",
        2.0,
        seconds(lambda: ours.statistics(session, files)),
        lambda: plain.seconds(files),
    )


def duckdb(bench: Bench) -> Ratio:
    """All statistics of captured records, against DuckDB's SUMMARIZE of the same files with as many threads."""
    files, session = captured(bench), bench.session
    threads = os.cpu_count() or 1
    fastest = min(others.CAPTURE_SUMMARIES, key=lambda sql: seconds(lambda: others.summarize(sql, files, threads))())
    return Ratio(
        f"{bench.size(1_000_000):,} captured records ÷ DuckDB SUMMARIZE, {threads} threads",
        0.8,
        seconds(lambda: ours.statistics(session, files)),
        seconds(lambda: others.summarize(fastest, files, threads)),
    )


def parquet_20(bench: Bench) -> Ratio:
    """All statistics of a table, against Spark's bare scan."""
    return _parquet(bench, bench.size(4_000_000), 20, 1.2)


def parquet_500(bench: Bench) -> Ratio:
    """The same with 500 columns."""
    return _parquet(bench, bench.size(200_000), 500, 1.0)


def _parquet(bench: Bench, rows: int, columns: int, goal: float) -> Ratio:
    files, session = data.table(bench.folder, rows, columns), bench.session
    return Ratio(
        f"Parquet, {rows:,} rows × {columns} columns ÷ Spark's bare scan",
        goal,
        seconds(lambda: ours.statistics(session, files)),
        seconds(lambda: others.bare_scan(session, files)),
    )


def small_files(bench: Bench) -> Ratio:
    """A million records in files of 50, against the same records in eight files."""
    few, many, session = captured(bench), data.captures(bench.folder, bench.size(1_000_000), bench.size(20_000)), bench.session
    return Ratio(
        f"{bench.size(20_000):,} files of 50 records ÷ the same records in 8 files",
        1.5,
        seconds(lambda: ours.statistics(session, many)),
        seconds(lambda: ours.statistics(session, few)),
    )


def memory(bench: Bench) -> Ratio:
    """The peak memory of one worker's process over one task of many records, against one of few."""
    many, few = bench.size(3_000_000), 100_000
    files = captured(bench)
    return Ratio(
        f"peak memory of a worker: {many:,} ÷ {few:,} records",
        1.1,
        lambda: ours.worker_memory(files, many / bench.size(1_000_000)),
        lambda: ours.worker_memory(files, few / bench.size(1_000_000)),
        "MB",
    )


def cold_hour(bench: Bench) -> Ratio:
    """The command on an hour of 1,000 records, against a process that starts a Spark session and counts the lines."""
    files = data.captures(bench.folder, 1_000, 1)
    baseline = bench.folder / "baseline"
    ours.command(files, baseline)
    return Ratio(
        "a 1,000-record hour, whole process ÷ starting a session and counting",
        1.5,
        seconds(lambda: ours.command(files, bench.folder / "reports", baseline)),
        seconds(lambda: others.start_and_count(files)),
    )


def columns(bench: Bench) -> Ratio:
    """Twice the columns."""
    rows, session = bench.size(100_000), bench.session
    wide, narrow = data.table(bench.folder, rows, 1_000), data.table(bench.folder, rows, 500)
    return Ratio(
        f"Parquet, {rows:,} rows: 1,000 ÷ 500 columns",
        2.1,
        seconds(lambda: ours.statistics(session, wide)),
        seconds(lambda: ours.statistics(session, narrow)),
    )


def rows(bench: Bench) -> Ratio:
    """Ten times the rows, without the cost that a pass over 100 records has too."""
    many, few, session = captured(bench), data.captures(bench.folder, bench.size(100_000), 8), bench.session
    hardly_any = data.captures(bench.folder, 80, 8)
    return Ratio(
        f"{bench.size(1_000_000):,} ÷ {bench.size(100_000):,} captured records, variable cost",
        10.5,
        seconds(lambda: ours.statistics(session, many)),
        seconds(lambda: ours.statistics(session, few)),
        fixed=seconds(lambda: ours.statistics(session, hardly_any)),
    )


def million_wide(bench: Bench) -> Ratio:
    """A million rows of a thousand columns, against a tenth of them."""
    session = bench.session
    many, few = data.table(bench.folder, bench.size(1_000_000), 1_000), data.table(bench.folder, bench.size(100_000), 1_000)
    return Ratio(
        f"Parquet, 1,000 columns: {bench.size(1_000_000):,} ÷ {bench.size(100_000):,} rows",
        10.5,
        seconds(lambda: ours.statistics(session, many)),
        seconds(lambda: ours.statistics(session, few)),
    )


def cores(bench: Bench) -> Ratio:
    """The pass in processes of this machine, on two cores and on one."""
    files = captured(bench)
    return Ratio(
        f"{bench.size(1_000_000):,} captured records, local engine: 2 cores ÷ 1 core",
        0.6,
        lambda: ours.local_seconds(files, 2),
        lambda: ours.local_seconds(files, 1),
    )


def local_hour(bench: Bench) -> Ratio:
    """The command on an hour of 1,000 records, whole process, on both engines."""
    files = data.captures(bench.folder, 1_000, 1)
    baseline = bench.folder / "baseline"
    ours.command(files, baseline)
    return Ratio(
        "a 1,000-record hour, whole process: --engine local ÷ spark",
        0.2,
        seconds(lambda: ours.command(files, bench.folder / "reports", baseline, "local")),
        seconds(lambda: ours.command(files, bench.folder / "reports", baseline)),
    )


def month(bench: Bench) -> Ratio:
    """A window of 720 stored hours × 100 features, against reading its rows again: thirty times those of a day, as Parquet."""
    return _month(bench, stored.window, "720 stored hours × 100 features")


def first_month(bench: Bench) -> Ratio:
    """The same in a store without the sum of a single day."""
    return _month(bench, stored.first_window, "720 stored hours × 100 features, no day summed before")


def _month(bench: Bench, window: Callable[[stored.StateStore], object], title: str) -> Ratio:
    an_hour = 10_000
    store, session = stored.month(bench.folder, an_hour), bench.session
    stored.window(store)
    day = data.table(bench.folder, 24 * an_hour, stored.FEATURES)
    size = stored.bytes_a_feature_and_hour(store)
    return Ratio(
        f"{title} ({an_hour:,} rows an hour, {size:,.0f} bytes a feature and hour) ÷ reading the rows",
        0.01,
        seconds(lambda: window(store)),
        lambda: 30 * seconds(lambda: ours.statistics(session, day))(),
    )


def quality(bench: Bench) -> Ratio:
    """Every metric of a binary model from merged captures, against shipping their lines to Python and counting them."""
    records, session = bench.size(1_000_000), bench.session
    files = data.merged(bench.folder, records, 8)
    plain = others.Transport()
    atexit.register(plain.stop)
    return Ratio(
        f"model quality of {records:,} merged records ÷ their lines shipped through mapInArrow",
        2.0,
        seconds(lambda: model.metrics(session, files)),
        lambda: plain.seconds(files),
    )


def bias(bench: Bench) -> Ratio:
    """Every metric of bias of two facets of merged captures, against shipping their lines to Python and counting them."""
    records, session = bench.size(1_000_000), bench.session
    files = data.merged(bench.folder, records, 8)
    plain = others.Transport()
    atexit.register(plain.stop)
    return Ratio(
        f"bias of {records:,} merged records with 20 features ÷ their lines shipped through mapInArrow",
        2.0,
        seconds(lambda: model.bias(session, files)),
        lambda: plain.seconds(files),
    )


def quality_month(bench: Bench) -> Ratio:
    """Every metric of 720 stored hours, against reading the rows again: thirty times those of a day."""
    store, session = model.month(bench.folder), bench.session
    model.window(store, bench.folder)
    day = data.merged(bench.folder, 24 * model.AN_HOUR, 8)
    return Ratio(
        f"model quality of 720 stored hours ({model.AN_HOUR:,} rows an hour; asked: 5 s) ÷ reading the merged records",
        0.2,
        seconds(lambda: model.window(store, bench.folder)),
        lambda: 30 * seconds(lambda: model.metrics(session, day))(),
    )


_ALL = (
    *(transport, duckdb, parquet_20, parquet_500, small_files, memory, cold_hour, columns, rows),
    *(million_wide, cores, local_hour, month, first_month, quality, bias, quality_month),
)
BENCHMARKS: dict[str, Callable[[Bench], Ratio]] = {made.__name__: made for made in _ALL}


def measured(ratio: Ratio, repeats: int) -> results.Measured:
    """Both sides in turn, after one turn that is not counted."""
    sides = [side for side in (ratio.ours, ratio.other, ratio.fixed) if side]
    for side in sides:
        side()
    turns = [[side() for side in sides] for _ in range(repeats)]
    mine, theirs, *fixed = zip(*turns, strict=True)
    off = median(fixed[0]) if fixed else 0.0
    return results.Measured(ratio.title, ratio.goal, ratio.unit, mine, theirs, (median(mine) - off) / (median(theirs) - off))


def run(names: list[str], bench: Bench, repeats: int) -> Iterator[results.Measured]:
    """The chosen benchmarks one after the other."""
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        found = measured(BENCHMARKS[name](bench), repeats)
        print(" | ".join(found.cells()), file=sys.stderr, flush=True)  # so that a later one that fails loses none
        yield found


def main() -> None:
    """Measures, prints the table, and writes it down when all was measured at full size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(BENCHMARKS)}; all when absent")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each side (default 3)")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "hourglass-bench"), help="where the data are kept")
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(BENCHMARKS)
    if unknown:
        parser.error(f"found {', '.join(sorted(unknown))}; expected some of {', '.join(BENCHMARKS)}")
    names = [name for name in BENCHMARKS if name in arguments.name or not arguments.name]
    found = list(run(names, Bench(arguments.data, arguments.quick), arguments.repeats))
    results.show(found)
    if not arguments.quick and not arguments.name:
        results.write(BENCH / "RESULTS.md", found)


if __name__ == "__main__":
    main()
