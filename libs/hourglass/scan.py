"""One pass over one task: slices in, small rows of states out. Plain Python; Spark or a pool of processes calls it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
import orjson
import pyarrow as pa

from hourglass import errors
from hourglass.capture.batches import Batch, ReadPlan
from hourglass.capture.payloads import Column, objects
from hourglass.capture.reader import read_batches
from hourglass.capture.row_ids import Ids
from hourglass.capture.slices import Task
from hourglass.capture.tally import Outside, PartKey, Tally
from hourglass.errors import HourglassError
from hourglass.runs import RUN, RunPlan, Runs
from hourglass.schemas import BAD_LINE, FAULT, STATE_ROWS
from hourglass.segments import Places, Segmentation, capped
from hourglass.states import ColumnProfile, Intake, RowSample, SampledRow, State
from hourglass.values import classify

ROW_BYTES_A_BATCH = 32 << 20

Row = tuple[object, ...]


class RowMaker(Protocol):
    """What a monitor keeps of a row in place of its columns."""

    def kept(self, batch: Batch, hidden: Collection[str]) -> Mapping[str, Column]:
        """The columns that are kept of a batch's rows; nothing in them tells a column that is `hidden`."""
        ...


@dataclass(frozen=True)
class SamplePlan:
    """How many rows are kept of an hour, `without` which columns, and of which ones a hash instead of the value.

    What is kept of a row are its columns, or what `maker` makes of them, which hides both kinds.
    """

    rows: int
    without: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    maker: RowMaker | None = None

    def columns(self, batch: Batch) -> Mapping[str, Column]:
        """What is kept of a batch's rows."""
        if self.maker is not None:
            return self.maker.kept(batch, {*self.without, *self.hashed})
        columns: dict[str, Column] = {name: column for name, column in batch.columns.items() if name not in self.without}
        for name in columns.keys() & set(self.hashed):
            columns[name] = [None if value is None else hashed_value(value) for value in objects(columns[name])]
        return columns


class Digest(Protocol):
    """What a monitor makes of whole rows: states that it feeds itself. Its `repr` tells it from others, so it says all settings."""

    @property
    def kinds(self) -> Mapping[str, int]:
        """The versions of its kinds of state."""
        ...

    def empty(self) -> dict[str, State]:
        """States of no rows, by kind."""
        ...

    def update(self, states: Mapping[str, State], batch: Batch) -> None:
        """Takes in a batch of rows."""
        ...


class SampleDigest(Protocol):
    """What a monitor makes of the rows that are kept of an hour, once it is known which they are; `repr` as of a `Digest`."""

    @property
    def kinds(self) -> Mapping[str, int]:
        """The versions of its kinds of state."""
        ...

    def values(self, rows: Sequence[SampledRow]) -> list[Mapping[str, object]]:
        """More values of every row, which are kept with it."""
        ...

    def states(self, rows: Sequence[SampledRow], each: float) -> list[State]:
        """States of rows with these values, of which each stands for so many rows."""
        ...


@dataclass(frozen=True)
class SamplePart:
    """Some of the k rows that are kept of a partition, each of which stands for `each` rows."""

    partition: str
    k: int
    each: float
    rows: tuple[SampledRow, ...]


Work = Task | tuple[SamplePart, ...]


@dataclass(frozen=True)
class ScanPlan:
    """How to read a task, which kinds of state to keep of every column and of rows, of which segments, and which rows to keep.

    `of_sample` digests the kept rows, in tasks of their own after those of files. `runs` of rows are partitions of their own,
    beside those that the same rows are in.
    """

    read: ReadPlan
    kinds: tuple[str, ...] = ()
    segments: tuple[Segmentation, ...] = ()
    sample: SamplePlan | None = None
    digest: Digest | None = None
    of_sample: SampleDigest | None = None
    runs: RunPlan | None = None


def scan(task: Work, plan: ScanPlan) -> Iterator[pa.RecordBatch]:
    """The states of a task's rows, by part of a partition, layout and column, in the schema `STATE_ROWS`.

    A task is slices of files, or rows that were kept. A failure that a person can act on comes back as a row, so that its own
    sentence reaches them whole.
    """
    try:
        parts = [part for part in task if isinstance(part, SamplePart)]
        slices = tuple(part for part in task if not isinstance(part, SamplePart))
        if slices:
            yield from _batched(_scan(slices, plan))
        if plan.of_sample is not None:
            yield from _batched(row for part in parts for row in _of_sample(part, plan.of_sample))
    except HourglassError as fault:
        yield from _batched([("", "", "", "", 0, FAULT, 1, orjson.dumps(fault_document(fault)))])


_PARTS = ("subject", "found", "expected", "hint")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def fault_document(fault: HourglassError) -> dict[str, str | None]:
    """An error's parts, for the way back to the driver."""
    return {"type": type(fault).__name__, **{part: _text(getattr(fault, part)) for part in _PARTS}}


