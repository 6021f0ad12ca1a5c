"""The counts of a facet as the metrics of bias read them: two sides, d and a, of a window and of any number of draws."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hourglass.states.facet_counts import MISSING, MISSING_NAME, OTHER, FacetCounts
from hourglass.values import Counts, Floats

Codes = npt.NDArray[np.int64]

NEGATIVE, POSITIVE, NONE = 0, 1, 2  # a label or a prediction: another class, one of the positive ones, or missing
_OUTCOMES = 9


@dataclass(frozen=True)
class Side:
    """The rows of one side of a facet, by label and prediction, and by the label's class; the first axis is the draws."""

    outcomes: Floats  # draws x label x prediction, each negative, positive or missing
    classes: Floats  # draws x class, of the rows with a label

    @cached_property
    def positive(self) -> Floats:
        """n(1): rows with a positive label."""
        return self._count(POSITIVE, slice(None))

    @cached_property
    def negative(self) -> Floats:
        """n(0): rows with another label."""
        return self._count(NEGATIVE, slice(None))

    @cached_property
    def labelled(self) -> Floats:
        """Rows with a label."""
        return self.positive + self.negative

    @cached_property
    def predicted_positive(self) -> Floats:
        """n'(1): rows with a positive prediction."""
        return self._count(slice(None), POSITIVE)

    @cached_property
    def predicted_negative(self) -> Floats:
        """n'(0): rows with another prediction."""
        return self._count(slice(None), NEGATIVE)

    @cached_property
    def predicted(self) -> Floats:
        """Rows with a prediction."""
        return self.predicted_positive + self.predicted_negative

    @property
    def tp(self) -> Floats:
        """Positive label, positive prediction."""
        return self._count(POSITIVE, POSITIVE)

    @property
    def fp(self) -> Floats:
        """Another label, positive prediction."""
        return self._count(NEGATIVE, POSITIVE)

    @property
    def fn(self) -> Floats:
        """Positive label, another prediction."""
        return self._count(POSITIVE, NEGATIVE)

    @property
    def tn(self) -> Floats:
        """Another label, another prediction."""
        return self._count(NEGATIVE, NEGATIVE)

    @cached_property
    def both(self) -> Floats:
        """Rows with label and prediction."""
        return self.tp + self.fp + self.fn + self.tn

    def _count(self, label: int | slice, prediction: int | slice) -> Floats:
        found: Floats = self.outcomes[:, label, prediction]
        return found if found.ndim == 1 else found.sum(axis=1)


@dataclass(frozen=True)
class Strata:
    """Rows by group and outcome (negative, positive): of side d, and of both sides; of the groups in which d has rows.

    `n` counts the rows of both sides in all groups.
    """

    of_d: Floats  # outcome x group x draws
    of_both: Floats
    n: Floats


@dataclass(frozen=True)
class BiasTable:
    """The two sides of a facet: d, whose bias is asked for, and a, what it is compared with.

    `labels` and `predictions` have the same rows by group; `grouped` says whether any row has a group.
    """

    d: Side
    a: Side
    labels: Strata
    predictions: Strata
    grouped: bool = True
    names: tuple[str, str] = ("d", "a")

    @classmethod
    def of(cls, d: list[list[int]], a: list[list[int]]) -> BiasTable:
        """A table of one draw and one group: for each side rows by label and prediction, the negative ones first.

        >>> table = BiasTable.of([[4, 1], [2, 3]], [[5, 0], [0, 5]])
        >>> table.d.fn.tolist(), table.a.positive.tolist()
        ([2.0], [5.0])
        """
        of_d, of_a = (np.zeros((1, 3, 3)) for _ in range(2))
        of_d[0, :2, :2], of_a[0, :2, :2] = d, a
        both = of_d + of_a
        labels, predictions = (
            Strata(
                of_d.sum(axis=axis)[0, :2, np.newaxis, np.newaxis],
                both.sum(axis=axis)[0, :2, np.newaxis, np.newaxis],
                both.sum(axis=(1, 2)),
            )
            for axis in (2, 1)
        )
        return cls(Side(of_d, of_d.sum(axis=2)[:, :2]), Side(of_a, of_a.sum(axis=2)[:, :2]), labels, predictions)


