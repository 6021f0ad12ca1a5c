"""Metrics of a binary problem by the score: how rows are ranked, and whether a probability is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hourglass.comparisons import Worse
from hourglass.problems import Problem
from hourglass.quality.binary import SKLEARN
from hourglass.quality.metric import Condition, quality_metric, ratio
from hourglass.states.scores import EDGES, SMALLEST, Points, Scores, in_buckets
from hourglass.values import Counts, Floats

DRAWN_POINTS = 2048  # of a table that is drawn from: a deviation needs three digits, and a draw costs what its cells cost


@dataclass(frozen=True)
class ScoreTable:
    """Rows of each distinct score, ascending (last axis), by actual class, and the sums for calibration.

    `squares` and `logarithms` are of the rows whose score is a probability; `bins` has their number, the sum of their
    scores and the positives in each bin (last axis). `outside` is how many scores are no probability.
    """

    problem: ClassVar[Problem] = Problem.BINARY
    state: ClassVar[str] = Scores.kind

    negatives: Floats
    positives: Floats
    squares: Floats
    logarithms: Floats
    bins: tuple[Floats, Floats, Floats]
    outside: int

    @classmethod
    def of(cls, state: Scores) -> ScoreTable:
        """The table of a window: one draw, with the state's exact sums."""
        _, negatives, positives = (array[np.newaxis].astype(np.float64) for array in state.points)
        rows, scores, hits = (array[np.newaxis].astype(np.float64) for array in state.calibration)
        squares, logarithms = np.array([state.squares]), np.array([state.logarithms])
        return cls(negatives, positives, squares, logarithms, (rows, scores, hits), state.outside)

    @classmethod
    def drawn(cls, points: Points, cells: Counts, outside: int) -> ScoreTable:
        """The table of draws of the cells of `points`: all negatives, then all positives."""
        negatives, positives = np.split(cells.astype(np.float64), 2, axis=-1)
        p = np.clip(points.scores, 0.0, 1.0)
        cost = [-np.log(np.clip(right, SMALLEST, 1 - SMALLEST)) for right in (1 - p, p)]
        starts = np.concatenate([[0], np.searchsorted(p, EDGES, side="right")])
        sums = tuple(_by_bin(array, starts) for array in (negatives + positives, (negatives + positives) * p, positives))
        squares = (negatives * p**2).sum(axis=-1) + (positives * (1 - p) ** 2).sum(axis=-1)
        logarithms = (negatives * cost[0]).sum(axis=-1) + (positives * cost[1]).sum(axis=-1)
        return cls(negatives, positives, squares, logarithms, (sums[0], sums[1], sums[2]), outside)


def _by_bin(values: Floats, starts: Counts) -> Floats:
    running = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    ends = np.append(starts[1:], values.shape[-1])
    of_each: Floats = running[..., ends] - running[..., starts]
    return of_each


def drawn_points(state: Scores) -> Points:
    """The points that draws are made of: those of the state, or 2,048 buckets of them."""
    return in_buckets(state.points, DRAWN_POINTS)


ROWS = Condition[ScoreTable](lambda t: t.negatives.sum(axis=-1) + t.positives.sum(axis=-1) > 0, lambda _: "no rows")
POSITIVES = Condition[ScoreTable](lambda t: t.positives.sum(axis=-1) > 0, lambda _: "no row is actually positive")
NEGATIVES = Condition[ScoreTable](lambda t: t.negatives.sum(axis=-1) > 0, lambda _: "every row is actually positive")
RANKED = Condition[ScoreTable](lambda t: (t.negatives + t.positives > 0).sum(axis=-1) > 1, lambda _: "every row has the same score")
PROBABILITIES = Condition[ScoreTable](
    lambda t: np.full(len(t.squares), t.outside == 0), lambda t: f"{t.outside} scores are not within 0 and 1, and no probabilities"
)
ORDER = POSITIVES, NEGATIVES, RANKED


@quality_metric(ScoreTable, worse=Worse.LOWER, requires=ORDER, source=SKLEARN)
def auc(table: ScoreTable) -> Floats:
    """Area under the ROC curve: how often a positive row has a higher score than a negative one, ties counting half.

    Exact up to 65,536 distinct scores, within 3e-5 beyond. Undefined when the rows are of one actual class, and when all
    have one score.

    >>> state = Scores.empty()
    >>> state.update(np.array([True, False, True, False]), np.array([0.9, 0.2, 0.2, 0.1]))
    >>> auc(ScoreTable.of(state)).tolist()
    [0.875]
    """
    below = np.cumsum(table.negatives, axis=-1) - table.negatives / 2
    return ratio((table.positives * below).sum(axis=-1), table.positives.sum(axis=-1) * table.negatives.sum(axis=-1))


