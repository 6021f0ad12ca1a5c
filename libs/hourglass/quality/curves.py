"""ROC and precision-recall curves of a table of scores, as the contract writes them."""

from __future__ import annotations

import numpy as np

from hourglass.states.scores import Points
from hourglass.undefined import Undefined
from hourglass.values import Floats

MOST_POINTS = 1000  # of a curve in a file: at most 2e-3 apart, and each of them exact


def roc_curve(points: Points) -> tuple[Floats, Floats] | Undefined:
    """False and true positive rates as the threshold falls from above the highest score to the lowest: (0, 0) to (1, 1).

    All corners, those on straight lines included (scikit-learn's drop_intermediate=False). Undefined when the rows are of
    one actual class, and when all have one score.

    >>> false_rates, true_rates = roc_curve(Points(np.array([0.2, 0.9]), np.array([2, 0]), np.array([1, 1])))
    >>> false_rates.tolist(), true_rates.tolist()
    ([0.0, 0.0, 1.0], [0.0, 0.5, 1.0])
    """
    if reason := _nothing(points):
        return Undefined(reason)
    false, true = (np.concatenate([[0], np.cumsum(counts[::-1])]) for counts in (points.negatives, points.positives))
    return false / false[-1], true / true[-1]


def precision_recall_curve(points: Points) -> tuple[Floats, Floats] | Undefined:
    """Precisions and recalls as the threshold falls from above the highest score to the lowest; the first are 1 and 0.

    Ascending recalls, as in the stock analyzer's files; scikit-learn has them the other way round. Undefined when the
    rows are of one actual class, and when all have one score.

    >>> precisions, recalls = precision_recall_curve(Points(np.array([0.2, 0.9]), np.array([2, 0]), np.array([1, 1])))
    >>> precisions.tolist(), recalls.tolist()
    ([1.0, 1.0, 0.5], [0.0, 0.5, 1.0])
    """
    if reason := _nothing(points):
        return Undefined(reason)
    false, true = (np.cumsum(counts[::-1]) for counts in (points.negatives, points.positives))
    return np.concatenate([[1.0], true / (true + false)]), np.concatenate([[0.0], true / true[-1]])


def thinned(first: Floats, second: Floats, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
    """Some points of a curve, about evenly along it, with both its ends: what a report needs of 65,536.

    >>> [len(part) for part in thinned(np.linspace(0, 1, 5000), np.linspace(0, 1, 5000))], len(thinned(np.ones(5), np.ones(5))[0])
    ([1000, 1000], 5)
    """
    if len(first) <= most:
        return first, second
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(first)) + np.abs(np.diff(second)))])
    places = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], most)).clip(0, len(first) - 1))
    places[-1] = len(first) - 1
    return first[places], second[places]


def _nothing(points: Points) -> str:
    if len(points.scores) == 0:
        return "no rows"
    if points.positives.sum() == 0:
        return "no row is actually positive"
    if points.negatives.sum() == 0:
        return "every row is actually positive"
    return "every row has the same score" if len(points.scores) == 1 else ""
