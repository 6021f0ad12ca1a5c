"""What a comparison is, and the registry of them: one decorated function in one file each."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeVar, get_type_hints

from hourglass import docs
from hourglass.comparisons.distribution import Distribution
from hourglass.errors import InputError, did_you_mean
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined

Function = Callable[..., float | Undefined]


class Explanation(NamedTuple):
    """What a comparison found, in words, and the numbers behind them."""

    words: str
    numbers: str


Explain = Callable[[Distribution, Distribution], Explanation | None]
F = TypeVar("F", bound=Function)


class Worse(StrEnum):
    """The direction in which a value gets worse: a distance's is higher, a p-value's is lower."""

    HIGHER = "higher"
    LOWER = "lower"

    def breaches(self, value: float, threshold: float) -> bool:
        """Whether the value lies on the worse side of the threshold; on the threshold it does not."""
        return value > threshold if self is Worse.HIGHER else value < threshold


@dataclass(frozen=True)
class Accepts:
    """What a parameter may be, written beside its type: `Annotated[float, Accepts("0 or more", lambda n: n >= 0)]`."""

    expected: str
    holds: Callable[[float], bool]


@dataclass(frozen=True)
class Parameter:
    """A keyword-only argument of a comparison: a number, or None for the definition's own. An int stays whole."""

    default: int | float | None
    accepts: Accepts | None = None

    @property
    def expected(self) -> str:
        """What it may be, in words."""
        return self.accepts.expected if self.accepts else "a whole number" if isinstance(self.default, int) else "a number"

    def allows(self, value: object) -> bool:
        """Whether it may have this value.

        >>> Parameter(0.5).allows(2), Parameter(0.5).allows("2"), Parameter(10).allows(2.5)
        (True, False, False)
        """
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        if isinstance(self.default, int) and not isinstance(value, int):
            return False
        return self.accepts is None or self.accepts.holds(value)


@dataclass(frozen=True)
class Comparison:
    """A registered comparison of a window with its baseline: everything that anyone must know of it.

    `names` are what `constraints.json` may call it, in any case of letters; the function's own name is one of them.
    Without a `default_threshold` (a distance in the column's own units) there is no verdict until one is given.
    `parameters` are the function's keyword-only arguments; `explain` says what was found in words, where a number does
    not. A threshold that `shares_budget` is of all columns together; such a comparison wants all states of the baseline.
    """

    key: str
    function: Function
    names: tuple[str, ...]
    applies_to: AppliesTo
    worse: Worse
    default_threshold: float | None
    minimum_rows: int
    source: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    explain: Explain | None = None
    shares_budget: bool = False

    @property
    def definition(self) -> str:
        """What it is, in one sentence."""
        return docs.definition(self.function)

    def compare(self, window: Distribution, baseline: Distribution, given: Mapping[str, float] = MappingProxyType({})) -> float | Undefined:
        """The value, with those of the given parameters that this comparison has."""
        return self.function(window, baseline, **{name: value for name, value in given.items() if name in self.parameters})

    def label(self, given: Mapping[str, float] = MappingProxyType({})) -> str:
        """Its name with the parameters that are not at their default: what a number must be read with.

        >>> COMPARISONS["t_test"].label({"tolerance": 0.5}), COMPARISONS["ks_test"].label({"tolerance": 0.5})
        ('t_test(tolerance=0.5)', 'ks_test')
        """
        changed = [f"{name}={given[name]:g}" for name, own in self.parameters.items() if given.get(name, own.default) != own.default]
        return f"{self.key}({', '.join(changed)})" if changed else self.key

    def same_scale(self, other: Comparison) -> bool:
        """Whether a threshold of the other makes sense for this one: same direction, same usual threshold."""
        return (self.worse, self.default_threshold) == (other.worse, other.default_threshold)


_comparisons: dict[str, Comparison] = {}
COMPARISONS: Mapping[str, Comparison] = MappingProxyType(_comparisons)


def comparison(
    *,
    names: tuple[str, ...],
    applies_to: AppliesTo,
    worse: Worse,
    default_threshold: float | None,
    minimum_rows: int,
    source: str,
    explain: Explain | None = None,
    shares_budget: bool = False,
) -> Callable[[F], F]:
    """Registers a function of two distributions under its name; its keyword-only arguments become its parameters."""

    def register(function: F) -> F:
        key = function.__name__
        if key in _comparisons:
            raise ValueError(f"two comparisons are called {key!r}")
        _comparisons[key] = Comparison(
            key,
            function,
            (key, *names),
            applies_to,
            worse,
            default_threshold,
            minimum_rows,
            source,
            _parameters(function),
            explain,
            shares_budget,
        )
        return function

    return register


def _parameters(function: Function) -> dict[str, Parameter]:
    named = [given for given in inspect.signature(function).parameters.values() if given.kind is inspect.Parameter.KEYWORD_ONLY]
    hints = get_type_hints(function, include_extras=True) if named else {}
    found = {}
    for given in named:
        default = given.default
        if default is not None and (isinstance(default, bool) or not isinstance(default, int | float)):
            raise ValueError(f"parameter {given.name!r} of comparison {function.__name__!r} needs a number, or None, as its default")
        notes = getattr(hints.get(given.name), "__metadata__", ())
        found[given.name] = Parameter(default, next((note for note in notes if isinstance(note, Accepts)), None))
    return found


def find_comparison(name: str, subject: str, applies_to: AppliesTo) -> Comparison:
    """The comparison that goes by a name, for columns of a kind; InputError, with the known names, when there is none."""
    fitting = [found for found in COMPARISONS.values() if found.applies_to in {applies_to, AppliesTo.ANY}]
    for found in fitting:
        if name.lower() in (known.lower() for known in found.names):
            return found
    known_names = [known for found in fitting for known in found.names]
    raise InputError(subject, found=repr(name), expected=", ".join(known_names), hint=did_you_mean(name, known_names))
