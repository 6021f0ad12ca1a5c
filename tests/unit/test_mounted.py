"""What a job takes from mounted folders and from an endpoint input's attributes, and what goes first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hourglass.commands.mounted import ANALYSIS_CONFIG, with_mounts, with_request
from hourglass.errors import InputError
from hourglass.monitors.analysis_document import analysis_document
from hourglass.settings import Settings


def mounted(root: Path) -> dict[str, str]:
    """The environment of a Clarify job, which says where the platform's folder is and no more."""
    config = root / ANALYSIS_CONFIG
    config.parent.mkdir(parents=True)
    config.write_text("{}")
    return {"container_root": str(root)}


def document_of(tmp_path: Path, document: Any, **said: str) -> Any:
    """A document as a job with these settings reads it."""
    (tmp_path / "analysis_config.json").write_text(json.dumps(document))
    settings = Settings(dataset_source=str(tmp_path / "in"), output_path=str(tmp_path / "out"), **said)
    return analysis_document(settings, str(tmp_path / "analysis_config.json"))


def test_the_folders_of_a_clarify_job_are_its_settings(tmp_path: Path) -> None:
    assert with_mounts(mounted(tmp_path)) == {
        "container_root": str(tmp_path),
        "analysis_config": f"{tmp_path}/processing/input/config/analysis_config.json",
        "dataset_source": f"{tmp_path}/processing/input/data",
        "output_path": f"{tmp_path}/processing/output",
    }


def test_what_the_environment_says_goes_before_a_folder_in_either_case_and_nothing_is_not_said(tmp_path: Path) -> None:
    said = with_mounts({**mounted(tmp_path), "DATASET_SOURCE": "s3://bucket/data", "output_path": ""})
    assert said["DATASET_SOURCE"] == "s3://bucket/data"
    assert "dataset_source" not in said
    assert said["output_path"] == f"{tmp_path}/processing/output"


def test_without_a_mounted_configuration_the_environment_is_all(tmp_path: Path) -> None:
    (tmp_path / "processing/input/data").mkdir(parents=True)
    assert with_mounts({"container_root": str(tmp_path)}) == {"container_root": str(tmp_path)}


def test_the_environment_is_asked_before_the_mounted_request_in_either_case_and_nothing_is_not_said(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    request = '{"Environment": {"dataset_source": "/a", "output_path": "/b", "end_time": "c"}, "AppSpecification": {}}'
    (tmp_path / "config/processingjobconfig.json").write_text(request)
    root = {"container_root": str(tmp_path)}
    assert with_request({**root, "DATASET_SOURCE": "/mine", "end_time": ""}) == {
        **root,
        "DATASET_SOURCE": "/mine",
        "output_path": "/b",
        "end_time": "c",
    }
    assert with_request({"container_root": str(tmp_path / "none")}) == {"container_root": str(tmp_path / "none")}


def test_the_attributes_of_an_endpoint_input_overrule_the_document_and_leave_the_rest(tmp_path: Path) -> None:
    document = {"features": "a", "label": "y", "predictor": {"label": "b", "model_name": "m"}}
    said = {"features_attribute": "f", "inference_attribute": "0", "probability_attribute": "1", "probability_threshold_attribute": "0.4"}
    predictor = {"label": "0", "probability": "1", "probability_threshold": 0.4, "model_name": "m"}
    assert document_of(tmp_path, document, **said) == {"features": "f", "label": "y", "predictor": predictor}
    assert document_of(tmp_path, document) == document
    assert document_of(tmp_path, {"label": "y"}, inference_attribute="0") == {"label": "y", "predictor": {"label": "0"}}


def test_a_predictor_that_is_none_is_left_to_who_reads_the_document(tmp_path: Path) -> None:
    assert document_of(tmp_path, {"predictor": "m"}, inference_attribute="0") == {"predictor": "m"}


def test_a_document_that_is_none_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"analysis_config\.json: found list; expected a JSON object"):
        document_of(tmp_path, ["label"])
