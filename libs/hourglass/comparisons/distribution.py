"""What two windows are compared by: a sketch of numbers, or counts by value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from hourglass.hashing import hash_texts
from hourglass.states import Moments, Quantiles
from hourglass.undefined import Undefined
from hourglass.values import Floats


@dataclass(frozen=True)
class Distribution:
    """A column's distribution in one window: sketch and moments of a numeric column, or the counts of a categorical one.

    `other` counts values that are known only by their number.
    """

    sketch: Quantiles | None = None
    moments: Moments | None = None
    counts: Mapping[str, int] | None = None
    other: int = 0

    @property
    def n(self) -> int:
        """How many values it stands for."""
        if self.sketch is not None:
            return self.sketch.n
        return sum((self.counts or {}).values()) + self.other


def cumulative_shares(window: Quantiles, baseline: Quantiles) -> tuple[Floats, Floats]:
    """F1 and F2, the inclusive distribution functions of two sketches, at the union of their retained items."""
    points = np.union1d(window.weighted_items()[0], baseline.weighted_items()[0])
    return (
        window.counts_below(points, inclusive=True) / window.n,
        baseline.counts_below(points, inclusive=True) / baseline.n,
    )


DECILES = np.linspace(0.1, 0.9, 9)


def with_other(side: Distribution) -> dict[str, int]:
    """The counts with the values that are known only by their number as one more category."""
    counts = dict(side.counts or {})
    return {**counts, "\x00other": side.other} if side.other else counts


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
    mine, theirs = with_other(window), with_other(baseline)
    values = dict.fromkeys([*theirs, *mine])
    return np.array([mine.get(v, 0) for v in values], np.float64), np.array([theirs.get(v, 0) for v in values], np.float64)


def aligned(window: Distribution, baseline: Distribution) -> tuple[Distribution, Distribution]:
    """Two categorical sides reduced to the values that both would have kept.

    A side with an "other" keeps the values with the smallest hashes, so below the smaller of both limits each side
    knows every value; what lies above becomes "other" on both.
    """
    limits = [max(_hashes(side.counts).values()) for side in (window, baseline) if side.other and side.counts]
    if not limits:
        return window, baseline
    return _below(window, min(limits)), _below(baseline, min(limits))


def _below(side: Distribution, limit: int) -> Distribution:
    hashes = _hashes(side.counts)
    counts = {value: count for value, count in (side.counts or {}).items() if hashes[value] <= limit}
    return Distribution(counts=counts, other=side.n - sum(counts.values()))


def _hashes(counts: Mapping[str, int] | None) -> dict[str, int]:
    names = list(counts or {})
    return dict(zip(names, hash_texts(pa.array(names, pa.string())).tolist(), strict=True))
