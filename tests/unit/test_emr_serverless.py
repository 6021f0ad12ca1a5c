"""conf/emr-serverless/*.json: what StartJobRun takes, and what our jobs take."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator

from hourglass.settings import load_settings

ROOT = Path(__file__).parents[2]
DEFINITIONS = sorted((ROOT / "conf/emr-serverless").glob("*.json"))


def test_there_is_a_definition_for_each_job() -> None:
    """And none for anything else."""
    assert [path.stem for path in DEFINITIONS] == sorted(path.stem for path in (ROOT / "jobs").glob("*.py"))


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_a_definition_is_what_the_service_takes(path: Path) -> None:
    """By botocore's own shapes, which also refuse a name that they do not have."""
    operation = botocore.session.Session().get_service_model("emr-serverless").operation_model("StartJobRun")
    request = json.loads(path.read_text())
    report = ParamValidator().validate({"clientToken": "made-by-botocore", **request}, operation.input_shape)
    assert report.generate_report() == ""
    assert set(request) <= set(operation.input_shape.members)
    assert set(request["jobDriver"]["sparkSubmit"]) <= set(operation.input_shape.members["jobDriver"].members["sparkSubmit"].members)


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_a_definition_is_what_the_job_takes(path: Path) -> None:
    """Its flags are settings; driver and executors have the packed packages and one Python."""
    job = json.loads(path.read_text())["jobDriver"]["sparkSubmit"]
    assert (ROOT / "jobs" / job["entryPoint"].rpartition("/")[2]).exists()
    flags = job["entryPointArguments"]
    said = {flag.removeprefix("--").replace("-", "_"): value for flag, value in zip(flags[::2], flags[1::2], strict=True)}
    settings = load_settings(said, {})
    assert settings.output_path.startswith("s3://")
    words = shlex.split(job["sparkSubmitParameters"])
    assert set(words[::2]) == {"--conf"}
    conf = dict(word.split("=", 1) for word in words[1::2])
    folder = conf["spark.archives"].partition("#")[2]
    assert conf["spark.archives"].partition("#")[0].endswith("/hourglass-packages.zip")
    for side in ("spark.emr-serverless.driverEnv", "spark.executorEnv"):
        assert conf[f"{side}.PYTHONPATH"] == f"./{folder}"
        assert conf[f"{side}.PYSPARK_PYTHON"] == conf["spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON"]
