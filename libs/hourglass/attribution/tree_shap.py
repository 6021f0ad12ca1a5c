"""Trees, exactly, by the `shap` package."""

from __future__ import annotations

from typing import Any

import numpy as np

from hourglass.attribution.explainer import Task, explainer, is_answer
from hourglass.errors import EnvironmentFault, InputError, ModelError
from hourglass.values import Floats

_TRIED = 50


@explainer("tree")
class TreeShap:
    """The Shapley values of what trees add up to, beside the background; a group is the sum of its features.

    That is the answer of forests and regressions, and of boosted classifiers their log-odds: `of_answer` tells. (What shap
    has for their probabilities is rescaled from the log-odds, and a tenth off.)

    Source: Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees".
    """

    def __init__(self, task: Task) -> None:
        if task.order is None:
            found = "texts among the features" if task.like.texts else f"a model of kind {task.model.kind}"
            raise InputError("explainer tree", found=found, expected="trees of numbers", hint="take auto or kernel")
        self._task = task
        self._order = task.order
        rows, weights = task.background.rows, task.background.weights
        # shap knows no weights: rows of different weights are backgrounds of their own
        equal = float(np.ptp(weights)) == 0.0
        self._shares: Floats = np.ones(1) if equal else weights
        tried = rows[:_TRIED]
        self._outputs = task.predict(tried).shape[1]
        try:
            self._explainers = _explainers(task.model.estimator, [rows] if equal else [row[np.newaxis] for row in rows], task.order)
            bases = np.array([np.atleast_1d(one.expected_value) for one in self._explainers], np.float64)
            self.expected: Floats = self._of_outputs(self._shares @ bases, 0)
            sums = self._by_feature(tried).sum(axis=2) + self.expected
        except EnvironmentFault:
            raise
        except Exception as fault:  # by which shap says that it does not know a model differs from model to model
            found = f"a model of kind {task.model.kind}, of which shap says: {fault}"
            raise InputError("explainer tree", found=found, expected="trees that shap knows", hint="take auto or kernel") from fault
        try:
            self.of_answer = is_answer(task, tried, sums) and not task.logit
        except ModelError as fault:
            expected = "trees whose sum the model answers"
            raise InputError("explainer tree", found=fault.found, expected=expected, hint="take auto or kernel") from fault

    def _of_outputs(self, values: Floats, axis: int) -> Floats:
        """Of the two classes of a binary model the second, as the model's answer is."""
        return np.take(values, [1], axis=axis) if self._outputs == 1 and values.shape[axis] == 2 else values

    def explain(self, rows: Floats) -> Floats:
        values = self._by_feature(rows)
        is_answer(self._task, rows, values.sum(axis=2) + self.expected)
        return self._task.players.summed(values)

    def _by_feature(self, rows: Floats) -> Floats:
        """Rows × outputs × features; those that the trees do not look at have nothing."""
        inputs = rows[:, self._order]
        found = np.zeros(())
        for share, one in zip(self._shares, self._explainers, strict=True):
            values = np.asarray(one.shap_values(inputs, check_additivity=False), np.float64)
            found = found + share * (values[:, np.newaxis] if values.ndim == 2 else values.transpose(0, 2, 1))
        of_inputs = self._of_outputs(found, 1)
        by_feature = np.zeros((*of_inputs.shape[:2], rows.shape[1]))
        by_feature[:, :, self._order] = of_inputs
        return by_feature


def _explainers(estimator: Any, parts: list[Floats], order: Any) -> list[Any]:
    """A TreeExplainer for each part of the background."""
    try:
        import shap
    except ImportError as fault:
        hint = 'pip install "hourglass-monitor[attribution]"'
        raise EnvironmentFault("shap", found="none", expected="the package", hint=hint) from fault
    return [shap.TreeExplainer(estimator, part[:, order], model_output="raw") for part in parts]
