"""From a source to a model: which kind it is, once in a process, and what is said where it cannot be opened."""

from __future__ import annotations

import os
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import xgboost

from hourglass import storage
from hourglass.errors import EnvironmentFault, InputError
from hourglass.models import Predictor, Rows, fingerprint, open_model
from hourglass.models.model import KINDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
ROWS = Rows(("x",), np.array([[1.0], [2.0]]), {})


def write(path: Path, factor: int) -> Predictor:
    path.write_text(f"print('loaded')\ndef predict(rows): return rows.x * {factor}\n")
    return Predictor(str(path))


def test_a_model_is_loaded_once_until_its_file_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A task of Spark's opens it for each batch; somebody at a notebook trains it again."""
    predictor = write(tmp_path / "model.py", 2)
    assert open_model(predictor) is open_model(Predictor(predictor.source))
    assert capsys.readouterr().out == "loaded\n"
    write(tmp_path / "model.py", 30)
    assert open_model(predictor).predict(ROWS).tolist() == [[30.0], [60.0]]


def test_fingerprints_tell_versions_apart(tmp_path: Path) -> None:
    """By the bytes, not by time or place; in a folder also by the names; of an endpoint by its address, without whose password it is."""
    first = fingerprint(write(tmp_path / "a.py", 2))
    assert len(first) == 64
    assert fingerprint(write(tmp_path / "b.py", 2)) == first != fingerprint(write(tmp_path / "c.py", 3))
    prints = set()
    for folder, files in {"one": {"a": "1", "b": "2"}, "two": {"a": "1", "b": "3"}, "three": {"a": "1", "c": "2"}}.items():
        for name, text in files.items():
            (tmp_path / folder / "deep").mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / "deep" / name).write_text(text)
        prints.add(fingerprint(Predictor(str(tmp_path / folder))))
        os.utime(tmp_path / folder / "deep" / "a", (0, 0))
        prints.add(fingerprint(Predictor(str(tmp_path / folder))))
    assert len(prints) == 3
    addresses = "http://host/?model=1", "http://host/?model=2", "sagemaker:churn"
    assert len({fingerprint(Predictor(address)) for address in addresses}) == 3
    assert fingerprint(Predictor("http://me:secret@host/?model=1")) == fingerprint(Predictor(addresses[0]))


def test_models_come_from_an_object_store(s3_path: str, tmp_path: Path) -> None:
    """A file, and its fingerprint."""
    xgboost.XGBRegressor(n_estimators=2).fit(ROWS.matrix, [0.0, 1.0]).save_model(tmp_path / "m.ubj")
    files, inner = storage.filesystem(f"{s3_path}/m.ubj")
    with files.open_output_stream(inner) as stream:
        stream.write((tmp_path / "m.ubj").read_bytes())
    local, remote = Predictor(str(tmp_path / "m.ubj")), Predictor(f"{s3_path.replace('s3://', 's3a://')}/m.ubj")
    assert open_model(remote).predict(ROWS).tolist() == open_model(local).predict(ROWS).tolist()
    assert fingerprint(remote) == fingerprint(local)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("m.onx", r"found the suffix '\.onx'; expected one of .*\*\.onnx \(ONNX\).*sagemaker:….*Hint: did you mean \.onnx\?"),
        ("folder", r"found a folder with b\.txt; expected one of .*a folder with MLmodel \(MLflow\)"),
        ("empty", "found a folder with nothing in it"),
        ("none.json", "none.json: found No such file or directory; expected a readable file"),
        ("ftp://host/m.onnx", "found ftp://; expected a local path or s3://"),
    ],
)
def test_a_source_that_is_no_model_is_told_with_what_would_be(tmp_path: Path, source: str, message: str) -> None:
    """All kinds are listed, the nearest suffix is a hint."""
    for folder in ("folder", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "folder" / "b.txt").touch()
    with pytest.raises(InputError, match=message):
        open_model(Predictor(source if "://" in source else str(tmp_path / source)))


@pytest.mark.parametrize(
    ("module", "name", "package"),
    [
        ("onnxruntime", "m.onnx", "onnxruntime"),
        ("skops.io", "m.skops", "skops"),
        ("xgboost", "m.json", "xgboost-cpu"),
        ("lightgbm", "m.txt", "lightgbm"),
        ("joblib", "m.joblib", "joblib"),
    ],
)
def test_a_missing_package_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, package: str
) -> None:
    """And only when a model of that kind is opened."""
    (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EnvironmentFault, match=rf'package {package}: found .*pip install "hourglass-monitor\[models\]"'):
        open_model(Predictor(str(tmp_path / name), trust_pickle=True))


def test_a_predictor_travels_and_tells_no_secret() -> None:
    """The address with its password goes to the workers, and into no message."""
    predictor = Predictor("https://user:word@host:8/score?key=abc", labels=("no", "yes"), batch_rows=5)
    travelled = pickle.loads(pickle.dumps(predictor))  # noqa: S301 our own
    assert (travelled, hash(travelled)) == (predictor, hash(predictor))
    assert repr(predictor) == str(predictor) == "Predictor('https://host:8/score?…', labels=('no', 'yes'), batch_rows=5)"
    assert Predictor("s3://bucket/user:word@m.onnx").name == "s3://bucket/user:word@m.onnx"


def test_the_documents_python_file_is_a_model(tmp_path: Path) -> None:
    """As it stands there."""
    (tmp_path / "model.py").write_text(re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)[0])
    opened = open_model(Predictor(str(tmp_path / "model.py")))
    assert (opened.names, opened.labels) == (("age", "hours"), ("high",))
    assert opened.predict(Rows(("hours", "age"), np.array([[40.0, 40.0]]), {})).tolist() == [[0.5]]


def test_every_kind_is_in_the_document() -> None:
    """With what its sources look like."""
    text = DOCUMENT.read_text()
    signs = [sign for kind in KINDS.values() for sign in (*kind.suffixes, *kind.prefixes, kind.marker or "MLmodel")]
    assert len(KINDS) == 9
    assert [sign for sign in signs if sign not in text] == []