@quality_metric(ScoreTable, worse=Worse.LOWER, requires=ORDER, source="SageMaker Model Monitor (Spark); scikit-learn's auc", contract=False)
def au_prc(table: ScoreTable) -> Floats:
    """Area under the precision-recall curve, by trapezoids from recall 0 and precision 1 on.

    Undefined when the rows are of one actual class, and when all have one score.

    >>> state = Scores.empty()
    >>> state.update(np.array([True, False, True, False]), np.array([0.9, 0.2, 0.2, 0.1]))
    >>> au_prc(ScoreTable.of(state)).round(4).tolist()
    [0.9167]
    """
    hits = np.cumsum(table.positives[..., ::-1], axis=-1)
    rows = hits + np.cumsum(table.negatives[..., ::-1], axis=-1)
    precisions = np.where(rows > 0, ratio(hits, rows), 1.0)
    before = np.concatenate([np.ones((*precisions.shape[:-1], 1)), precisions[..., :-1]], axis=-1)
    return ratio((table.positives[..., ::-1] * (precisions + before)).sum(axis=-1) / 2, hits[..., -1])


@quality_metric(ScoreTable, worse=Worse.HIGHER, requires=(ROWS, PROBABILITIES), source=SKLEARN, contract=False)
def brier(table: ScoreTable) -> Floats:
    """Mean of (probability - actual)², where actual is 1 or 0.

    Undefined without rows, and when a score is not within 0 and 1.

    >>> state = Scores.empty()
    >>> state.update(np.array([True, False]), np.array([0.5, 0.0]))
    >>> brier(ScoreTable.of(state)).tolist()
    [0.125]
    """
    return ratio(table.squares, table.bins[0].sum(axis=-1))


@quality_metric(ScoreTable, worse=Worse.HIGHER, requires=(ROWS, PROBABILITIES), source=SKLEARN, contract=False)
def log_loss(table: ScoreTable) -> Floats:
    """Mean of -log(the probability of what was true), in nats; probabilities are held off 0 and 1 by 2.2e-16.

    Undefined without rows, and when a score is not within 0 and 1.

    >>> state = Scores.empty()
    >>> state.update(np.array([True, False]), np.array([0.5, 0.0]))
    >>> log_loss(ScoreTable.of(state)).round(4).tolist()
    [0.3466]
    """
    return ratio(table.logarithms, table.bins[0].sum(axis=-1))


@quality_metric(
    ScoreTable, worse=Worse.HIGHER, requires=(ROWS, PROBABILITIES), source="Guo et al. (2017), arXiv 1706.04599", contract=False
)
def expected_calibration_error(table: ScoreTable) -> Floats:
    """Mean over the rows of |share of positives - mean score| of a row's bin, of ten bins of equal width: (0.1, 0.2] and so on.

    Undefined without rows, and when a score is not within 0 and 1.

    >>> state = Scores.empty()
    >>> state.update(np.array([True, False]), np.array([0.75, 0.75]))
    >>> expected_calibration_error(ScoreTable.of(state)).tolist()
    [0.25]
    """
    rows, scores, positives = table.bins
    return ratio(np.abs(positives - scores).sum(axis=-1), rows.sum(axis=-1))


@quality_metric(ScoreTable, worse=Worse.LOWER, requires=ORDER, source="common definition; ties shared out", contract=False)
def lift_at_1(table: ScoreTable) -> Floats:
    """Share of positives among the 1 % of the rows with the highest scores, divided by their share among all rows.

    Of rows with the score at the cut, the part that fits counts, as on average over their orders. Undefined when the rows
    are of one actual class, and when all have one score.

    >>> lift_at_1(ScoreTable.drawn(Points(np.array([0.1, 0.9]), *np.zeros((2, 2), int)), np.array([[99, 0, 0, 1]]), 0)).tolist()
    [100.0]
    """
    return _lift(table, 0.01)


@quality_metric(ScoreTable, worse=Worse.LOWER, requires=ORDER, source="common definition; ties shared out", contract=False)
def lift_at_10(table: ScoreTable) -> Floats:
    """Share of positives among the 10 % of the rows with the highest scores, divided by their share among all rows.

    Of rows with the score at the cut, the part that fits counts, as on average over their orders. Undefined when the rows
    are of one actual class, and when all have one score.

    >>> lift_at_10(ScoreTable.drawn(Points(np.array([0.1, 0.9]), *np.zeros((2, 2), int)), np.array([[80, 0, 0, 20]]), 0)).tolist()
    [5.0]
    """
    return _lift(table, 0.1)


def _lift(table: ScoreTable, share: float) -> Floats:
    positives = table.positives[..., ::-1]
    rows = positives + table.negatives[..., ::-1]
    total = rows.sum(axis=-1)
    room = np.clip((share * total)[..., np.newaxis] - (np.cumsum(rows, axis=-1) - rows), 0.0, rows)
    found = (ratio(room, rows) * positives).sum(axis=-1)
    return ratio(found, share * positives.sum(axis=-1))
