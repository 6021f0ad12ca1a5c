"""Metrics of two classes by the predicted class: sums of four cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hourglass.comparisons import Worse
from hourglass.problems import Problem
from hourglass.quality.classes import spelled_apart
from hourglass.quality.metric import Condition, quality_metric, ratio
from hourglass.states.confusion import Confusion, in_order
from hourglass.undefined import Undefined
from hourglass.values import Counts, Floats

SKLEARN, AWS = "scikit-learn", "SageMaker Model Monitor"


@dataclass(frozen=True)
class BinaryTable:
    """True and false positives and negatives. `positive` is the name of the class that is looked for."""

    problem: ClassVar[Problem] = Problem.BINARY
    state: ClassVar[str] = Confusion.kind

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats
    positive: str

    @classmethod
    def of(cls, cells: Counts, positive: str) -> BinaryTable:
        """The table of draws of the four cells that `binary_cells` gives."""
        tp, fp, fn, tn = np.moveaxis(cells.astype(np.float64), -1, 0)
        return cls(tp, fp, fn, tn, positive)


def binary_cells(state: Confusion, positive: str) -> Counts | Undefined:
    """True positives, false positives, false negatives, true negatives; or why there is no such table.

    There is none without rows, of more than two classes, of two that are both not called `positive`, and where the two
    sides have no class in common only because numbers are spelled in two ways. A single class that is not called
    `positive` is the negative one: an hour in which nothing happened.
    """
    if reason := no_table(state):
        return Undefined(reason)
    names = [state.name_of(code) for code in sorted({*state.actual.tolist(), *state.predicted.tolist()})]
    if len(names) > 2 or (len(names) == 2 and positive not in names):
        shown = ", ".join(in_order(names)[:5])
        return Undefined(f"{len(names)} classes ({shown}); a binary problem has {positive!r} and one other")
    actual, predicted = ([state.name_of(code) == positive for code in codes.tolist()] for codes in (state.actual, state.predicted))
    cells = np.zeros(4, np.int64)
    np.add.at(cells, [(0 if a else 1) if p else (2 if a else 3) for a, p in zip(actual, predicted, strict=True)], state.counts)
    return cells


def no_table(state: Confusion) -> str:
    """Why a table of classes says nothing about its model; "" when it does."""
    if state.n == 0:
        return no_rows(state.rows, state.no_actual)
    apart = spelled_apart(*({state.name_of(code) for code in codes.tolist()} for codes in (state.actual, state.predicted)))
    return apart or ""


def no_rows(rows: int, no_label: int, lacks: str = "prediction") -> str:
    """Why no row can be counted; `lacks` is what the rows with a label have not.

    >>> no_rows(0, 0), no_rows(5, 5), no_rows(5, 0)
    ('no rows', 'none of 5 rows has a label', 'none of 5 rows has a prediction')
    >>> no_rows(5, 2, "probability")
    '2 of 5 rows have no label, the others no probability'
    """
    if rows == 0:
        return "no rows"
    if no_label == rows:
        return f"none of {rows} rows has a label"
    return f"{no_label} of {rows} rows have no label, the others no {lacks}" if no_label else f"none of {rows} rows has a {lacks}"


def always_positive(table: BinaryTable) -> BinaryTable:
    """The table of a model that always predicts the positive class, as the best constant classifier of AWS's examples."""
    nothing = np.zeros_like(table.tp)
    return BinaryTable(table.tp + table.fn, table.fp + table.tn, nothing, nothing, table.positive)


