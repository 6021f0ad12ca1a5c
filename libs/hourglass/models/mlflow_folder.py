"""Folders that MLflow has written."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hourglass import storage
from hourglass.models.lightgbm_file import open_lightgbm
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, files_of, need_trust, opens, package
from hourglass.models.onnx_file import open_onnx
from hourglass.models.rows import Rows
from hourglass.models.sklearn_file import estimator_model, open_skops
from hourglass.models.xgboost_file import open_xgboost

_MLMODEL = "MLmodel"


@opens("MLflow", marker=_MLMODEL)
def open_mlflow(predictor: Predictor) -> Loaded:
    """The folder's ONNX, skops, XGBoost or LightGBM file where there is one, since none of them runs code.

    Anything else is loaded by MLflow as a Python function, which unpickles and imports what the folder names: InputError
    unless that is trusted. What scikit-learn made gives probabilities, not the labels that MLflow's own `predict` gives.
    """
    folder = storage.normalise(predictor.source)
    flavors = yaml.safe_load(storage.read_bytes(storage.join(folder, _MLMODEL)))["flavors"]
    for flavor, file, opener in (
        ("onnx", "data", open_onnx),
        ("sklearn", "pickled_model", open_skops),
        ("xgboost", "data", open_xgboost),
        ("lightgbm", "data", open_lightgbm),
    ):
        if flavor in flavors and _is_data(flavor, flavors[flavor]):
            return opener(replace(predictor, source=storage.join(folder, flavors[flavor][file])))
    need_trust(predictor, f"the flavor {' and '.join(flavors)} of MLflow")
    return _python_function(_local(predictor, folder), predictor)


def _is_data(flavor: str, facts: dict[str, Any]) -> bool:
    """Whether the flavor's file is one that a package reads without running code from it."""
    if flavor == "sklearn":
        return facts.get("serialization_format") == "skops"
    return flavor != "lightgbm" or facts.get("model_class", "lightgbm.basic.Booster") == "lightgbm.basic.Booster"


def _local(predictor: Predictor, folder: str) -> str:
    """The folder, or a copy of it that lives as long as the process."""
    if storage.is_local(folder):
        return folder
    copy = tempfile.mkdtemp(prefix="hourglass-model-")
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for name, path in files_of(predictor.source):
        place = Path(copy, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(storage.read_bytes(path))
    return copy


def _python_function(folder: str, predictor: Predictor) -> Loaded:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # a monitor tells nobody what it looks at
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about MLflow's own types, in colours
        model = package("mlflow.pyfunc", "mlflow-skinny").load_model(folder, suppress_warnings=True)
    try:
        raw = model.get_raw_model()
    except Exception:  # noqa: BLE001 a function of the user's has none, and each flavor says so in its own way
        raw = None
    if hasattr(raw, "predict_proba"):
        return estimator_model(raw, predictor)
    schema = model.metadata.get_input_schema()
    columns = schema.inputs if schema and not schema.is_tensor_spec() and schema.has_input_names() else []
    types = {column.name: column.type.to_numpy() for column in columns if hasattr(column.type, "to_numpy")}

    def shape(rows: Rows) -> Any:
        """MLflow refuses a float where its signature has an integer, even a whole one, and float64 for float32."""
        frame = rows.frame()
        wanted = {name: kind for name, kind in types.items() if kind.kind in "iufb" and frame[name].dtype.kind == "f"}
        return frame.astype({name: kind for name, kind in wanted.items() if kind.kind == "f" or (frame[name] % 1 == 0).all()})

    return Loaded("mlflow", shape, model.predict, names=tuple(column.name for column in columns) or None, estimator=raw)