def _kinds(kind: type[HourglassError]) -> Iterator[type[HourglassError]]:
    """The errors that have the same parts; one of several faults has none."""
    if kind is not errors.SettingsError:
        yield kind
    for other in kind.__subclasses__():
        yield from _kinds(other)


def raise_fault(document: bytes) -> None:
    """Raises the error that `scan` sent as a row."""
    parts = orjson.loads(document)
    kinds = {kind.__name__: kind for kind in _kinds(HourglassError)}
    kind: type[HourglassError] = kinds.get(parts["type"], errors.InternalError)
    raise kind(parts["subject"], found=parts["found"], expected=parts["expected"], hint=parts["hint"])


def _scan(task: Task, plan: ScanPlan) -> Iterator[Row]:
    """Each part's states are sent as soon as the next part begins, so that a task holds those of one part only."""
    tally = Tally()
    part: PartKey = "", 0
    states: _PartStates | None = None
    rows: dict[PartKey, Counter[str]] = {}
    for batch in read_batches(task, plan.read, tally):
        if states is None or part != (batch.partition, batch.part):
            if states is not None:
                yield from states.state_rows()
                yield from _bad_rows(part, tally)
            part = batch.partition, batch.part
            states = _PartStates(plan, part)
            rows[part] = states.rows[""]
        states.take(batch)
    if states is not None:
        yield from states.state_rows()
    for left in list(tally.bad.kept):
        yield from _bad_rows(left, tally)
    files = Counter((piece.partition, piece.part) for piece in task if piece.start == 0)
    for found in {*tally.lines, *rows, *files}:
        bad, outside = tally.bad.counts.get(found, Counter()), tally.outside.get(found, Outside())
        intake = Intake(tally.lines[found], rows.get(found, Counter()), bad, files[found], outside.count, tuple(outside.examples))
        yield found[0], "", "", "", 0, Intake.kind, Intake.version, intake.to_bytes()


def _run_rows(runs: Runs, part: PartKey) -> Iterator[Row]:
    """The states of a part's runs, each a partition."""
    for number, run in enumerate(runs.done()):
        partition = f"{RUN}{part[0]} {part[1]} {number}"
        yield partition, "", "", "", 0, Intake.kind, Intake.version, Intake(rows=run.rows).to_bytes()
        for (layout, column), profile in run.columns.items():
            for kind, state in profile.states.items():
                yield partition, "", layout, _spellable(column), profile.position, kind, state.version, state.to_bytes()


def _of_sample(part: SamplePart, digest: SampleDigest) -> Iterator[Row]:
    """The states of some kept rows and of those of each segment, and the rows once more with what was found of them."""
    rows = [replace(row, values=values) for row, values in zip(part.rows, digest.values(part.rows), strict=True)]
    for segment in ("", *sorted({name for row in rows for name in row.segments})):
        for state in digest.states([row for row in rows if not segment or segment in row.segments], part.each):
            yield part.partition, segment, "", "", 0, state.kind, state.version, state.to_bytes()
    sample = RowSample(part.k, 0, {row.hash: row for row in rows})
    yield part.partition, "", "", "", 0, RowSample.kind, RowSample.version, sample.to_bytes()


