"""All states of one column together: itself a state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

    @classmethod
    def merged(cls, profiles: Sequence[Self]) -> Self:
        """The sum of many profiles at once; a state that only one of them has is shared with it."""
        parts: dict[str, list[ColumnState]] = {}
        for profile in profiles:
            for kind, state in profile.states.items():
                parts.setdefault(kind, []).append(state)
        states = {kind: found[0] if len(found) == 1 else type(found[0]).merged(found) for kind, found in sorted(parts.items())}
        return cls(states, min((profile.position for profile in profiles), default=cls.position))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))
