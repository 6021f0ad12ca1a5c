"""The flip test: whether rows like those of facet d, but of facet a, are predicted otherwise. It takes rows, not counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hourglass import docs
from hourglass.bias.metric import CLARIFY, Basis, BiasMetric, Stage, add
from hourglass.capture.payloads import Column, objects
from hourglass.quality.metric import Flags
from hourglass.states.facet_counts import MISSING_NAME
from hourglass.undefined import Undefined
from hourglass.values import Counts, Floats, as_floats

NEIGHBOURS = 5
SAMPLED = Basis("a prediction, among the sampled rows", lambda side: side.predicted, labels=False)
_AT_ONCE = 1 << 22  # distances at a time: 32 MB


@dataclass(frozen=True)
class FlipRows:
    """Sampled rows for the flip test: their features as numbers, the value of each facet, and the predicted class.

    `left_out` counts sampled rows that lack a feature: they have no distance from others. `hidden` are the columns that
    kept rows do not tell.
    """

    features: Floats
    facets: Mapping[str, Sequence[str | None]]
    predicted: Sequence[str | None]
    left_out: int = 0
    hidden: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        features: Mapping[str, Column],
        facets: Mapping[str, Sequence[str | None]],
        predicted: Sequence[str | None],
    ) -> FlipRows:
        """Rows by columns of features: numbers as they are, texts as one column for each, rows with a missing one left out.

        Two different texts are 1 apart. A column is one of texts when any of its values is no number.

        >>> rows = FlipRows.of({"age": [30, 40, None], "job": ["a", "b", "b"]}, {"Sex": ["m", "f", "f"]}, ["1", "0", "0"])
        >>> rows.features.round(2).tolist(), rows.left_out
        ([[30.0, 0.71, 0.0], [40.0, 0.0, 0.71]], 1)
        """
        columns: list[Floats] = []
        for column in features.values():
            numbers = as_floats(column)
            given = objects(column)
            absent = np.array([value is None or value == "" or (isinstance(value, float) and np.isnan(value)) for value in given], np.bool_)
            if not (np.isnan(numbers) & ~absent).any():
                columns.append(numbers)
                continue
            texts = np.array([str(value) for value in given])
            columns += [np.where(absent, np.nan, (texts == text) * np.sqrt(0.5)) for text in sorted(set(texts[~absent].tolist()))]
        matrix = np.stack(columns, axis=1) if columns else np.empty((len(predicted), 0))
        whole = ~np.isnan(matrix).any(axis=1)
        kept = np.flatnonzero(whole).tolist()
        of_facets = {name: [values[place] for place in kept] for name, values in facets.items()}
        return cls(matrix[whole], of_facets, [predicted[place] for place in kept], len(predicted) - len(kept))

    def sides(self, facet: str, d: Collection[str], a: Collection[str] | None) -> tuple[Flags, Flags]:
        """Which rows with a prediction are of side d, and which of a: all others that have a value where a is None."""
        names = [MISSING_NAME if value is None or value == "" else value for value in self.facets[facet]]
        there = np.array([value is not None and value != "" for value in self.predicted], np.bool_)
        in_d = np.array([name in d for name in names], np.bool_)
        in_a = np.array([name != MISSING_NAME if a is None else name in a for name in names], np.bool_)
        return in_d & there, in_a & ~in_d & there


def flips(features: Floats, positive: Flags, d: Flags, a: Flags, neighbours: int = NEIGHBOURS) -> Counts | Undefined:
    """Of the rows of d those that are predicted negative but their neighbours in a positive (F+), the reverse (F-), and the rest.

    Neighbours are the nearest by Euclidean distance (ties: in the order of the rows), and more than half of them decide.
    """
    if features.shape[1] == 0:
        return Undefined("sampled rows have no features")
    if not d.any() or int(np.count_nonzero(a)) < neighbours:
        n_d, n_a = int(np.count_nonzero(d)), int(np.count_nonzero(a))
        return Undefined(f"{n_d} and {n_a} sampled rows on the sides; the flip test takes 1 and {neighbours}")
    others, of_others = features[a], positive[a]
    rows = np.flatnonzero(d)
    at_once = max(1, _AT_ONCE // max(1, others.size))
    near: list[npt.NDArray[np.bool_]] = []
    for start in range(0, len(rows), at_once):
        chosen = features[rows[start : start + at_once]]
        distances = ((chosen[:, np.newaxis] - others) ** 2).sum(axis=2)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
        near.append(2 * of_others[nearest].sum(axis=1) > neighbours)
    like = np.concatenate(near)
    own = positive[rows]
    up, down = int(np.count_nonzero(like & ~own)), int(np.count_nonzero(~like & own))
    return np.array([up, down, len(rows) - up - down], np.int64)


def flip_test(features: Floats, positive: Flags, d: Flags, a: Flags, neighbours: int = NEIGHBOURS) -> float | Undefined:
    """Rows of d that most of their 5 nearest rows of a contradict, for better less for worse: (F+ - F-) / nd.

    F+ are those predicted negative where the neighbours are predicted positive, F- the other way round: the definition of
    SageMaker Clarify's guide. Features are taken as they are given; the guide does not say that they are standardised, and
    without it a column of large numbers decides alone. Undefined without rows of d, or with fewer than 5 of a.

    The stock analyzer's own number has the opposite sign, and on some hundred rows one neighbour instead of five: with
    `neighbours=1` this is minus its value of the real job in `tests/data/samples`.

    >>> features, in_d = np.array([[1], [8], [0], [1], [2], [7], [8], [9]]) / 1.0, np.arange(8) < 2
    >>> positive = np.array([0, 1, 1, 1, 1, 0, 0, 1], np.bool_)
    >>> flip_test(features, positive, in_d, ~in_d, neighbours=3), flip_test(features, positive, in_d & positive, ~in_d, neighbours=3)
    (0.0, -1.0)
    """
    found = flips(features, positive, d, a, neighbours)
    return found if isinstance(found, Undefined) else net_flips(found)


def net_flips(found: Counts) -> float:
    """F+ less F-, as a share of all."""
    return float(found[0] - found[1]) / float(found.sum())


add(
    BiasMetric(
        "FT",
        "Flip Test (FT)",
        Stage.POST,
        template="Rows of {worse} are predicted negative where like rows of {other} are predicted positive: {worse} is worse off.",
        worse="d",
        ideal=0.0,
        counts=SAMPLED,
        shares=SAMPLED,
        by_group=False,
        outcomes=True,
        distance=False,
        most=1.0,
        source=CLARIFY,
        definition=docs.definition(flip_test),
        otherwise="",
        formula=None,
    )
)
