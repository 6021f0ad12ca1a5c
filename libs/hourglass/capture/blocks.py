"""Slices into blocks of whole lines of about 8 MB, with the way back from a byte to its file and line.

Small files are put together into one block, so that twenty thousand of them cost what eight large ones cost.
"""

from __future__ import annotations

import gzip
import io
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from hourglass import storage
from hourglass.capture.slices import Slice
from hourglass.errors import InputError

BLOCK_BYTES = 8 << 20
LONGEST_LINE = 256 << 20
KEPT_CHARACTERS = 1000
NOTED_A_LAYOUT = 1000
_LONGEST_QUOTED_TAIL = 1 << 20  # a quote that is not closed within this many bytes was no opening quote
_FARTHEST_LINE_NUMBER = 1 << 30  # counting the lines before a byte reads the file up to there
_READ_AHEAD = 32  # files in flight from an object store, whose answers take longer than their bytes
_HEAD_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_FAULTS = (EOFError, zlib.error, OSError)


@dataclass(frozen=True)
class Piece:
    """Where a run of a block's bytes comes from: `at` in the block is `start` in the file's (unpacked) bytes.

    A byte order mark is left out; `start` is 0 after it too.
    """

    path: str
    at: int
    start: int

    @property
    def begins_file(self) -> bool:
        """Whether no line comes before it in the file."""
        return self.start == 0


@dataclass(frozen=True)
class Block:
    """Whole lines of one hour, each with its line end."""

    hour: str
    data: bytes
    pieces: tuple[Piece, ...]

    @cached_property
    def array(self) -> npt.NDArray[np.uint8]:
        """The data as an array of bytes."""
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def line_starts(self) -> npt.NDArray[np.int64]:
        """Where each line begins, and one past the end."""
        return np.concatenate([[0], np.flatnonzero(self.array == ord("\n")) + 1])

    @property
    def line_count(self) -> int:
        """How many lines there are, blank ones included."""
        return len(self.line_starts) - 1

    @cached_property
    def is_utf8(self) -> bool:
        """Whether the whole block is UTF-8."""
        return is_utf8(self.data)

    @cached_property
    def filled_lines(self) -> npt.NDArray[np.int64]:
        """The numbers, within the block, of the lines that hold more than white space."""
        if self.line_count == 0:
            return np.empty(0, np.int64)
        filled = np.maximum.reduceat(self.array, self.line_starts[:-1]) > ord(" ")
        for number in np.flatnonzero(~filled).tolist():
            filled[number] = bool(self.line(number).strip())  # zero bytes of a crashed disk are no white space
        return np.flatnonzero(filled)

    def line(self, number: int) -> bytes:
        """One line with its end."""
        return self.data[self.line_starts[number] : self.line_starts[number + 1]]

    def bounds(self, piece: int) -> tuple[int, int]:
        """The first line of a piece, by the piece's number, and one past its last."""
        edges = [self.pieces[piece].at, self.pieces[piece + 1].at if piece + 1 < len(self.pieces) else len(self.data)]
        first, last = np.searchsorted(self.line_starts, edges).tolist()
        return first, last

    def piece_of(self, line: int) -> int:
        """The number of the piece that a line belongs to."""
        return bisect_right(self.pieces, int(self.line_starts[line]), key=lambda piece: piece.at) - 1


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def spans_lines(first_line: bytes) -> bool:
    """Whether a file with this first line holds a JSON document over several lines.

    >>> spans_lines(b"[{"), spans_lines(b'{"a": 1,'), spans_lines(b'{"a": 1}')
    (True, True, False)
    """
    # no document of JSON ends in one of these
    return first_line.rstrip().endswith((b"{", b"[", b",", b":"))


FileFault = Callable[[Slice, str], None]
Run = tuple[int, bytes]


@dataclass(frozen=True)
class Reading:
    """What may stretch over several lines: rows of CSV with line breaks `quoted`, JSON `documents`."""

    quoted: bool = False
    documents: bool = False


LINES = Reading()


def read_blocks(slices: Iterable[Slice], fault: FileFault, reading: Reading = LINES) -> Iterator[Block]:
    """The blocks of some slices; `fault` is told of a file, or the rest of one, that cannot be read."""
    gathered: list[bytes] = []
    pieces: list[Piece] = []
    size = 0
    hour = ""
    for piece, start, data in _runs(slices, fault, reading):
        if gathered and (hour != piece.hour or size + len(data) > BLOCK_BYTES):
            yield Block(hour, b"".join(gathered), tuple(pieces))
            gathered, pieces, size = [], [], 0
        hour = piece.hour
        pieces.append(Piece(piece.path, size, start))
        gathered.append(data)
        size += len(data)
    if gathered:
        yield Block(hour, b"".join(gathered), tuple(pieces))


