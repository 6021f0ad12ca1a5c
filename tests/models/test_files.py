"""Models in files: each kind gives the numbers that its own library gives."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
import xgboost
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from hourglass.errors import HookError, InputError, ModelError
from hourglass.models import Predictor, Rows, open_model

RANDOM = np.random.default_rng(0)
COUNT = 120
JOBS = ("clerk", "nurse", "pope")
MATRIX = np.column_stack([RANDOM.normal(40, 10, COUNT).round(), RANDOM.normal(size=COUNT), RANDOM.integers(0, 3, COUNT)])
NUMBERS = Rows(("age", "hours per week", "grade"), MATRIX, {})
MIXED = Rows(("age", "hours", "job"), MATRIX, {"job": JOBS})
LACKING = Rows(NUMBERS.names, np.where(RANDOM.random(MATRIX.shape) < 0.2, np.nan, MATRIX), {})
TWO = (MATRIX[:, 0] + 10 * (MATRIX[:, 2] == 1) > 42).astype(int)
THREE = MATRIX[:, 2].astype(int)
NEAR = {"rtol": 0, "atol": 1e-6}


def save(path: Path, model: Any) -> Predictor:
    skops.io.dump(model, path)
    return Predictor(str(path))


# scikit-learn


def test_a_classifier_of_two_classes_gives_the_probability_of_the_second(tmp_path: Path) -> None:
    """One output, named after its class; the features by name, in whatever order and company they come."""
    model = LogisticRegression().fit(NUMBERS.frame(), np.where(TWO, "yes", "no"))
    opened = open_model(save(tmp_path / "m.skops", model))
    assert (opened.kind, opened.names, opened.labels) == ("sklearn", NUMBERS.names, ("yes",))
    expected = model.predict_proba(NUMBERS.frame())[:, 1:]
    np.testing.assert_allclose(opened.predict(NUMBERS), expected, **NEAR)
    other_order = Rows(("x", "grade", "age", "hours per week"), MATRIX[:, [0, 2, 0, 1]], {})
    np.testing.assert_allclose(opened.predict(other_order), expected, **NEAR)
    np.testing.assert_allclose(opened.estimator.predict_proba(opened.inputs(other_order))[:, 1:], expected, **NEAR)


def test_a_classifier_of_three_classes_gives_three_probabilities(tmp_path: Path) -> None:
    """One for each class, named after it."""
    model = LogisticRegression(max_iter=1000).fit(MATRIX, THREE)
    opened = open_model(save(tmp_path / "m.skops", model))
    assert (opened.names, opened.labels) == (None, ("0", "1", "2"))
    np.testing.assert_allclose(opened.predict(NUMBERS), model.predict_proba(MATRIX), **NEAR)


def test_without_probabilities_a_model_gives_its_decisions_or_predictions(tmp_path: Path) -> None:
    """A ridge classifier has decisions, a regression predictions."""
    ridge, forest = RidgeClassifier().fit(MATRIX, TWO), RandomForestRegressor(5, random_state=0).fit(MATRIX, MATRIX[:, 1])
    decided, predicted = open_model(save(tmp_path / "r.skops", ridge)), open_model(save(tmp_path / "f.skops", forest))
    np.testing.assert_allclose(decided.predict(NUMBERS)[:, 0], ridge.decision_function(MATRIX), **NEAR)
    np.testing.assert_allclose(predicted.predict(NUMBERS)[:, 0], forest.predict(MATRIX), **NEAR)
    assert (decided.labels, predicted.labels) == (("1",), None)


@pytest.mark.parametrize("named", [True, False])
def test_a_pipeline_takes_texts(tmp_path: Path, *, named: bool) -> None:
    """As a table when it was fit to one, else as an array; a missing text is as pandas reads it."""
    table = MIXED.frame() if named else MIXED.frame().to_numpy(object)
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job"] if named else [2]), remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression(max_iter=5000)).fit(table, TWO)
    opened = open_model(save(tmp_path / "m.skops", model))
    np.testing.assert_allclose(opened.predict(MIXED)[:, 0], model.predict_proba(table)[:, 1], **NEAR)
    lacking = Rows(MIXED.names, np.where(np.arange(3) == 2, np.nan, MATRIX[:1]), MIXED.texts)
    assert opened.predict(lacking).shape == (1, 1)


def test_missing_values_reach_a_model_that_takes_them(tmp_path: Path) -> None:
    """As NaN."""
    model = HistGradientBoostingClassifier(max_iter=5).fit(LACKING.matrix, TWO)
    opened = open_model(save(tmp_path / "m.skops", model))
    np.testing.assert_allclose(opened.predict(LACKING)[:, 0], model.predict_proba(LACKING.matrix)[:, 1], **NEAR)


def test_a_model_that_takes_no_missing_values_says_which_there_are(tmp_path: Path) -> None:
    """Its own words, and the features."""
    opened = open_model(save(tmp_path / "m.skops", LogisticRegression().fit(MATRIX, TWO)))
    with pytest.raises(ModelError, match=r"(?s)ValueError: Input X contains NaN.*Hint: values of age, hours per week, grade are missing"):
        opened.predict(LACKING)


def test_skops_files_with_unknown_types_are_refused(tmp_path: Path) -> None:
    """A function of somebody's may do anything."""
    model = make_pipeline(FunctionTransformer(np.testing.assert_allclose), LogisticRegression().fit(MATRIX, TWO))
    predictor = save(tmp_path / "m.skops", model)
    with pytest.raises(
        InputError, match=r"m\.skops: found types that are not known to be harmless: numpy\.testing\S*assert_allclose.*--trust-pickle"
    ):
        open_model(predictor)


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_a_pickle_is_opened_only_on_request(tmp_path: Path, suffix: str) -> None:
    """It is not even read before."""
    model, path = LogisticRegression().fit(MATRIX, TWO), tmp_path / f"m{suffix}"
    joblib.dump(model, path) if suffix == ".joblib" else path.write_bytes(pickle.dumps(model))
    with pytest.raises(InputError, match="found a pickle, which runs code when it is loaded; expected --trust-pickle"):
        open_model(Predictor(str(path)))
    opened = open_model(Predictor(str(path), trust_pickle=True))
    np.testing.assert_allclose(opened.predict(NUMBERS)[:, 0], model.predict_proba(MATRIX)[:, 1], **NEAR)


