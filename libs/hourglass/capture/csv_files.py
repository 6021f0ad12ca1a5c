"""CSV files into batches: headers, rows of the right and of another width."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.capture.batch_transform import without_ids
from hourglass.capture.batches import Batch, ReadPlan, batch_of
from hourglass.capture.blocks import Block, Piece, is_utf8
from hourglass.capture.csv_rows import CsvRows
from hourglass.capture.hooked import HookedRows
from hourglass.capture.payloads import NAMED, Rows
from hourglass.capture.records import NOT_UTF8
from hourglass.capture.row_ids import Ids, ids_of_lines
from hourglass.capture.tally import WRONG_WIDTH, Tally
from hourglass.errors import InputError
from hourglass.hashing import hash_places


class CsvFiles:
    """CSV of blocks that follow each other: a header stands in the first block of its file."""

    def __init__(self, plan: ReadPlan, tally: Tally, hooked: HookedRows | None) -> None:
        self._plan = plan
        self._tally = tally
        self._hooked = hooked
        self._headers: dict[str, list[str]] = {}

    def batches(self, block: Block) -> Iterator[Batch]:
        """The rows of a block, file by file."""
        for index, piece in enumerate(block.pieces):
            first, last = block.bounds(index)
            if self._plan.form.header and piece.begins_file:
                while first < last - 1 and not block.line(first).strip():
                    first += 1  # blank lines before the header
                self._headers[piece.path] = _header(block.line(first).decode("utf-8", "replace").rstrip("\r\n"), piece.path)
                first += 1
            if first == last:
                continue
            if self._hooked is not None:
                yield from self._hooked.texts(block, self._texts(block, first, last))
            else:
                yield from self._rows(block, piece, first, last)

    def _texts(self, block: Block, first: int, last: int) -> Iterator[tuple[int, str]]:
        """The lines that are text and not blank; those that are no UTF-8 are set aside."""
        for line in range(first, last):
            data = block.line(line)
            if is_utf8(data):
                if data.strip():
                    yield line, data.decode("utf-8").rstrip("\r\n")
            else:
                self._tally.bad.add(block, line, NOT_UTF8)

    def _rows(self, block: Block, piece: Piece, first: int, last: int) -> Iterator[Batch]:
        header, bad = self._headers.get(piece.path), self._tally.bad
        data = block.data[block.line_starts[first] : block.line_starts[last]]
        if is_utf8(data):
            text, numbers = data.decode("utf-8"), np.arange(first, last)
        else:
            before = bad.total
            good = list(self._texts(block, first, last))
            self._tally.count(block, bad.total - before)
            text, numbers = "\n".join(line for _, line in good), np.array([number for number, _ in good], np.int64)
        rows = CsvRows(pa.array([text], pa.string()))
        ids = _ids(block, piece, first, numbers, len(rows.widths)) if self._plan.ids else None
        blank = rows.blank() if len(header or ()) != 1 else np.zeros(len(rows.widths), np.bool_)
        keep = ~blank
        self._tally.count(block, int(np.count_nonzero(keep)))
        if header is not None:
            for row in np.flatnonzero(keep & (rows.widths != len(header))):
                # where quoted fields hold line breaks there are more lines than rows; the number is the row's then
                line = int(numbers[row]) if row < len(numbers) else last - 1
                bad.add(block, line, WRONG_WIDTH, f"found {rows.widths[row]}, expected {len(header)}")
            keep &= rows.widths == len(header)
        for width in np.unique(rows.widths[keep]).tolist():
            chosen = keep & (rows.widths == width)
            columns = rows.columns(None if chosen.all() else chosen, width)
            names: Sequence[str | None] = header if header is not None else [None] * width
            layout = NAMED if header is not None else str(width)
            named = tuple(zip(names, columns, strict=True))
            made = Rows(layout, int(np.count_nonzero(chosen)), named, ids=None if ids is None else ids[chosen])
            yield batch_of(without_ids(made) if piece.path in self._plan.batch_paths else made, block, self._plan)


def _ids(block: Block, piece: Piece, first: int, lines: npt.NDArray[np.int64], rows: int) -> Ids:
    """The rows' ids by their lines; where quoted line breaks make more lines than rows, by the rows' numbers.

    A row's number counts from the byte where this run of the file begins. A row has a byte at least, so that no other
    run has the same number; and CSV is never cut, so that its runs are always the same.
    """
    if len(lines) == rows:
        return ids_of_lines(block, lines)
    return hash_places(piece.path, int(block.line_starts[first]) - piece.at + piece.start, rows)


def _header(line: str, path: str) -> list[str]:
    try:
        names = next(csv.reader([line]), [])
    except csv.Error:  # a lone carriage return within the line
        names = line.split(",")
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise InputError(f"header of {path}", found=f"{twice[0]!r} twice", expected="distinct column names", hint="rename one")
    return names
