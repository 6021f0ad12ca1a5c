"""Slices into blocks of whole lines of about 8 MB, with the way back from a byte to its file and line.

Small files are put together into one block, so that twenty thousand of them cost what eight large ones cost.
"""

from __future__ import annotations

import gzip
import io
import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from hourglass import storage
from hourglass.capture.objects import ReadAhead, bucket
from hourglass.capture.slices import Slice

BLOCK_BYTES = 8 << 20
FIRST_PRINTABLE = 32
LONGEST_LINE = 256 << 20
_LONGEST_QUOTED_TAIL = 1 << 20  # a quote that is not closed within this many bytes was no opening quote
_READ_AHEAD = 32  # files in flight from an object store, whose answers take longer than their bytes
_AHEAD_BYTES = 64 << 20  # of small files that were read ahead
_MANY = 100  # remote files of a task from which on it pays to load what reads them with one request each: 0.2 s
_HEAD_BYTES = 1 << 16
BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
FILE_FAULTS = (EOFError, zlib.error, OSError)


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
    """Whole lines of one part of a partition, each with its line end."""

    partition: str
    part: int
    data: bytes
    pieces: tuple[Piece, ...]

    @cached_property
    def array(self) -> npt.NDArray[np.uint8]:
        """The data as an array of bytes."""
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def controls(self) -> npt.NDArray[np.int64]:
        """Where control characters stand: in most blocks these are the line ends, and one look at the data finds both."""
        return np.flatnonzero(self.array < FIRST_PRINTABLE)

    @cached_property
    def line_starts(self) -> npt.NDArray[np.int64]:
        """Where each line begins, and one past the end."""
        line_ends = self.controls[self.array[self.controls] == ord("\n")]
        return np.concatenate([[0], line_ends + 1])

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

    def place(self, line: int) -> tuple[str, int]:
        """The file of a line and the byte at which the line begins there."""
        piece = self.pieces[self.piece_of(line)]
        return piece.path, int(self.line_starts[line]) - piece.at + piece.start


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
    """The blocks of some slices; `fault` is told of a file, or the rest of one, that cannot be read.

    No block holds lines of two parts, but the files of the next part are opened while this one is read. A large run is
    a block as soon as it is read, so that no other waits in memory meanwhile.
    """
    gathered: list[bytes] = []
    pieces: list[Piece] = []
    size = 0
    part = "", 0
    for piece, start, data in _runs(slices, fault, reading):
        if gathered and (part != (piece.partition, piece.part) or size + len(data) > BLOCK_BYTES):
            yield Block(*part, b"".join(gathered), tuple(pieces))
            gathered, pieces, size = [], [], 0
        part = piece.partition, piece.part
        pieces.append(Piece(piece.path, size, start))
        gathered.append(data)
        size += len(data)
        del data
        if size > BLOCK_BYTES // 2 and len(pieces) == 1:
            yield Block(*part, gathered.pop(), tuple(pieces))
            pieces, size = [], 0
    if gathered:
        yield Block(*part, b"".join(gathered), tuple(pieces))


def _runs(slices: Iterable[Slice], fault: FileFault, reading: Reading) -> Iterator[tuple[Slice, int, bytes]]:
    """Runs of whole lines: slice, place of the first byte in the file, bytes that end in a line break."""
    for piece, source in _opened(slices, fault):
        if isinstance(source, bytes):
            data = source.removeprefix(BOM)
            if data:
                yield piece, 0, _ended(data)
            continue
        with source as stream:
            try:
                for start, data in _Lines(stream, piece, fault, reading).runs():
                    yield piece, start, data
                    del data
            except FILE_FAULTS as problem:
                fault(piece, f"unreadable file: {problem}")


def _opened(slices: Iterable[Slice], fault: FileFault) -> Iterator[tuple[Slice, bytes | IO[bytes]]]:
    """Each slice with its bytes when it is a small plain file, else with a stream; remote files are opened ahead."""
    iterator = iter(slices)
    ahead: deque[tuple[Slice, Future[bytes | IO[bytes]] | None]] = deque()
    size = count = 0
    with ThreadPoolExecutor(_READ_AHEAD) as threads, _none_left(ahead):
        while True:
            while len(ahead) < _READ_AHEAD * 2 and size < _AHEAD_BYTES and (following := next(iterator, None)):
                remote = not storage.is_local(following.path)
                ahead.append((following, threads.submit(_open, following, many=count > _MANY) if remote else None))
                size += _held(following)
                count += 1
            if not ahead:
                return
            piece, future = ahead.popleft()
            size -= _held(piece)
            try:
                source = future.result() if future else _open(piece)
            except FILE_FAULTS as problem:
                fault(piece, f"unreadable file: {getattr(problem, 'strerror', None) or problem}")
                continue
            yield piece, source


