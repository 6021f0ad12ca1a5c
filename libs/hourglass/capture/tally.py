"""What a task's reading found out beside the rows: how many lines, which could not be used, which have another hour's time.

All is counted by part, because a part's counts must not depend on what else is in the task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hourglass.capture.blocks import BLOCK_BYTES, BOM, FILE_FAULTS, Block, Piece, open_file, unpacked
from hourglass.capture.slices import Slice
from hourglass.capture.window import hour_of
from hourglass.errors import InputError

WRONG_WIDTH = "wrong number of columns"

PartKey = tuple[str, int]  # a partition, and the number of a part in it

MOST_KEPT = 10_000  # bad lines a part
NOTED_A_LAYOUT = 100  # lines a part
_KEPT_CHARACTERS = 1000
_EXAMPLES = 3
_FARTHEST_LINE_NUMBER = 1 << 30  # counting the lines before a byte reads the file up to there


class LineNumbers:
    """The number, from 1, of a line in its file: known while a file is read from its begin on, else counted."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[int, int]] = {}
        self._reading: tuple[PartKey, str] | None = None  # the file that goes on in the next block
        self._at = self._lines = 0

    def passed(self, block: Block) -> None:
        """Takes note of how many lines a block has of its last file, which may go on in the next block of the part."""
        last = block.pieces[-1]
        first, end = block.bounds(len(block.pieces) - 1)
        before = 0 if last.begins_file else self._known(block, last)
        self._reading = None if before is None else ((block.partition, block.part), last.path)
        self._at, self._lines = last.start + len(block.data) - last.at, (before or 0) + end - first

    def of(self, block: Block, line: int, *, count: bool = True) -> tuple[str, int | None]:
        """The file of a block's line and its number there; None so far into a file that counting would take long.

        Unless it is to `count`, it is None too where the part does not hold the begin of the file.
        """
        index = block.piece_of(line)
        piece = block.pieces[index]
        before = 0 if piece.begins_file else self._known(block, piece)
        if before is None and count:
            before = self._before(piece.path, piece.start)
        return piece.path, None if before is None else before + line - block.bounds(index)[0] + 1

    def _known(self, block: Block, piece: Piece) -> int | None:
        """How many lines come before a piece that follows what was read last; a byte order mark may lie between."""
        follows = self._reading == ((block.partition, block.part), piece.path) and 0 <= piece.start - self._at <= len(BOM)
        return self._lines if follows else None

    def _before(self, path: str, end: int) -> int | None:
        at, count = self._counted.get(path, (0, 0))
        if end < at:
            at, count = 0, 0
        if end > _FARTHEST_LINE_NUMBER:
            return None
        try:
            with open_file(path, end) as source, unpacked(source) as stream:
                stream.seek(at)
                while at < end and (chunk := stream.read(min(end - at, BLOCK_BYTES))):
                    count += chunk.count(b"\n")
                    at += len(chunk)
        except (*FILE_FAULTS, InputError):
            return None
        self._counted[path] = at, count
        return count


@dataclass
class BadLines:
    """Lines that could not be used: counted by part and reason, kept with file and line up to a limit a part."""

    limit: int = MOST_KEPT
    counts: dict[PartKey, Counter[str]] = field(default_factory=dict)
    kept: dict[PartKey, list[dict[str, object]]] = field(default_factory=dict)
    numbers: LineNumbers = field(default_factory=LineNumbers)
    total: int = 0
    _noted: Counter[tuple[str, int, str]] = field(default_factory=Counter)

    def add(self, block: Block, line: int, reason: str, detail: str = "") -> None:
        """Sets aside one line of a block."""
        part = block.partition, block.part
        self._count(part, reason)
        if self._has_room(part):
            self._keep_line(block, line, reason, detail, "", *self.numbers.of(block, line))

    def note(self, block: Block, lines: Iterable[int], detail: str, layout: str, most: int, *, count: bool) -> None:
        """Keeps up to `most` lines of a layout without counting them: whether it is the wrong one shows when all hours are known.

        Where that is mostly not so, it is not worth it to `count` the lines before them.
        """
        part = block.partition, block.part
        for line in lines:
            if self._noted[*part, layout] >= most or not self._has_room(part):
                return
            self._noted[*part, layout] += 1
            self._keep_line(block, line, WRONG_WIDTH, detail, layout, *self.numbers.of(block, line, count=count))

    def add_file(self, piece: Slice, reason: str) -> None:
        """Sets aside a file, or the rest of one; counts as one line."""
        kind, _, detail = reason.partition(": ")
        part = piece.partition, piece.part
        self._count(part, kind)
        if self._has_room(part):
            self._keep(part, piece.path, None, kind, detail, "", "")

    def _has_room(self, part: PartKey) -> bool:
        return len(self.kept.get(part, ())) < self.limit

    def _count(self, part: PartKey, reason: str) -> None:
        self.total += 1
        self.counts.setdefault(part, Counter())[reason] += 1

    def _keep_line(self, block: Block, line: int, reason: str, detail: str, layout: str, path: str, number: int | None) -> None:
        start, end = block.line_starts[line], block.line_starts[line + 1]
        text = block.data[start : min(end, start + 4 * _KEPT_CHARACTERS)].rstrip(b"\r\n").decode("utf-8", "replace")
        self._keep((block.partition, block.part), path, number, reason, detail, text, layout)

    def _keep(self, part: PartKey, path: str, line: int | None, reason: str, detail: str, text: str, layout: str) -> None:
        entry: dict[str, object] = {"file": path, "line": line, "reason": reason, "detail": detail, "record": text[:_KEPT_CHARACTERS]}
        self.kept.setdefault(part, []).append({**entry, "hour": hour_of(part[0]), "layout": layout})


@dataclass
class Outside:
    """Records whose own time lies outside of their partition's hour: how many, and where the first of them stand."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """Lines read, with those that were set aside or left out; bad lines; records outside of their hour. All by part."""

    lines: Counter[PartKey] = field(default_factory=Counter)
    bad: BadLines = field(default_factory=BadLines)
    outside: dict[PartKey, Outside] = field(default_factory=dict)

    def unreadable(self, piece: Slice, reason: str) -> None:
        """Sets a file aside, or the rest of one, as one line."""
        self.lines[piece.partition, piece.part] += 1
        self.bad.add_file(piece, reason)

    def count(self, block: Block, lines: int) -> None:
        """Counts lines of a block."""
        self.lines[block.partition, block.part] += lines

    def misplaced(self, block: Block, lines: Sequence[int]) -> None:
        """Counts the records on these lines, whose time is another hour's."""
        found = self.outside.setdefault((block.partition, block.part), Outside())
        found.count += len(lines)
        found.examples += [self._example(block, line) for line in lines[: _EXAMPLES - len(found.examples)]]

    def _example(self, block: Block, line: int) -> str:
        """`file:line`, or the byte where the lines before would have to be counted, which an example is not worth."""
        path, number = self.bad.numbers.of(block, line, count=False)
        return f"{path}, byte {block.place(line)[1]}" if number is None else f"{path}:{number}"
