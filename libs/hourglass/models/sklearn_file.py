"""Estimators of scikit-learn's kind: skops files, and joblib and pickle files of those who are trusted."""

from __future__ import annotations

import io
from typing import Any

from hourglass.errors import InputError, ModelError
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, need_trust, opens, package, read_model
from hourglass.models.rows import Rows

# Compiled or inner types of common estimators, which skops has not on its own list; all hold numbers and run nothing of the file's.
_DATA_ONLY = frozenset(
    {
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
    }
)


@opens("skops", suffixes=(".skops",))
def open_skops(predictor: Predictor) -> Loaded:
    """An estimator of types that skops or we know; InputError with the names of others, unless it is trusted as a pickle would be."""
    skops = package("skops.io", "skops")
    data = read_model(predictor)
    asked = skops.get_untrusted_types(data=data)
    unknown = [name for name in asked if name not in _DATA_ONLY]
    if unknown and not predictor.trust_pickle:
        raise InputError(
            f"model {predictor.name}",
            found=f"types that are not known to be harmless: {', '.join(unknown)}",
            expected="types of scikit-learn, scipy and numpy",
            hint="--trust-pickle, where you know who made it",
        )
    return estimator_model(skops.loads(data, trusted=asked), predictor)


@opens("joblib or pickle", suffixes=(".joblib", ".pkl", ".pickle"))
def open_joblib(predictor: Predictor) -> Loaded:
    """A pickled estimator; InputError unless it is trusted, since it runs code."""
    need_trust(predictor, "a pickle")
    return estimator_model(package("joblib", "joblib").load(io.BytesIO(read_model(predictor))), predictor)


def estimator_model(estimator: Any, predictor: Predictor) -> Loaded:
    """Any object with scikit-learn's methods: probabilities where it has them, else decisions, else predictions."""
    method = next((method for method in ("predict_proba", "decision_function", "predict") if hasattr(estimator, method)), None)
    if method is None:
        raise ModelError(f"model {predictor.name}", found=f"a {type(estimator).__name__}", expected="an object with a method predict")
    names = getattr(estimator, "feature_names_in_", None)
    # `predict` of a classifier gives labels, which are no outputs
    classes = tuple(map(str, getattr(estimator, "classes_", ()))) if method != "predict" else ()

    def shape(rows: Rows) -> Any:
        if names is not None:
            return rows.frame()
        return rows.frame().to_numpy(object) if rows.texts else rows.numbers()

    def ask(table: Any) -> Any:
        answer = getattr(estimator, method)(table)
        return answer[:, 1] if method == "predict_proba" and len(classes) == 2 else answer

    return Loaded(
        "sklearn",
        shape,
        ask,
        names=None if names is None else tuple(map(str, names)),
        labels=(classes[1:] if len(classes) == 2 else classes) or None,
        estimator=estimator,
    )
