"""Blocks of captured JSON lines into records: the payloads of each side.

There are three ways to the same result, each for what the one before does not take: lines of one shape by a template
(8 ms for 8 MB), clean lines by Arrow's JSON parser with a stated schema (26 ms), all others one by one (50 ms).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from hourglass.capture.blocks import Block, is_utf8, spans_lines
from hourglass.capture.documents import load, load_all
from hourglass.capture.event_times import inside, outside_hour
from hourglass.capture.row_ids import Ids, ids_of_records
from hourglass.capture.tally import BadLines, Tally
from hourglass.capture.template import Path, read_strings
from hourglass.capture.window import Window, hour_of
from hourglass.values import string_array

NOT_JSON, NOT_UTF8, NO_CAPTURE = "not JSON", "not UTF-8", "no captured data"

_PARTS = ("data", "encoding", "observedContentType")
TIME: Path = ("eventMetadata", "inferenceTime")
LABEL: Path = ("groundTruthData",)
IDS: tuple[Path, ...] = (("eventMetadata", "eventId"), ("eventMetadata", "inferenceId"))
# the custom attribute of requests that the monitor itself makes to the endpoint
OWN_REQUEST = "hourglass-attribution"


@dataclass(frozen=True)
class Side:
    """One part of captured records, such as the endpoint's output: arrays of equal length, null where it is missing.

    Encoding and content type are strings, or a dictionary of strings where few differ.
    """

    data: pa.StringArray
    encoding: pa.Array
    content_type: pa.Array

    def filter(self, keep: npt.NDArray[np.bool_]) -> Side:
        """The records to keep."""
        mask = pa.array(keep)
        return Side(self.data.filter(mask), self.encoding.filter(mask), self.content_type.filter(mask))


@dataclass(frozen=True)
class Records:
    """Captured records of one block: their sides in column order, the line of each within the block, its id if wanted.

    `read` is how many lines there were, with those that were set aside or lie outside of the window. `label` is the ground
    truth that was merged into them.
    """

    sides: tuple[Side, ...]
    lines: npt.NDArray[np.int64]
    read: int
    ids: Ids | None = None
    label: Side | None = None

    def filter(self, keep: npt.NDArray[np.bool_]) -> Records:
        """The records to keep."""
        ids = None if self.ids is None else self.ids[keep]
        label = None if self.label is None else self.label.filter(keep)
        return Records(tuple(side.filter(keep) for side in self.sides), self.lines[keep], self.read, ids, label)


def parse_records(
    block: Block, sides: Sequence[str], tally: Tally, window: Window | None = None, *, ids: bool = False, labels: bool = False
) -> Records:
    """The records of a block; bad lines are set aside, records outside the window and our own requests left out.

    `window` is given where the block's hour is only partly inside of it; a record's own `inferenceTime` decides then,
    and a record without one stays. Records whose time is not in the hour of their folder are counted.
    """
    hour = hour_of(block.partition)
    places: list[Path] = [("captureData", side) for side in sides] + [LABEL] * labels
    wanted: list[Path] = [(*place, part) for place in places for part in _PARTS]
    timed = bool(hour) or window is not None
    wanted += [TIME] * timed + [*IDS] * ids
    before = tally.bad.total
    found, lines = _strings(block, wanted, tally.bad)
    width = len(_PARTS)
    parts = [_side(*found[i * width : (i + 1) * width]) for i in range(len(places))]
    label = parts.pop() if labels else None
    names = ids_of_records(block, lines, found[-len(IDS) :]) if ids else None
    records = Records(tuple(parts), lines, len(lines) + tally.bad.total - before, names, label)
    keep = _captured(records, block, tally.bad) & ~_own(block, lines)
    if timed:
        times = found[len(places) * width]
        if hour and len(strangers := outside_hour(times, hour)):
            tally.misplaced(block, lines[strangers[keep[strangers]]].tolist())
        if window is not None:
            keep &= np.array([inside(time, window) for time in times.to_pylist()], np.bool_)
    return records if keep.all() else records.filter(keep)


def _own(block: Block, lines: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which records are of requests that the attribution monitor made: they say nothing of an endpoint's traffic."""
    own = set()
    tag = OWN_REQUEST.encode()
    at = block.data.find(tag)
    while at >= 0:
        line = int(np.searchsorted(block.line_starts, at, "right")) - 1
        if _is_own(block.line(line)):
            own.add(line)
        at = block.data.find(tag, int(block.line_starts[line + 1]))
    return np.isin(lines, list(own)) if own else np.zeros(len(lines), np.bool_)


def _is_own(line: bytes) -> bool:
    """Whether a record has our custom attribute, and not just its text among its data."""
    try:
        document = load(line)
    except ValueError:
        return False
    metadata = document.get("eventMetadata") if isinstance(document, dict) else None
    attributes = metadata.get("customAttributes") if isinstance(metadata, dict) else None
    return OWN_REQUEST in (attributes if isinstance(attributes, list) else [attributes])


