"""What a statistic is, and the registry of them: one decorated function in one file each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from hourglass import docs
from hourglass.states import ColumnProfile
from hourglass.undefined import Undefined

Result = float | int | str | list[Any] | dict[str, Any] | Undefined


F = TypeVar("F", bound=Callable[[ColumnProfile], Result])


class ColumnType(StrEnum):
    """The contract's four types of column."""

    INTEGRAL = "Integral"
    FRACTIONAL = "Fractional"
    STRING = "String"
    UNKNOWN = "Unknown"

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self in {ColumnType.INTEGRAL, ColumnType.FRACTIONAL}


class AppliesTo(StrEnum):
    """The columns that a statistic or comparison makes sense for."""

    ANY = "any column"
    NUMERIC = "numeric columns"
    TEXT = "text columns"

    def covers(self, kind: ColumnType) -> bool:
        """Whether a column of this type is meant."""
        return self is AppliesTo.ANY or (self is AppliesTo.NUMERIC) == kind.numeric


@dataclass(frozen=True)
class Statistic:
    """A registered statistic: everything that anyone must know of it.

    `place` is the path in a feature of `statistics.json` ("" keeps it out; `common` is the part that both kinds share).
    """

    key: str
    function: Callable[[ColumnProfile], Result]
    needs: tuple[str, ...]
    applies_to: AppliesTo
    place: str
    source: str

    @property
    def definition(self) -> str:
        """What it is, in one sentence."""
        return docs.definition(self.function)


_statistics: dict[str, Statistic] = {}
STATISTICS: Mapping[str, Statistic] = MappingProxyType(_statistics)


def statistic(*, needs: tuple[type[Any], ...], applies_to: AppliesTo, place: str, source: str) -> Callable[[F], F]:
    """Registers a function of a column's states under its name."""

    def register(function: F) -> F:
        key = function.__name__
        if key in _statistics:
            raise ValueError(f"two statistics are called {key!r}")
        _statistics[key] = Statistic(key, function, tuple(state.kind for state in needs), applies_to, place, source)
        return function

    return register


def finite(value: float, n: int) -> float | Undefined:
    """The value, or why there is none: no numbers, or more than a double holds."""
    if n == 0:
        return Undefined("no finite numbers")
    return value if math.isfinite(value) else Undefined("beyond the range of a double")
