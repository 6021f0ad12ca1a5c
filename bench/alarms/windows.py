"""Baselines and windows of a data set: random halves that share no row, or an earlier and a later part of rows in order.

Everything follows from the seeds, so that every rule and every package sees the same rows.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from data_sets import Columns, DataSet
from faults import FAULTS, Fault, sub_population

Rows = npt.NDArray[np.intp]
RANDOM, CONSECUTIVE = "random", "consecutive"
CLEAN = "clean"
SIZES = (200, 1000, 5000, 50_000)
LARGE = 50_000
BASELINE, HISTORY = 0.4, 0.3  # shares of rows in order; the rest are the windows that are reported
WEEK = 168  # windows of history at most
CHUNKS, LARGEST_CHUNK = 16, 4096


@dataclass(frozen=True)
class Counts:
    """How many windows a part has: clean ones in all, of one baseline, and faulty ones of each kind and severity."""

    clean: int = 200
    of_a_baseline: int = 10
    faulty: int = 10
    large_clean: int = 60
    large_faulty: int = 5

    def of(self, size: int) -> tuple[int, int]:
        """Clean and faulty windows of this size."""
        return (self.large_clean, self.large_faulty) if size >= LARGE else (self.clean, self.faulty)


@dataclass(frozen=True)
class Window:
    """Rows of a window, with a fault in a column or without. `columns` are all, or the faulty one where only it changed.

    A window whose `split` is even may set thresholds, the others are reported. `number` is unique within a part.
    """

    number: int
    split: int
    group: str
    columns: Columns
    fault: str = ""
    severity: int = -1
    column: str = ""


@dataclass(frozen=True)
class Scene:
    """A baseline and what is held against it: its 16 chunks of consecutive rows, earlier windows where there are, and windows."""

    baseline: Columns
    chunks: Sequence[Columns]
    history: Sequence[Columns]
    windows: Iterator[Window]


@dataclass(frozen=True)
class Part:
    """Windows of one data set, size and order."""

    data: DataSet
    size: int
    order: str
    counts: Counts = Counts()

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.data.name}.{self.size}.{self.order}"

    @property
    def baseline_rows(self) -> int:
        """How many rows its baselines have."""
        return int(BASELINE * self.data.ordered_rows) if self.order == CONSECUTIVE else self.data.rows // 2

    @property
    def splits(self) -> tuple[int, int]:
        """How many random baselines, and how many clean windows of each."""
        clean, _ = self.counts.of(self.size)
        each = min(self.counts.of_a_baseline, (self.data.rows - self.baseline_rows) // self.size)
        return -(-clean // max(1, each)), each

    @property
    def spans(self) -> tuple[range, range]:
        """Where windows of rows in order begin: those of the history, and those that are reported."""
        rows = self.data.ordered_rows
        middle = self.baseline_rows + int(HISTORY * rows)
        history = range(middle - self.size, self.baseline_rows - 1, -self.size)[:WEEK][::-1]
        return history, range(middle, rows - self.size + 1, self.size)

    @property
    def possible(self) -> bool:
        """Whether there are rows enough for one window."""
        if self.order == CONSECUTIVE:
            return bool(self.spans[1])
        return self.splits[1] > 0

    def _random(self, *keys: object) -> np.random.Generator:
        return np.random.default_rng([zlib.crc32(repr((self.data.name, self.size, self.order, *keys)).encode())])

    def scenes(self) -> Iterator[Scene]:
        """Its baselines one after the other."""
        yield from self._in_order() if self.order == CONSECUTIVE else self._at_random()

    def _at_random(self) -> Iterator[Scene]:
        splits, each = self.splits
        half, faulty = self.baseline_rows, self._faulty()
        reported = range(1, splits, 2)
        for split in range(splits):
            rows = self._random("split", split).permutation(self.data.rows)
            baseline, rest = rows[:half], rows[half:]
            clean = [rest[start : start + self.size] for start in range(0, each * self.size, self.size)]
            chosen = faulty[split // 2 :: len(reported)] if split % 2 else []
            yield Scene(
                self.data.take(baseline),
                self._chunks(baseline),
                (),
                self._windows(split, clean, chosen, rest),
            )

    def _in_order(self) -> Iterator[Scene]:
        history, reported = self.spans
        baseline = np.arange(self.baseline_rows)
        clean, _ = self.counts.of(self.size)
        starts = [reported[place] for place in np.unique(np.linspace(0, len(reported) - 1, min(clean, len(reported))).astype(int))]
        # faults only where neighbours are alike: elsewhere they are those of random rows
        faulty = self._faulty() if self.data.dependent else []
        yield Scene(
            self.data.take(baseline),
            self._chunks(baseline),
            [self.data.take(np.arange(start, start + self.size)) for start in history],
            self._windows(1, [np.arange(start, start + self.size) for start in starts], faulty, None),
        )

    def _chunks(self, baseline: Rows) -> list[Columns]:
        """Consecutive rows of a baseline, apart from each other where it is large."""
        return [self.data.take(chunk[:LARGEST_CHUNK]) for chunk in np.array_split(baseline, CHUNKS)]

    def _faulty(self) -> list[tuple[Fault, int, int]]:
        """Kinds, severities, and how manieth of these."""
        _, count = self.counts.of(self.size)
        return [
            (fault, severity, turn)
            for turn in range(count)
            for fault in FAULTS.values()
            for severity in range(3)
            if any(fault.fits(column) for column in self.data.columns.values())
        ]

    def _windows(self, split: int, clean: Sequence[Rows], faulty: Sequence[tuple[Fault, int, int]], rest: Rows | None) -> Iterator[Window]:
        number = split * 100_000
        for rows in clean:
            yield Window(number, split, CLEAN, self.data.take(rows))
            number += 1
        for fault, severity, turn in faulty:
            random = self._random(fault.name, severity, turn)
            fitting = [name for name, column in self.data.columns.items() if fault.fits(column)]
            # every column in turn, beginning anywhere
            name = fitting[(self._random(fault.name).integers(len(fitting)) + turn + severity) % len(fitting)]
            rows = random.choice(rest, self.size, replace=False) if rest is not None else clean[random.integers(len(clean))]
            yield Window(number, split, fault.group, self._planted(fault, severity, name, rows, rest, random), fault.name, severity, name)
            number += 1

    def _planted(
        self, fault: Fault, severity: int, name: str, rows: Rows, rest: Rows | None, random: np.random.Generator
    ) -> Mapping[str, npt.NDArray[np.float64] | npt.NDArray[np.object_]]:
        column, degree = self.data.columns[name], fault.severities[severity]
        if fault.plant is not None:
            return {name: fault.plant(column.values[rows], degree, random, column)}
        own = sub_population(column, rest if rest is not None else np.arange(self.data.ordered_rows), random)
        rows = rows.copy()
        places = random.choice(len(rows), round(degree * len(rows)), replace=False)
        # a small table may have fewer of them than the window needs
        rows[places] = random.choice(own, len(places), replace=len(own) < len(places))
        return self.data.take(rows)


def parts(data: DataSet, counts: Counts, sizes: Sequence[int] = SIZES) -> list[Part]:
    """The parts that a data set has rows for."""
    orders = (RANDOM, CONSECUTIVE) if data.order else (RANDOM,)
    return [part for order in orders for size in sizes if (part := Part(data, size, order, counts)).possible]