class _PartStates:
    """The states of one part of a partition: of all rows, of each segment, and the rows that are kept."""

    def __init__(self, plan: ScanPlan, part: PartKey) -> None:
        self._plan, self._part = plan, part
        self._runs = Runs(plan.runs) if plan.runs is not None and part in plan.runs.parts else None
        self._profiles: dict[tuple[str, str, str], ColumnProfile] = {}
        self._of_rows: dict[str, dict[str, State]] = {}
        self.rows: dict[str, Counter[str]] = {"": Counter()}
        self._sample = RowSample.empty(plan.sample.rows) if plan.sample else None

    def take(self, batch: Batch) -> None:
        """Takes in a batch of rows."""
        self.rows[""][batch.layout] += batch.count
        self._take_rows("", batch)
        if self._runs is not None:
            self._runs.take(batch)
        found = [segmentation.of(batch.columns, batch.count) for segmentation in self._plan.segments]
        kept = self._cap({name for _, names in found for name in names})
        segments = [(places, [kept[name] for name in names]) for places, names in found]
        for places, names in segments:
            self._take_segments(batch, places, names)
        if self._sample is not None and self._plan.sample is not None and batch.ids is not None:
            # a segment's name would tell what the row is not to tell
            hidden = {*self._plan.sample.without, *self._plan.sample.hashed}
            told = [part for by, part in zip(self._plan.segments, segments, strict=True) if hidden.isdisjoint(by.columns)]
            self._keep_rows(batch, batch.ids, self._sample, self._plan.sample, told)

    def _take_rows(self, segment: str, batch: Batch) -> None:
        if (digest := self._plan.digest) is not None:
            if segment not in self._of_rows:
                self._of_rows[segment] = digest.empty()
            digest.update(self._of_rows[segment], batch)
        for position, (name, column) in enumerate(batch.columns.items() if self._plan.kinds else (), batch.first):
            profile = self._profiles.get((segment, batch.layout, name))
            if profile is None:
                profile = self._profiles[segment, batch.layout, name] = ColumnProfile.of(self._plan.kinds, position)
            profile.update(classify(column))

    def _take_segments(self, batch: Batch, places: Places, names: Sequence[str]) -> None:
        kept = sorted(set(names))
        codes = np.array([*(kept.index(name) for name in names), len(kept)])[places]  # -1, in no segment, takes the last
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(kept) + 1))
        for name, (first, last) in zip(kept, pairwise(edges.tolist()), strict=True):
            if first < last:
                self.rows.setdefault(name, Counter())[batch.layout] += last - first
                chosen = np.sort(order[first:last])
                self._take_rows(name, batch.take(chosen))

    def _cap(self, names: Collection[str]) -> dict[str, str]:
        """Under which name each segment is kept; adds those that lose their own states to the others."""
        own = {segment for segment in self.rows if segment}
        kept = capped([*own, *names])
        for name in sorted(own):
            if kept[name] == name:
                continue
            self.rows[kept[name]] = self.rows.get(kept[name], Counter()) + self.rows.pop(name)
            for key in [key for key in self._profiles if key[0] == name]:
                profile = self._profiles.pop(key)
                there = kept[name], *key[1:]
                self._profiles[there] = self._profiles[there] + profile if there in self._profiles else profile
            moved = self._of_rows.pop(name, {})
            there_of_rows = self._of_rows.setdefault(kept[name], {}) if moved else {}
            for kind, state in moved.items():
                there_of_rows[kind] = there_of_rows[kind] + state if kind in there_of_rows else state
        return kept

    def _keep_rows(self, batch: Batch, ids: Ids, sample: RowSample, plan: SamplePlan, found: Sequence[tuple[Places, list[str]]]) -> None:
        chosen = sample.below(ids)
        values = {name: objects(column) for name, column in plan.columns(batch.take(chosen)).items()} if len(chosen) else {}
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)] or [{} for _ in chosen]
        segments = [[names[places[row]] for places, names in found if places[row] >= 0] for row in chosen.tolist()]
        sample.take(ids[chosen], rows, segments, layout=batch.layout, counted=batch.count)

    def state_rows(self) -> Iterator[Row]:
        """The rows for `STATE_ROWS`, but for what is counted of lines."""
        partition = self._part[0]
        for (segment, layout, name), profile in self._profiles.items():
            for kind, state in profile.states.items():
                yield partition, segment, layout, _spellable(name), profile.position, kind, state.version, state.to_bytes()
        for segment, states in self._of_rows.items():
            for kind, of_rows in states.items():
                yield partition, segment, "", "", 0, kind, of_rows.version, of_rows.to_bytes()
        for segment, counts in self.rows.items():
            if segment:
                yield partition, segment, "", "", 0, Intake.kind, Intake.version, Intake(rows=counts).to_bytes()
        if self._sample is not None:
            yield partition, "", "", "", 0, RowSample.kind, RowSample.version, self._sample.to_bytes()
        if self._runs is not None:
            yield from _run_rows(self._runs, self._part)


def hashed_value(value: object) -> str:
    """What stands for a value that is not to be kept: the same for the same value, so that rows can still be grouped.

    It hides a value from the eye; few possible values can be found again by trying them all.

    >>> hashed_value("Berlin") == hashed_value("Berlin"), len(hashed_value(1))
    (True, 17)
    """
    return "#" + hashlib.sha256(str(value).encode("utf-8", "replace")).hexdigest()[:16]


def _bad_rows(part: PartKey, tally: Tally) -> Iterator[Row]:
    for entry in tally.bad.kept.pop(part, []):
        yield part[0], "", entry["layout"], "", 0, BAD_LINE, 1, orjson.dumps(entry)


def _batched(rows: Iterable[Row]) -> Iterator[pa.RecordBatch]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row[-1])  # type: ignore[arg-type]
        if size >= ROW_BYTES_A_BATCH:
            yield _record_batch(batch)
            batch, size = [], 0
    if batch:
        yield _record_batch(batch)


def _spellable(name: str) -> str:
    """A column's name as UTF-8 can hold it: a lone surrogate, which JSON and hooks can make, becomes a question mark."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _record_batch(rows: list[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), STATE_ROWS, strict=True)], schema=STATE_ROWS
    )