def _runs(slices: Iterable[Slice], fault: FileFault, reading: Reading) -> Iterator[tuple[Slice, int, bytes]]:
    """Runs of whole lines: slice, place of the first byte in the file, bytes that end in a line break."""
    for piece, source in _opened(slices, fault):
        if isinstance(source, bytes):
            data = source.removeprefix(_BOM)
            if data:
                yield piece, 0, _ended(data)
            continue
        with source as stream:
            try:
                for start, data in _Lines(stream, piece, fault, reading).runs():
                    yield piece, start, data
            except _FAULTS as problem:
                fault(piece, f"unreadable file: {problem}")


def _opened(slices: Iterable[Slice], fault: FileFault) -> Iterator[tuple[Slice, bytes | IO[bytes]]]:
    """Each slice with its bytes when it is a small plain file, else with a stream; remote files are opened ahead."""
    iterator = iter(slices)
    ahead: list[tuple[Slice, Future[bytes | IO[bytes]] | None]] = []
    with ThreadPoolExecutor(_READ_AHEAD) as threads:
        while True:
            ahead += [
                (piece, None if storage.is_local(piece.path) else threads.submit(_open, piece))
                for piece in islice(iterator, _READ_AHEAD * 2 - len(ahead))
            ]
            if not ahead:
                return
            piece, future = ahead.pop(0)
            try:
                source = future.result() if future else _open(piece)
            except _FAULTS as problem:
                fault(piece, f"unreadable file: {getattr(problem, 'strerror', None) or problem}")
                continue
            yield piece, source


def _open(piece: Slice) -> bytes | IO[bytes]:
    small = piece.whole and piece.end <= BLOCK_BYTES
    stream = open_file(piece.path, unbuffered=small)
    if not piece.whole:
        return stream
    if not small:
        return _unpacked(stream)
    with stream:
        data = stream.read()
    return _unpacked(io.BytesIO(data)) if data.startswith(_GZIP) else data


def open_file(path: str, *, unbuffered: bool = False) -> IO[bytes]:
    """The bytes of a file as they are stored."""
    if storage.is_local(path):
        return Path(path).open("rb", buffering=0 if unbuffered else -1)
    files, inner = storage.filesystem(path)
    stream: IO[bytes] = files.open_input_file(inner)
    return stream if unbuffered else io.BufferedReader(stream, _HEAD_BYTES)  # type: ignore[type-var]


def _unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream unpacked when it begins as gzip does, whatever the file is called."""
    packed = stream.read(len(_GZIP)) == _GZIP
    stream.seek(0)
    if not packed:
        return stream
    unpacked = gzip.GzipFile(fileobj=stream)
    unpacked.myfileobj = stream  # type: ignore[assignment]  # so that closing one closes both
    return cast("IO[bytes]", unpacked)


def _ended(data: bytes) -> bytes:
    return data if data.endswith(b"\n") else data + b"\n"


class _Lines:
    """The lines that begin in one slice of a file, in runs of about 8 MB; the last line is read to its end."""

    def __init__(self, stream: IO[bytes], piece: Slice, fault: FileFault, reading: Reading) -> None:
        self._stream = stream
        self._piece = piece
        self._fault = fault
        self._reading = reading
        self._at = 0
        self._problem: Exception | None = None

    def runs(self) -> Iterator[Run]:
        """Each run with the place of its first byte."""
        if self._reading.documents and self._holds_document():
            yield from self._whole()
        else:
            yield from self._pieces()
        if self._problem is not None:
            self._fault(self._piece, f"unreadable file: {self._problem}")

    def _holds_document(self) -> bool:
        head = self._stream.read(_HEAD_BYTES).removeprefix(_BOM)
        self._stream.seek(0)
        first, line_break, _ = head.lstrip().partition(b"\n")
        return bool(line_break) and spans_lines(first)

    def _whole(self) -> Iterator[Run]:
        """The whole file as one run, for its first slice; nothing for the others."""
        if self._piece.start:
            return
        data = self._read(LONGEST_LINE)
        if len(data) == LONGEST_LINE:
            self._fault(self._piece, f"document longer than {LONGEST_LINE >> 20} MB")
        elif data:
            yield 0, _ended(data.removeprefix(_BOM))

    def _pieces(self) -> Iterator[Run]:
        if self._piece.start:  # the line at the edge belongs to the slice before this one
            self._at = self._piece.start - 1
            self._stream.seek(self._at)
            self._skip_line()
        while self._at < self._end and self._problem is None:
            start = self._at
            data = self._read(int(min(BLOCK_BYTES, self._end - start)))
            if not data:
                return
            data = self._completed(data)
            if start == 0 and data.startswith(_BOM):
                data = data[len(_BOM) :]
            if data:
                yield start, _ended(data)

    @property
    def _end(self) -> float:
        return float("inf") if self._piece.whole else self._piece.end  # the size of a packed file is not known

    def _read(self, size: int) -> bytes:
        """So many bytes, fewer at the end of the file or where it is damaged."""
        parts: list[bytes] = []
        try:
            while size and (part := self._stream.read1(size)):  # type: ignore[attr-defined]
                parts.append(part)
                size -= len(part)
        except _FAULTS as problem:
            self._problem = problem
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._at += len(data)
        return data

    def _read_line(self, limit: int) -> bytes:
        try:
            line = self._stream.readline(limit)
        except _FAULTS as problem:
            self._problem, line = problem, b""
        self._at += len(line)
        return line

    def _completed(self, data: bytes) -> bytes:
        """The bytes with the rest of their last line."""
        if not data.endswith(b"\n"):
            rest = self._read_line(LONGEST_LINE)
            if len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                self._fault(self._piece, f"line longer than {LONGEST_LINE >> 20} MB")
                self._skip_line()
                return data[: data.rfind(b"\n") + 1]
            data += rest
        if self._reading.quoted and data.count(b'"') % 2:
            data += self._to_quote()
        # the fault of a damaged file speaks for its broken last line too
        return data if self._problem is None else data[: data.rfind(b"\n") + 1]

    def _to_quote(self) -> bytes:
        """The lines up to the one that closes an open quote, or a good many if none does."""
        before = self._at
        lines = []
        while self._at - before < _LONGEST_QUOTED_TAIL and (line := self._read_line(LONGEST_LINE)):
            lines.append(line)
            if line.count(b'"') % 2:
                break
        return b"".join(lines)

    def _skip_line(self) -> None:
        while (line := self._read_line(_HEAD_BYTES)) and not line.endswith(b"\n"):
            continue


class LineNumbers:
    """The number, from 1, of a line in its file, found by counting on from the last one asked for."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, block: Block, line: int) -> tuple[str, int | None]:
        """The file of a block's line and its number there; None so far into a file that counting would take long."""
        index = block.piece_of(line)
        piece = block.pieces[index]
        before = 0 if piece.begins_file else self._before(piece.path, piece.start)
        return piece.path, None if before is None else before + line - block.bounds(index)[0] + 1

    def _before(self, path: str, end: int) -> int | None:
        at, count = self._known.get(path, (0, 0))
        if end < at:
            at, count = 0, 0
        if end > _FARTHEST_LINE_NUMBER:
            return None
        try:
            with open_file(path) as source, _unpacked(source) as stream:
                stream.seek(at)
                while at < end and (chunk := stream.read(min(end - at, BLOCK_BYTES))):
                    count += chunk.count(b"\n")
                    at += len(chunk)
        except (*_FAULTS, InputError):
            return None
        self._known[path] = at, count
        return count