@dataclass(frozen=True)
class FacetRows:
    """The cells of a facet with what a metric asks of a row: its value, group, label's class, and outcome.

    Predicted classes are only told apart as positive or not, so cells that differ in nothing else are one.
    """

    names: tuple[str, ...]
    value: Codes
    group: Codes
    label: Codes  # the place of the class; those without a label have the last
    outcome: Codes  # 3 x label + prediction
    counts: Counts
    classes: int

    @classmethod
    def of(cls, state: FacetCounts, facet: str, positive: Collection[str]) -> FacetRows:
        """The cells of a state's facet by a set of positive classes; without rows where the state has no such facet."""
        cells = state.facets.get(facet)
        if cells is None:
            nothing = np.empty(0, np.int64)
            return cls((), nothing, nothing, nothing, nothing, nothing, 0)
        outcomes = np.full(MISSING + 1, NEGATIVE)
        outcomes[: len(state.classes)] = [POSITIVE if name in positive else NEGATIVE for name in state.classes]
        outcomes[MISSING] = NONE
        size = MISSING + 1
        keys, where = np.unique(
            ((cells.value * size + cells.group) * size + cells.actual) * 3 + outcomes[cells.predicted], return_inverse=True
        )
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, where, cells.counts)
        value, group, actual, predicted = np.unravel_index(keys, (size, size, size, 3))
        known, label = np.unique(actual, return_inverse=True)
        classes = len(known) - (known[-1:] == MISSING).sum()
        return cls(tuple(cells.values), value, group, label, 3 * outcomes[actual] + predicted, counts, int(classes))

    @property
    def n(self) -> int:
        """Rows in the cells."""
        return int(self.counts.sum())

    @cached_property
    def binary(self) -> bool:
        """Whether there is at most one positive label, and one other: the classes are then the outcomes."""
        pairs = np.unique((3 * self.label + self.outcome // 3)[self.label < self.classes])
        return len(np.unique(pairs % 3)) == len(pairs)

    @cached_property
    def grouped(self) -> bool:
        """Whether any row has a group."""
        return bool((self.group != MISSING).any())

    @property
    def truncated(self) -> bool:
        """Whether some values of the facet are only counted as "other"."""
        return bool((self.value == OTHER).any())

    @cached_property
    def _places(self) -> dict[str, range]:
        """The cells of each value: they stand together."""
        codes, starts, sizes = np.unique(self.value, return_index=True, return_counts=True)
        named = {**dict(enumerate(self.names)), MISSING: MISSING_NAME}
        places = zip(codes.tolist(), starts.tolist(), sizes.tolist(), strict=True)
        return {named[code]: range(start, start + size) for code, start, size in places if code in named}

    def having(self, names: Collection[str]) -> Codes:
        """The places of the cells with one of the values; `(missing)` are those without."""
        found = sorted((self._places[name] for name in set(names) & self._places.keys()), key=lambda places: places.start)
        return np.concatenate([np.empty(0, np.int64), *(np.arange(places.start, places.stop) for places in found)])

    @cached_property
    def known(self) -> Codes:
        """The places of the cells with a value of the facet."""
        return np.flatnonzero(self.value != MISSING)

    @cached_property
    def missing(self) -> int:
        """Rows without a value of the facet."""
        return int(self.counts[self.value == MISSING].sum())


class DrawnRows:
    """Draws of a facet's cells, from which the tables of any two sides are summed.

    Where `several` values are asked for, all rows are summed once, and facet a of each is what d leaves of them.
    """

    def __init__(self, rows: FacetRows, counts: Counts, *, several: bool = False) -> None:
        self.rows = rows
        self.several = several
        self.counts = np.ascontiguousarray(counts.T, np.float64)  # cell x draw: sums then run along the draws

    def table(self, d: Collection[str], a: Collection[str] | None = None) -> BiasTable:
        """The table of the values d against the values a; against all other rows that have a value where a is None.

        Rows without a value are in neither side unless they are asked for.
        """
        rows = self.rows
        in_d = rows.having(d)
        side_d = self._side(in_d)
        groups = np.unique(rows.group[in_d])
        of_d = self._by_group(in_d, groups)
        if self.several and a is None and MISSING_NAME not in d:  # both sides together are all rows with a value
            side_a = Side(self._known.outcomes - side_d.outcomes, self._known.classes - side_d.classes)
            places = np.searchsorted(self._groups, groups)
            of_both = [found[:, places] for found in self._known_groups]
        else:
            in_a = np.setdiff1d(rows.known if a is None else rows.having(a), in_d, assume_unique=True)
            side_a = self._side(in_a)
            of_both = [one + other for one, other in zip(of_d, self._by_group(in_a, groups), strict=True)]
        labels = Strata(of_d[0], of_both[0], side_d.labelled + side_a.labelled)
        predictions = Strata(of_d[1], of_both[1], side_d.predicted + side_a.predicted)
        return BiasTable(side_d, side_a, labels, predictions, rows.grouped)

    @cached_property
    def _known(self) -> Side:
        return self._side(self.rows.known)

    @cached_property
    def _groups(self) -> Codes:
        return np.unique(self.rows.group)

    @cached_property
    def _known_groups(self) -> list[Floats]:
        return self._by_group(self.rows.known, self._groups)

    def _side(self, cells: Codes) -> Side:
        rows = self.rows
        outcomes = self._summed(cells, rows.outcome[cells], _OUTCOMES).T.reshape(-1, 3, 3)
        if rows.binary:
            return Side(outcomes, outcomes[:, :NONE].sum(axis=2))
        labelled = cells[rows.label[cells] < rows.classes]
        return Side(outcomes, self._summed(labelled, rows.label[labelled], rows.classes).T)

    def _by_group(self, cells: Codes, groups: Codes) -> list[Floats]:
        """Rows by label and by prediction, each by outcome and by group, of the groups that are asked for."""
        found = []
        for outcomes in np.divmod(self.rows.outcome[cells], 3):
            of_cells = self.rows.group[cells]
            places = np.minimum(np.searchsorted(groups, of_cells), max(0, len(groups) - 1))
            asked = (outcomes != NONE) & (groups[places] == of_cells) if len(groups) else np.zeros(len(cells), np.bool_)
            sums = self._summed(cells[asked], (outcomes * len(groups) + places)[asked], 2 * len(groups))
            found.append(sums.reshape(2, len(groups), self.counts.shape[1]))
        return found

    def _summed(self, cells: Codes, keys: Codes, size: int) -> Floats:
        """The sums of some cells by key: a line for each key."""
        found = np.zeros((size, self.counts.shape[1]))
        if len(cells):
            order = np.argsort(keys, kind="stable")
            ordered = keys[order]
            starts = np.flatnonzero(np.diff(ordered, prepend=-1))
            found[ordered[starts]] = np.add.reduceat(self.counts[cells[order]], starts, axis=0)
        return found
