"""Metrics of any number of classes by the predicted class: hits, actual and predicted rows of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hourglass.comparisons import Worse
from hourglass.problems import Problem
from hourglass.quality.binary import SKLEARN
from hourglass.quality.metric import Condition, quality_metric, ratio
from hourglass.states.confusion import Confusion
from hourglass.values import Counts, Floats


@dataclass(frozen=True)
class ClassTable:
    """Rows of each class (last axis) that are predicted right, that are actually and that are predicted of the class.

    `constant` is the class that a constant classifier always says.
    """

    problem: ClassVar[Problem] = Problem.MULTICLASS
    state: ClassVar[str] = Confusion.kind

    hits: Floats
    actual: Floats
    predicted: Floats
    constant: int

    @classmethod
    def of(cls, state: Confusion, cells: Counts, constant: str | None = None) -> ClassTable:
        """The table of draws of a state's cells, in the order of the state's own.

        AWS's examples always say "1"; where no class is called so, the most frequent actual one is meant (ties: the first
        by name), which is the best constant. `constant` names another.
        """
        codes = np.union1d(state.actual, state.predicted)
        of_actual, of_predicted = np.searchsorted(codes, state.actual), np.searchsorted(codes, state.predicted)
        hit = np.flatnonzero(state.actual == state.predicted)
        parts = ((hit, of_actual[hit]), (np.arange(len(of_actual)), of_actual), (np.arange(len(of_actual)), of_predicted))
        hits, actual, predicted = (_by_class(cells[..., places], classes, len(codes)) for places, classes in parts)
        names = [state.name_of(code) for code in codes.tolist()]
        frequency = dict(zip(names, np.bincount(of_actual, state.counts, len(codes)).tolist(), strict=True))
        best = constant or ("1" if "1" in frequency else max(sorted(frequency), key=lambda name: frequency[name], default=""))
        return cls(hits, actual, predicted, names.index(best) if best in frequency else -1)


def _by_class(cells: Counts, classes: Counts, count: int) -> Floats:
    """Sums of the cells (last axis) of each class."""
    sums = np.zeros((*cells.shape[:-1], count))
    order = np.argsort(classes, kind="stable")
    present, starts = np.unique(classes[order], return_index=True)
    if len(present):
        sums[..., present] = np.add.reduceat(cells[..., order], starts, axis=-1)
    return sums


def constant_class(table: ClassTable) -> ClassTable:
    """The table of a model that always predicts the constant class."""
    only = np.zeros(table.actual.shape[-1])
    if table.constant >= 0:
        only[table.constant] = 1.0
    return ClassTable(table.actual * only, table.actual, table.actual.sum(axis=-1, keepdims=True) * only, table.constant)


ROWS = Condition[ClassTable](lambda t: t.actual.sum(axis=-1) > 0, lambda _: "no rows")
CLASSES = Condition[ClassTable](lambda t: (t.actual > 0).sum(axis=-1) > 1, lambda _: "every row is of one actual class")
PREDICTED = Condition[ClassTable](
    lambda t: np.count_nonzero((t.actual > 0) & (t.predicted > 0), axis=-1) > 0, lambda _: "no class that rows are of is ever predicted"
)


@quality_metric(ClassTable, worse=Worse.LOWER, requires=(ROWS,), source=SKLEARN, best_constant=constant_class)
def accuracy(table: ClassTable) -> Floats:
    """Share of the rows that are predicted right: the sum of hits / n.

    Undefined without rows.

    >>> accuracy(ClassTable(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]), np.array([[1.0, 3.0]]), 1)).tolist()
    [0.5]
    """
    return ratio(table.hits.sum(axis=-1), table.actual.sum(axis=-1))


@quality_metric(ClassTable, worse=Worse.LOWER, requires=(ROWS,), source=SKLEARN, best_constant=constant_class)
def weighted_recall(table: ClassTable) -> Floats:
    """Mean of the classes' recalls, weighted with their actual rows: which is accuracy.

    Undefined without rows.

    >>> weighted_recall(ClassTable(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]), np.array([[1.0, 3.0]]), 1)).tolist()
    [0.5]
    """
    return _weighted(table, ratio(table.hits, table.actual))


@quality_metric(ClassTable, worse=Worse.LOWER, requires=(CLASSES, PREDICTED), source=SKLEARN, best_constant=constant_class)
def weighted_precision(table: ClassTable) -> Floats:
    """Mean of the classes' precisions, weighted with their actual rows; a class that is never predicted counts 0.

    Undefined when the rows are of one actual class (it could only be 1), and when no class that they are of is predicted.

    >>> weighted_precision(ClassTable(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]), np.array([[1.0, 3.0]]), 1)).round(4).tolist()
    [0.8333]
    """
    return _weighted(table, ratio(table.hits, table.predicted))


@quality_metric(ClassTable, worse=Worse.LOWER, requires=(CLASSES,), source=SKLEARN, best_constant=constant_class)
def weighted_f0_5(table: ClassTable) -> Floats:
    """Mean of the classes' F-scores with beta 0.5, weighted with their actual rows.

    Undefined when the rows are of one actual class.

    >>> weighted_f0_5(ClassTable(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]), np.array([[1.0, 3.0]]), 1)).round(4).tolist()
    [0.6319]
    """
    return _weighted_f(table, 0.5)


@quality_metric(ClassTable, worse=Worse.LOWER, requires=(CLASSES,), source=SKLEARN, best_constant=constant_class)
def weighted_f1(table: ClassTable) -> Floats:
    """Mean of the classes' F-scores, weighted with their actual rows.

    Undefined when the rows are of one actual class.

    >>> weighted_f1(ClassTable(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]), np.array([[1.0, 3.0]]), 1)).tolist()
    [0.5]
    """
    return _weighted_f(table, 1.0)


@quality_metric(ClassTable, worse=Worse.LOWER, requires=(CLASSES,), source=SKLEARN, best_constant=constant_class)
def weighted_f2(table: ClassTable) -> Floats:
    """Mean of the classes' F-scores with beta 2, weighted with their actual rows.

    Undefined when the rows are of one actual class.

    >>> weighted_f2(ClassTable(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]]), np.array([[1.0, 3.0]]), 1)).round(4).tolist()
    [0.467]
    """
    return _weighted_f(table, 2.0)


def _weighted(table: ClassTable, of_each: Floats) -> Floats:
    return ratio((of_each * table.actual).sum(axis=-1), table.actual.sum(axis=-1))


def _weighted_f(table: ClassTable, beta: float) -> Floats:
    # (1 + β²) P R / (β² P + R) with P and R as ratios of the sums: hits over a mix of actual and predicted rows
    return _weighted(table, ratio((1 + beta**2) * table.hits, beta**2 * table.actual + table.predicted))
