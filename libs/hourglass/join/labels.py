"""Lines of ground truth into rows: the key, when the label is from, and the label as JSON text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.blocks import Block, Reading, read_blocks
from hourglass.capture.documents import load
from hourglass.capture.memory import keep_freed_memory
from hourglass.capture.records import documents, text_at
from hourglass.capture.slices import Slice
from hourglass.capture.tally import BadLines, Tally
from hourglass.capture.template import Path, read_strings
from hourglass.capture.window import hour_of
from hourglass.join.keys import EVENT, intake, notes
from hourglass.join.placed import spans
from hourglass.join.plan import PLACE_BITS, JoinPlan, Places, begins, hour_number
from hourglass.join.times import HOUR_MICROSECONDS, microseconds
from hourglass.schemas import KEY_ROWS, LABEL
from hourglass.values import string_array

NO_TRUTH, NO_EVENT = "no ground truth", "no event id"
TRUTH, SHORT_KEY, SHORT_LABEL = "groundTruthData", "inferenceId", "actualLabel"
_EVENT_TIME: Path = ("eventMetadata", "eventTime")
_OTHER_TIME: Path = ("eventMetadata", "inferenceTime")
_STRINGS: tuple[Path, ...] = ((TRUTH, "data"), (TRUTH, "encoding"), EVENT, _EVENT_TIME, _OTHER_TIME)

_Labels = tuple[Places, pa.Array, pa.Array, pa.Array, pa.Array]  # lines, keys, labels, event times, other times


def label_rows(task: Sequence[Slice], plan: JoinPlan) -> Iterator[pa.RecordBatch]:
    """The labels of some files, and a note of what came in with each hour; in the schema `KEY_ROWS`.

    `stamp` says which of several labels is the latest: the label's own time, else the begin of its folder's hour.
    `time` is the label's own eventTime, from which its delay is counted.
    """
    keep_freed_memory()
    tally = Tally()
    files = {path: number for number, path in enumerate(plan.label_files)}
    partitions = dict.fromkeys(piece.partition for piece in task)
    for block in read_blocks(task, tally.unreadable, Reading(documents=True)):
        before = tally.bad.total
        found = _alike(block) or _one_by_one(block, tally.bad)
        tally.count(block, len(found[0]) + tally.bad.total - before)
        yield _rows(block, found, files)
        tally.bad.numbers.passed(block)
        del block
    for partition in partitions:
        yield from notes({"labels": partition, **intake(tally, partition)})


def _rows(block: Block, found: _Labels, files: dict[str, int]) -> pa.RecordBatch:
    lines, keys, labels, event_times, other_times = found
    count = len(lines)
    hour = hour_number(hour_of(block.partition))
    time = microseconds(event_times)
    stamp = pc.coalesce(time, microseconds(other_times), pa.scalar(hour * HOUR_MICROSECONDS, pa.int64()))
    columns = [
        keys,
        pa.array(np.full(count, LABEL, np.int8)),
        pa.array(np.full(count, hour, np.int32)),
        pa.nulls(count, pa.string()),
        stamp,
        pa.array(_places(block, lines, files)),
        time,
        labels,
    ]
    return pa.RecordBatch.from_arrays(columns, schema=KEY_ROWS)


def _places(block: Block, lines: Places, files: dict[str, int]) -> Places:
    """The number of each record's file, above the byte at which the record begins there."""
    ats = np.array([piece.at for piece in block.pieces], np.int64)
    moved = np.array([(files[piece.path] << PLACE_BITS) + piece.start - piece.at for piece in block.pieces], np.int64)
    places = begins(block, lines)
    return np.asarray(places + moved[np.searchsorted(ats, block.line_starts[lines], side="right") - 1])


def _alike(block: Block) -> _Labels | None:
    """Labels of one shape, whose strings need no escaping; None for others.

    Lines of one shape have the same keys, so the first of them says whether the label holds anything else.
    """
    if spans(block):
        return None
    found = read_strings(block, _STRINGS)
    if found is None:
        return None
    truth = load(block.line(0))[TRUTH] if found[0].null_count == 0 and found[1].null_count == 0 else {}
    data, encoding, keys, event_times, other_times = (
        strings.dictionary_decode() if pa.types.is_dictionary(strings.type) and place < 3 else strings
        for place, strings in enumerate(found)
    )
    if list(truth) != ["data", "encoding"] or keys.null_count or pc.min(pc.binary_length(keys)).as_py() == 0:
        return None
    labels = pc.binary_join_element_wise('{"data":"', data, '","encoding":"', encoding, '"}', "")
    return np.arange(block.line_count), keys, labels, event_times, other_times


def _one_by_one(block: Block, bad: BadLines) -> _Labels:
    lines, found = [], []
    for line, document in documents(block, bad):
        truth = truth_of(document)
        key = (text_at(document, EVENT) or text_at(document, (SHORT_KEY,))) if truth is not None else None
        if truth is None:
            bad.add(block, line, NO_TRUTH)
        elif not key:
            bad.add(block, line, NO_EVENT)
        else:
            lines.append(line)
            found.append((key, json_text(truth), text_at(document, _EVENT_TIME), text_at(document, _OTHER_TIME)))
    columns = [string_array(list(column)) for column in zip(*found, strict=True)] if found else [pa.array([], pa.string())] * 4
    return np.array(lines, np.int64), *columns


def truth_of(document: object) -> dict[str, Any] | None:
    """The ground truth that a line holds, None if it holds none; the short form as the contract spells it.

    An empty `actualLabel` is none: it must not take the place of a label that came before.

    >>> truth_of({"inferenceId": "a", "actualLabel": "yes, twice"}), truth_of({"inferenceId": "a", "actualLabel": [0, 1]})
    ({'data': '"yes, twice"', 'encoding': 'CSV'}, {'data': '[0,1]', 'encoding': 'JSON'})
    """
    if not isinstance(document, dict):
        return None
    truth = document.get(TRUTH)
    if truth is not None:
        return truth if isinstance(truth, dict) and truth.get("data") is not None else None
    label = document.get(SHORT_LABEL)
    if label is None or (isinstance(label, str) and not label.strip()):
        return None
    if isinstance(label, dict | list):
        return {"data": json_text(label), "encoding": "JSON"}
    return {"data": _cell(label) if isinstance(label, str) else json.dumps(label), "encoding": "CSV"}


def _cell(text: str) -> str:
    """A text as a cell of CSV: in quotes where it needs them."""
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow([text])
    return row.getvalue()


def json_text(value: object) -> str:
    """JSON, tight; by Python's own writer where there is a NaN, a large number or a lone surrogate."""
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return json.dumps(value, separators=(",", ":"))
    return text if "null" not in text else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
