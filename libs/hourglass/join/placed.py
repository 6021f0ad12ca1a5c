"""Records by where they stand: what the reading of keys and the writing of merged lines must agree on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from hourglass.capture.batch_transform import ADDED
from hourglass.capture.blocks import Block, Reading, spans_lines
from hourglass.capture.formats import BATCH_OUTPUT, SIDES, DatasetFormat
from hourglass.capture.records import NO_CAPTURE, documents
from hourglass.capture.tally import BadLines

ID, TIME = "SageMakerInferenceId", "SageMakerInferenceTime"
NO_ID_COLUMNS = "no columns of id and time"
_ID_COLUMNS = len(ADDED)


def reading(*, batch: bool, form: DatasetFormat) -> Reading:
    """What may stretch over several lines."""
    return Reading(quoted=True) if batch and form.kind == "csv" else Reading(documents=True)


def spans(block: Block) -> bool:
    """Whether a file in the block holds documents over several lines, so that its lines are no records."""
    return any(piece.begins_file and spans_lines(_first_line(block, number)) for number, piece in enumerate(block.pieces))


def _first_line(block: Block, piece: int) -> bytes:
    first, last = block.bounds(piece)
    return next((line for line in map(block.line, range(first, last)) if line.strip()), b"")


def captured_documents(block: Block, bad: BadLines) -> Iterator[tuple[int, dict[str, Any]]]:
    """Captured records one by one, with the line of each."""
    for line, document in documents(block, bad):
        if not isinstance(document, dict):
            bad.add(block, line, NO_CAPTURE, f"a JSON {type(document).__name__}, not an object")
        elif not is_capture(document):
            bad.add(block, line, NO_CAPTURE)
        else:
            yield line, document


def is_capture(document: object) -> bool:
    """Whether a document has captured data of at least one side."""
    captured = document.get("captureData") if isinstance(document, dict) else None
    if not isinstance(captured, dict):
        return False
    return any(isinstance(side := captured.get(name), dict) and side.get("data") is not None for name in SIDES)


def batch_documents(block: Block, form: DatasetFormat, bad: BadLines) -> Iterator[tuple[int, dict[str, Any]]]:
    """The results of a batch transform as captured records; the id and the time that it added become the event's."""
    yield from _csv_records(block, form, bad) if form.kind == "csv" else _json_records(block, bad)


def _json_records(block: Block, bad: BadLines) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, found in documents(block, bad):
        for document in found if isinstance(found, list) else [found]:
            if not isinstance(document, dict):
                bad.add(block, line, NO_CAPTURE, f"a JSON {type(document).__name__}, not an object")
                continue
            rest = {name: value for name, value in document.items() if name not in ADDED}
            yield line, _record(json.dumps(rest, ensure_ascii=False), "JSON", document.get(ID), document.get(TIME))


def _csv_records(block: Block, form: DatasetFormat, bad: BadLines) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in _csv_rows(block):
        if form.header and line == block.bounds(piece := block.piece_of(line))[0] and block.pieces[piece].begins_file:
            continue
        cells = text.rsplit(",", _ID_COLUMNS)
        if len(cells) <= _ID_COLUMNS:
            bad.add(block, line, NO_ID_COLUMNS, f"found {len(cells)} columns")
            continue
        data, *added = cells
        name, time = (next(csv.reader([cell]), [""])[0] for cell in added)
        yield line, _record(data, "CSV", name, time)


def _csv_rows(block: Block) -> Iterator[tuple[int, str]]:
    """The rows of CSV with the first line of each; a quoted cell may hold line ends."""
    row: list[str] = []
    first = quotes = 0
    for line in range(block.line_count):
        text = block.line(line).decode("utf-8", "replace")
        if not row and not text.strip():
            continue
        first = first if row else line
        row.append(text)
        quotes += text.count('"')
        if quotes % 2 == 0:
            yield first, "".join(row).rstrip("\r\n")
            row, quotes = [], 0
    if row:
        yield first, "".join(row).rstrip("\r\n")


def _record(data: str, encoding: str, name: object, time: object) -> dict[str, Any]:
    added = {"eventId": name, "inferenceTime": time}
    return {
        "captureData": {BATCH_OUTPUT: {"data": data, "encoding": encoding, "mode": "OUTPUT"}},
        "eventMetadata": {key: value if isinstance(value, str) else json.dumps(value) for key, value in added.items() if value is not None},
        "eventVersion": "0",
    }
