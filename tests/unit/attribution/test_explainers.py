"""Attributions of rows: against Shapley values by enumeration, and against the `shap` package."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hourglass.attribution.additive import AdditiveGame
from hourglass.attribution.coalitions import design
from hourglass.attribution.explainer import EXPLAINERS, explainer_of
from hourglass.attribution.game import VALUES_AT_ONCE
from hourglass.attribution.tree_game import TreeGame
from hourglass.attribution.trees import Trees
from hourglass.errors import EnvironmentFault, InputError, ModelError
from tests.unit.attribution.games import ArrayModel, model_answers, shapley, shapley_of_row, task

FEATURES = 10
X, Y = make_classification(1500, FEATURES, n_informative=6, random_state=0)

BACKGROUND, ROWS = X[:6], X[100:108]
WEIGHTS = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])


def fitted():
    return {
        "logistic": LogisticRegression().fit(X, Y),
        "scaled": make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y),
        "linear": LinearRegression().fit(X, Y),
        "boosted": HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(X, Y),
        "forest": RandomForestClassifier(20, random_state=0).fit(X, Y),
    }


MODELS = fitted()


def by_definition(model, weights=WEIGHTS):
    return np.array([shapley_of_row(lambda rows: model_answers(model, rows).ravel(), row, BACKGROUND, weights) for row in ROWS])


@pytest.mark.parametrize("name", MODELS)
def test_kernel_shap_with_all_coalitions_gives_the_shapley_values(name):
    """Also of linear predictors, which it asks no synthetic rows of, and with a weighted background."""
    found = EXPLAINERS["kernel"](task(MODELS[name], BACKGROUND, weights=WEIGHTS, samples=2**FEATURES))
    np.testing.assert_allclose(found.explain(ROWS)[:, 0], by_definition(MODELS[name]), atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_attributions_and_the_expected_value_add_up_to_the_answer(name):
    """To 1e-6, by whichever explainer the model allows and at any number of samples."""
    for way, samples in (("auto", None), ("kernel", 40)):
        _, found = explainer_of(way, task(MODELS[name], BACKGROUND, samples=samples))
        whole = found.explain(ROWS).sum(axis=2) + found.expected
        np.testing.assert_allclose(whole, model_answers(MODELS[name], ROWS).reshape(len(ROWS), -1), atol=1e-6)


@pytest.mark.parametrize("weights", [np.full(6, 1 / 6), WEIGHTS], ids=["equal", "weighted"])
def test_forests_have_their_shapley_values_exactly(weights):
    """What `auto` takes for them."""
    way, found = explainer_of("auto", task(MODELS["forest"], BACKGROUND, weights=weights))
    assert way == "tree"
    np.testing.assert_allclose(found.explain(ROWS)[:, 0], by_definition(MODELS["forest"], weights), atol=1e-6)


@pytest.mark.parametrize("weights", [np.full(6, 1 / 6), WEIGHTS], ids=["equal", "weighted"])
def test_boosted_trees_have_those_of_their_log_odds_on_request(weights):
    """Exactly; `auto` explains the probability, which shap's trees have by a rule of thumb only."""
    asked = task(MODELS["boosted"], BACKGROUND, weights=weights)
    assert explainer_of("auto", asked)[0] == "kernel"
    found = explainer_of("tree", asked)[1]
    assert not found.of_answer

    log_odds = MODELS["boosted"].decision_function
    expected = [shapley_of_row(log_odds, row, BACKGROUND, weights) for row in ROWS]
    np.testing.assert_allclose(found.explain(ROWS)[:, 0], expected, atol=1e-5)


def test_trees_of_several_classes_and_of_numbers_too():
    """Answers of three classes, and of a regression."""
    three = RandomForestClassifier(10, random_state=0).fit(X, Y + (X[:, 0] > 1))
    number = RandomForestRegressor(10, random_state=0).fit(X, X[:, 0] * X[:, 1])
    for model, outputs in ((three, 3), (number, 1)):
        way, found = explainer_of("auto", task(model, BACKGROUND))
        assert (way, len(found.expected)) == ("tree", outputs)
        answers = model_answers(model, ROWS).reshape(len(ROWS), -1)
        np.testing.assert_allclose(found.explain(ROWS).sum(axis=2) + found.expected, answers, atol=1e-6)


def test_a_linear_predictor_has_shaps_linear_values():
    """Of a classifier those of its log-odds."""
    import shap

    for name in ("linear", "logistic"):
        theirs = shap.LinearExplainer(MODELS[name], shap.maskers.Independent(BACKGROUND, max_samples=100)).shap_values(ROWS)
        np.testing.assert_allclose(EXPLAINERS["linear"](task(MODELS[name], BACKGROUND)).explain(ROWS)[:, 0], theirs, atol=1e-9)