ROWS = Condition[BinaryTable](lambda t: t.tp + t.fp + t.fn + t.tn > 0, lambda _: "no rows")
POSITIVES = Condition[BinaryTable](lambda t: t.tp + t.fn > 0, lambda t: f"no row is actually {t.positive!r}")
NEGATIVES = Condition[BinaryTable](lambda t: t.fp + t.tn > 0, lambda t: f"every row is actually {t.positive!r}")
PREDICTED = Condition[BinaryTable](lambda t: t.tp + t.fp > 0, lambda t: f"no row is predicted {t.positive!r}")
BOTH = POSITIVES, NEGATIVES


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=(POSITIVES,), source=SKLEARN, best_constant=always_positive)
def recall(table: BinaryTable) -> Floats:
    """Share of the actual positives that are predicted positive: TP / (TP + FN).

    Undefined without actual positives. A model that never predicts them has 0, which is its recall.

    >>> recall(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).tolist()
    [1.0]
    """
    return ratio(table.tp, table.tp + table.fn)


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=(*BOTH, PREDICTED), source=SKLEARN, best_constant=always_positive)
def precision(table: BinaryTable) -> Floats:
    """Share of the predicted positives that are actual positives: TP / (TP + FP).

    Undefined when nothing is predicted positive, and when the rows are of one actual class: it could only be 0, or 1.

    >>> precision(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).round(4).tolist()
    [0.3333]
    """
    return ratio(table.tp, table.tp + table.fp)


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=(ROWS,), source=SKLEARN, best_constant=always_positive)
def accuracy(table: BinaryTable) -> Floats:
    """Share of the rows that are predicted right: (TP + TN) / n.

    Undefined without rows.

    >>> accuracy(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).tolist()
    [0.5]
    """
    return ratio(table.tp + table.tn, table.tp + table.fp + table.fn + table.tn)


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=(POSITIVES,), source=AWS)
def true_positive_rate(table: BinaryTable) -> Floats:
    """Share of the actual positives that are predicted positive: TP / (TP + FN), the same as recall.

    Undefined without actual positives.

    >>> true_positive_rate(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).tolist()
    [1.0]
    """
    return ratio(table.tp, table.tp + table.fn)


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=(NEGATIVES,), source=AWS)
def true_negative_rate(table: BinaryTable) -> Floats:
    """Share of the actual negatives that are predicted negative: TN / (TN + FP).

    Undefined without actual negatives.

    >>> true_negative_rate(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).round(4).tolist()
    [0.3333]
    """
    return ratio(table.tn, table.tn + table.fp)


@quality_metric(BinaryTable, worse=Worse.HIGHER, requires=(NEGATIVES,), source=AWS)
def false_positive_rate(table: BinaryTable) -> Floats:
    """Share of the actual negatives that are predicted positive: FP / (TN + FP).

    Undefined without actual negatives.

    >>> false_positive_rate(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).round(4).tolist()
    [0.6667]
    """
    return ratio(table.fp, table.tn + table.fp)


@quality_metric(BinaryTable, worse=Worse.HIGHER, requires=(POSITIVES,), source=AWS)
def false_negative_rate(table: BinaryTable) -> Floats:
    """Share of the actual positives that are predicted negative: FN / (TP + FN).

    Undefined without actual positives.

    >>> false_negative_rate(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).tolist()
    [0.0]
    """
    return ratio(table.fn, table.tp + table.fn)


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=BOTH, source=SKLEARN, best_constant=always_positive)
def f0_5(table: BinaryTable) -> Floats:
    """F-score with beta 0.5, which weighs precision above recall: 1.25 TP / (1.25 TP + 0.25 FN + FP).

    Undefined when the rows are of one actual class. A model that predicts no positives has 0.

    >>> f0_5(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).round(4).tolist()
    [0.3846]
    """
    return _f(table, 0.5)


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=BOTH, source=SKLEARN, best_constant=always_positive)
def f1(table: BinaryTable) -> Floats:
    """F-score, the harmonic mean of precision and recall: 2 TP / (2 TP + FN + FP).

    Undefined when the rows are of one actual class. A model that predicts no positives has 0.

    >>> f1(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).tolist()
    [0.5]
    """
    return _f(table, 1.0)


@quality_metric(BinaryTable, worse=Worse.LOWER, requires=BOTH, source=SKLEARN, best_constant=always_positive)
def f2(table: BinaryTable) -> Floats:
    """F-score with beta 2, which weighs recall above precision: 5 TP / (5 TP + 4 FN + FP).

    Undefined when the rows are of one actual class. A model that predicts no positives has 0.

    >>> f2(BinaryTable.of(np.array([[1, 2, 0, 1]]), "1")).round(4).tolist()
    [0.7143]
    """
    return _f(table, 2.0)


def _f(table: BinaryTable, beta: float) -> Floats:
    hits = (1 + beta**2) * table.tp
    return ratio(hits, hits + beta**2 * table.fn + table.fp)
