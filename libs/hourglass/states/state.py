"""What every state is, and the registries of the states of one column and of whole rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self, TypeVar

from hourglass.errors import InputError
from hourglass.values import Values


class State(Protocol):
    """A summary of rows that merges by `+`: commutative, associative, with `empty()` as identity.

    `from_bytes(state.to_bytes()) == state`, and the state of two sets of rows together is the sum of their states
    (within the sketch's stated error). Stored bytes stay readable: a changed layout takes a new `version`, and
    `tests/data/states` keeps bytes of every version there was.
    """

    kind: ClassVar[str]
    version: ClassVar[int]

    @classmethod
    def empty(cls) -> Self:
        """The state of no rows."""
        ...

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        """The sum of many states at once: of none it is `empty()`; none of them changes.

        What a window of hours is made by. The order of the states does not matter to the last bit; a sum of `+` is
        equal within the state's stated error.
        """
        ...

    def __add__(self, other: Self) -> Self:
        """The state of both sets of rows together; neither operand changes."""
        ...

    def to_bytes(self) -> bytes:
        """The state for the store, in the layout of `version`."""
        ...

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The state that `to_bytes` wrote; InputError when the bytes are not such a state."""
        ...


class ColumnState(State, Protocol):
    """A state of one column, fed with classified blocks."""

    def update(self, values: Values) -> None:
        """Takes in a block of values; the only method that changes a state."""
        ...


_columns: dict[str, type[ColumnState]] = {}
COLUMN_STATES: Mapping[str, type[ColumnState]] = MappingProxyType(_columns)
_rows: dict[str, type[State]] = {}
ROW_STATES: Mapping[str, type[State]] = MappingProxyType(_rows)

S = TypeVar("S", bound=type[Any])


def column_state(cls: S) -> S:
    """Registers a column state under its `kind`: the pass feeds it, the store keeps it, the law tests try it."""
    if cls.kind in _columns:
        raise ValueError(f"two column states are called {cls.kind!r}")
    _columns[cls.kind] = cls
    return cls


def row_state(cls: S) -> S:
    """Registers a state of whole rows under its `kind`: a monitor says what of a row it is fed with, the store keeps it."""
    if cls.kind in _rows:
        raise ValueError(f"two row states are called {cls.kind!r}")
    _rows[cls.kind] = cls
    return cls


def other_size(kind: str, found: str, expected: str) -> InputError:
    """The error of a sketch that is sound, but of another size than ours: what each keeps does not add up.

    >>> str(other_size("distinct", "lgK 14", "lgK 12")).split(". ")[0]
    "stored state 'distinct': found lgK 14; expected lgK 12, since states with different sketch sizes do not merge"
    """
    return InputError(
        f"stored state {kind!r}",
        found=found,
        expected=f"{expected}, since states with different sketch sizes do not merge",
        hint="compute this hour again",
    )


def damaged(kind: str, found: object, expected: object) -> InputError:
    """The error of bytes that are not a state of `kind`."""
    return InputError(f"stored state {kind!r}", found=found, expected=expected, hint="compute this hour again")