@pytest.mark.parametrize("name", ["logistic", "boosted", "forest"])
@pytest.mark.parametrize("samples", [100, 500])
def test_kernel_shap_is_no_further_off_than_shaps(name, samples):
    """At the same number of coalitions of a model that cannot be looked into: squares over rows, features and five seeds."""
    import shap

    exact = by_definition(MODELS[name], np.full(6, 1 / 6))
    black_box = ArrayModel(lambda rows: model_answers(MODELS[name], rows))
    explainer = shap.KernelExplainer(lambda rows: model_answers(MODELS[name], rows)[:, 0], BACKGROUND)
    ours, theirs = [], []
    for seed in range(5):
        ours.append(EXPLAINERS["kernel"](task(black_box, BACKGROUND, samples=samples, seed=seed)).explain(ROWS)[:, 0] - exact)
        np.random.seed(seed)  # noqa: NPY002 shap draws by it
        theirs.append(explainer.shap_values(ROWS, nsamples=samples, silent=True, l1_reg=False) - exact)
    assert np.square(ours).mean() <= np.square(theirs).mean()


def test_log_odds_are_explained_on_request():
    """The link is applied to the mean answer, as the stock analyzer does."""
    model = MODELS["boosted"]
    found = EXPLAINERS["kernel"](task(model, BACKGROUND, logit=True, samples=100))
    answers = model_answers(model, ROWS)
    np.testing.assert_allclose(found.explain(ROWS).sum(axis=2) + found.expected, np.log(answers / (1 - answers)), atol=1e-9)
    mean = model_answers(model, BACKGROUND).mean()
    assert found.expected[0] == pytest.approx(np.log(mean / (1 - mean)))
    with pytest.raises(InputError, match=r"use_logit: found an answer of .*; expected probabilities"):
        EXPLAINERS["kernel"](task(ArrayModel(lambda rows: rows[:, 0] * 100), BACKGROUND, logit=True))


def test_a_feature_that_is_as_in_the_background_has_nothing():
    """And the others share the answer as if it were not there; NaN is as NaN."""
    background, rows = BACKGROUND.copy(), ROWS.copy()
    background[:, 2] = rows[:, 2] = 4.0
    background[:, 5] = rows[:3, 5] = np.nan
    model = ArrayModel(lambda found: np.tanh(np.nan_to_num(found, nan=-1.0)).sum(axis=1) ** 2)
    values = EXPLAINERS["kernel"](task(model, background, samples=2**FEATURES)).explain(rows)[:, 0]
    assert (values[:, 2] == 0).all()
    assert (values[:3, 5] == 0).all()
    assert (values[3:, 5] != 0).all()
    expected = np.array([shapley_of_row(model.function, row, background, np.full(6, 1 / 6)) for row in rows])
    np.testing.assert_allclose(values, expected, atol=1e-9)


def test_features_of_a_group_are_one_player():
    """Their value is that of the group in a game of groups, not the sum of its members'."""
    groups = {"x0": "first", "x1": "first", "x8": "last", "x9": "last"}
    asked = task(MODELS["boosted"], BACKGROUND, groups, samples=2**FEATURES)
    assert asked.players.names == ("first", "x2", "x3", "x4", "x5", "x6", "x7", "last")
    found = EXPLAINERS["kernel"](asked)

    def worth(row, masks):
        synthetic = np.where(masks[:, asked.players.of_feature][:, np.newaxis], row, BACKGROUND)
        return model_answers(MODELS["boosted"], synthetic.reshape(-1, FEATURES)).reshape(len(masks), -1).mean(axis=1)

    expected = [shapley(partial(worth, row), 8) for row in ROWS]
    np.testing.assert_allclose(found.explain(ROWS)[:, 0], expected, atol=1e-9)


def test_the_model_is_never_asked_for_more_rows_than_fit():
    """However many rows, coalitions and rows of the background there are; and values do not depend on it."""
    asked = []

    def counted(rows):
        asked.append(rows.size)
        return np.tanh(rows).sum(axis=1)

    rows = np.random.default_rng(0).normal(size=(300, FEATURES))
    background = np.random.default_rng(1).normal(size=(200, FEATURES))
    found = EXPLAINERS["kernel"](task(ArrayModel(counted), background, samples=200))
    whole = found.explain(rows)
    assert max(asked) <= VALUES_AT_ONCE
    np.testing.assert_allclose(found.explain(rows[:5]), whole[:5], atol=1e-12)