def test_a_pickle_of_something_else_is_no_model(tmp_path: Path) -> None:
    """It has no way to predict."""
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(ModelError, match="found a list; expected an object with a method predict"):
        open_model(Predictor(str(tmp_path / "m.pkl"), trust_pickle=True))


def test_a_broken_file_is_told_with_the_librarys_words(tmp_path: Path) -> None:
    """And with what it was taken for."""
    for name in ("m.skops", "m.onnx", "m.json", "m.txt"):
        (tmp_path / name).write_bytes(b"no model")
        with pytest.raises(ModelError, match=rf"model \S+{name}: found \w+: .*; expected a model that loads as "):
            open_model(Predictor(str(tmp_path / name)))


# XGBoost


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_xgboost_gives_probabilities(tmp_path: Path, suffix: str) -> None:
    """Of one class or of several, missing values included; unnamed features come in order."""
    for labels, columns in ((TWO, slice(1, None)), (THREE, slice(None))):
        model = xgboost.XGBClassifier(n_estimators=5, max_depth=3).fit(LACKING.matrix, labels)
        path = tmp_path / f"m{labels.max()}.{suffix}"
        model.save_model(path)
        opened = open_model(Predictor(str(path)))
        assert (opened.kind, opened.names) == ("xgboost", None)
        np.testing.assert_allclose(opened.predict(LACKING), model.predict_proba(LACKING.matrix)[:, columns], **NEAR)


def test_xgboost_knows_its_features_and_takes_no_other_number_of_them(tmp_path: Path) -> None:
    """By name where it has names."""
    xgboost.XGBRegressor(n_estimators=3).fit(NUMBERS.frame(), MATRIX[:, 1]).save_model(tmp_path / "named.json")
    xgboost.XGBRegressor(n_estimators=3).fit(MATRIX, MATRIX[:, 1]).save_model(tmp_path / "unnamed.json")
    assert open_model(Predictor(str(tmp_path / "named.json"))).names == NUMBERS.names
    with pytest.raises(
        InputError, match="found no grade among the features age, hours per week; expected the features that it was made with"
    ):
        open_model(Predictor(str(tmp_path / "named.json"))).predict(NUMBERS.select([0, 1]))
    with pytest.raises(ModelError, match=r"ValueError: Feature shape mismatch"):
        open_model(Predictor(str(tmp_path / "unnamed.json"))).predict(NUMBERS.select([0, 1]))


