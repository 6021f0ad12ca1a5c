"""Captures into rows of keys: the ids of each record and where it stands; its payload is left where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.blocks import Block, read_blocks
from hourglass.capture.documents import load
from hourglass.capture.event_times import outside_hour
from hourglass.capture.formats import SIDES
from hourglass.capture.memory import keep_freed_memory
from hourglass.capture.records import NO_CAPTURE, TIME, by_arrow, text_at
from hourglass.capture.tally import BadLines, Tally
from hourglass.capture.template import Path, read_strings
from hourglass.capture.window import hour_of
from hourglass.join.placed import batch_documents, captured_documents, is_capture, reading, spans
from hourglass.join.plan import PLACE_BITS, JoinPlan, Places, begins
from hourglass.join.times import microseconds
from hourglass.schemas import CAPTURE, KEY_ROWS, NOTE
from hourglass.values import string_array

EVENT: Path = ("eventMetadata", "eventId")
INFERENCE: Path = ("eventMetadata", "inferenceId")
_WANTED = (EVENT, INFERENCE, TIME)
_SIDES: tuple[Path, ...] = tuple(("captureData", side, "data") for side in SIDES)


@dataclass(frozen=True)
class Captured:
    """Captured records of a block: the line of each, its ids, and its time as text."""

    lines: Places
    event: pa.StringArray
    inference: pa.StringArray
    time: pa.Array


def capture_rows(numbers: Sequence[int], plan: JoinPlan) -> Iterator[pa.RecordBatch]:
    """The key rows of some parts, and a note of what came in with each partition; in the schema `KEY_ROWS`.

    A record's key is its `inferenceId` if it has one that is not empty, else its `eventId`. One without either has no row.
    """
    keep_freed_memory()
    tally = Tally()
    without_id: dict[str, int] = {}
    scopes = {partition: scope for scope, partition in enumerate(plan.partitions)}
    for number in numbers:
        part = plan.parts[number]
        batch = part.partition in plan.batch_partitions
        at = number << PLACE_BITS
        without_id.setdefault(part.partition, 0)
        for block in read_blocks(part.slices, tally.unreadable, reading(batch=batch, form=plan.batch)):
            before = tally.bad.total
            found = _of_documents(batch_documents(block, plan.batch, tally.bad)) if batch else captured(block, tally.bad)
            tally.count(block, len(found.lines) + tally.bad.total - before)
            _count_outside(block, found, tally)
            rows = key_rows(found, at + begins(block, found.lines), scopes[part.partition])
            without_id[part.partition] += len(found.lines) - rows.num_rows
            yield rows
            at += len(block.data)
            tally.bad.numbers.passed(block)
            del block
    for partition, count in without_id.items():
        yield from notes({"captures": partition, **intake(tally, partition), "without_id": count})


def _count_outside(block: Block, found: Captured, tally: Tally) -> None:
    if len(strangers := outside_hour(found.time, hour_of(block.partition))):
        tally.misplaced(block, found.lines[strangers].tolist())


def captured(block: Block, bad: BadLines) -> Captured:
    """The ids and times of a block's captured records; what is none is set aside."""
    if spans(block):
        return _of_documents(captured_documents(block, bad))
    alike = read_strings(block, _WANTED)
    if alike is not None and is_capture(load(block.line(0))):  # lines of one shape have the same keys
        return Captured(np.arange(block.line_count), _plain(alike[0]), _plain(alike[1]), alike[2])
    parsed = by_arrow(block, [*_WANTED, *_SIDES])
    if parsed is None:
        return _of_documents(captured_documents(block, bad))
    (event, inference, time, *sides), lines = parsed
    keep = np.logical_or.reduce([np.asarray(side.is_valid()) for side in sides])
    for line in lines[~keep]:
        bad.add(block, int(line), NO_CAPTURE)
    event, inference, time = (strings.filter(pa.array(keep)) for strings in (event, inference, time))
    return Captured(lines[keep], event, inference, time)


def _plain(strings: pa.Array) -> pa.StringArray:
    return strings.dictionary_decode() if pa.types.is_dictionary(strings.type) else strings


def _of_documents(found: Iterable[tuple[int, dict[str, Any]]]) -> Captured:
    """The ids and times of records that were parsed one by one."""
    lines, texts = [], []
    for line, document in found:
        lines.append(line)
        texts.append([text_at(document, path) for path in _WANTED])
    event, inference, time = (string_array(list(column)) for column in (zip(*texts, strict=True) if texts else ([], [], [])))
    return Captured(np.array(lines, np.int64), event, inference, time)


def key_rows(found: Captured, places: Places, scope: int) -> pa.RecordBatch:
    """The rows of the records that have an id, in the schema `KEY_ROWS`.

    `event` is "" where the key is the event's id, which need not travel twice, and null where there is none.
    """
    key = _filled(found.event)
    event = pc.if_else(key.is_valid(), "", None)
    if found.inference.null_count < len(found.inference):
        inference = _filled(found.inference)
        event = pc.if_else(inference.is_valid(), pc.if_else(pc.equal(pc.coalesce(key, ""), inference), "", key), event)
        key = pc.coalesce(inference, key)
    count = len(key)
    rows = pa.RecordBatch.from_arrays(
        [
            key,
            pa.array(np.full(count, CAPTURE, np.int8)),
            pa.array(np.full(count, scope, np.int32)),
            event.cast(pa.string()),
            pa.array(np.zeros(count, np.int64)),
            pa.array(places),
            microseconds(found.time),
            pa.nulls(count, pa.string()),
        ],
        schema=KEY_ROWS,
    )
    return rows.filter(key.is_valid()) if key.null_count else rows


def _filled(texts: pa.StringArray) -> pa.StringArray:
    """The texts, null where they are empty."""
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, None, texts) if pc.any(empty).as_py() else texts


def intake(tally: Tally, partition: str) -> dict[str, Any]:
    """What came in with a partition: lines, bad ones by reason with those that are kept, records with another hour's time."""
    bad: dict[str, int] = {}
    for (where, _), counts in tally.bad.counts.items():
        if where == partition:
            for reason, count in counts.items():
                bad[reason] = bad.get(reason, 0) + count
    return {
        "lines": sum(count for (where, _), count in tally.lines.items() if where == partition),
        "bad": bad,
        "bad_lines": [line for (where, _), kept in tally.bad.kept.items() if where == partition for line in kept],
        "outside": sum(found.count for (where, _), found in tally.outside.items() if where == partition),
    }


def notes(*found: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """What the driver is to know, as rows of the same schema."""
    for note in found:
        row = {"key": "", "kind": NOTE, "scope": -1, "stamp": 0, "place": -1, "payload": orjson.dumps(note).decode()}
        yield pa.RecordBatch.from_pylist([row], KEY_ROWS)
