"""A task's slices into batches of named columns, whatever the format: the whole flow of `capture` in one place."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hourglass import storage
from hourglass.capture import payloads
from hourglass.capture.blocks import NOTED_A_LAYOUT, BadLines, Block, Piece, Reading, is_utf8, read_blocks, spans_lines
from hourglass.capture.csv_rows import CsvRows
from hourglass.capture.documents import Row, columns_of, flatten, records
from hourglass.capture.formats import BATCH_OUTPUT, INPUT, DatasetFormat
from hourglass.capture.hooks import InferenceRecord, Preprocessor, Script
from hourglass.capture.payloads import NAMED, Column, Rows
from hourglass.capture.records import NO_CAPTURE, NOT_JSON, NOT_UTF8, Records, Side, documents, inside, parse_records
from hourglass.capture.slices import Slice, Task
from hourglass.capture.window import Window
from hourglass.errors import InputError

WRONG_WIDTH, UNREADABLE = "wrong number of columns", "unreadable file"
PARQUET_BATCH_BYTES, PARQUET_ROWS = 64 << 20, 65_536
_ADDED = {"SageMakerInferenceId", "SageMakerInferenceTime"}
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_READINGS = {"csv": Reading(quoted=True), "parquet": Reading()}


@dataclass(frozen=True)
class ReadPlan:
    """How to read: the format, the names of columns that have only positions, the window, and the user's hook.

    `inputs` are the files of batch transform's inputs, by the path of their output.
    """

    form: DatasetFormat
    names: tuple[str, ...] = ()
    window: Window | None = None
    preprocessor: Script | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    batch_paths: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Batch:
    """Rows of one hour and one layout as named columns.

    `first` is the place of the first column; wide rows come in several batches, of which only the first counts them.
    """

    hour: str
    layout: str
    count: int
    columns: dict[str, Column]
    first: int = 0


def read_batches(task: Task, plan: ReadPlan, bad: BadLines, lines: Counter[str]) -> Iterator[Batch]:
    """All rows of a task; `bad` gets the lines that cannot be used and `lines` the number of lines by hour."""
    reader = _Reader(plan, bad, lines)
    if plan.form.kind == "parquet":
        yield from reader.parquet(task)
        return
    paired = dict(plan.inputs)
    for piece in task:
        if piece.path in paired:
            yield from reader.batch_pair(piece, paired[piece.path])
    alone = [piece for piece in task if piece.path not in paired]
    for block in read_blocks(alone, reader.unreadable, _READINGS.get(plan.form.kind, Reading(documents=True))):
        yield from reader.block(block)


class _Reader:
    """The steps of one task, by format; it counts lines and keeps what a later block of the same file needs."""

    def __init__(self, plan: ReadPlan, bad: BadLines, lines: Counter[str]) -> None:
        self.plan = plan
        self.bad = bad
        self.lines = lines
        self._headers: dict[str, list[str]] = {}
        self._common: set[str] = set()
        self._hook = Preprocessor(plan.preprocessor) if plan.preprocessor else None
        self.block: Callable[[Block], Iterator[Batch]] = {"csv": self._csv, "json": self._json}.get(plan.form.kind, self._captured)

    def unreadable(self, piece: Slice, reason: str) -> None:
        """Sets a file aside, as one line."""
        self.lines[piece.hour] += 1
        self.bad.add_file(piece, reason)

    def _batch(self, hour: str, rows: Rows) -> Batch:
        columns: dict[str, Column] = {}
        for name, (_, column) in zip(_names(self.plan.names, [own for own, _ in rows.columns]), rows.columns, strict=True):
            columns[_free(name, columns)] = column
        return Batch(hour, rows.layout, rows.count, columns)

    # captured records -------------------------------------------------------------------------------------------

    def _captured(self, block: Block) -> Iterator[Batch]:
        window = self.plan.window if self.plan.window and self.plan.window.cuts(block.hour) else None
        if self._hook is not None:
            yield from self._hooked_records(self._hook, block, window)
            return
        captured = parse_records(block, self.plan.form.sides, self.bad, window)
        self.lines[block.hour] += captured.read
        for rows in payloads.rows_of(captured, block, self.bad):
            self._note_uncommon(block, rows)
            yield self._batch(block.hour, rows)

    def _note_uncommon(self, block: Block, rows: Rows) -> None:
        """Keeps lines whose rows have another number of columns than the baseline, or without one than the first rows."""
        if not self._common:  # without a baseline any layout may turn out to be the uncommon one
            self._common = {str(len(self.plan.names)), rows.layout if NAMED in rows.layout else ""} if self.plan.names else {""}
        if rows.layout not in self._common and rows.lines is not None:
            lines = dict.fromkeys(rows.lines[:NOTED_A_LAYOUT].tolist())
            expected = f", expected {len(self.plan.names)}" if self.plan.names else ""
            self.bad.note(block, lines, WRONG_WIDTH, f"found {rows.layout}{expected}", rows.layout)

    def _hooked_records(self, hook: Preprocessor, block: Block, window: Window | None) -> Iterator[Batch]:
        made: list[Row] = []
        count = 0
        before = self.bad.total
        for line, document in documents(block, self.bad):
            if not isinstance(document, dict) or not isinstance(document.get("captureData"), dict):
                self.bad.add(block, line, NO_CAPTURE)
                continue
            count += 1
            record = InferenceRecord(document)
            if window is None or inside(record.event_metadata.event_time, window):
                made += hook.rows(record, lambda line=line: self._place(block, line), lambda document=document: json.dumps(document))  # type: ignore[misc]
        self.lines[block.hour] += count + self.bad.total - before
        yield from _named(block.hour, made)

    def _hooked_texts(self, hook: Preprocessor, block: Block, texts: Iterable[tuple[int, str]]) -> Iterator[Batch]:
        """A hook over data without records: its argument is the line as it stands, or a batch transform's output."""
        made: list[Row] = []
        before = self.bad.total
        for line, text in texts:
            self.lines[block.hour] += 1
            batch = block.pieces[block.piece_of(line)].path in self.plan.batch_paths
            argument = InferenceRecord(_batch_event(self._encoding, text)) if batch else text
            made += hook.rows(argument, lambda line=line: self._place(block, line), lambda text=text: text)  # type: ignore[misc]
        self.lines[block.hour] += self.bad.total - before
        yield from _named(block.hour, made)

    def _place(self, block: Block, line: int) -> str:
        path, number = self.bad.numbers.of(block, line)
        return path if number is None else f"{path}:{number}"

    # batch transform --------------------------------------------------------------------------------------------

    @property
    def _encoding(self) -> str:
        return "CSV" if self.plan.form.kind == "csv" else "JSON"

    def batch_pair(self, piece: Slice, input_path: str) -> Iterator[Batch]:
        """A batch transform output beside its input, line by line if they have as many lines, else as one record."""
        try:
            output, given = (storage.read_bytes(path) for path in (piece.path, input_path))
        except InputError as fault:
            self.unreadable(piece, f"{UNREADABLE}: {fault}")
            return
        if not (is_utf8(output) and is_utf8(given)):
            self.unreadable(piece, f"{UNREADABLE}: {NOT_UTF8}")
            return
        block = Block(piece.hour, output.rstrip(b"\r\n") + b"\n", (Piece(piece.path, 0, 0),))
        texts = _paired(block.data.decode("utf-8"), given.decode("utf-8"), self._encoding)
        if self._hook is not None:
            yield from self._hooked_pairs(self._hook, block, texts)
            return
        self.lines[piece.hour] += len(texts)
        sides = [_side(column, self._encoding) for column in zip(*texts, strict=True)]
        if self.plan.form.sides[0] == INPUT:
            sides.reverse()
        for rows in payloads.rows_of(Records(tuple(sides), np.arange(len(texts)), len(texts)), block, self.bad):
            yield self._batch(block.hour, _without_ids(rows))

    def _hooked_pairs(self, hook: Preprocessor, block: Block, texts: Sequence[tuple[str, str]]) -> Iterator[Batch]:
        made: list[Row] = []
        for line, (output, given) in enumerate(texts):
            self.lines[block.hour] += 1
            record = InferenceRecord(_batch_event(self._encoding, output, given))
            made += hook.rows(record, lambda line=line: self._place(block, line), lambda output=output: output)  # type: ignore[misc]
        yield from _named(block.hour, made)

    # data sets --------------------------------------------------------------------------------------------------

    def _csv(self, block: Block) -> Iterator[Batch]:
        for index, piece in enumerate(block.pieces):
            first, last = block.bounds(index)
            if self.plan.form.header and piece.begins_file:
                while first < last - 1 and not block.line(first).strip():
                    first += 1  # blank lines before the header
                self._headers[piece.path] = _header(block.line(first).decode("utf-8", "replace").rstrip("\r\n"), piece.path)
                first += 1
            if first == last:
                continue
            if self._hook is not None:
                yield from self._hooked_texts(self._hook, block, self._texts(block, first, last))
            else:
                yield from self._csv_rows(block, piece.path, first, last)

    def _texts(self, block: Block, first: int, last: int) -> Iterator[tuple[int, str]]:
        """The lines that are text and not blank; those that are no UTF-8 are set aside."""
        for line in range(first, last):
            data = block.line(line)
            if is_utf8(data):
                if data.strip():
                    yield line, data.decode("utf-8").rstrip("\r\n")
            else:
                self.bad.add(block, line, NOT_UTF8)

    def _csv_rows(self, block: Block, path: str, first: int, last: int) -> Iterator[Batch]:
        header = self._headers.get(path)
        data = block.data[block.line_starts[first] : block.line_starts[last]]
        if is_utf8(data):
            text, numbers = data.decode("utf-8"), np.arange(first, last)
        else:
            before = self.bad.total
            good = list(self._texts(block, first, last))
            self.lines[block.hour] += self.bad.total - before
            text, numbers = "\n".join(line for _, line in good), np.array([number for number, _ in good], np.int64)
        rows = CsvRows(pa.array([text], pa.string()))
        blank = rows.blank() if len(header or ()) != 1 else np.zeros(len(rows.widths), np.bool_)
        keep = ~blank
        self.lines[block.hour] += int(np.count_nonzero(keep))
        if header is not None:
            for row in np.flatnonzero(keep & (rows.widths != len(header))):
                # where quoted fields hold line breaks there are more lines than rows; the number is the row's then
                line = int(numbers[row]) if row < len(numbers) else last - 1
                self.bad.add(block, line, WRONG_WIDTH, f"found {rows.widths[row]}, expected {len(header)}")
            keep &= rows.widths == len(header)
        for width in np.unique(rows.widths[keep]).tolist():
            chosen = keep & (rows.widths == width)
            columns = rows.columns(None if chosen.all() else chosen, width)
            names: Sequence[str | None] = header if header is not None else [None] * width
            made = Rows(NAMED if header is not None else str(width), int(np.count_nonzero(chosen)), tuple(zip(names, columns, strict=True)))
            yield self._batch(block.hour, _without_ids(made) if path in self.plan.batch_paths else made)

    def _json(self, block: Block) -> Iterator[Batch]:
        if self._hook is not None:
            yield from self._hooked_texts(self._hook, block, self._json_texts(block))
            return
        made: list[Row] = []
        count = 0
        before = self.bad.total
        for line, document in documents(block, self.bad):
            if not isinstance(document, dict | list):
                self.bad.add(block, line, NOT_JSON, "not a JSON object")
                continue
            try:
                made += [{name: row[name] for name in row if name not in _ADDED} for row in records(document)]
                count += 1
            except ValueError as fault:
                self.bad.add(block, line, NOT_JSON, str(fault))
        self.lines[block.hour] += count + self.bad.total - before
        if made:
            yield Batch(block.hour, NAMED, len(made), dict(columns_of(made)))

    def _json_texts(self, block: Block) -> Iterator[tuple[int, str]]:
        for line, document in documents(block, self.bad):
            data = block.line(line)
            yield line, json.dumps(document) if spans_lines(data) else data.decode("utf-8").rstrip("\r\n")

    def _row_groups(self, file: pq.ParquetFile, piece: Slice, together: list[str] | None) -> Iterator[Batch]:
        """Batches of 65,536 rows by as many columns as make 64 MB, so that a block of a column costs the same in any width.

        Columns that hold others are flattened row by row, so they are read `together` with all.
        """
        names = file.schema_arrow.names
        width = len(names) if together else PARQUET_BATCH_BYTES // (8 * PARQUET_ROWS)
        rows = PARQUET_ROWS if not together else max(1024, PARQUET_BATCH_BYTES // (8 * len(names)))
        groups = list(piece.row_groups) or range(file.num_row_groups)
        for first in range(0, max(1, len(names)), width):
            chosen = names[first : first + width]
            columns = chosen if len(chosen) < len(names) else None
            for batch in file.iter_batches(rows, row_groups=groups, columns=columns, use_threads=False):
                count = batch.num_rows if first == 0 else 0
                self.lines[piece.hour] += count
                found = _flat_columns(batch)
                yield Batch(piece.hour, NAMED, count, found if together else {name: found[name] for name in chosen}, first)

    def parquet(self, task: Task) -> Iterator[Batch]:
        """Row groups in batches of about 64 MB; a file that cannot be read is set aside."""
        for piece in task:
            try:
                files, inner = storage.filesystem(piece.path)
                with files.open_input_file(inner) as stream:
                    footer = pq.read_metadata(stream)
                    fields = footer.schema.to_arrow_schema()
                    texts = [field.name for field in fields if pa.types.is_string(field.type)]
                    file = pq.ParquetFile(stream, metadata=footer, read_dictionary=texts)
                    yield from self._row_groups(file, piece, fields.names if any(map(_is_nested, fields)) else None)
            except (OSError, pa.ArrowException) as fault:
                self.unreadable(piece, f"{UNREADABLE}: {fault}")


def _names(expected: Sequence[str], own: Sequence[str | None]) -> list[str]:
    """The names of a row's columns: their own, and for those with a position only the baseline's that are left, in order.

    Where their numbers differ, a column is called by its place among the columns without names.

    >>> _names(["score", "age", "zip"], ["score", None, None]), _names(["score"], [None, None])
    (['score', 'age', 'zip'], ['_c0', '_c1'])
    """
    left = [name for name in expected if name not in own]
    nameless = own.count(None)
    given = iter(left if len(left) == nameless else [f"_c{i}" for i in range(nameless)])
    return [next(given) if name is None else name for name in own]


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, or `name.1`, `name.2`, … where input and output have columns of the same name."""
    number = 1
    free = name
    while free in taken:
        free, number = f"{name}.{number}", number + 1
    return free


def _named(hour: str, rows: Sequence[Row]) -> Iterator[Batch]:
    """The rows that a hook made, as one batch, columns in lexicographic order."""
    if rows:
        columns = columns_of(rows)
        yield Batch(hour, NAMED, len(rows), {name: columns[name] for name in sorted(columns)})


def _batch_event(encoding: str, output: str, given: str | None = None) -> dict[str, Any]:
    """A line of batch transform as a captured record."""
    capture = {BATCH_OUTPUT: {"data": output, "encoding": encoding, "mode": "OUTPUT"}}
    if given is not None:
        capture[INPUT] = {"data": given, "encoding": encoding, "mode": "INPUT"}
    return {"captureData": capture, "eventMetadata": {}, "eventVersion": "0"}


def _paired(output: str, given: str, encoding: str) -> list[tuple[str, str]]:
    """Lines of output and input side by side; both whole where a line is not a record."""
    lines, given_lines = (text.rstrip("\r\n").split("\n") for text in (output, given))
    broken = any(line.count('"') % 2 for line in lines + given_lines) if encoding == "CSV" else spans_lines(lines[0].encode())
    if broken or len(lines) != len(given_lines):
        return [(output, given)]
    return list(zip(lines, given_lines, strict=True))


def _side(texts: Sequence[str], encoding: str) -> Side:
    same = pa.DictionaryArray.from_arrays(np.zeros(len(texts), np.int32), pa.array([encoding]))
    return Side(pa.array(texts, pa.string()), same, pa.nulls(len(texts), pa.string()))


def _header(line: str, path: str) -> list[str]:
    try:
        names = next(csv.reader([line]), [])
    except csv.Error:  # a lone carriage return within the line
        names = line.split(",")
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise InputError(f"header of {path}", found=f"{twice[0]!r} twice", expected="distinct column names", hint="rename one")
    return names


def _without_ids(rows: Rows) -> Rows:
    """Rows without the id and the time that batch transform adds, by their names or by what they look like."""
    columns = [(name, column) for name, column in rows.columns if name not in _ADDED]
    firsts = [_first(column) if name is None and rows.count else "" for name, column in columns]
    for i in range(len(columns) - 1):
        if _UUID.fullmatch(firsts[i]) and _TIME.match(firsts[i + 1]):
            del columns[i : i + 2]
            break
    layout = rows.layout if rows.layout == NAMED else str(len(columns))
    return Rows(layout, rows.count, tuple(columns), rows.lines)


def _first(column: Column) -> str:
    return str(column[0].as_py() if isinstance(column, pa.Array) else column[0])


def _is_nested(field: pa.Field) -> bool:
    return bool(pa.types.is_nested(field.type))


def _flat_columns(batch: pa.RecordBatch) -> dict[str, Column]:
    if not any(map(_is_nested, batch.schema)):
        return dict(zip(batch.schema.names, batch.columns, strict=True))
    return dict(columns_of([flatten(row) for row in batch.to_pylist()]))
