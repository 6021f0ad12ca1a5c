"""jobs/*.py by plain spark-submit: a standalone cluster whose machines have Spark and Python, and S3 between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow.fs as pafs
import pytest

from hourglass import storage
from hourglass.capture.slices import SMALLEST_TASK_BYTES
from hourglass.cli import cli
from hourglass.spark.session import spark_line
from tests import environments, servers, standalone
from tests.standalone import Cluster

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests/data/samples"
# without any package, ours included
BARE_PYTHON = getattr(sys, "_base_executable", sys.executable)
PLACE = "PLACE"  # of a test's data, on S3 or on disk
MERGED = '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}'
OF_MODEL = ["--dataset-format", MERGED, "--problem-type", "BinaryClassification", "--probability-attribute", "0"]
COLUMNS = [
    *("Age", "Workclass", "fnlwgt", "Education", "Education-Num", "Marital Status", "Occupation", "Relationship", "Ethnic group"),
    *("Sex", "Capital Gain", "Capital Loss", "Hours per week", "Country"),
]
BIAS = {
    "headers": [*COLUMNS, "Income"],
    "features": "features",
    "label": "label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}],
    "methods": {"pre_training_bias": {"methods": ["CI", "DPL"]}},
}
DRIVERS = {"headers": COLUMNS, "features": "features", "methods": {"shap": {"num_samples": 100}}}
MODEL = """def predict(rows):
    return 1 / (1 + 2.718 ** (9 - rows["Education-Num"] / 2 - rows["Age"] / 20))
