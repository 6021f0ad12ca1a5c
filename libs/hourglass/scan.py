"""One pass over one task: slices in, small rows of states out. Plain Python; Spark or a pool of processes calls it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pyarrow as pa

from hourglass import errors
from hourglass.capture.blocks import BadLines
from hourglass.capture.reader import ReadPlan, read_batches
from hourglass.capture.slices import Task
from hourglass.errors import HookError, HourglassError, InputError
from hourglass.schemas import BAD_LINE, FAULT, STATE_ROWS
from hourglass.states import ColumnProfile, Intake
from hourglass.values import classify

ROW_BYTES_A_BATCH = 32 << 20

Key = tuple[str, str, str]


@dataclass(frozen=True)
class ScanPlan:
    """How to read a task, and which kinds of state to keep of every column."""

    read: ReadPlan
    kinds: tuple[str, ...]


def scan(task: Task, plan: ScanPlan) -> Iterator[pa.RecordBatch]:
    """The states of a task's rows, by hour, layout and column, in the schema `STATE_ROWS`.

    A failure that a person can act on comes back as a row, so that its own sentence reaches them whole.
    """
    try:
        yield from _batched(list(_scan(task, plan)))
    except HourglassError as fault:
        document = {"type": type(fault).__name__, **{part: _text(getattr(fault, part)) for part in _PARTS}}
        yield from _batched([("", "", "", 0, FAULT, 1, orjson.dumps(document))])


_PARTS = ("subject", "found", "expected", "hint")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def raise_fault(document: bytes) -> None:
    """Raises the error that `scan` sent as a row."""
    parts = orjson.loads(document)
    kind: type[HourglassError] = {"HookError": HookError, "InputError": InputError}.get(parts["type"], errors.InternalError)
    raise kind(parts["subject"], found=parts["found"], expected=parts["expected"], hint=parts["hint"])


def _scan(task: Task, plan: ScanPlan) -> Iterator[tuple[object, ...]]:
    profiles: dict[Key, ColumnProfile] = {}
    rows: dict[str, Counter[str]] = {}
    lines: Counter[str] = Counter()
    bad = BadLines()
    for batch in read_batches(task, plan.read, bad, lines):
        rows.setdefault(batch.hour, Counter())[batch.layout] += batch.count
        for position, (name, column) in enumerate(batch.columns.items(), batch.first):
            key = (batch.hour, batch.layout, name)
            profile = profiles.get(key)
            if profile is None:
                profile = profiles[key] = ColumnProfile.of(plan.kinds, position)
            profile.update(classify(column))
    for (hour, layout, name), profile in profiles.items():
        for kind, state in profile.states.items():
            yield hour, layout, _spellable(name), profile.position, kind, state.version, state.to_bytes()
    files = Counter(piece.hour for piece in task if piece.start == 0)
    for hour in {*lines, *rows, *files}:
        intake = Intake(lines[hour], rows.get(hour, Counter()), Counter(bad.counts.get(hour, {})), files[hour])
        yield hour, "", "", 0, Intake.kind, Intake.version, intake.to_bytes()
    for entry in bad.kept:
        yield entry["hour"], entry["layout"], "", 0, BAD_LINE, 1, orjson.dumps(entry)


def _batched(rows: list[tuple[object, ...]]) -> Iterator[pa.RecordBatch]:
    batch: list[tuple[object, ...]] = []
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


def _record_batch(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), STATE_ROWS, strict=True)], schema=STATE_ROWS
    )
