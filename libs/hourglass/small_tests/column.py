"""A column as the small tests see it: its states, and what several of them need, computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hourglass.small_tests.chance import Bridge
from hourglass.states import Categories, ColumnProfile, Moments, Quantiles, Repeats, SecondMoment, ValueClasses
from hourglass.states.second_moment import ERROR
from hourglass.values import Counts, Floats

RANK_ERROR = 0.0005  # a KLL sketch's standard deviation of a rank: 0.14 % at 99 % confidence, as measured of ours
# where distribution functions are held against each other; the tails have as much to say as the middle
SHARES = np.array([0.002, 0.005, 0.01, 0.02, 0.035, *np.arange(0.05, 0.951, 0.05), 0.965, 0.98, 0.99, 0.995, 0.998])
_MOST_FREQUENT = 5

Score = Callable[[Floats], Floats]  # of ranks from 0 to 1
STATES = tuple(state.kind for state in (ValueClasses, Moments, Quantiles, Categories, Repeats, SecondMoment))


def _triples(counts: Counts, n: int) -> float:
    """The share of triples of rows that have the same value."""
    each = counts.astype(np.float64)
    return float((each * (each - 1) * (each - 2)).sum()) / max(1.0, n * (n - 1.0) * (n - 2))


def pairs_of(n: int) -> float:
    """How many pairs so many rows have."""
    return n * (n - 1) / 2


@dataclass(frozen=True)
class Repeated:
    """Counts of some distinct values of n, and the share of all distinct values that these are: 1 where all are known.

    `second` is the sum of the squared counts of all, known to its error. `numbers` are the values, where they are numbers.
    """

    n: int
    counts: Counts
    share: float
    second: float
    numbers: Floats | None = None

    @property
    def is_exact(self) -> bool:
        """Whether all counts are known."""
        return self.share == 1

    @cached_property
    def share_of_pairs(self) -> float:
        """The share of pairs of rows that have the same value."""
        return self.equal_pairs / pairs_of(self.n)

    @property
    def error(self) -> float:
        """The standard deviation of that share, which the state that knows it adds."""
        return 0.0 if self.is_exact else ERROR * (self.share_of_pairs + 1 / self.n)

    @cached_property
    def equal_pairs(self) -> float:
        """How many pairs of rows have the same value."""
        return float((self.counts * (self.counts - 1)).sum()) / 2 if self.is_exact else (self.second - self.n) / 2


class Column:
    """A column's states as numbers, or as categories where these are given: counts by value, and how many are known by number only."""

    def __init__(self, profile: ColumnProfile, counts: Mapping[str, int] | None = None, other: int = 0) -> None:
        self.profile = profile
        classes = profile.states.get(ValueClasses.kind)
        self.classes = classes if isinstance(classes, ValueClasses) else None
        self.counts = counts
        self.other = other
        self._mean_scores: dict[Score, tuple[float, float]] = {}

    @cached_property
    def sketch(self) -> Quantiles:
        """The distribution of its numbers."""
        found = self.profile.states.get(Quantiles.kind)
        return found if isinstance(found, Quantiles) else Quantiles.empty()

    @cached_property
    def n(self) -> int:
        """How many finite numbers it has."""
        return self.sketch.n

    @cached_property
    def rank_variance(self) -> float:
        """The variance of a rank that the sketch adds; none where it has all numbers."""
        return RANK_ERROR**2 if len(self.sketch.levels) > 1 else 0.0

    @cached_property
    def items(self) -> tuple[Floats, Counts, Counts]:
        """The sketch's distinct numbers in order, and how many numbers are below each, and up to each."""
        values, running = self.sketch.weighted_items()
        last = np.ones(len(values), np.bool_)
        np.not_equal(values[1:], values[:-1], out=last[:-1])
        values, up_to = (values, running) if last.all() else (values[last], running[last])
        below = np.zeros_like(up_to)
        below[1:] = up_to[:-1]
        return values, below, up_to

    @cached_property
    def running(self) -> tuple[Floats, Counts]:
        """The sketch's distinct numbers in order and infinity, and how many numbers are below each of these."""
        values, _, up_to = self.items
        return np.append(values, np.inf), np.concatenate([np.zeros(1, np.int64), up_to])

    @cached_property
    def middle_ranks(self) -> tuple[Floats, Floats]:
        """The mid-rank of each distinct number, from 0 to 1, and the share of the numbers that it has."""
        _, below, up_to = self.items
        return (below + up_to) / (2 * self.n), (up_to - below) / self.n

    def mean_score(self, score: Score) -> tuple[float, float]:
        """The mean of a score of its numbers' own ranks, and the mean of its square; of a function that is the same, known already."""
        if score not in self._mean_scores:
            ranks, shares = self.middle_ranks
            scores = score(ranks)
            self._mean_scores[score] = float(scores @ shares), float(scores**2 @ shares)
        return self._mean_scores[score]

    @cached_property
    def cuts(self) -> tuple[Floats, Floats]:
        """Distinct quantiles, and the share of the numbers up to each."""
        values, _, up_to = self.items
        shares = up_to / self.n
        places = np.unique(np.minimum(np.searchsorted(shares, SHARES), len(values) - 1))
        places = places[shares[places] < 1.0]
        return values[places], shares[places]

    @cached_property
    def bridge(self) -> Bridge:
        """What chance makes of differences at these quantiles."""
        return Bridge(self.cuts[1])

    @property
    def _known(self) -> tuple[Floats, Counts] | None:
        """All distinct numbers with their counts, where they are few."""
        found = self.profile.states.get(Categories.kind)
        return (found.numbers, found.number_counts) if isinstance(found, Categories) and found.numbers is not None else None

    @cached_property
    def counted(self) -> tuple[Floats, Counts]:
        """Distinct numbers with their counts: exact where there are few, those of the sketch otherwise."""
        if self._known is not None:
            return self._known
        values, below, up_to = self.items
        return values, up_to - below

    @cached_property
    def has_repeats(self) -> bool:
        """Whether some number is seen to occur more than once: an item of a sketch stands for several that may all differ."""
        if self._known is not None:
            return bool((self._known[1] > 1).any())
        return len(self.items[0]) < len(self.sketch.weighted_items()[0])

    @cached_property
    def most_frequent(self) -> Floats:
        """The numbers with the highest counts, five at most."""
        values, counts = self.counted
        if len(values) <= _MOST_FREQUENT:
            return values
        return values[np.argpartition(counts, len(counts) - _MOST_FREQUENT)[-_MOST_FREQUENT:]]

    @property
    def is_exact(self) -> bool:
        """Whether the counts of its numbers are exact."""
        return self._known is not None or len(self.sketch.levels) <= 1

    @cached_property
    def repeats(self) -> Repeated | None:
        """How often its numbers repeat, or its texts where it is one of categories. None of older states, and of mixed columns."""
        second = self.profile.states.get(SecondMoment.kind)
        if not isinstance(second, SecondMoment):
            return None
        if self.counts is not None:
            texts = self.profile.states.get(Categories.kind)
            if not isinstance(texts, Categories) or texts.text_total != second.n:
                return None
            return Repeated(second.n, texts.texts.counts, texts.text_share, second.estimate)
        if self._known is not None:
            return Repeated(self.n, self._known[1], 1.0, second.estimate, self._known[0])
        found = self.profile.states.get(Repeats.kind)
        if not isinstance(found, Repeats) or found.n != second.n or self.n < 2:
            return None
        return Repeated(self.n, found.counts, found.share, second.estimate, found.numbers)

    @cached_property
    def most_triples(self) -> float:
        """The share of the triples of rows that have the same value, and a bound of it where not all counts are known.

        Of numbers the most that the sketch allows: those that it has several times are known, and the others are rare.
        """
        repeats = self.repeats
        if repeats is None or repeats.n < 2:
            return 0.0
        if repeats.is_exact:
            return _triples(repeats.counts, repeats.n)
        if self.counts is not None:
            return float(repeats.share_of_pairs**1.5)
        _, below, up_to = self.items
        shares, rare = (up_to - below) / self.n, 4 * 2.0 ** (len(self.sketch.levels) - 1) / self.n
        return float((shares[shares > rare] ** 3).sum()) + rare * (repeats.second / self.n - 1) / (self.n - 1)
