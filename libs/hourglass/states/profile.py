"""All states of one column together: itself a state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from hourglass.errors import InternalError
from hourglass.states.state import COLUMN_STATES, ColumnState
from hourglass.values import Values

T = TypeVar("T")


@dataclass
class ColumnProfile:
    """A column's states by kind. `position` is where the column first stood in its rows."""

    states: dict[str, ColumnState] = field(default_factory=dict)
    position: int = 1 << 30

    @classmethod
    def of(cls, kinds: Iterable[str], position: int) -> Self:
        """An empty profile that will hold these kinds of state."""
        return cls({kind: COLUMN_STATES[kind].empty() for kind in kinds}, position)

    def update(self, values: Values) -> None:
        """Feeds one classified block to every state."""
        for state in self.states.values():
            state.update(values)

    def get(self, state: type[T]) -> T:
        """The state of this class."""
        found = self.states.get(state.kind)  # type: ignore[attr-defined]
        if not isinstance(found, state):
            raise InternalError(f"state {state.__name__}", found="not in this profile", expected=", ".join(self.states))
        return found

    def __add__(self, other: Self) -> Self:
        states: Mapping[str, ColumnState] = {**other.states, **self.states}
        return type(self)(
            {
                kind: self.states[kind] + other.states[kind] if kind in self.states and kind in other.states else state
                for kind, state in states.items()
            },
            min(self.position, other.position),
        )
