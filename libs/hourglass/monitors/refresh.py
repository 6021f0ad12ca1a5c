"""Which hours a run must read, and the reading of them: in rounds, each of which is in the store before the next begins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pyarrow as pa

from hourglass.capture.files import InputFile
from hourglass.capture.slices import Task, cut_tasks
from hourglass.capture.window import hour_of, lag_facts
from hourglass.dataset import dataset_of
from hourglass.hours import HourStates, gather
from hourglass.runs import RUN
from hourglass.scan import SamplePart, ScanPlan, Work
from hourglass.states import COLUMN_STATES, Intake, RowSample
from hourglass.store import FORMAT, Header, Reading, StateError, StateStore, inputs_of

Engine = Callable[[Sequence[Work], ScanPlan], pa.Table]
Progress = Callable[[int, int], None]

LEAST_HOURS = 16  # that stand for runs of rows
HOURS_A_ROUND, BYTES_A_ROUND = 24, 4 << 30
_THREADS = 16
_ROWS_A_PART, _TASKS_A_SLOT = 100, 3


@dataclass(frozen=True)
class Refreshed:
    """What a run has read: the hours that it keeps in memory, those that are in the store by now, runs of rows, and warnings.

    `intake` is what came in with the hours that were read, `stored` how many bytes of states they are in the store.
    """

    fresh: dict[str, HourStates] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reading: Reading | None = None
    runs: tuple[HourStates, ...] = ()
    intake: Intake = field(default_factory=Intake)
    stored: int = 0

    def facts(self) -> dict[str, Any]:
        """The same in numbers; `lag_s` is how long the newest hour is over, of those that were read or up to date."""
        return {
            "hours_read": len(self.read),
            "hours_current": len(self.current),
            "lines": self.intake.lines,
            "records": sum(self.intake.rows.values()),
            "bad_lines": self.intake.bad_lines,
            "bad_lines_by_reason": dict(sorted(self.intake.bad.items())),
            "state_bytes": self.stored,
            **lag_facts((*self.read, *self.current)),
        }


def reading_of(plan: ScanPlan) -> Reading:
    """What makes the states of the same files different ones: the way of reading, the segments, the kept rows."""
    read, sample = plan.read, plan.sample
    columns = {
        "format": FORMAT,
        "form": str(read.form),
        "preprocessor": read.preprocessor.text if read.preprocessor else None,
        "states": {kind: COLUMN_STATES[kind].version for kind in sorted(plan.kinds)},
        "others": [Intake.version, RowSample.version],
        **({"digest": repr(plan.digest), "row_states": dict(plan.digest.kinds)} if plan.digest else {}),
        **({"of_sample": repr(plan.of_sample), "sample_states": dict(plan.of_sample.kinds)} if plan.of_sample else {}),
    }
    segments = _digest(list(map(str, plan.segments))) if plan.segments else ""
    kept = _digest([sorted(sample.without), sorted(sample.hashed), *(["made"] if sample.maker else [])]) if sample else ""
    return Reading(_digest(columns), _digest(read.names), segments, kept)


def _digest(document: object) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


@dataclass(frozen=True)
class _Due:
    """What is to be read of an hour: these files, in place of what is stored or beside it; `warning` says why not as usual."""

    files: tuple[InputFile, ...] = ()
    beside: Header | None = None
    stores: bool = True
    warning: str = ""


def refresh(
    files: Iterable[InputFile],
    plan: ScanPlan,
    store: StateStore | None,
    engine: Engine,
    parallelism: int,
    progress: Progress = lambda _done, _all: None,
    again: Collection[str] = (),
) -> Refreshed:
    """Reads the hours that the store lacks, or all without one; those in `again` in any case.

    An hour whose place in the store is taken by someone else's file, or a newer release's, is kept in memory and said.
    """
    hours: dict[str, list[InputFile]] = {}
    for file in files:
        hours.setdefault(file.partition, []).append(file)
    reading = reading_of(plan)
    if store is None:
        tasks = cut_tasks(_all(hours.values()), plan.read.form, parallelism)
        if len({hour_of(partition) for partition in hours} - {""}) >= LEAST_HOURS:
            plan = replace(plan, runs=None)
        if plan.runs is not None:
            parts = sorted({(piece.partition, piece.part) for task in tasks for piece in task})
            plan = replace(plan, runs=plan.runs.over(parts))
        found = _read(tasks, plan, engine, parallelism)
        runs = tuple(found.pop(name) for name in list(found) if name.startswith(RUN))
        intake = Intake.merged([states.intake for states in found.values()])
        return Refreshed(found, tuple(hours), reading=reading, runs=runs, intake=intake)
    plan = replace(plan, runs=None)  # the hours in the store are runs of rows themselves
    with ThreadPoolExecutor(_THREADS) as threads:
        due = dict(zip(hours, threads.map(lambda name: _due(store, name, hours[name], reading, again), hours), strict=True))
    stale = {partition: what for partition, what in due.items() if what.files}
    fresh: dict[str, HourStates] = {}
    done = stored = 0
    came: list[Intake] = []
    progress(0, len(stale))
    for partitions in rounds({partition: what.files for partition, what in stale.items()}):
        tasks = cut_tasks(_all(stale[partition].files for partition in partitions), plan.read.form, parallelism)
        for partition, states in _read(tasks, plan, engine, parallelism).items():
            came.append(states.intake)
            if stale[partition].stores:
                stored += _store(store, partition, states, stale[partition], plan, reading)
            else:
                fresh[partition] = states
        done += len(partitions)
        progress(done, len(stale))
    warnings = tuple(what.warning for what in due.values() if what.warning)
    current = tuple(set(hours) - set(stale))
    return Refreshed(fresh, tuple(stale), current, warnings, reading, intake=Intake.merged(came), stored=stored)


def _read(tasks: Sequence[Task], plan: ScanPlan, engine: Engine, parallelism: int) -> dict[str, HourStates]:
    """The states of some hours; where the kept rows are to be digested too, that follows, for only now it is known which they are."""
    found = gather(engine(tasks, plan))
    if plan.of_sample is None:
        return found
    parts = [part for partition, states in found.items() if states.sample is not None for part in _parts(partition, states.sample)]
    size = max(1, -(-len(parts) // (parallelism * _TASKS_A_SLOT)))
    together = [tuple(parts[start : start + size]) for start in range(0, len(parts), size)]
    more = gather(engine(together, plan)) if together else {}
    return {partition: HourStates.merged([states, more[partition]]) if partition in more else states for partition, states in found.items()}


def _parts(partition: str, sample: RowSample) -> Iterator[SamplePart]:
    """The kept rows, so many at a time however many tasks there are: sums of floats are then the same to the bit."""
    rows = sample.rows()
    for start in range(0, len(rows), _ROWS_A_PART):
        yield SamplePart(partition, sample.k, sample.seen / len(rows), tuple(rows[start : start + _ROWS_A_PART]))


def _due(store: StateStore, partition: str, files: Sequence[InputFile], reading: Reading, again: Collection[str]) -> _Due:
    """What is to be read of an hour: nothing if it is stored as it is; else all of it.

    Captures are often kept for less time than their states. Of an hour that lacks some of the files that it was made of
    only new ones are read, and added; where that cannot be done, it stays as it is.
    """
    whole = _Due(tuple(files))
    if not hour_of(partition):
        return replace(whole, stores=False)
    try:
        header = store.header(partition)
    except StateError as fault:
        return whole if fault.ours else replace(whole, stores=False, warning=str(fault))
    if header is None or partition in again:
        return whole
    stamps = inputs_of(partition, files)
    new = stamps.keys() - header.inputs.keys()
    changed = any(header.inputs.get(name, stamp) != stamp for name, stamp in stamps.items())
    same = header.serves(reading) and header.reading.sample == reading.sample
    if same and not new and not changed:
        return _Due()
    gone = header.inputs.keys() - stamps.keys()
    if gone and same and not changed:
        return _Due(tuple(file for file in files if inputs_of(partition, [file]).keys() <= new), header)
    return _kept_as_it_is(store.path(partition), header, len(gone)) if gone else whole


def _kept_as_it_is(path: str, header: Header, gone: int) -> _Due:
    found = f"{gone} of the {len(header.inputs)} files that it was made of gone, and others changed or to be read in another way"
    return _Due(warning=f"stored states {path}: found {found}; kept as they are")


def _store(store: StateStore, partition: str, states: HourStates, due: _Due, plan: ScanPlan, reading: Reading) -> int:
    """Puts an hour into the store, and gives the size of its file in bytes."""
    inputs = inputs_of(partition, due.files)
    if due.beside is not None and (file := store.read(partition)) is not None:
        states = HourStates.merged([file.states(), states])
        inputs = {**due.beside.inputs, **inputs}
    # what was added to states of more segments has not those
    made = reading if due.beside is None or due.beside.reading.segments == reading.segments else replace(reading, segments="several")
    return store.write(partition, _to_keep(states, plan), Header(made, inputs))


def _to_keep(states: HourStates, plan: ScanPlan) -> HourStates:
    """The states for the store: without lines that turned out to have as many columns as most.

    Where no rows are to be kept, or not all of their columns, no text of a bad line is either.
    """
    columns = {name for found in states.layouts.values() for name in found}
    sample = plan.sample if plan.sample is not None and plan.sample.maker is None else None  # a maker sees to it batch by batch
    if sample is not None and not columns.issuperset(named := {*sample.without, *sample.hashed}):
        # a slip in a column's name must not keep what it was to hide
        states, plan = replace(states, sample=None), replace(plan, sample=replace(sample, without=tuple(named)))
    layout = dataset_of(states).layout
    lines = [line for line in states.bad_lines if not line["layout"] or line["layout"] != layout]
    keeps_text = plan.sample is not None and not plan.sample.without and not plan.sample.hashed
    return replace(states, bad_lines=lines if keeps_text else [{**line, "record": ""} for line in lines])


def rounds(files: Mapping[str, Sequence[InputFile]]) -> Iterator[list[str]]:
    """The hours in order of time, a day or 4 GB at a time: what a killed run has to read again."""
    together: list[str] = []
    times: set[str] = set()
    size = 0
    for partition in sorted(files, key=lambda partition: (hour_of(partition), partition)):
        more = sum(file.size for file in files[partition])
        times.add(hour_of(partition))
        if together and (len(times) > HOURS_A_ROUND or size + more > BYTES_A_ROUND):
            yield together
            together, times, size = [], {hour_of(partition)}, 0
        together.append(partition)
        size += more
    if together:
        yield together


def _all(groups: Iterable[Iterable[InputFile]]) -> list[InputFile]:
    return [file for group in groups for file in group]
