"""Linear predictors, exactly."""

from __future__ import annotations

import numpy as np

from hourglass.attribution.additive import additive_of
from hourglass.attribution.explainer import Task, explainer, is_answer
from hourglass.errors import InputError
from hourglass.values import Floats


@explainer("linear")
class LinearShap:
    """The Shapley values of a weighted sum, weight × (value - the background's mean); of a classifier those of its log-odds.

    Source: Štrumbelj and Kononenko (2014), "Explaining prediction models and individual predictions with feature contributions".
    """

    def __init__(self, task: Task) -> None:
        additive = additive_of(task.model.estimator)
        if additive is None or task.order is None or additive.weights.shape[1] != len(task.order):
            hint = "take auto or kernel"
            raise InputError("explainer linear", found=f"a model of kind {task.model.kind}", expected="a linear predictor", hint=hint)
        if task.logit and not additive.classifies:
            expected = "a classifier, or use_logit false"
            raise InputError("explainer linear", found="a sum that is the answer itself", expected=expected, hint="take kernel")
        additive = additive.ordered(task.order, len(task.like.names))
        self._task = task
        self._weights = additive.weights
        self._players = task.players
        self._mean = task.background.weights @ task.background.rows
        self.expected: Floats = additive.weights @ self._mean + additive.intercepts
        self.of_answer = not additive.classifies

    def explain(self, rows: Floats) -> Floats:
        values = (rows - self._mean)[:, np.newaxis] * self._weights
        is_answer(self._task, rows, values.sum(axis=2) + self.expected)
        return self._players.summed(values)
