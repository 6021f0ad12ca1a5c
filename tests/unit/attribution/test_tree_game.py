"""Trees that are looked into: the same attributions as of the same model that cannot be looked into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, HistGradientBoostingRegressor

from hourglass.attribution.explainer import EXPLAINERS, Task
from hourglass.attribution.game import Background, Players
from hourglass.attribution.kernel_shap import KernelShap
from hourglass.attribution.tree_game import TreeGame
from hourglass.models import Model, Predictor, Rows, open_model
from tests.unit.attribution.games import ArrayModel, model_answers, task

FEATURES = 9
X, Y = make_classification(1500, FEATURES, n_informative=6, n_classes=3, random_state=0)
X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
ROWS, BACKGROUND, WEIGHTS = X[200:230], X[:5], np.array([0.4, 0.3, 0.1, 0.1, 0.1])
NAMES = tuple(f"x{place}" for place in range(FEATURES))
GROUPS = {"x1": "both", "x4": "both"}


def xgboost_file(path: Path, objective: str, labels: object, **more: object) -> Path:
    data = xgboost.DMatrix(X, labels, feature_names=list(NAMES))
    xgboost.train({"objective": objective, "max_depth": 4, **more}, data, 15).save_model(path / "model.json")
    return path / "model.json"


def lightgbm_file(path: Path, model: lightgbm.LGBMModel, labels: object) -> Path:
    model.set_params(n_estimators=15, verbose=-1).fit(X, labels).booster_.save_model(path / "model.txt")
    return path / "model.txt"


FILES: dict[str, Callable[[Path], Path]] = {
    "xgboost, two classes": lambda path: xgboost_file(path, "binary:logistic", Y > 0),
    "xgboost, three classes": lambda path: xgboost_file(path, "multi:softprob", Y, num_class=3),
    "xgboost, numbers": lambda path: xgboost_file(path, "reg:squarederror", Y),
    "lightgbm, two classes": lambda path: lightgbm_file(path, lightgbm.LGBMClassifier(), Y > 0),
    "lightgbm, three classes": lambda path: lightgbm_file(path, lightgbm.LGBMClassifier(), Y),
    "lightgbm, numbers": lambda path: lightgbm_file(path, lightgbm.LGBMRegressor(), Y),
}
ESTIMATORS = {
    "two classes": HistGradientBoostingClassifier(max_iter=15).fit(X, Y > 0),
    "three classes": HistGradientBoostingClassifier(max_iter=15).fit(X, Y),
    "numbers": HistGradientBoostingRegressor(max_iter=15).fit(X, Y),
    "older, two classes": GradientBoostingClassifier(n_estimators=15).fit(np.nan_to_num(X), Y > 0),
}


def explained(model: Model, rows: object = ROWS, background: object = BACKGROUND, samples: int | None = 60) -> tuple[KernelShap, object]:
    """Attributions by KernelSHAP, of a group as well."""
    given = Background(np.asarray(background), WEIGHTS)
    found = KernelShap(Task(model, given, Rows(NAMES, X[:0], {}), Players.of(NAMES, GROUPS), samples))
    return found, found.explain(np.asarray(rows))


@pytest.mark.parametrize("name", FILES)
def test_boosters_in_files_are_looked_into(tmp_path: Path, name: str):
    """With missing values; XGBoost adds up in numbers of half the digits."""
    model = open_model(Predictor(str(FILES[name](tmp_path))))
    found, values = explained(model)
    assert isinstance(found.inside, TreeGame)
    plain, expected = explained(ArrayModel(lambda rows: model.predict(Rows(NAMES, rows, {}))))
    assert plain.inside is None
    np.testing.assert_allclose(values, expected, atol=2e-6 if "xgboost" in name else 1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_are_looked_into(name: str):
    """Of the older kind, which takes no missing values, without them."""
    estimator = ESTIMATORS[name]
    rows, background = (np.nan_to_num(part) if "older" in name else part for part in (ROWS, BACKGROUND))
    black_box = ArrayModel(lambda given: model_answers(estimator, given))
    found, values = explained(replace(black_box, estimator=estimator), rows, background)
    assert isinstance(found.inside, TreeGame)
    _, expected = explained(black_box, rows, background)
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_more_players_than_a_word_has_bits():
    """70 features; splits at values that rows have go the way that the model's go."""
    rows, labels = make_classification(800, 70, n_informative=40, random_state=1)
    rows = rows.round(1)
    model = HistGradientBoostingClassifier(max_iter=20).fit(rows, labels)
    black_box = ArrayModel(lambda given: model_answers(model, given))
    found, expected = (EXPLAINERS["kernel"](task(each, rows[:4], samples=300)) for each in (model, black_box))
    assert isinstance(found.inside, TreeGame)
    np.testing.assert_allclose(found.explain(rows[10:20]), expected.explain(rows[10:20]), atol=1e-12)


def test_trees_whose_answer_is_changed_around_them_are_not_taken_for_the_model():
    """Its square, and what is added for one coalition only."""
    estimator = ESTIMATORS["two classes"]
    for changed in (lambda rows: model_answers(estimator, rows) ** 2, lambda rows: model_answers(estimator, rows) + (rows[:, :1] > 9)):
        _, values = explained(ArrayModel(changed, estimator), np.where(np.arange(FEATURES) == 0, 10.0, ROWS))
        _, expected = explained(ArrayModel(changed), np.where(np.arange(FEATURES) == 0, 10.0, ROWS))
        np.testing.assert_allclose(values, expected, atol=1e-12)


def test_categories_are_left_to_the_model():
    """Whose splits are sets, which thresholds do not tell."""
    coded = np.abs(np.nan_to_num(X)).round() % 5
    model = HistGradientBoostingClassifier(max_iter=15, categorical_features=[0, 1]).fit(coded, Y > 0)
    black_box = ArrayModel(lambda given: model_answers(model, given))
    _, values = explained(replace(black_box, estimator=model), coded[:20], coded[30:35])
    _, expected = explained(black_box, coded[:20], coded[30:35])
    np.testing.assert_allclose(values, expected, atol=1e-12)
