"""Trees, exactly: the Shapley values of the leaves that coalitions reach."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from hourglass.attribution.explainer import Task, explainer, is_answer
from hourglass.attribution.trees import Reach
from hourglass.errors import InputError
from hourglass.values import Floats


@explainer("tree")
class TreeShap:
    """The Shapley values of what trees add up to, beside the background; a group is a player of its own.

    That is the answer of forests and regressions, and of boosted classifiers their log-odds: `of_answer` tells. A leaf that a
    coalition reaches if it has all of a players and none of b others gives each of the a its value times (a - 1)! b! / (a + b)!,
    and takes from each of the b its value times a! (b - 1)! / (a + b)!.

    Source: Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees".
    """

    def __init__(self, task: Task) -> None:
        trees = task.trees
        if trees is None:
            found = "texts among the features" if task.like.texts else f"a model of kind {task.model.kind}"
            expected = "trees of numbers that shap can read, whose sum the model answers"
            raise InputError("explainer tree", found=found, expected=expected, hint="take auto or kernel")
        if trees.of_answer and task.logit:
            expected = "trees that add up log-odds, or use_logit false"
            raise InputError("explainer tree", found="trees that add up the answer", expected=expected, hint="take kernel")
        rows = task.background.rows
        self.of_answer = trees.of_answer
        self._task = task
        self._reach = Reach(trees, task.players, rows)
        self._weights = task.background.weights
        a, b = np.ogrid[: task.players.count + 1, : task.players.count + 1]
        # of a leaf that asks for none there is nobody to give to
        self._gives = np.exp(gammaln(np.maximum(a, 1.0)) + gammaln(b + 1.0) - gammaln(a + b + 1.0))
        self.expected: Floats = self._weights @ trees.margins(rows)

    def explain(self, rows: Floats) -> Floats:
        found = np.array([self._of_row(row) for row in rows]).reshape(len(rows), len(self.expected), -1)
        is_answer(self._task, rows, found.sum(axis=2) + self.expected)
        return found

    def _of_row(self, row: Floats) -> Floats:
        """The attributions of a row: output × player."""
        found = 0.0
        of_row = self._reach.of(row)
        for weight, of_other in zip(self._weights, self._reach.of_background, strict=True):
            told, there, values = self._reach.leaves(of_row, of_other)
            has, lacks = self._reach.players(there), self._reach.players(told & ~there)
            a, b = has.sum(axis=1), lacks.sum(axis=1)
            shares = has * self._gives[a, b][:, np.newaxis] - lacks * self._gives[b, a][:, np.newaxis]
            found = found + weight * (values.T @ shares)
        return np.asarray(found, np.float64)
