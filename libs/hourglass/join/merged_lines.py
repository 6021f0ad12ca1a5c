"""A part's captured lines with their labels, as one file: the lines are read once more, and never leave the worker."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from hourglass import storage
from hourglass.capture.blocks import Block, read_blocks
from hourglass.capture.documents import load
from hourglass.capture.memory import keep_freed_memory
from hourglass.capture.tally import BadLines
from hourglass.errors import HourglassError, InputError, StoreFault
from hourglass.join.labels import TRUTH, json_text
from hourglass.join.placed import batch_documents, captured_documents, reading, spans
from hourglass.join.plan import PLACE_BITS, JoinPlan, MergedPart, Places, begins
from hourglass.scan import fault_document
from hourglass.schemas import MATCH_ROWS
from hourglass.states import Quantiles
from hourglass.values import Values

_KEY = b'"groundTruthData"'
_ENDED = b"}\n"


def merged_rows(batches: Iterable[pa.RecordBatch], plan: JoinPlan) -> Iterator[pa.RecordBatch]:
    """Writes the parts that the rows, in order of their places, belong to; gives a note of each, and hands on others' notes.

    A failure that a person can act on is a note too.
    """
    keep_freed_memory()
    matches = _Matches(batches)
    given_up = False
    while (number := matches.part()) is not None:
        if given_up:
            matches.skip(number)
            continue
        try:
            yield _note({"part": number, **_written(matches, number, plan)})
        except HourglassError as fault:
            yield _note({"fault": fault_document(fault)})
            matches.skip(number)
            given_up = isinstance(fault, StoreFault)  # each part would be waited for
    for payload in matches.notes:
        yield _note(payload)


def _note(found: dict[str, Any] | str) -> pa.RecordBatch:
    payload = found if isinstance(found, str) else orjson.dumps(found).decode()
    return pa.RecordBatch.from_pylist([{"target": 0, "place": -1, "payload": payload, "delay": 0.0, "timed": False}], MATCH_ROWS)


class _Matches:
    """The matched lines in the order of their places, taken as the part's blocks come by."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self.notes: list[str] = []
        self._batches = iter(batches)
        self._rows = pa.RecordBatch.from_pylist([], MATCH_ROWS)

    def part(self) -> int | None:
        """The part of the next line, None when there is none left."""
        return int(self._rows["place"][0].as_py()) >> PLACE_BITS if self._more() else None

    def upto(self, end: int) -> Iterator[pa.RecordBatch]:
        """The lines whose places are below `end`."""
        while self._more():
            count = int(np.searchsorted(np.asarray(self._rows["place"]), end))
            if count:
                yield self._rows.slice(0, count)
                self._rows = self._rows.slice(count)
            if self._rows.num_rows:
                return

    def skip(self, number: int) -> None:
        """Passes over what is left of a part."""
        for _ in self.upto((number + 1) << PLACE_BITS):
            continue

    def _more(self) -> bool:
        while self._rows.num_rows == 0:
            batch = next(self._batches, None)
            if batch is None:
                return False
            noted = np.asarray(batch.column(1)) < 0
            if noted.any():
                self.notes += batch.column(2).filter(pa.array(noted)).to_pylist()
                batch = batch.filter(pa.array(~noted))
            self._rows = batch
        return True


@dataclass
class _Delays:
    """How late the labels of a part are: their distribution in seconds, and of how many both sides have a time."""

    state: Quantiles = field(default_factory=Quantiles.empty)
    timed: int = 0
    count: int = 0

    def take(self, rows: pa.RecordBatch) -> None:
        delays = np.asarray(rows.column(3))
        self.state.update(Values(len(delays), numbers=delays))
        self.timed += int(np.count_nonzero(np.asarray(rows.column(4))))
        self.count += len(delays)


def _written(matches: _Matches, number: int, plan: JoinPlan) -> dict[str, Any]:
    """Stages the file of a part under a name that no reader takes, unless the file that is there has the same bytes."""
    part = plan.parts[number]
    place = storage.join(plan.output, part.partition, part.name)
    delays = _Delays()
    digest = hashlib.sha256()
    size = 0
    # of its own, for Spark may run a task twice at the same time, and one would cut off what the other has written
    token = f"{plan.token}-{secrets.token_hex(4)}"
    with storage.staged(place, token) as stage:
        for data in _merged(matches, number, part, plan, delays):
            stage.write(data)
            digest.update(data)
            size += len(data)
        kept = digest.hexdigest() == part.known
        if kept:
            stage.drop()
    return {
        "size": size,
        "sha256": digest.hexdigest(),
        "staged": None if kept else token,
        "matched": delays.count,
        "timed": delays.timed,
        "delays": base64.b64encode(delays.state.to_bytes()).decode(),
    }