"""

Submit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def packages() -> Path:
    """What `make packages` packs."""
    environments.make("packages")
    return ROOT / "dist/hourglass-packages.zip"


@pytest.fixture(scope="module")
def unpacked(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a folder that every machine has."""
    folder = tmp_path_factory.mktemp("packages")
    with zipfile.ZipFile(packages) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two machines with a core each."""
    with standalone.standalone_cluster(tmp_path_factory.mktemp("cluster"), workers=2) as made:
        yield made


@pytest.fixture(scope="module")
def submit(cluster: Cluster, s3: str, tmp_path_factory: pytest.TempPathFactory) -> Submit:  # noqa: ARG001 the environment says where S3 is
    """spark-submit as docs/clusters.md has it: keys in a file, the place of S3 in the driver's environment."""
    folder = tmp_path_factory.mktemp("submit")
    properties = folder / "hourglass.conf"
    properties.touch(0o600)
    settings = {
        "spark.pyspark.python": BARE_PYTHON,
        "spark.pyspark.driver.python": sys.executable,
        "spark.executorEnv.AWS_ACCESS_KEY_ID": servers.ACCESS_KEY,
        "spark.executorEnv.AWS_SECRET_ACCESS_KEY": servers.SECRET_KEY,
        "spark.executor.memory": "600m",
        "spark.ui.enabled": "false",
        "spark.cores.max": "2",
        "spark.driver.host": servers.LOOPBACK,
        "spark.driver.bindAddress": servers.LOOPBACK,
        # both workers are to have had their part, however long one of them takes to come
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "300s",
    }
    properties.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))

    def run(job: str, *flags: str, more: Mapping[str, str] = MappingProxyType({})) -> subprocess.CompletedProcess[str]:
        command = [standalone.HOME / "bin/spark-submit", "--master", cluster.url, "--properties-file", properties]
        for name, value in more.items():
            command += ["--conf", f"spark.{name}={value}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK_", "SPARK_"))}
        return subprocess.run(
            [*command, ROOT / "jobs" / f"{job}.py", *flags, "--container-root", str(folder / "none")],
            env={**environment, **standalone.SHORT_LIVED},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    return run


@pytest.fixture(scope="module")
def source(s3: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The same data on S3 and on disk: hours of captures, labels, merged records, and what bias and attribution are asked."""
    folder = tmp_path_factory.mktemp("source")
    captures = (SAMPLES / "sdk/capture.jsonl").read_text().splitlines()
    for hour in ("08", "09"):
        place = folder / "capture/shop/AllTraffic/2026/11/21" / hour
        place.mkdir(parents=True)
        lines = captures[hour == "09" :: 2]
        # together more than a task reads, so that there is one for each worker
        copies = int(0.6 * SMALLEST_TASK_BYTES) // sum(map(len, lines))
        (place / "00-00-000-a.jsonl").write_text("".join(f"{line}\n" for line in lines * copies))
    labelled = folder / "few/shop/AllTraffic/2026/11/21/09"
    labelled.mkdir(parents=True)
    (labelled / "00-00-000-a.jsonl").write_text("".join(f"{line}\n" for line in captures))
    (folder / "labels/2026/11/21/10").mkdir(parents=True)
    (folder / "labels/2026/11/21/10/a.jsonl").write_bytes((SAMPLES / "sdk/actuals.jsonl").read_bytes())
    (folder / "adult.jsonl").write_bytes((SAMPLES / "adult_validation-dataset.jsonl").read_bytes())
    # explaining a row takes some milliseconds
    few = (SAMPLES / "adult_validation-dataset.jsonl").read_text().splitlines()[:150]
    (folder / "adult_few.jsonl").write_text("".join(f"{line}\n" for line in few))
    (folder / "bias.json").write_text(json.dumps(BIAS))
    (folder / "model.py").write_text(MODEL)
    sources = ["--dataset-source", f"{folder}/few", "--ground-truth-source", f"{folder}/labels"]
    by_itself("merge", *sources, "--output-path", f"{folder}/merged")
    remote = f"{s3}/submit"
    store, inner = storage.filesystem(remote)
    pafs.copy_files(str(folder), inner, destination_filesystem=store, source_filesystem=pafs.LocalFileSystem())
    for place in (remote, str(folder)):
        document = {**DRIVERS, "predictor": {"model": f"{place}/model.py"}}
        storage.write_files(place, {"drivers.json": json.dumps(document).encode()})
    return remote, folder


def by_itself(job: str, *flags: str) -> None:
    """The same without Spark."""
    cli.main([job, "--engine", "local", *flags], standalone_mode=False)


def fetched(place: str, folder: Path) -> Path:
    """A place on S3, on disk."""
    folder.mkdir()
    store, inner = storage.filesystem(place)
    pafs.copy_files(inner, str(folder), source_filesystem=store, destination_filesystem=pafs.LocalFileSystem())
    return folder


def without_clock(path: Path) -> Any:
    """A document but for when it was made, and for the last digits of its numbers, which depend on the rows' order."""
    document = json.loads(path.read_text(), parse_float=lambda number: round(float(number), 9))
    document.get("dataset", {}).pop("evaluation_time", None)
    return document


JOBS = {
    "data quality": ("data_quality", "data-quality", ["--dataset-source", "PLACE/capture"], ["statistics.json", "constraints.json"]),
    "merge": (
        *("ground_truth_merge", "merge"),
        ["--dataset-source", "PLACE/few", "--ground-truth-source", "PLACE/labels"],
        ["shop/AllTraffic/2026/11/21/09/part-00000.jsonl"],
    ),
    "model quality": (
        "model_quality",
        "model-quality",
        ["--dataset-source", "PLACE/merged", *OF_MODEL],
        ["statistics.json", "constraints.json"],
    ),
    "bias": ("bias_drift", "bias", ["--dataset-source", "PLACE/adult.jsonl", "--analysis-config", "PLACE/bias.json"], ["analysis.json"]),
    "attribution": (
        *("attribution_drift", "attribution"),
        ["--dataset-source", "PLACE/adult_few.jsonl", "--analysis-config", "PLACE/drivers.json"],
        ["analysis.json"],
    ),
}


# Spark's lines differ in the pass and in the join; what else the jobs do with them one line shows, and how the archive comes the other
RUNS = [(name, "folder") for name in JOBS] if spark_line() == "3.5" else [("data quality", "archive"), ("merge", "folder")]


@pytest.mark.parametrize(("name", "way"), RUNS, ids=[name for name, _ in RUNS])
def test_every_job_runs_on_machines_that_have_the_packed_packages_only(
    name: str,
    way: str,
    submit: Submit,
    cluster: Cluster,
    packages: Path,
    source: tuple[str, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """From S3 to S3, with an executor on each worker, and with the same result as on one machine without Spark."""
    job, command, flags, names = JOBS[name]
    remote, local = source
    if way == "archive":
        more = {"archives": f"{packages}#packages", "executorEnv.PYTHONPATH": "./packages"}
    else:
        more = {"executorEnv.PYTHONPATH": str(request.getfixturevalue("unpacked"))}
    done = submit(job, *(flag.replace(PLACE, remote) for flag in flags), "--output-path", f"{remote}-reports/{job}", more=more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cluster.executors() == [1, 1]
    by_itself(command, *(flag.replace(PLACE, str(local)) for flag in flags), "--output-path", f"{tmp_path}/alone")
    found = fetched(f"{remote}-reports/{job}", tmp_path / "found")
    for file in names:
        if file.endswith(".jsonl"):
            assert (found / file).read_bytes() == (tmp_path / "alone" / file).read_bytes() != b""
        else:
            assert without_clock(found / file) == without_clock(tmp_path / "alone" / file)


def test_workers_without_our_package_are_told_how_to_get_it(submit: Submit, source: tuple[str, Path], s3: str) -> None:
    """With exit code 2 and one sentence, in place of a worker's traceback; spark-submit prints a job's errors on standard output."""
    done = submit("data_quality", "--dataset-source", f"{source[0]}/adult.jsonl", "--output-path", f"{s3}/none")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "hourglass: Python on Spark's workers: found no package hourglass; expected what `make packages` packs. Hint: " in done.stdout
    assert storage.listing(f"{s3}/none", recursive=True) == []
