"""What two windows are compared by: a sketch of numbers, or counts by value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow.compute as pc

from hourglass.hashing import hash_texts
from hourglass.small_tests import OTHER, Column, Dispersion, pair_of
from hourglass.states import Categories, ColumnProfile, Moments, Quantiles, ValueClasses
from hourglass.states.categories import CAP, LONGEST
from hourglass.statistics import ColumnType
from hourglass.statistics.inferred_type import inferred_type
from hourglass.undefined import Undefined
from hourglass.values import FRACTIONAL, INTEGRAL, Floats, string_array


@dataclass(frozen=True)
class Distribution:
    """A column's distribution in one window: sketch and moments of a numeric column, or the counts of a categorical one.

    `other` counts values that are known only by their number. `profile` are all states of the column, None where only its
    statistics.json is known. `dispersions` are of a baseline: what its past says of chance, by small test.
    """

    sketch: Quantiles | None = None
    moments: Moments | None = None
    counts: Mapping[str, int] | None = None
    other: int = 0
    profile: ColumnProfile | None = None
    dispersions: Mapping[str, Dispersion] = field(default_factory=dict)

    @cached_property
    def n(self) -> int:
        """How many values it stands for."""
        if self.sketch is not None:
            return self.sketch.n
        return sum((self.counts or {}).values()) + self.other

    @cached_property
    def column(self) -> Column:
        """What the small tests see of it: all its states, or the distribution alone where only statistics.json is known."""
        profile = self.profile
        if profile is None:
            profile = ColumnProfile({Quantiles.kind: self.sketch} if self.sketch is not None else {})
        return Column(profile, self.counts, self.other)

    @property
    def rows(self) -> int:
        """How many rows it is of, as far as is known: at least as many as it has values."""
        classes = self.profile.states.get(ValueClasses.kind) if self.profile is not None else None
        return classes.rows if isinstance(classes, ValueClasses) else self.n


def distribution_of(column: ColumnProfile, kind: ColumnType | None = None) -> Distribution:
    """The distribution of a column's states: of its numbers, or of its counts; as a column of `kind` where one is given.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["value_classes", "moments", "quantiles", "categories"], 0)
    >>> column.update(classify(["a", "b", "a", "7"]))
    >>> distribution_of(column).counts, distribution_of(column, ColumnType.INTEGRAL).n
    ({'a': 2, '7': 1, 'b': 1}, 1)
    """
    if (kind or inferred_type(column)).numeric:
        return Distribution(sketch=column.get(Quantiles), moments=column.get(Moments), profile=column)
    categories = column.get(Categories)
    return Distribution(counts=categories.table(), other=categories.other, profile=column)


def cumulative_shares(window: Quantiles, baseline: Quantiles) -> tuple[Floats, Floats, Floats]:
    """The union of two sketches' retained items, ascending, and F1 and F2, the inclusive distribution functions, at them."""
    points = np.union1d(window.weighted_items()[0], baseline.weighted_items()[0])
    return (
        points,
        window.counts_below(points, inclusive=True) / window.n,
        baseline.counts_below(points, inclusive=True) / baseline.n,
    )


DECILES = np.linspace(0.1, 0.9, 9)


def with_other(side: Distribution) -> dict[str, int]:
    """The counts with the values that are known only by their number as one more category."""
    counts = dict(side.counts or {})
    return {**counts, OTHER: side.other} if side.other else counts


def cell_counts(window: Distribution, baseline: Distribution) -> tuple[Floats, Floats] | Undefined:
    """How many values of each side lie in each cell: a category, or the span between two deciles of the baseline."""
    if window.n == 0 or baseline.n == 0:
        return Undefined("no values in the window" if window.n == 0 else "no values in the baseline")
    if window.sketch is not None and baseline.sketch is not None:
        edges = np.unique([baseline.sketch.quantile(rank) for rank in DECILES])
        first, second = (
            np.diff(side.counts_below(edges, inclusive=True), prepend=0, append=side.n) for side in (window.sketch, baseline.sketch)
        )
        return first.astype(np.float64), second.astype(np.float64)
    if window.counts is None or baseline.counts is None:
        return Undefined("the window and the baseline are of different kinds")
    return pair_of(window.column, baseline.column).cells[1:]


def cell_shares(window: Distribution, baseline: Distribution) -> tuple[Floats, Floats] | Undefined:
    """The share of each side's values in each cell of `cell_counts`."""
    cells = cell_counts(window, baseline)
    return cells if isinstance(cells, Undefined) else (cells[0] / cells[0].sum(), cells[1] / cells[1].sum())


def smoothed_shares(window: Distribution, baseline: Distribution) -> tuple[Floats, Floats] | Undefined:
    """The shares after Laplace's +1: one added to the count of every cell, so that none is 0 and every logarithm is finite."""
    cells = cell_counts(window, baseline)
    if isinstance(cells, Undefined):
        return cells
    first, second = cells[0] + 1, cells[1] + 1
    return first / first.sum(), second / second.sum()


def aligned(window: Distribution, baseline: Distribution) -> tuple[Distribution, Distribution]:
    """Two categorical sides reduced to the values that both would have kept.

    A side that lost texts keeps the 1,000 with the smallest hashes, so below the smaller of both limits each side knows
    every text; what lies above becomes "other" on both. A side that lost its numbers has them in "other", so there they
    go on both. A side whose "other" can be neither is left as it is.
    """
    if not (window.other or baseline.other):
        return window, baseline
    sides = [(side, _text_hashes(side.counts or {})) for side in (window, baseline)]
    limits = [max(hashes.values()) for side, hashes in sides if side.other and len(hashes) >= CAP]
    numbers_lost = any(side.other and len(side.counts or {}) == len(hashes) < CAP for side, hashes in sides)
    if not limits and not numbers_lost:
        return window, baseline
    first, second = (_reduced(side, hashes, min(limits, default=None), numbers_lost) for side, hashes in sides)
    return first, second


def _reduced(side: Distribution, hashes: Mapping[str, int], limit: int | None, numbers_lost: bool) -> Distribution:  # noqa: FBT001 said by its name
    counts = {
        value: count
        for value, count in (side.counts or {}).items()
        if (limit is None or hashes[value] <= limit if value in hashes else not numbers_lost)
    }
    return replace(side, counts=counts, other=side.n - sum(counts.values()))


def _text_hashes(counts: Mapping[str, int]) -> dict[str, int]:
    """The hash by which each text was kept; numbers are not among them, since they are kept by their number.

    The key of a long text ends in the hash of the whole text, which is the one that counted: the key's own would put
    the limit anywhere.
    """
    if not counts:
        return {}
    names = string_array(list(counts))
    texts = names.filter(pc.invert(pc.or_(pc.match_substring_regex(names, INTEGRAL), pc.match_substring_regex(names, FRACTIONAL))))
    hashes = dict(zip(texts.to_pylist(), hash_texts(texts).tolist(), strict=True))
    return {text: _hash_of_long(text) or hashed for text, hashed in hashes.items()}


def _hash_of_long(key: str) -> int | None:
    found = _SHORTENED.search(key) if len(key) == LONGEST else None
    return int(found[1], 16) if found else None


_SHORTENED = re.compile("…([0-9a-f]{16})$")
