"""Folders of MLflow's, here and in an object store."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import lightgbm
import numpy as np
import pytest
import xgboost
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression

from hourglass import storage
from hourglass.errors import InputError, ModelError
from hourglass.models import Predictor, Rows, open_model

RANDOM = np.random.default_rng(1)
ROWS = Rows(("age", "hours"), np.column_stack([RANDOM.integers(0, 6, 80), RANDOM.normal(size=80)]).astype(float), {})
LABELS = (ROWS.matrix[:, 0] > 2).astype(int)
CLASSIFIER = LogisticRegression(max_iter=1000).fit(ROWS.frame(), LABELS)
PROBABILITY = CLASSIFIER.predict_proba(ROWS.frame())[:, 1]


@pytest.fixture(scope="module")
def mlflow() -> Iterator[ModuleType]:
    """MLflow with the flavors that the tests write, which neither warns nor tells anybody."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.lightgbm
        import mlflow.onnx
        import mlflow.pyfunc
        import mlflow.sklearn
        import mlflow.xgboost

        yield mlflow


def saved(path: Path, save: object, model: object, **settings: object) -> Predictor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(model, str(path), pip_requirements=[], **settings)  # else it finds out for seconds what a model needs
    return Predictor(str(path))


def test_flavors_whose_files_run_no_code_need_no_trust(mlflow: ModuleType, tmp_path: Path) -> None:
    """They are opened as the same file is outside of a folder: a classifier gives probabilities."""
    booster = xgboost.XGBClassifier(n_estimators=3).fit(ROWS.matrix, LABELS)
    trees = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS.matrix, LABELS).booster_
    graph = to_onnx(CLASSIFIER, ROWS.matrix[:1].astype(np.float32))
    for name, predictor, kind, expected in (
        ("skops", saved(tmp_path / "1", mlflow.sklearn.save_model, CLASSIFIER, serialization_format="skops"), "sklearn", PROBABILITY),
        ("xgboost", saved(tmp_path / "2", mlflow.xgboost.save_model, booster), "xgboost", booster.predict_proba(ROWS.matrix)[:, 1]),
        ("lightgbm", saved(tmp_path / "3", mlflow.lightgbm.save_model, trees), "lightgbm", trees.predict(ROWS.matrix)),
        ("onnx", saved(tmp_path / "4", mlflow.onnx.save_model, graph), "onnx", PROBABILITY),
    ):
        opened = open_model(predictor)
        assert opened.kind == kind
        np.testing.assert_allclose(opened.predict(ROWS)[:, 0], expected, rtol=0, atol=1e-6, err_msg=name)


def test_a_flavor_that_unpickles_needs_trust(mlflow: ModuleType, tmp_path: Path) -> None:
    """And gives probabilities then too."""
    predictor = saved(tmp_path / "m", mlflow.sklearn.save_model, CLASSIFIER, serialization_format="cloudpickle")
    with pytest.raises(
        InputError, match=r"found the flavor .*sklearn.* of MLflow, which runs code when it is loaded; expected --trust-pickle"
    ):
        open_model(predictor)
    opened = open_model(Predictor(predictor.source, trust_pickle=True))
    assert (opened.kind, opened.labels) == ("sklearn", ("1",))
    np.testing.assert_allclose(opened.predict(ROWS)[:, 0], PROBABILITY, rtol=0, atol=1e-6)


def test_a_python_function_of_mlflows_gets_the_types_of_its_signature(mlflow: ModuleType, tmp_path: Path, s3_path: str) -> None:
    """A whole number as an integer; a missing one is no integer, which MLflow tells. From an object store the folder is copied."""
    with warnings.catch_warnings(record=True):  # about type hints, as the class is made

        class Function(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input):  # noqa: ARG002 MLflow's signature
                assert str(model_input["age"].dtype) == "int64"
                return model_input["age"] + model_input["hours"]

    example = ROWS.frame()[:3].astype({"age": "int64"})

    def save(model: object, path: str, **settings: object) -> None:
        mlflow.pyfunc.save_model(path, python_model=model, signature=mlflow.models.infer_signature(example, [1.0]), **settings)

    local = saved(tmp_path / "m", save, Function())
    files, inner = storage.filesystem(f"{s3_path}/m")
    for path in (path for path in Path(local.source).rglob("*") if path.is_file()):
        with files.open_output_stream(f"{inner}/{path.relative_to(local.source)}") as stream:
            stream.write(path.read_bytes())
    for source in (local.source, f"{s3_path}/m"):
        opened = open_model(Predictor(source, trust_pickle=True))
        assert (opened.kind, opened.names) == ("mlflow", ROWS.names)
        np.testing.assert_allclose(opened.predict(ROWS.select([1, 0]))[:, 0], ROWS.matrix.sum(axis=1), rtol=0, atol=1e-6)
    with pytest.raises(ModelError, match=r"MlflowException: .*Hint: values of age are missing in some rows"):
        opened.predict(Rows(ROWS.names, ROWS.matrix * [np.nan, 1], {}))


def test_a_regression_of_mlflows_predicts(mlflow: ModuleType, tmp_path: Path) -> None:
    """It has no probabilities."""
    model = LinearRegression().fit(ROWS.frame(), ROWS.matrix[:, 0] * 2)
    predictor = saved(tmp_path / "m", mlflow.sklearn.save_model, model, serialization_format="cloudpickle")
    opened = open_model(Predictor(predictor.source, trust_pickle=True))
    np.testing.assert_allclose(opened.predict(ROWS)[:, 0], ROWS.matrix[:, 0] * 2, rtol=0, atol=1e-6)


def test_opening_a_model_of_mlflows_reports_to_nobody(mlflow: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow does by default."""
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY")
    predictor = saved(tmp_path / "m", mlflow.sklearn.save_model, CLASSIFIER, serialization_format="cloudpickle")
    open_model(Predictor(predictor.source, trust_pickle=True))
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
