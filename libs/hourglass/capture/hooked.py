"""Rows that a user's `preprocess_handler` makes: of captured records, of lines as they stand, of batch transform's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hourglass.capture.batches import Batch, ReadPlan
from hourglass.capture.blocks import Block
from hourglass.capture.captured import cutting_window
from hourglass.capture.documents import Row, columns_of
from hourglass.capture.event_times import inside, outside_hour
from hourglass.capture.formats import BATCH_OUTPUT, INPUT
from hourglass.capture.hooks import InferenceRecord, Preprocessor, Script
from hourglass.capture.payloads import NAMED
from hourglass.capture.records import IDS, NO_CAPTURE, TIME, documents, text_at
from hourglass.capture.row_ids import Ids, ids_of_lines, ids_of_records, ids_of_rows
from hourglass.capture.tally import Tally
from hourglass.capture.window import hour_of
from hourglass.values import string_array

Names = tuple[str | None, ...]


@dataclass(frozen=True)
class _Call:
    """One call of the hook: its argument, the record's line within the block, its text for an error, and its own ids."""

    line: int
    argument: InferenceRecord | str
    text: Callable[[], str]
    names: Names = (None,)


class HookedRows:
    """The rows that the hook makes of blocks; it is loaded once."""

    def __init__(self, script: Script, plan: ReadPlan, tally: Tally) -> None:
        self._hook = Preprocessor(script, empty_lists=plan.whole_documents)
        self._plan = plan
        self._tally = tally

    def records(self, block: Block) -> Iterator[Batch]:
        """Of captured records."""
        yield from self._called(block, self._records(block))

    def texts(self, block: Block, texts: Iterable[tuple[int, str]]) -> Iterator[Batch]:
        """Of data without records: the argument is the line as it stands, or a batch transform's output."""
        yield from self._called(block, self._texts(block, texts))

    def pairs(self, block: Block, texts: Sequence[tuple[str, str]]) -> Iterator[Batch]:
        """Of a batch transform's outputs and inputs."""
        self._tally.count(block, len(texts))
        calls = (
            _Call(line, InferenceRecord(_batch_event(self._plan.form.encoding, output, given)), lambda output=output: output)  # type: ignore[misc]
            for line, (output, given) in enumerate(texts)
        )
        yield from self._called(block, calls)

    def _records(self, block: Block) -> Iterator[_Call]:
        tally, window, hour = self._tally, cutting_window(self._plan, block), hour_of(block.partition)
        lines: list[int] = []
        times: list[str | None] = []
        before = tally.bad.total
        for line, document in documents(block, tally.bad):
            if not isinstance(document, dict) or not isinstance(document.get("captureData"), dict):
                tally.bad.add(block, line, NO_CAPTURE)
                continue
            lines.append(line)
            times.append(text_at(document, TIME))
            if window is None or inside(times[-1], window):
                names = tuple(text_at(document, path) for path in IDS) if self._plan.ids else (None,)
                yield _Call(line, InferenceRecord(document), lambda document=document: json.dumps(document), names)  # type: ignore[misc]
        tally.count(block, len(lines) + tally.bad.total - before)
        if hour and len(strangers := outside_hour(string_array(times), hour)):
            tally.misplaced(block, [lines[i] for i in strangers.tolist()])

    def _texts(self, block: Block, texts: Iterable[tuple[int, str]]) -> Iterator[_Call]:
        before = self._tally.bad.total
        for line, text in texts:
            self._tally.count(block, 1)
            batch = block.pieces[block.piece_of(line)].path in self._plan.batch_paths
            argument = InferenceRecord(_batch_event(self._plan.form.encoding, text)) if batch else text
            yield _Call(line, argument, lambda text=text: text)  # type: ignore[misc]
        self._tally.count(block, self._tally.bad.total - before)

    def _called(self, block: Block, calls: Iterable[_Call]) -> Iterator[Batch]:
        """All rows of a block as one batch, columns in lexicographic order."""
        rows: list[Row] = []
        made: list[tuple[int, Names, int]] = []
        for call in calls:
            found = self._hook.rows(call.argument, lambda call=call: self._place(block, call.line), call.text)  # type: ignore[misc]
            rows += found
            made.append((call.line, call.names, len(found)))
        if rows:
            columns = columns_of(rows)
            ids = _ids(block, made) if self._plan.ids else None
            yield Batch(block.partition, block.part, NAMED, len(rows), {name: columns[name] for name in sorted(columns)}, ids=ids)

    def _place(self, block: Block, line: int) -> str:
        path, number = self._tally.bad.numbers.of(block, line)
        return path if number is None else f"{path}:{number}"


def _ids(block: Block, made: Sequence[tuple[int, Names, int]]) -> Ids:
    """The ids of the rows: their record's, or its line's, and the row's number in it."""
    lines, names, counts = zip(*made, strict=True)
    places = np.array(lines, np.int64)
    named = [string_array(column) for column in zip(*names, strict=True)]
    records = ids_of_lines(block, places) if len(named) < len(IDS) else ids_of_records(block, places, named)
    return ids_of_rows(records, np.array(counts, np.int64))


def _batch_event(encoding: str, output: str, given: str | None = None) -> dict[str, Any]:
    """A line of batch transform as a captured record."""
    capture = {BATCH_OUTPUT: {"data": output, "encoding": encoding, "mode": "OUTPUT"}}
    if given is not None:
        capture[INPUT] = {"data": given, "encoding": encoding, "mode": "INPUT"}
    return {"captureData": capture, "eventMetadata": {}, "eventVersion": "0"}
