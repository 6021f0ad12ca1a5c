"""The contributions that XGBoost and LightGBM compute themselves."""

from __future__ import annotations

import numpy as np

from hourglass.attribution.explainer import Task, explainer
from hourglass.errors import InputError
from hourglass.values import Floats


@explainer("native")
class NativeContributions:
    """Path-dependent Shapley values of a booster's margin, which stand beside its training data instead of the background.

    Of probabilities they are those of the log-odds. Source: Lundberg et al. (2020), "From local explanations to global
    understanding with explainable AI for trees".
    """

    def __init__(self, task: Task) -> None:
        if task.model.kind not in {"xgboost", "lightgbm"} or task.like.texts:
            found = "texts among the features" if task.like.texts else f"a model of kind {task.model.kind}"
            raise InputError("explainer native", found=found, expected="a booster of xgboost or lightgbm", hint="take auto or kernel")
        if task.model.names not in {None, task.like.names}:
            found, expected = ", ".join(task.like.names), f"the model's order: {', '.join(task.model.names or ())}"
            raise InputError("explainer native", found=f"features {found}", expected=expected, hint="order the headers so")
        self._model = task.model
        self._names = task.like.names
        self._players = task.players
        self.expected: Floats = self._contributions(task.background.rows[:1])[0, :, -1]
        self.of_answer = False

    def explain(self, rows: Floats) -> Floats:
        return self._players.summed(self._contributions(rows)[:, :, :-1])

    def _contributions(self, rows: Floats) -> Floats:
        """Rows × outputs × features and, last, what the model says of no feature."""
        booster = self._model.estimator
        if self._model.kind == "xgboost":
            import xgboost

            found = booster.predict(xgboost.DMatrix(rows, feature_names=booster.feature_names), pred_contribs=True)
        else:
            found = booster.predict(rows, pred_contrib=True)
        return np.asarray(found, np.float64).reshape(len(rows), -1, len(self._names) + 1)
