"""What a small test is, and the registry of them: one decorated function in one file each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

import numpy as np

from hourglass import docs
from hourglass.small_tests.column import Column, Score
from hourglass.statistics import AppliesTo
from hourglass.values import Floats

OTHER = "\x00other"  # what is known by its number only, as a category
_NOTHING = 1e-15  # a variance that is rounding


@dataclass(frozen=True)
class Found:
    """What a test found: how far from chance in standard deviations, how large the effect is (a share), and in words.

    What merely `follows` from something else, as a number does that is met no more where all have moved, is said last.
    """

    z: float
    effect: float
    words: str = ""
    follows: bool = False


@dataclass(frozen=True)
class Scored:
    """The mean score of a window and of its baseline, and how many deviations the first is above the second."""

    found: float
    expected: float
    z: float


@dataclass(frozen=True, eq=False)
class Pair:
    """A column in a window and in the baseline, and what several tests need of both."""

    window: Column
    baseline: Column

    @cached_property
    def ranks(self) -> tuple[Floats, Floats]:
        """The share of the baseline's numbers below each of the window's distinct numbers, and up to it."""
        values, (theirs, counts) = self.window.items[0], self.baseline.running
        places = theirs.searchsorted(values)
        return counts[places] / self.baseline.n, counts[places + (theirs[places] == values)] / self.baseline.n

    @cached_property
    def differences(self) -> tuple[Floats, Floats]:
        """How far the window's distribution function is above the baseline's at each of its distinct numbers, and below just before.

        The largest of all is Kolmogorov's distance: between two of the window's numbers its function stays as it is.
        """
        below, up_to = self.ranks
        _, own_below, own_up_to = self.window.items
        return own_up_to / self.window.n - up_to, below - own_below / self.window.n

    @cached_property
    def cells(self) -> tuple[list[str], Floats, Floats]:
        """The categories of both, with what is known by its number only as one more, and the counts of each."""
        mine, theirs = ({**(side.counts or {}), **({OTHER: side.other} if side.other else {})} for side in (self.window, self.baseline))
        names = list(dict.fromkeys([*theirs, *mine]))
        counts = tuple(np.array([side.get(name, 0) for name in names], np.float64) for side in (mine, theirs))
        for side in counts:
            side.setflags(write=False)
        return names, counts[0], counts[1]

    def of_ranks(self, score: Score, error: float) -> Scored | None:
        """What a score of ranks, from 0 to 1, is on average in the window beside the baseline: a linear rank statistic.

        A sketch's error of a rank moves it by `error` as much. None where all ranks have one score.
        """
        if not self.window.n or not self.baseline.n:
            return None
        n, m = self.window.n, self.baseline.n
        below, up_to = self.ranks
        mine, own = score((below + up_to) / 2), self.window.middle_ranks[1]
        expected, square = self.baseline.mean_score(score)
        found = float(mine @ own)
        mean = (n * found + m * expected) / (n + m)
        variance = (n * float(mine**2 @ own) + m * square) / (n + m) - mean**2
        if variance <= _NOTHING:
            return None
        chance = variance * (1 / n + 1 / m)
        chance += error**2 * (self.window.rank_variance + self.baseline.rank_variance)
        return Scored(found, expected, (found - expected) / math.sqrt(chance))

    @cached_property
    def chance(self) -> float:
        """The variance of a share of one half, times four: 1 / n + 1 / m, and what the sketches add."""
        window, baseline = self.window, self.baseline
        return 1 / window.n + 1 / baseline.n + 4 * (window.rank_variance + baseline.rank_variance)


@lru_cache(maxsize=1)
def pair_of(window: Column, baseline: Column) -> Pair:
    """The pair of two columns. The last one is kept: the distance that is told beside a p is of the same columns, and as costly."""
    return Pair(window, baseline)


Function = Callable[[Pair], Found | None]


@dataclass(frozen=True)
class SmallTest:
    """A registered test of a window beside its baseline; None where the two say nothing about it."""

    key: str
    function: Function
    applies_to: AppliesTo
    least_effect: float
    source: str
    names_cause: bool = False

    @property
    def definition(self) -> str:
        """What it asks, in one sentence."""
        return docs.definition(self.function)


_tests: dict[str, SmallTest] = {}
SMALL_TESTS: Mapping[str, SmallTest] = MappingProxyType(_tests)


def small_test(*, applies_to: AppliesTo, least_effect: float, source: str, names_cause: bool = False) -> Callable[[Function], Function]:
    """Registers a test under its function's name; below the `least_effect` it is no alarm, however many rows there are.

    One that `names_cause` says what a person would mend, where others say how far a distribution moved.
    """

    def register(function: Function) -> Function:
        key = function.__name__
        if key in _tests:
            raise ValueError(f"two small tests are called {key!r}")
        _tests[key] = SmallTest(key, function, applies_to, least_effect, source, names_cause)
        return function

    return register
