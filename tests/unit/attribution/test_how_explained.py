"""What is said of attributions that were made otherwise than a baseline's."""

from dataclasses import asdict, replace

import pytest

from hourglass.attribution.config import Aggregation
from hourglass.attribution.digest import ANSWER
from hourglass.attribution.how_explained import HowExplained
from hourglass.errors import SettingsError

HOW = HowExplained("model.onnx", "1" * 64, ["age", "sex"], {}, "kernel", 2076, Aggregation.MEAN_ABS, ANSWER, 0, "2" * 64, 10)


def test_what_is_alike_is_not_told():
    assert HOW.beside(HOW.document(), "base/model_metadata.json") == ()


def test_what_either_does_not_know_is_not_told():
    """Older documents, and a model that is out of reach."""
    assert HOW.beside({"version": 1, "features": ["age", "sex"]}, "base") == ()
    assert replace(HOW, explainer=None, scale=None, num_samples=None).beside(HOW.document(), "base") == ()


def test_circumstances_are_told():
    before = {**asdict(HOW), "num_samples": 500, "fingerprint": "3" * 64, "explainer": "tree"}
    assert HOW.beside(before, "base") == (
        "model: found SHA-256 11111111…; expected SHA-256 33333333…, as in base",
        "methods.shap.num_samples: found 2076; expected 500, as in base",
        "methods.shap.explainer: found kernel; expected tree, as in base",
    )


def test_another_question_is_refused_with_all_that_differs():
    before = {**asdict(HOW), "features": ["sex", "age"], "explainer": "native", "agg_method": "median", "seed": 4}
    with pytest.raises(SettingsError) as fault:
        HOW.beside(before, "base")
    assert [str(each).partition(". Hint")[0] for each in fault.value.faults] == [
        "headers: found age, sex; expected sex, age, as in base",
        "methods.shap.agg_method: found mean_abs; expected median, as in base",
        "methods.shap.explainer: found kernel; expected native, as in base",
    ]