def test_xgboost_that_was_stopped_early_is_its_best_trees(tmp_path: Path) -> None:
    """Also for who looks inside."""
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=3)
    model.fit(MATRIX[:80], RANDOM.integers(0, 2, 80), eval_set=[(MATRIX[80:], TWO[80:])], verbose=False)
    model.save_model(tmp_path / "m.json")
    opened = open_model(Predictor(str(tmp_path / "m.json")))
    np.testing.assert_allclose(opened.predict(NUMBERS)[:, 0], model.predict_proba(MATRIX)[:, 1], **NEAR)
    assert opened.estimator.num_boosted_rounds() == model.best_iteration + 1 < model.get_booster().num_boosted_rounds()


def test_xgboost_without_trees_predicts_too(tmp_path: Path) -> None:
    """A linear booster, which has no quick way; stopped early it keeps all of its rounds, as XGBoost does."""
    model = xgboost.XGBClassifier(booster="gblinear", n_estimators=60, early_stopping_rounds=3)
    model.fit(NUMBERS.frame(), TWO, eval_set=[(NUMBERS.frame(), RANDOM.integers(0, 2, COUNT))], verbose=False)
    model.save_model(tmp_path / "m.json")
    opened = open_model(Predictor(str(tmp_path / "m.json")))
    np.testing.assert_allclose(opened.predict(NUMBERS)[:, 0], model.predict_proba(NUMBERS.frame())[:, 1], **NEAR)


def test_xgboost_with_labels_for_an_answer_gives_probabilities_all_the_same(tmp_path: Path) -> None:
    """`multi:softmax` is the same model as `multi:softprob`."""
    settings = {"num_class": 3, "max_depth": 2}
    data = xgboost.DMatrix(MATRIX, label=THREE)
    xgboost.train({**settings, "objective": "multi:softmax"}, data, 3).save_model(tmp_path / "m.ubj")
    expected = xgboost.train({**settings, "objective": "multi:softprob"}, data, 3).predict(data)
    np.testing.assert_allclose(open_model(Predictor(str(tmp_path / "m.ubj"))).predict(NUMBERS), expected, **NEAR)


# LightGBM


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_lightgbm_gives_probabilities(tmp_path: Path) -> None:
    """It writes blanks in names as underscores, and makes names up where there are none."""
    quiet = {"n_estimators": 5, "min_child_samples": 5, "verbose": -1}
    named = lightgbm.LGBMClassifier(**quiet).fit(LACKING.frame(), TWO)
    named.booster_.save_model(tmp_path / "named.txt")
    opened = open_model(Predictor(str(tmp_path / "named.txt")))
    assert (opened.kind, opened.names) == ("lightgbm", ("age", "hours_per_week", "grade"))
    np.testing.assert_allclose(opened.predict(LACKING)[:, 0], named.predict_proba(LACKING.frame())[:, 1], **NEAR)
    unnamed = lightgbm.LGBMClassifier(**quiet).fit(MATRIX, THREE)
    unnamed.booster_.save_model(tmp_path / "unnamed.txt")
    opened = open_model(Predictor(str(tmp_path / "unnamed.txt")))
    assert opened.names is None
    np.testing.assert_allclose(opened.predict(NUMBERS), unnamed.predict_proba(MATRIX), **NEAR)


# categories of both