def test_a_linear_predictor_that_says_something_else_is_asked_itself():
    """A model around an estimator may change its answer: what it says of the background tells."""
    model = ArrayModel(lambda rows: model_answers(MODELS["logistic"], rows) ** 2, MODELS["logistic"])
    found = EXPLAINERS["kernel"](task(model, BACKGROUND, samples=100))
    assert isinstance(found.inside, AdditiveGame)
    assert not found.inside.agrees(ROWS)
    np.testing.assert_allclose(found.explain(ROWS).sum(axis=2) + found.expected, model_answers(MODELS["logistic"], ROWS) ** 2, atol=1e-9)


@pytest.mark.parametrize("way", ["tree", "linear", "native"])
def test_an_explainer_that_the_model_does_not_allow_says_so(way):
    with pytest.raises(InputError, match=f"explainer {way}: found a model of kind array.*take auto or kernel"):
        explainer_of(way, task(ArrayModel(lambda rows: rows[:, 0]), BACKGROUND))


def test_an_unknown_explainer_has_its_nearest_name():
    with pytest.raises(InputError, match="did you mean kernel"):
        explainer_of("kernal", task(MODELS["linear"], BACKGROUND))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosters_own_contributions_add_up_to_their_margin(library):
    """Numbers of the libraries, by the features of a group together."""
    if library == "xgboost":
        import xgboost

        booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "verbosity": 0}, xgboost.DMatrix(X, Y), 10)
        margin = booster.predict(xgboost.DMatrix(ROWS), output_margin=True)
        ask = booster.inplace_predict
    else:
        import lightgbm

        booster = lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(X, Y), 10)
        margin = booster.predict(ROWS, raw_score=True)
        ask = booster.predict
    model = ArrayModel(ask, booster, library)
    found = EXPLAINERS["native"](task(model, BACKGROUND, {"x0": "g", "x3": "g"}))
    values = found.explain(ROWS)
    assert values.shape == (len(ROWS), 1, FEATURES - 1)
    np.testing.assert_allclose(values.sum(axis=2)[:, 0] + found.expected[0], margin, atol=1e-5)


@pytest.mark.parametrize(("way", "name"), [("auto", "logistic"), ("auto", "forest"), ("linear", "logistic"), ("tree", "forest")])
def test_features_may_come_in_another_order_than_the_models(way, name):
    """With more of them than the model looks at, and a background that is the same in any order."""
    order = np.array([9, 3, 1, 0, 7, 8, 2, 6, 5, 4])

    class Reordering(ArrayModel):
        def inputs(self, rows):
            return rows.numbers()[:, :FEATURES][:, order]

        def predict(self, rows):
            return model_answers(MODELS[name], self.inputs(rows)).reshape(len(rows), -1)

    asked = task(Reordering(lambda rows: rows, MODELS[name]), np.zeros((1, FEATURES + 1)), samples=2**12)
    rows = np.column_stack([ROWS, np.ones(len(ROWS))])
    _, found = explainer_of(way, asked)
    values = found.explain(rows)[:, 0]
    assert (np.abs(values[:, FEATURES]) < 1e-9).all()
    inverse = np.argsort(order)
    plain = explainer_of(way, task(MODELS[name], np.zeros((1, FEATURES)), samples=2**12))[1]
    np.testing.assert_allclose(values[:, :FEATURES], plain.explain(ROWS[:, order])[:, 0][:, inverse], atol=1e-9)


def test_trees_that_shap_does_not_know_are_explained_by_kernel_shap():
    """Boosted trees of categories."""
    import pandas as pd
    import xgboost

    table = pd.DataFrame({"kind": pd.Categorical([10, 20, 30] * 100), "size": np.arange(300.0)})
    booster = xgboost.train({"verbosity": 0}, xgboost.DMatrix(table, np.arange(300) % 3, enable_categorical=True), 5)

    def ask(rows):
        return booster.predict(xgboost.DMatrix(rows, feature_names=["kind", "size"], feature_types=["c", "q"], enable_categorical=True))

    asked = task(ArrayModel(ask, booster, "xgboost"), np.array([[0.0, 5.0]]))
    way, found = explainer_of("auto", asked)
    rows = np.array([[1.0, 7.0], [2.0, 100.0]])
    assert way == "kernel"
    np.testing.assert_allclose(found.explain(rows).sum(axis=2) + found.expected, ask(rows)[:, np.newaxis], atol=1e-6)


