"""How many values of a column are missing, integral, fractional, boolean, text, NaN or infinite."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import ClassVar, Self

from hourglass.states.replicates import LARGEST
from hourglass.states.state import column_state, damaged
from hourglass.values import Values


@column_state
@dataclass
class ValueClasses:
    """Counts of Deequ's value classes; `missing` includes `nan`, which is counted apart as well.

    `whole` counts the numbers without a fraction, however they are written; they are among integral and fractional.

    >>> state = ValueClasses(rows=3, missing=1, integral=2)
    >>> (state + state).present
    4
    """

    kind: ClassVar[str] = "value_classes"
    version: ClassVar[int] = 1

    rows: int = 0
    missing: int = 0
    nan: int = 0
    infinite: int = 0
    integral: int = 0
    fractional: int = 0
    boolean: int = 0
    string: int = 0
    whole: int = 0

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def numeric(self) -> int:
        """Rows whose value is a number."""
        return self.integral + self.fractional + self.infinite

    @property
    def textual(self) -> int:
        """Rows whose value is text or boolean."""
        return self.boolean + self.string

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def update(self, values: Values) -> None:
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + getattr(values, name))

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        return cls(*map(sum, zip(*map(_values, states), strict=True)))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        return _LAYOUT.pack(*_values(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        if len(data) != _LAYOUT.size:
            raise damaged(cls.kind, f"{len(data)} bytes", f"{_LAYOUT.size} bytes")
        state = cls(*_LAYOUT.unpack(data))
        if min(_values(state)) < 0 or max(_values(state)) > state.rows or state.rows >= LARGEST:
            raise damaged(cls.kind, f"counts of {', '.join(map(str, _values(state)))}", "rows, and none counted more often")
        return state


_NAMES = tuple(field.name for field in fields(ValueClasses))
_LAYOUT = struct.Struct(f"<{len(_NAMES)}q")
_values = attrgetter(*_NAMES)  # astuple copies deeply, 30 times slower