def with_categories(kind: str, path: Path, table: pd.DataFrame) -> tuple[Predictor, Any]:
    if kind == "xgboost":
        model = xgboost.XGBClassifier(n_estimators=8, enable_categorical=True, max_cat_to_onehot=1).fit(table, TWO)
        model.save_model(path / "m.json")
        return Predictor(str(path / "m.json")), model
    model = lightgbm.LGBMClassifier(n_estimators=8, min_child_samples=5, min_data_per_group=5, verbose=-1).fit(table, TWO)
    model.booster_.save_model(path / "m.txt")
    return Predictor(str(path / "m.txt")), model


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_boosted_trees_take_texts_as_the_categories_that_they_were_fit_to(tmp_path: Path, kind: str) -> None:
    """In the model's order of them, which is not that of the rows' vocabulary; a category it has not met is missing."""
    table = MIXED.frame().astype({"job": pd.CategoricalDtype(["pope", "nurse", "clerk"])})
    predictor, model = with_categories(kind, tmp_path, table)
    opened = open_model(predictor)
    assert np.ptp(model.predict_proba(table.assign(age=40.0, hours=0.0))[:, 1]) > 0.1  # the job does matter
    np.testing.assert_allclose(opened.predict(MIXED)[:, 0], model.predict_proba(table)[:, 1], **NEAR)
    strange = Rows(MIXED.names, MATRIX, {"job": ("clerk", "nurse", "astronaut")})
    expected = model.predict_proba(table.assign(job=table["job"].where(table["job"] != "pope")))[:, 1]
    np.testing.assert_allclose(opened.predict(strange)[:, 0], expected, **NEAR)


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_boosted_trees_take_numbers_as_categories(tmp_path: Path, kind: str) -> None:
    """A postcode, say: its number is looked up, not used as a code."""
    matrix = MATRIX * [1, 1, 100] + [0, 0, 10]
    table = pd.DataFrame(matrix, columns=list(NUMBERS.names)).astype({"grade": int}).astype({"grade": "category"})
    predictor, model = with_categories(kind, tmp_path, table)
    predicted = open_model(predictor).predict(Rows(NUMBERS.names, matrix, {}))
    np.testing.assert_allclose(predicted[:, 0], model.predict_proba(table)[:, 1], **NEAR)


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_boosted_trees_of_numbers_refuse_texts(tmp_path: Path, kind: str) -> None:
    """Rather than to calculate with a place in a vocabulary."""
    predictor, _ = with_categories(kind, tmp_path, MIXED.frame().assign(job=MATRIX[:, 2]))
    with pytest.raises(InputError, match="feature job: found texts; expected numbers"):
        open_model(predictor).predict(MIXED)


# ONNX


@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx_gives_probabilities(tmp_path: Path, *, zipmap: bool) -> None:
    """As a tensor or as a list of maps from class to probability; of two classes the second only."""
    for labels, columns in ((TWO, slice(1, None)), (THREE, slice(None))):
        model = LogisticRegression(max_iter=5000).fit(MATRIX, labels)
        graph = to_onnx(model, MATRIX[:1].astype(np.float32), options={"zipmap": zipmap})
        path = tmp_path / f"m{labels.max()}.onnx"
        path.write_bytes(graph.SerializeToString())
        opened = open_model(Predictor(str(path)))
        assert (opened.kind, opened.names) == ("onnx", None)
        np.testing.assert_allclose(opened.predict(NUMBERS), model.predict_proba(MATRIX)[:, columns], **NEAR)


def test_onnx_gives_a_regressions_number(tmp_path: Path) -> None:
    """Its only output."""
    model = RandomForestRegressor(5, random_state=0).fit(MATRIX, MATRIX[:, 1])
    (tmp_path / "m.onnx").write_bytes(to_onnx(model, MATRIX[:1].astype(np.float32)).SerializeToString())
    np.testing.assert_allclose(open_model(Predictor(str(tmp_path / "m.onnx"))).predict(NUMBERS)[:, 0], model.predict(MATRIX), **NEAR)


@pytest.fixture(scope="module")
def by_column(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any]:
    """A pipeline with an input for each column, one of them of texts."""
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job"]), remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression(max_iter=5000)).fit(MIXED.frame(), TWO)
    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    path.write_bytes(to_onnx(model, MIXED.frame()[:1].astype({"age": np.float32, "hours": np.float32})).SerializeToString())
    return str(path), model


def test_onnx_with_an_input_for_each_column_takes_them_by_name(by_column: tuple[str, Any]) -> None:
    """Texts too; a missing one is an empty text, which an encoder may not know."""
    path, model = by_column
    opened = open_model(Predictor(path))
    assert opened.names == MIXED.names
    np.testing.assert_allclose(opened.predict(MIXED.select([2, 0, 1]))[:, 0], model.predict_proba(MIXED.frame())[:, 1], **NEAR)
    lacking = Rows(MIXED.names, np.where(np.arange(3) == 2, np.nan, MATRIX), MIXED.texts)
    expected = model.predict_proba(MIXED.frame().assign(job=""))[:, 1]
    np.testing.assert_allclose(opened.predict(lacking)[:, 0], expected, **NEAR)


def test_onnx_refuses_a_text_for_a_number_and_a_number_for_a_text(by_column: tuple[str, Any]) -> None:
    """With the feature's name."""
    opened = open_model(Predictor(by_column[0]))
    with pytest.raises(InputError, match="feature hours: found texts; expected numbers"):
        opened.predict(Rows(MIXED.names, MATRIX, {"job": JOBS, "hours": ("many",)}))
    with pytest.raises(ModelError, match="found numbers in job; expected texts, as input job has them"):
        opened.predict(Rows(MIXED.names, MATRIX, {}))


