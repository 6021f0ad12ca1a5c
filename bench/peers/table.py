"""The figures as a page: the tables, where we lose, and how it was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from peers import CAPTURES, PEERS, TABLE, Peer
from processes import Run

DISTURBED = 0.3  # cores that others kept busy during a run; from there on it does not count where a quieter one exists

Runs = Mapping[str, Sequence[Run]]

TITLES = {CAPTURES: "{rows:,} captured records as JSON lines, 20 CSV features and a score", TABLE: "Parquet, {rows:,} rows × 20 columns"}
ENGINES = ("spark", "local")
HEADINGS = (
    "who",
    "computes",
    "lacks",
    "s: median (min–max)",
    "of it flattening",
    "÷ ours on a warm session",
    "÷ ours with --engine local",
    "core-seconds",
    "÷ ours on a warm session",
    "goal",
    "whole process, s",
    "peak memory, MB",
    "runs: others' cores",
)

METHOD = """## How it was measured

- Every run is a process of its own, in an environment of its own with the versions in `bench/peers/requirements`, on the
  same two cores; the runs of a round follow each other, so that a noisy machine disturbs all. Files are in the page cache.
- **s** goes from opening the files to the peer's result object, inside the process. Not in it, for all: imports, the start
  of a Spark session, and the same work on 10,000 rows before, which warms the session or the library (popmon's page
  excepted: it is drawn for the first time). In it for the command and `--engine local`: constraints, evaluation and files
  as well as the statistics, and the start of the session or of the processes, which nothing has warmed.
- **whole process** is everything from the process's start to its end, without that warm-up where there is one. For
  Hourglass on Spark read it in the line of the command, which starts a cold session.
- **runs: others' cores**: how many runs count, and how many cores other processes of the machine kept busy during each. A
  run with more than 0.3 does not count where there is a quieter one; where there is none, its seconds have a ~ and say
  little. Before each run the runner waits for a quiet moment.
- **core-seconds** is for how long cores were busy with that part of the process and its children. It hardly depends on
  what else the machine does, and shows who leaves a core idle.
- **÷ ours** divides by the two lines of Hourglass on the same data. The first engine has its session, as Deequ has; the
  second is a plain process, as all other peers are, and does more. The goals are those of the design, written as a peer's
  figure over ours (ours ÷ DuckDB ≤ 0.8 is ≥ 1.25 here), and held against the first of our figures that is undisturbed.
- **peak memory** is the proportional set size of the process and its children, looked at every tenth of a second or less
  often, or the peak that the process knows of itself where that is more; the largest of all runs. For Spark it is mostly
  what the JVM took of what it was given, not what it needed.
- Every peer's number of rows and mean of the first feature are compared with ours (relative 0.001, since popmon's is
  the mean of its bins); Evidently's drift has no mean.

## What is not equal

- The flattening for Evidently, popmon and whylogs is the fastest we found (Arrow), not what their guides show; with orjson
  and pandas' CSV reader it takes two seconds more. It reads no CSV quoting across records and ends at the first bad line.
- DuckDB and Polars split payloads at commas: a quoted comma would go wrong. The lines "text" do not even parse the JSON.
- Neither DuckDB nor Polars makes anything that can be merged with another hour, so a window of a month means reading a month.
- popmon and Evidently's drift compare within the figure; our comparison of two states is not in ours.
- whylogs, Evidently and popmon use one core for most of their work, DuckDB, Polars, Deequ and we two.
- Deequ runs on Spark 3.5, since it has no jar for 4.1, with 8 GB and two shuffle partitions; Hourglass on Spark 4.1 with 2 GB.
"""


def page(runs: Runs, failures: Mapping[str, str], command: str) -> str:
    """The page as Markdown."""
    runs = {key: undisturbed(found) for key, found in runs.items()}
    parts = [f"# Side by side\n\n{_machine(command)}\n"]
    for data, title in TITLES.items():
        measured = [peer for peer in PEERS if peer.data == data and (peer.key in runs or peer.key in failures)]
        if measured:
            rows = next((runs[peer.key][0].rows for peer in measured if peer.key in runs), 0)
            parts.append(f"## {title.format(rows=rows)}\n\n{_table(measured, runs, failures)}\n")
    losses = "\n".join(f"- {line}" for line in _losses(runs)) or "- nowhere that was measured without disturbance"
    cores = "\n".join(_one_core(runs))
    if cores:
        parts.append(f"## One core instead of two, captured records\n\n{cores}\n")
    return "\n".join([*parts, f"## Where we lose\n\n{losses}\n", METHOD])


def undisturbed(found: Sequence[Run]) -> Sequence[Run]:
    """The runs during which the machine did little else; all, where there is none."""
    return [run for run in found if run.others <= DISTURBED] or found


def _table(measured: Sequence[Peer], runs: Runs, failures: Mapping[str, str]) -> str:
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(_cells(peer, runs, failures) for peer in measured)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(peer: Peer, runs: Runs, failures: Mapping[str, str]) -> tuple[str, ...]:
    if peer.key not in runs:
        return (peer.name, peer.computes, peer.lacks, failures[peer.key], *["–"] * 9)
    found = runs[peer.key]
    mark = "" if quiet(peer.key, runs) else "~"
    flattening = [run.steps["flatten"] for run in found if "flatten" in run.steps]
    warm = peer.arguments == ("spark",)
    return (
        f"{peer.name} ({found[0].version})",
        peer.computes,
        peer.lacks,
        f"{mark}{_spread([run.seconds for run in found])}",
        f"{mark}{median(flattening):.1f}" if flattening else "–",
        *(_text(_ratio(peer, engine, runs)) for engine in ENGINES),
        f"{_work(peer.key, runs):.1f}",
        _text(_work_ratio(peer, runs)),
        "–" if peer.goal is None else f"≥ {peer.goal:g}: {_verdict(peer, runs)}",
        "see the command" if warm else f"{mark}{_whole(peer, runs):.1f}",
        f"{max(run.memory for run in found):,.0f}",
        f"{len(found)}: {', '.join(f'{run.others:.1f}' for run in found)}",
    )


@dataclass(frozen=True)
class Ratio:
    """A peer's figure over ours, and whether it comes from runs that nobody disturbed."""

    value: float
    fair: bool


