"""Which hours a run must read, and the reading of them: in rounds, each of which is in the store before the next begins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import orjson
import pyarrow as pa

from hourglass.capture.files import InputFile
from hourglass.capture.slices import Task, cut_tasks
from hourglass.capture.window import hour_of
from hourglass.dataset import dataset_of
from hourglass.hours import HourStates, gather
from hourglass.scan import ScanPlan
from hourglass.states import COLUMN_STATES, Intake, RowSample
from hourglass.store import FORMAT, Header, StateError, StateStore, inputs_of

Engine = Callable[[Sequence[Task], ScanPlan], pa.Table]
Progress = Callable[[int, int], None]

HOURS_A_ROUND, BYTES_A_ROUND = 24, 4 << 30
_THREADS = 16


@dataclass(frozen=True)
class Refreshed:
    """What a run has read: the hours that it keeps in memory, those that are in the store by now, and warnings."""

    fresh: dict[str, HourStates] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def fingerprint(plan: ScanPlan) -> str:
    """What makes the states of the same files different ones: format, names, hook, segments, sample, and the states' versions."""
    read = plan.read
    document = {
        "format": FORMAT,
        "form": str(read.form),
        "names": read.names,
        "preprocessor": read.preprocessor.text if read.preprocessor else None,
        "segments": list(map(str, plan.segments)),
        "sample": str(plan.sample),
        "states": {kind: COLUMN_STATES[kind].version for kind in plan.kinds},
        "others": [Intake.version, RowSample.version],
    }
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def refresh(
    files: Iterable[InputFile],
    plan: ScanPlan,
    store: StateStore | None,
    engine: Engine,
    parallelism: int,
    progress: Progress = lambda _done, _all: None,
) -> Refreshed:
    """Reads the hours that the store lacks, or all without one. What is stored of an hour is replaced as a whole.

    An hour whose place in the store is taken by someone else's file, or a newer release's, is kept in memory and said.
    """
    hours: dict[str, list[InputFile]] = {}
    for file in files:
        hours.setdefault(file.partition, []).append(file)
    if store is None:
        return Refreshed(gather(engine(cut_tasks(_all(hours.values()), plan.read.form, parallelism), plan)), tuple(hours))
    made = fingerprint(plan)
    with ThreadPoolExecutor(_THREADS) as threads:
        states = list(threads.map(lambda partition: _stale(store, partition, hours[partition], made), hours))
    stale = [partition for partition, (is_stale, _) in zip(hours, states, strict=True) if is_stale]
    taken = {partition: sentence for partition, (_, sentence) in zip(hours, states, strict=True) if sentence}
    fresh: dict[str, HourStates] = {}
    done = 0
    progress(0, len(stale))
    for partitions in rounds(stale, hours):
        tasks = cut_tasks(_all(hours[partition] for partition in partitions), plan.read.form, parallelism)
        for partition, found in gather(engine(tasks, plan)).items():
            if partition in taken or not hour_of(partition):
                fresh[partition] = found
            else:
                store.write(partition, _to_keep(found, plan), Header(made, inputs_of(partition, hours[partition])))
        done += len(partitions)
        progress(done, len(stale))
    return Refreshed(fresh, tuple(stale), tuple(set(hours) - set(stale)), tuple(taken.values()))


def _to_keep(states: HourStates, plan: ScanPlan) -> HourStates:
    """The states for the store: without lines that turned out to have as many columns as most.

    Where no rows are to be kept, no text of a bad line is either.
    """
    layout = dataset_of(states).layout
    lines = [line for line in states.bad_lines if not line["layout"] or line["layout"] != layout]
    return replace(states, bad_lines=lines if plan.sample else [{**line, "record": ""} for line in lines])


def _stale(store: StateStore, partition: str, files: Sequence[InputFile], made: str) -> tuple[bool, str]:
    if not hour_of(partition):
        return True, ""
    try:
        return store.stale(partition, files, made), ""
    except StateError as fault:
        return True, str(fault)


def rounds(partitions: Iterable[str], files: Mapping[str, Sequence[InputFile]]) -> Iterator[list[str]]:
    """The hours in order of time, a day or 4 GB at a time: what a killed run has to read again."""
    together: list[str] = []
    size = 0
    for partition in sorted(partitions, key=lambda partition: (hour_of(partition), partition)):
        more = sum(file.size for file in files[partition])
        if together and (len(together) == HOURS_A_ROUND or size + more > BYTES_A_ROUND):
            yield together
            together, size = [], 0
        together.append(partition)
        size += more
    if together:
        yield together


def _all(groups: Iterable[Iterable[InputFile]]) -> list[InputFile]:
    return [file for group in groups for file in group]