def graph(path: Path, inputs: dict[str, tuple[int, list[int | str]]]) -> str:
    """A graph that adds its inputs up."""
    nodes = [helper.make_node("Cast", [name], [f"{name}_real"], to=TensorProto.FLOAT) for name in inputs]
    nodes += [helper.make_node("Concat", [f"{name}_real" for name in inputs], ["all"], axis=1)]
    nodes += [helper.make_node("ReduceSum", ["all", "axes"], ["sum"], keepdims=1)]
    declared = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
    output = helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n", 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    body = helper.make_graph(nodes, "sums", declared, [output], [axes])
    onnx.save(helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return str(path)


def test_onnx_with_inputs_of_several_columns_gets_them_in_order(tmp_path: Path) -> None:
    """Each as wide as the graph says, of the graph's own types."""
    path = graph(tmp_path / "m.onnx", {"a": (TensorProto.DOUBLE, ["n", 2]), "b": (TensorProto.INT64, ["n", 1])})
    opened = open_model(Predictor(path))
    np.testing.assert_allclose(opened.predict(NUMBERS)[:, 0], MATRIX.sum(axis=1), rtol=1e-6)
    with pytest.raises(ModelError, match="found 2 features; expected 2 in a and 1 in b"):
        opened.predict(NUMBERS.select([0, 1]))
    with pytest.raises(ModelError, match=r"found missing values of grade; expected values, since input b is tensor\(int64\)"):
        opened.predict(Rows(NUMBERS.names, MATRIX * [1, 1, np.nan], {}))


def test_onnx_with_an_input_of_open_width_takes_all_columns(tmp_path: Path) -> None:
    """Where it is the only one."""
    one = graph(tmp_path / "one.onnx", {"x": (TensorProto.FLOAT, ["n", "m"])})
    np.testing.assert_allclose(open_model(Predictor(one)).predict(NUMBERS)[:, 0], MATRIX.sum(axis=1), rtol=1e-6)
    two = graph(tmp_path / "two.onnx", {"x": (TensorProto.FLOAT, ["n", "m"]), "y": (TensorProto.FLOAT, ["n", 1])})
    with pytest.raises(ModelError, match="found 3 features; expected any number of in x and 1 in y"):
        open_model(Predictor(two)).predict(NUMBERS)


# Python files


def python(path: Path, text: str) -> Predictor:
    (path / "model.py").write_text(text)
    return Predictor(str(path / "model.py"))


def test_a_python_file_predicts_from_a_table(tmp_path: Path) -> None:
    """With the columns and labels that it names; a list, an array or a column of pandas will do."""
    text = "FEATURES = ['job', 'age']\nLABELS = ['old']\ndef predict(rows):\n    return (rows.age / 100).where(rows.job == 'pope', 0)\n"
    opened = open_model(python(tmp_path, text))
    assert (opened.kind, opened.names, opened.labels, opened.estimator) == ("python", ("job", "age"), ("old",), None)
    np.testing.assert_allclose(opened.predict(MIXED)[:, 0], np.where(MATRIX[:, 2] == 2, MATRIX[:, 0] / 100, 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "def predict(rows):\n    return rows.no_such\n",
            '(?s)predict of .*  File "[^"]*model.py", line 2, in predict\n    return rows.no_such',
        ),
        ("def predict(rows):\n    raise SystemExit\n", "(?s)predict of .*SystemExit"),
    ],
)
def test_a_python_file_that_fails_shows_its_own_line(tmp_path: Path, text: str, message: str) -> None:
    """The traceback begins in the file; an exit does not end the job."""
    with pytest.raises(ModelError, match=message) as raised:
        open_model(python(tmp_path, text)).predict(MIXED)
    assert "hourglass/models" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "(?s)model .*model.py: found .*line 1, in <module>.*ZeroDivisionError.*expected a script that loads"),
        ("def score(rows): ...", "model .*model.py: found score; expected a function predict"),
        ("LABELS = 'yes'\ndef predict(rows): ...", "LABELS of .*model.py: found 'yes'; expected a list of names"),
    ],
)
def test_a_python_file_that_is_no_model_says_why(tmp_path: Path, text: str, message: str) -> None:
    """When it is opened."""
    with pytest.raises((HookError, InputError), match=message):
        open_model(python(tmp_path, text))