def quiet(key: str, runs: Runs) -> bool:
    """Whether the machine did little else while it was measured."""
    return all(run.others <= DISTURBED for run in runs[key])


def _ratio(peer: Peer, engine: str, runs: Runs) -> Ratio | None:
    """How many times our seconds, with an engine of ours, a peer took on the same data."""
    ours = f"{peer.data}-{engine}"
    if ours not in runs or peer.key not in runs:
        return None
    return Ratio(_seconds(peer.key, runs) / _seconds(ours, runs), quiet(ours, runs) and quiet(peer.key, runs))


def _work_ratio(peer: Peer, runs: Runs) -> Ratio | None:
    ours = f"{peer.data}-spark"
    return Ratio(_work(peer.key, runs) / _work(ours, runs), True) if ours in runs and peer.key in runs else None


def _text(ratio: Ratio | None) -> str:
    return "–" if ratio is None else f"{'' if ratio.fair else '~'}{ratio.value:.{2 if ratio.value < 10 else 0}f}"


def _verdict(peer: Peer, runs: Runs) -> str:
    """Whether the goal is met, by the first of our lines that is fair to compare with; open, where there is none."""
    for engine, said in zip(ENGINES, ("on a warm session", "with --engine local"), strict=True):
        ratio = _ratio(peer, engine, runs)
        if ratio and ratio.fair and peer.goal:
            return f"{'yes' if ratio.value >= peer.goal else '**no**'}, {ratio.value:.3g} {said}"
    return "open, disturbed"


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def _seconds(key: str, runs: Runs) -> float:
    return median(run.seconds for run in runs[key])


def _whole(peer: Peer, runs: Runs) -> float:
    return median(run.whole for run in runs[peer.key])


def _work(key: str, runs: Runs) -> float:
    return median(run.work for run in runs[key])


def _losses(runs: Runs) -> Iterator[str]:
    """Missed goals, and what is sooner done, cheaper or smaller than we are, from the figures."""
    for data, what in ((CAPTURES, "captured records"), (TABLE, "Parquet")):
        others = [peer for peer in PEERS if peer.data == data and not peer.ours and peer.key in runs]
        for peer in others:
            verdict = _verdict(peer, runs)
            if verdict.startswith("**no**"):
                yield f"{what}, {peer.name}: goal ≥ {peer.goal:g}, {verdict}"
        for own in (peer for peer in PEERS if peer.key in (f"{data}-local", f"{data}-command") and peer.key in runs):
            sooner = [peer for peer in others if _whole(peer, runs) < _whole(own, runs)]
            yield from _compared(f"{what}, whole processes, {own.name}", own, sooner, _whole, "s", runs)
        if f"{data}-spark" in runs:
            own = next(peer for peer in PEERS if peer.key == f"{data}-spark")
            cheaper = [peer for peer in others if _work(peer.key, runs) < _work(own.key, runs)]
            yield from _compared(f"{what}, core-seconds, {own.name}", own, cheaper, lambda peer, all_: _work(peer.key, all_), "s", runs)
        if f"{data}-local" in runs:
            own = next(peer for peer in PEERS if peer.key == f"{data}-local")
            smaller = [peer for peer in others if _memory(peer, runs) < _memory(own, runs)]
            yield from _compared(f"{what}, memory, {own.name}", own, smaller, _memory, "MB", runs)


def _one_core(runs: Runs) -> Iterator[str]:
    for engine in ENGINES:
        one, two = f"captures-{engine}-1", f"captures-{engine}"
        if one in runs and two in runs:
            mark = "" if quiet(one, runs) and quiet(two, runs) else ", disturbed"
            seconds = f"{_seconds(one, runs):.2f} s against {_seconds(two, runs):.2f} s{mark}"
            yield f"- {engine}: {seconds}; {_work(one, runs):.1f} core-seconds against {_work(two, runs):.1f}"


def _compared(what: str, own: Peer, ahead: Sequence[Peer], figure: Callable[[Peer, Runs], float], unit: str, runs: Runs) -> Iterator[str]:
    if ahead:
        named = ", ".join(f"{peer.name} {figure(peer, runs):,.{0 if unit == 'MB' else 1}f}" for peer in ahead)
        yield f"{what}: {figure(own, runs):,.{0 if unit == 'MB' else 1}f} {unit}; less take {named}"


def _memory(peer: Peer, runs: Runs) -> float:
    return max(run.memory for run in runs[peer.key])


def _machine(command: str) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    java = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True).stderr.split('"')[1]  # noqa: S607 java is where the PATH says
    processor = next((line.partition(": ")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, `{command}`: {os.cpu_count()} cores ({processor}), {memory:.0f} GB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, Java {java}."
    )


def _lines(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 a file of the kernel's
        yield from file