def _merged(matches: _Matches, number: int, part: MergedPart, plan: JoinPlan, delays: _Delays) -> Iterator[bytes]:
    """The merged lines of a part, block by block."""
    batch = part.partition in plan.batch_partitions
    at = number << PLACE_BITS
    faults: list[str] = []
    for block in read_blocks(
        part.slices, lambda piece, reason: faults.append(f"{piece.path}, {reason}"), reading(batch=batch, form=plan.batch)
    ):
        end = at + len(block.data)
        found = list(matches.upto(end))
        if found:
            rows = pa.Table.from_batches(found).combine_chunks().to_batches()[0]
            delays.take(rows)
            yield _with_labels(block, np.asarray(rows.column(1)) - at, rows.column(2), plan, batch=batch)
        at = end
        del block
    if any(True for _ in matches.upto((number + 1) << PLACE_BITS)):
        raise _changed(part, faults[0] if faults else "fewer lines than at first")


def _changed(part: MergedPart, found: str) -> InputError:
    expected = "files that do not change while they are read"
    return InputError(f"captures of {part.partition}", found=found, expected=expected, hint="run it again")


def _with_labels(block: Block, places: Places, labels: pa.StringArray, plan: JoinPlan, *, batch: bool) -> bytes:
    r"""The records at some places of a block with the labels that belong to them.

    A line is not parsed: the label is put before its last brace. A line that speaks of ground truth already is.
    """
    texts = labels.cast(pa.binary()).to_pylist()
    if batch or spans(block):
        return _of_documents(block, places, texts, plan, batch=batch)
    lines = np.searchsorted(block.line_starts, places)
    if lines[-1] >= block.line_count or (block.line_starts[lines] != places).any():
        raise _changed(MergedPart(block.partition, block.part, ()), "lines that begin elsewhere than at first")
    data = block.data
    ends = _braces(block, lines)
    if _KEY in data or (ends < 0).any():
        return b"".join(
            _relabelled(data[start : data.index(b"\n", start)], text) for start, text in zip(places.tolist(), texts, strict=True)
        )
    view = memoryview(data)
    pieces: list[Any] = []
    for start, end, text in zip(places.tolist(), ends.tolist(), texts, strict=True):
        pieces += view[start:end], b',"groundTruthData":', text, _ENDED
    return b"".join(pieces)


def _braces(block: Block, lines: Places) -> Places:
    """Where the last brace of each line is, if nothing but a line break follows, -1 otherwise."""
    ends = block.line_starts[lines + 1] - 2
    ends = ends - (block.array[ends] == ord("\r"))
    return np.where(block.array[ends] == ord("}"), ends, -1)


def _relabelled(line: bytes, text: bytes) -> bytes:
    """A line with a label in place of the one that it may have."""
    line = line.rstrip()
    document = load(line) if _KEY in line else {}
    return _labelled(document, text) if TRUTH in document else line[:-1] + b',"groundTruthData":' + text + _ENDED


def _labelled(document: dict[str, Any], text: bytes) -> bytes:
    rest = {name: value for name, value in document.items() if name != TRUTH}
    return json_text(rest).encode()[:-1] + b',"groundTruthData":' + text + _ENDED


def _of_documents(block: Block, places: Places, texts: list[bytes], plan: JoinPlan, *, batch: bool) -> bytes:
    """Records that were parsed one by one."""
    ignored = BadLines(limit=0)
    found = list(batch_documents(block, plan.batch, ignored) if batch else captured_documents(block, ignored))
    at = begins(block, np.array([line for line, _ in found], np.int64))
    documents = dict(zip(at.tolist(), (document for _, document in found), strict=True))
    merged = []
    for place, text in zip(places.tolist(), texts, strict=True):
        document = documents.get(place)
        if document is None:
            raise _changed(MergedPart(block.partition, block.part, ()), "records that begin elsewhere than at first")
        merged.append(_labelled(document, text))
    return b"".join(merged)
