"""What a comparison is, and the registry of them: one decorated function in one file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from hourglass import docs
from hourglass.comparisons.distribution import Distribution
from hourglass.errors import InputError, did_you_mean
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined

Function = Callable[[Distribution, Distribution], float | Undefined]
F = TypeVar("F", bound=Function)


class Worse(StrEnum):
    """The direction in which a value gets worse."""

    HIGHER = "higher"
    LOWER = "lower"

    def breaches(self, value: float, threshold: float) -> bool:
        """Whether the value lies on the worse side of the threshold; on the threshold it does not."""
        return value > threshold if self is Worse.HIGHER else value < threshold


@dataclass(frozen=True)
class Comparison:
    """A registered comparison of a window with its baseline: everything that anyone must know of it.

    `names` are what `constraints.json` may call it, in any case of letters; the function's own name is one of them.
    """

    key: str
    function: Function
    names: tuple[str, ...]
    applies_to: AppliesTo
    worse: Worse
    default_threshold: float
    minimum_rows: int
    source: str

    @property
    def definition(self) -> str:
        """What it is, in one sentence."""
        return docs.definition(self.function)


_comparisons: dict[str, Comparison] = {}
COMPARISONS: Mapping[str, Comparison] = MappingProxyType(_comparisons)


def comparison(
    *, names: tuple[str, ...], applies_to: AppliesTo, worse: Worse, default_threshold: float, minimum_rows: int, source: str
) -> Callable[[F], F]:
    """Registers a function of two distributions under its name."""

    def register(function: F) -> F:
        key = function.__name__
        if key in _comparisons:
            raise ValueError(f"two comparisons are called {key!r}")
        _comparisons[key] = Comparison(key, function, (key, *names), applies_to, worse, default_threshold, minimum_rows, source)
        return function

    return register


def find_comparison(name: str, subject: str, applies_to: AppliesTo) -> Comparison:
    """The comparison that goes by a name, for columns of a kind; InputError, with the known names, when there is none."""
    fitting = [found for found in COMPARISONS.values() if found.applies_to in {applies_to, AppliesTo.ANY}]
    for found in fitting:
        if name.lower() in (known.lower() for known in found.names):
            return found
    known_names = [known for found in fitting for known in found.names]
    raise InputError(subject, found=repr(name), expected=", ".join(known_names), hint=did_you_mean(name, known_names))