def test_memory_is_bounded_for_linear_predictors_too():
    """A hundred rows of 400 features, most of which are as in the background."""
    import tracemalloc

    random = np.random.default_rng(0)
    rows = (random.random((100, 400)) < 0.4).astype(float)
    model = LogisticRegression().fit(rows, random.random(100) < 0.5)
    found = EXPLAINERS["kernel"](task(model, np.zeros((1, 400)), samples=1000))
    found.explain(rows[:2])
    tracemalloc.start()
    found.explain(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6


@pytest.mark.parametrize("name", ["forest", "boosted"])
def test_trees_are_shaps_trees(name):
    """Beside the training rows, on whose values splits are: shap holds some of them in half the digits."""
    import shap

    background, rows = 1.003 * BACKGROUND, 1.003 * ROWS
    theirs = np.asarray(shap.TreeExplainer(MODELS[name], background, model_output="raw").shap_values(rows, check_additivity=False))
    ours = EXPLAINERS["tree"](task(MODELS[name], background)).explain(rows)[:, 0]
    np.testing.assert_allclose(ours, theirs[..., 1] if theirs.ndim == 3 else theirs, atol=1e-6)


@pytest.mark.parametrize("weights", [np.full(6, 1 / 6), WEIGHTS], ids=["equal", "weighted"])
def test_a_group_is_a_player_of_trees_too(weights):
    """As of coalitions: what both say is not what one of them says and what the other does."""
    groups = {"x0": "g", "x1": "g", "x2": "g"}
    tree, kernel = (EXPLAINERS[way](task(MODELS["forest"], BACKGROUND, groups, weights, samples=2**8)) for way in ("tree", "kernel"))
    np.testing.assert_allclose(tree.explain(ROWS), kernel.explain(ROWS), atol=1e-9)


def test_a_background_of_many_rows_is_taken_whole():
    """300, of which shap would take a hundred."""
    asked = task(MODELS["forest"], X[:300])
    found = EXPLAINERS["tree"](asked)
    np.testing.assert_allclose(found.expected, model_answers(MODELS["forest"], X[:300]).mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.explain(ROWS[:2])[:, 0], EXPLAINERS["kernel"](asked).explain(ROWS[:2])[:, 0], atol=1e-9)


@pytest.mark.parametrize(("way", "name"), [("tree", "forest"), ("linear", "linear")])
def test_log_odds_of_what_adds_up_the_answer_are_refused(way, name):
    """They would be the answer's attributions under another name."""
    with pytest.raises(InputError, match=f"explainer {way}: found .* that .* the answer.*take kernel"):
        explainer_of(way, task(MODELS[name], BACKGROUND, logit=True))


@pytest.mark.parametrize(("way", "name"), [("tree", "forest"), ("linear", "logistic")])
def test_attributions_that_do_not_add_up_are_an_error(way, name):
    """Of a model that says something else of some rows than of the background."""
    plain = task(MODELS[name], BACKGROUND).model
    changed = ArrayModel(lambda rows: plain.function(rows) + (rows[:, :1] == ROWS[0, 0]), MODELS[name])
    found = EXPLAINERS[way](task(changed, BACKGROUND))
    found.explain(ROWS[1:])
    with pytest.raises(ModelError, match="attributions that miss the model's answers by"):
        found.explain(ROWS)


def test_many_features_of_which_each_row_has_others_share_designs():
    """Zero where a row is the background's; they add up, and a hundred rows of as many counts take few designs."""
    rows = np.zeros((60, 120))
    for place in range(60):
        rows[place, : 34 + place] = 1.0
    found = EXPLAINERS["kernel"](task(ArrayModel(lambda given: np.tanh(given.sum(axis=1) / 50)), np.zeros((1, 120)), samples=600))
    before = design.cache_info().misses
    values = found.explain(rows)[:, 0]
    assert design.cache_info().misses - before <= 5
    assert (values[rows == 0] == 0).all()
    np.testing.assert_allclose(values.sum(axis=1), np.tanh(rows.sum(axis=1) / 50), atol=1e-12)
    expected = np.tanh(rows.sum(axis=1) / 50) / rows.sum(axis=1)  # all that are there are alike
    assert np.abs(values - expected[:, np.newaxis])[rows > 0].max() < 0.01


def test_without_shap_trees_are_explained_by_asking_the_model(monkeypatch):
    """By default; who asks for its trees by name is told what to install."""
    monkeypatch.setitem(sys.modules, "shap", None)
    way, found = explainer_of("auto", task(MODELS["forest"], BACKGROUND, samples=100))
    assert (way, found.inside) == ("kernel", None)
    with pytest.raises(EnvironmentFault, match=r"shap: found none; expected the package.*pip install"):
        explainer_of("tree", task(MODELS["forest"], BACKGROUND))


def test_trees_are_read_once_of_a_task(monkeypatch):
    """Though `auto` tries the exact explainer of boosted classifiers before it takes coalitions."""
    read = []
    plain = Trees.of
    monkeypatch.setattr(Trees, "of", lambda *given: read.append(given) or plain(*given))
    way, found = explainer_of("auto", task(MODELS["boosted"], BACKGROUND, samples=100))
    assert (way, type(found.inside), len(read)) == ("kernel", TreeGame, 1)
