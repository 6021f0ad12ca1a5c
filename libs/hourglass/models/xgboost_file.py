"""XGBoost's own files."""

from __future__ import annotations

from functools import partial
from typing import Any

from hourglass.models.categories import encoded
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, opens, package, read_model
from hourglass.values import Floats


@opens("XGBoost", suffixes=(".json", ".ubj"))
def open_xgboost(predictor: Predictor) -> Loaded:
    """A Booster: of one that was stopped early the trees up to the best, of one with categories also texts.

    A classifier gives probabilities, also one with `multi:softmax`, whose own answer is a label.
    """
    xgboost = package("xgboost", "xgboost-cpu")
    booster = xgboost.Booster()
    booster.load_model(bytearray(read_model(predictor)))
    settings = booster.save_config()
    linear = '"name":"gblinear"' in settings
    best = booster.attr("best_iteration")
    if best is not None and not linear and int(best) + 1 < booster.num_boosted_rounds():
        booster = booster[: int(best) + 1]  # so that whoever looks inside sees the same trees
    booster.set_param({"nthread": 1})  # Spark has a task for each core
    if '"multi:softmax"' in settings:
        booster.set_param({"objective": "multi:softprob"})
    told = [] if linear else booster.get_categories(export_to_arrow=True).to_arrow()
    categories = {place: words.to_pylist() for place, (_, words) in enumerate(told) if words is not None}

    def ask_linear(matrix: Floats) -> Any:
        return booster.predict(xgboost.DMatrix(matrix, feature_names=booster.feature_names, nthread=1))

    return Loaded(
        "xgboost",
        shape=partial(encoded, categories=categories),
        ask=ask_linear if linear else booster.inplace_predict,
        names=tuple(booster.feature_names) if booster.feature_names else None,
        estimator=booster,
    )
