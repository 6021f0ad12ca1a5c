"""What is in the image, and what is not."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from tests.image.containers import Ended, Host, buildah, disk, is_entry

ROOT = Path(__file__).parents[2]
SBOM = "opt/hourglass/sbom.cdx.json"
LINES = re.findall(r"^[a-z0-9._-]+==[^\\]+", (ROOT / "requirements" / "image.txt").read_text(), re.MULTILINE)
THERE = {"python_version": "3.11", "python_full_version": "3.11.2", "platform_machine": "x86_64", "sys_platform": "linux"}


@pytest.fixture(scope="module")
def files(container: str) -> Iterator[Path]:
    """The root of the container's files."""
    yield Path(buildah("mount", container))
    buildah("umount", container)


@pytest.fixture(scope="module")
def configuration(container: str) -> dict[str, Any]:
    """What the image says of how it is run."""
    return json.loads(buildah("inspect", container))["Docker"]["config"]


def test_the_image_says_how_it_is_run(configuration: dict[str, Any]) -> None:
    """The entry point, the health check, and the user that SageMaker's mounts ask for."""
    assert configuration["Entrypoint"] == ["hourglass", "run"]
    assert configuration["Healthcheck"]["Test"] == ["CMD", "health"]
    assert configuration["User"] == "root"


def test_no_secret_and_no_address_is_in_its_settings(configuration: dict[str, Any]) -> None:
    """The names of its variables are few, and known."""
    assert {said.partition("=")[0] for said in configuration["Env"]} <= {"PATH", "HOME", "PYTHONUNBUFFERED", "DEBIAN_FRONTEND"}


def test_the_image_is_as_heavy_as_the_documentation_says(files: Path) -> None:
    """Within what a version of a package may change."""
    weight = sum(path.lstat().st_size for path in files.rglob("*") if not path.is_dir())
    said = re.search(r"weighs (\d\.\d+) GB", (ROOT / "docs" / "container.md").read_text())
    print(weight)
    assert said is not None
    assert abs(weight / 1e9 - float(said[1])) < 0.1


def test_no_jar_of_an_object_store_and_no_tool_to_install_more_is_in_it(files: Path) -> None:
    """S3 is Arrow's; what is in the image was decided when it was built."""
    names = {path.name for path in (files / "opt/hourglass").rglob("*")}
    assert [name for name in names if re.match(r"(hadoop-aws|bundle|aws-java|hadoop-azure|gcs-connector).*\.jar", name)] == []
    assert names.isdisjoint({"pip", "setuptools", "pip.conf"})
    assert not (files / "src").exists()


def test_the_list_of_what_is_in_it_is_a_cyclonedx_document(files: Path) -> None:
    """Held against the specification's own schema."""
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str((files / SBOM).read_text())
    assert fault is None, fault.data.message


def test_the_list_has_everything_that_was_locked_each_jar_and_debians_packages(files: Path) -> None:
    """And no other distribution of Python's."""
    components = bill(files)["components"]
    urls = [component["purl"] for component in components]
    python = {(found["name"], found["version"]) for found in components if found["purl"].startswith("pkg:pypi/")}
    locked = [asked for asked in map(Requirement, LINES) if asked.marker is None or asked.marker.evaluate(THERE)]
    assert python == {(asked.name, str(asked.specifier).removeprefix("==")) for asked in locked}
    jars = list((files / "opt/hourglass").rglob("*.jar"))
    assert len([found for found in components if "hashes" in found]) == len(jars) > 100
    assert any(url.startswith("pkg:deb/debian/openjdk-17-jre-headless@17.") for url in urls)
    assert bill(files)["metadata"]["component"]["version"] == version()


def bill(files: Path) -> Any:
    return json.loads((files / SBOM).read_text())


def version() -> str:
    found = re.search(r'__version__ = "(.+)"', (ROOT / "libs/hourglass/__init__.py").read_text())
    assert found is not None
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]
    return found[1]


def test_versions_and_extras_are_those_that_the_documentation_says(host: Callable[..., Host]) -> None:
    """Python 3.11, Java 17, Spark 4.1; what opens models, explains trees and sends telemetry can be imported."""
    extras = "lightgbm, mlflow, onnxruntime, shap, skops.io, xgboost, opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http"
    script = f"import sys, pyspark, hourglass, {extras}; print(sys.version_info[:2], pyspark.__version__[:3], hourglass.__version__)"
    assert host().run("python", "-c", script).log.split("\n")[0] == f"(3, 11) 4.1 {version()}"
    assert 'version "17.' in host("java").run("java", "-version").log


def test_the_image_is_healthy_while_a_job_is_at_work_and_has_room(host: Callable[..., Host]) -> None:
    """It says what is wrong where it is not."""
    made = host()
    sleeps = "import time\ndef preprocess_handler(inference_record):\n    time.sleep(600)\n"
    made.write("/opt/ml/hook.py", sleeps)
    made.write("/opt/ml/in/a.jsonl", (ROOT / "tests/data/samples/data_quality_intro.capture.jsonl").read_text())
    made.request(
        {"dataset_source": "/opt/ml/in", "output_path": "/opt/ml/out", "engine": "local", "record_preprocessor_script": "/opt/ml/hook.py"}
    )
    with made.running() as running:
        running.wait_for(is_entry)
        assert made.run("health") == Ended(0, "")
        small = host("small")
        with disk(small.root, "64k"):
            ended = small.run("health")
    assert ended.code == 1
    assert ended.log.startswith("/opt/ml: found ")
