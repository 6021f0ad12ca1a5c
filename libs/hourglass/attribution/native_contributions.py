"""The contributions that XGBoost and LightGBM compute themselves."""

from __future__ import annotations

import numpy as np

from hourglass.attribution.explainer import Task, explainer, is_answer
from hourglass.errors import InputError
from hourglass.values import Floats


@explainer("native")
class NativeContributions:
    """Path-dependent Shapley values of a booster's margin, which stand beside its training data instead of the background.

    Of probabilities they are those of the log-odds. Source: Lundberg et al. (2020), "From local explanations to global
    understanding with explainable AI for trees".
    """

    def __init__(self, task: Task) -> None:
        if task.model.kind not in {"xgboost", "lightgbm"} or task.order is None:
            found = "texts or categories" if task.model.kind in {"xgboost", "lightgbm"} else f"a model of kind {task.model.kind}"
            raise InputError("explainer native", found=found, expected="a booster of numbers", hint="take auto or kernel")
        self._task = task
        self._order = task.order
        contributions = self._contributions(task.background.rows)
        self.expected: Floats = contributions[0, :, -1]
        self.of_answer = is_answer(task, task.background.rows, contributions.sum(axis=2))
        if self.of_answer and task.logit:
            expected = "a classifier, or use_logit false"
            raise InputError("explainer native", found="a sum that is the answer itself", expected=expected, hint="take kernel")

    def explain(self, rows: Floats) -> Floats:
        found = self._contributions(rows)
        is_answer(self._task, rows, found.sum(axis=2))
        values = np.zeros((*found.shape[:2], rows.shape[1]))
        values[:, :, self._order] = found[:, :, :-1]
        return self._task.players.summed(values)

    def _contributions(self, rows: Floats) -> Floats:
        """Rows × outputs × inputs of the booster and, last, what it says of no feature."""
        booster, inputs = self._task.model.estimator, rows[:, self._order]
        if self._task.model.kind == "xgboost":
            import xgboost

            found = booster.predict(xgboost.DMatrix(inputs, feature_names=booster.feature_names), pred_contribs=True)
        else:
            found = booster.predict(inputs, pred_contrib=True)
        return np.asarray(found, np.float64).reshape(len(rows), -1, len(self._order) + 1)