@contextmanager
def _none_left(ahead: deque[tuple[Slice, Future[bytes | IO[bytes]] | None]]) -> Iterator[None]:
    """Where the reading ends early, what is not begun is not waited for, and what was opened is closed."""
    try:
        yield
    finally:
        for _, future in ahead:
            if future is not None and not future.cancel():
                future.add_done_callback(_closed)


def _closed(future: Future[bytes | IO[bytes]]) -> None:
    if future.exception() is None and not isinstance(source := future.result(), bytes):
        source.close()


def _is_small(piece: Slice) -> bool:
    return piece.whole and piece.end <= BLOCK_BYTES


def _held(piece: Slice) -> int:
    """The bytes that a slice which was opened ahead takes in memory; what it takes when it is being read does not count."""
    return piece.size if _is_small(piece) else 0


def _open(piece: Slice, *, many: bool = False) -> bytes | IO[bytes]:
    if not _is_small(piece):
        stream = open_file(piece.path, piece.end)
        return unpacked(stream) if piece.whole else stream
    data = _whole_file(piece.path, many=many)
    return unpacked(io.BytesIO(data)) if data.startswith(_GZIP) else data


def _whole_file(path: str, *, many: bool) -> bytes:
    if storage.is_local(path):
        with Path(path).open("rb", buffering=0) as stream:
            return stream.read()
    name, _, key = path.removeprefix("s3://").partition("/")
    data = bucket(name).read(key) if many else None
    if data is None:
        with storage.opened(path) as stream:
            data = bytes(stream.read())
    return data


def open_file(path: str, end: int) -> IO[bytes]:
    """The bytes of a file as they are stored; of a remote one those up to `end` are read ahead."""
    if storage.is_local(path):
        return Path(path).open("rb")
    files, inner = storage.filesystem(path)
    with storage.asking(path):
        return io.BufferedReader(ReadAhead(files.open_input_file(inner), end, path), _HEAD_BYTES)


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream unpacked when it begins as gzip does, whatever the file is called."""
    packed = stream.read(len(_GZIP)) == _GZIP
    stream.seek(0)
    if not packed:
        return stream
    opened = gzip.GzipFile(fileobj=stream)
    opened.myfileobj = stream  # type: ignore[assignment]  # so that closing one closes both
    return cast("IO[bytes]", opened)


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
        head = self._stream.read(_HEAD_BYTES).removeprefix(BOM)
        self._stream.seek(0)
        first, line_break, _ = head.lstrip().partition(b"\n")
        return bool(line_break) and spans_lines(first)

    def _whole(self) -> Iterator[Run]:
        """The whole file as one run, for its first slice; nothing for the others."""
        if self._piece.start:
            return
        data = b"".join(self._read(LONGEST_LINE))
        if len(data) == LONGEST_LINE:
            self._fault(self._piece, f"document longer than {LONGEST_LINE >> 20} MB")
        elif data:
            yield 0, _ended(data.removeprefix(BOM))

    def _pieces(self) -> Iterator[Run]:
        if self._piece.start:  # the line at the edge belongs to the slice before this one
            self._at = self._piece.start - 1
            self._stream.seek(self._at)
            self._skip_line()
        size = self._piece.end - self._piece.start
        run = -(-size // max(1, round(size / BLOCK_BYTES)))  # alike, so that none is small: a block has costs of its own
        while self._at < self._end and self._problem is None:
            start = self._at
            data = self._completed(self._read(int(min(run, self._end - start))))
            if self._at == start:
                return
            if start == 0 and data.startswith(BOM):
                data = data[len(BOM) :]
            if data:
                yield start, _ended(data)
            del data  # here and where it is handed on: the next is not read while this one is in memory

    @property
    def _end(self) -> float:
        return float("inf") if self._piece.whole else self._piece.end  # the size of a packed file is not known

    def _read(self, size: int) -> list[bytes]:
        """So many bytes, fewer at the end of the file or where it is damaged."""
        parts: list[bytes] = []
        try:
            while size and (part := self._stream.read1(size)):  # type: ignore[attr-defined]
                parts.append(part)
                size -= len(part)
                self._at += len(part)
        except FILE_FAULTS as problem:
            self._problem = problem
        return parts

    def _read_line(self, limit: int) -> bytes:
        try:
            line = self._stream.readline(limit)
        except FILE_FAULTS as problem:
            self._problem, line = problem, b""
        self._at += len(line)
        return line

    def _completed(self, parts: list[bytes]) -> bytes:
        """The parts with the rest of their last line, put together once: they are large."""
        if parts and not parts[-1].endswith(b"\n"):
            rest = self._read_line(LONGEST_LINE)
            if len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                self._fault(self._piece, f"line longer than {LONGEST_LINE >> 20} MB")
                self._skip_line()
                data = b"".join(parts)
                return data[: data.rfind(b"\n") + 1]
            parts.append(rest)
        if self._reading.quoted and sum(part.count(b'"') for part in parts) % 2:
            parts.append(self._to_quote())
        data = b"".join(parts)
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