@dataclass
class BadLines:
    """Lines that could not be used: counted by hour and reason, kept with file and line up to a limit a task."""

    limit: int = 10_000
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    kept: list[dict[str, object]] = field(default_factory=list)
    numbers: LineNumbers = field(default_factory=LineNumbers)
    _noted: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, block: Block, line: int, reason: str, detail: str = "") -> None:
        """Sets aside one line of a block."""
        self._count(block.hour, reason)
        if len(self.kept) < self.limit:
            self._keep_line(block, line, reason, detail)

    def note(self, block: Block, lines: Iterable[int], reason: str, detail: str, layout: str) -> None:
        """Keeps some lines of an uncommon layout without counting them: whether it is the wrong one shows when all hours are known."""
        for line in lines:
            noted = self._noted.get((block.hour, layout), 0)
            if noted >= NOTED_A_LAYOUT or len(self.kept) >= self.limit:
                return
            self._noted[block.hour, layout] = noted + 1
            self._keep_line(block, line, reason, detail, layout)

    def add_file(self, piece: Slice, reason: str) -> None:
        """Sets aside a file, or the rest of one; counts as one line."""
        kind, _, detail = reason.partition(": ")
        self._count(piece.hour, kind)
        self._keep(piece.hour, piece.path, None, kind, detail, "", "")

    def _keep_line(self, block: Block, line: int, reason: str, detail: str, layout: str = "") -> None:
        path, number = self.numbers.of(block, line)
        start, end = block.line_starts[line], block.line_starts[line + 1]
        text = block.data[start : min(end, start + 4 * KEPT_CHARACTERS)].rstrip(b"\r\n").decode("utf-8", "replace")
        self._keep(block.hour, path, number, reason, detail, text, layout)

    @property
    def total(self) -> int:
        """How many were set aside, kept or not."""
        return sum(sum(reasons.values()) for reasons in self.counts.values())

    def _count(self, hour: str, reason: str) -> None:
        reasons = self.counts.setdefault(hour, {})
        reasons[reason] = reasons.get(reason, 0) + 1

    def _keep(self, hour: str, path: str, line: int | None, reason: str, detail: str, text: str, layout: str) -> None:
        entry: dict[str, object] = {"file": path, "line": line, "reason": reason, "detail": detail, "record": text[:KEPT_CHARACTERS]}
        self.kept.append({**entry, "hour": hour, "layout": layout})
