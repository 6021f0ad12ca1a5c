"""What came in: lines, rows by number of columns, and lines that could not be used, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import orjson

from hourglass.states.state import damaged

EXAMPLES = 3


@dataclass
class Intake:
    """Counts of what a pass has read, used and set aside.

    `rows` are by layout: the number of columns where columns have positions only (CSV), "named" where they have
    names. `bad` are lines by reason; `outside` counts records whose own time is of another hour than their folder's,
    with the places of a few.

    >>> (Intake(lines=2, bad=Counter({"not JSON": 1})) + Intake(lines=3)).bad_share
    0.2
    """

    kind: ClassVar[str] = "intake"
    version: ClassVar[int] = 1

    lines: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    files: int = 0
    outside: int = 0
    outside_at: tuple[str, ...] = ()

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

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        rows: Counter[str] = Counter()
        bad: Counter[str] = Counter()
        for state in states:
            rows.update(state.rows)
            bad.update(state.bad)
        lines, files, outside = (sum(getattr(state, name) for state in states) for name in ("lines", "files", "outside"))
        places = sorted(place for state in states for place in state.outside_at)
        return cls(lines, rows, bad, files, outside, tuple(places[:EXAMPLES]))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        parts = {
            "lines": self.lines,
            "rows": dict(self.rows),
            "bad": dict(self.bad),
            "files": self.files,
            "outside": self.outside,
            "outside_at": self.outside_at,
        }
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            parts: Mapping[str, Any] = orjson.loads(data)
            rows, bad, places = Counter(dict(parts["rows"])), Counter(dict(parts["bad"])), tuple(parts["outside_at"])
            state = cls(parts["lines"], rows, bad, parts["files"], parts["outside"], places)
        except (ValueError, KeyError, TypeError) as fault:
            raise damaged(cls.kind, repr(fault), "counts of lines and rows") from fault
        counts: list[object] = [state.lines, state.files, state.outside, *rows.values(), *bad.values()]
        if not all(isinstance(count, int) and count >= 0 for count in counts) or not all(isinstance(place, str) for place in places):
            raise damaged(cls.kind, f"counts {counts}", "whole numbers from 0")
        return state