def _side(data: pa.Array, encoding: pa.Array, content_type: pa.Array) -> Side:
    return Side(data.dictionary_decode() if pa.types.is_dictionary(data.type) else data, encoding, content_type)


def _captured(records: Records, block: Block, bad: BadLines) -> npt.NDArray[np.bool_]:
    """Which records have the data of at least one side."""
    if any(side.data.null_count == 0 for side in records.sides):
        return np.ones(len(records.lines), np.bool_)
    keep: npt.NDArray[np.bool_] = np.logical_or.reduce([np.asarray(side.data.is_valid()) for side in records.sides])
    for line in records.lines[~keep]:
        bad.add(block, int(line), NO_CAPTURE)
    return keep


def _strings(block: Block, wanted: Sequence[Path], bad: BadLines) -> tuple[list[pa.Array], npt.NDArray[np.int64]]:
    """The strings at the wanted paths, and the line of each record."""
    alike = read_strings(block, wanted)
    if alike is not None:
        return alike, np.arange(block.line_count)
    return by_arrow(block, wanted) or _by_line(block, wanted, bad)


def by_arrow(block: Block, wanted: Sequence[Path]) -> tuple[list[pa.Array], npt.NDArray[np.int64]] | None:
    """By Arrow's parser, or None if a line is not JSON of the contract's shape."""
    if not block.is_utf8:  # Arrow does not look, and would hand on strings that are none
        return None
    try:
        table = pajson.read_json(
            pa.BufferReader(block.data),
            pajson.ReadOptions(use_threads=False, block_size=max(1024, len(block.data) + 1)),
            pajson.ParseOptions(explicit_schema=_schema(wanted), unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows == 0 or table.num_rows not in {block.line_count, len(block.filled_lines)}:
        return None
    lines = np.arange(block.line_count) if table.num_rows == block.line_count else block.filled_lines
    return [_at(table, path) for path in wanted], lines


def _schema(wanted: Sequence[Path]) -> pa.Schema:
    tree: dict[str, Any] = {}
    for path in wanted:
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = None
    return pa.schema(_fields(tree))


def _fields(tree: dict[str, Any]) -> list[pa.Field]:
    return [pa.field(name, pa.string() if branch is None else pa.struct(_fields(branch))) for name, branch in tree.items()]


def _at(table: pa.Table, path: Path) -> pa.Array:
    column = table[path[0]].combine_chunks()
    for key in path[1:]:
        column = pc.struct_field(column, key)  # null where the struct is
    return column


def _by_line(block: Block, wanted: Sequence[Path], bad: BadLines) -> tuple[list[pa.Array], npt.NDArray[np.int64]]:
    """Line by line; those that are no JSON objects are set aside."""
    found: list[list[str | None]] = [[] for _ in wanted]
    lines: list[int] = []
    for line, document in documents(block, bad):
        if not isinstance(document, dict):
            bad.add(block, line, NO_CAPTURE, f"a JSON {type(document).__name__}, not an object")
            continue
        try:
            strings = [text_at(document, path) for path in wanted]
        except RecursionError:
            bad.add(block, line, NO_CAPTURE, "nested too deeply")
            continue
        lines.append(line)
        for string, values in zip(strings, found, strict=True):
            values.append(string)
    return [string_array(values) for values in found], np.array(lines, np.int64)


def text_at(document: object, path: Path) -> str | None:
    """The value at a path as text, None if there is none; a payload that is no string is written as JSON."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    if document is None or isinstance(document, str):
        return document
    return json.dumps(document)


def documents(block: Block, bad: BadLines) -> Iterator[tuple[int, Any]]:
    """The JSON documents of a block and the line of each; what is none is set aside.

    A file may also hold documents over several lines; all of them stand for its first line then.
    """
    for index, piece in enumerate(block.pieces):
        first, last = block.bounds(index)
        filled = block.filled_lines[np.searchsorted(block.filled_lines, first) : np.searchsorted(block.filled_lines, last)].tolist()
        if len(filled) > 1 and piece.begins_file and spans_lines(block.line(filled[0])):
            yield from _over_lines(block, filled, bad)
            continue
        for line in filled:
            data = block.line(line)
            try:
                document = load(data)
            except ValueError as fault:
                if is_utf8(data):
                    bad.add(block, line, NOT_JSON, str(fault))
                else:
                    bad.add(block, line, NOT_UTF8)
                continue
            yield line, document


def _over_lines(block: Block, filled: Sequence[int], bad: BadLines) -> Iterator[tuple[int, Any]]:
    data = block.data[block.line_starts[filled[0]] : block.line_starts[filled[-1] + 1]]
    try:
        loaded = load_all(data)
    except ValueError as fault:
        bad.add(block, filled[0], NOT_JSON if is_utf8(data) else NOT_UTF8, str(fault))
        return
    for document in loaded:
        for record in document if isinstance(document, list) else [document]:
            yield filled[0], record
