"""What came in: lines, rows by number of columns, and lines that could not be used, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import orjson

from hourglass.states.state import damaged


@dataclass
class Intake:
    """Counts of what a pass has read, used and set aside.

    `rows` are by layout: the number of columns where columns have positions only (CSV), "named" where they have
    names. `bad` are lines by reason.

    >>> (Intake(lines=2, bad=Counter({"not JSON": 1})) + Intake(lines=3)).bad_share
    0.2
    """

    kind: ClassVar[str] = "intake"
    version: ClassVar[int] = 1

    lines: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    files: int = 0

    @property
    def bad_lines(self) -> int:
        """Lines that could not be used."""
        return sum(self.bad.values())

    @property
    def bad_share(self) -> float:
        """Share of the lines that could not be used; 0 of no lines is 0."""
        return self.bad_lines / self.lines if self.lines else 0.0

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def __add__(self, other: Self) -> Self:
        return type(self)(self.lines + other.lines, self.rows + other.rows, self.bad + other.bad, self.files + other.files)

    def to_bytes(self) -> bytes:
        parts = {"lines": self.lines, "rows": dict(self.rows), "bad": dict(self.bad), "files": self.files}
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            parts: Mapping[str, Any] = orjson.loads(data)
            return cls(parts["lines"], Counter(parts["rows"]), Counter(parts["bad"]), parts["files"])
        except (ValueError, KeyError, TypeError) as fault:
            raise damaged(cls.kind, repr(fault), "counts of lines and rows") from fault
