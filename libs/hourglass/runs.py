"""Runs of consecutive rows, apart from each other: what a part of a data set in which nothing changed looks like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hourglass.capture.batches import Batch
from hourglass.capture.tally import PartKey
from hourglass.states import ColumnProfile
from hourglass.values import classify

LEAST_ROWS, MOST_ROWS = 32, 4096  # of a run: fewer say nothing, and as many as a quiet hour has are enough
RUN = "\x00run "  # begins the name of a partition that is a run; no folder can be called so


@dataclass(frozen=True)
class RunPlan:
    """At least how many runs to keep of each of some `parts` of partitions, if these have the rows, and which states of every column."""

    count: int
    kinds: tuple[str, ...]
    parts: frozenset[PartKey] = frozenset()

    def over(self, parts: Sequence[PartKey]) -> RunPlan:
        """The same number over all parts together, which are the same however they are handed out.

        >>> plan = RunPlan(12, ()).over([("", 0), ("", 1), ("", 2)])
        >>> plan.count, len(plan.parts), len(RunPlan(12, ()).over([("", part) for part in range(100)]).parts)
        (4, 3, 12)
        """
        count = min(self.count, len(parts))
        chosen = frozenset(parts[place * len(parts) // count] for place in range(count))
        return replace(self, count=max(1, -(-self.count // max(1, len(chosen)))), parts=chosen)


@dataclass(frozen=True)
class Run:
    """The states of a run: its rows by layout, its columns by layout and name."""

    rows: Counter[str]
    columns: Mapping[tuple[str, str], ColumnProfile]


class Runs:
    """Runs of equal length, evenly spread over a part's rows, however many these turn out to be.

    There are always between `count` and twice as many: where more would be, they become twice as long or, once they are long
    enough, every second is dropped. So the memory and the time do not grow with the rows.
    """

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._rows, self._every = LEAST_ROWS, 1
        self._start = self._stop = 0
        self._kept: dict[int, list[Batch]] = {}

    def take(self, batch: Batch) -> None:
        """Takes in the rows that belong to a run; further columns of the same rows come as batches of their own."""
        if batch.first == 0:
            self._start, self._stop = self._stop, self._stop + batch.count
        while self._stop > 2 * self._plan.count * self._rows * self._every:
            self._make_fewer()
        for run in range(self._start // self._rows, -(-self._stop // self._rows)):
            if run % self._every == 0:
                first, last = max(self._start, run * self._rows), min(self._stop, (run + 1) * self._rows)
                self._kept.setdefault(run, []).append(batch.take(np.arange(first, last) - self._start))

    def _make_fewer(self) -> None:
        if self._rows < MOST_ROWS:
            self._rows *= 2
            joined: dict[int, list[Batch]] = {}
            for run, batches in self._kept.items():
                joined.setdefault(run // 2, []).extend(batches)
            self._kept = joined
        else:
            self._every *= 2
            self._kept = {run: batches for run, batches in self._kept.items() if run % self._every == 0}

    def done(self) -> Iterator[Run]:
        """The runs, but for a last one that did not become half as long as the others."""
        for batches in self._kept.values():
            rows = _rows(batches)
            if 2 * rows.total() >= self._rows:
                yield Run(rows, _columns(batches, self._plan.kinds))


def _rows(batches: Sequence[Batch]) -> Counter[str]:
    rows: Counter[str] = Counter()
    for batch in batches:
        if batch.first == 0:
            rows[batch.layout] += batch.count
    return rows


def _columns(batches: Sequence[Batch], kinds: Sequence[str]) -> dict[tuple[str, str], ColumnProfile]:
    columns: dict[tuple[str, str], ColumnProfile] = {}
    for batch in batches:
        for position, (name, column) in enumerate(batch.columns.items(), batch.first):
            if (batch.layout, name) not in columns:
                columns[batch.layout, name] = ColumnProfile.of(kinds, position)
            columns[batch.layout, name].update(classify(column))
    return columns
