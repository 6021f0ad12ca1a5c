"""What tests share: one Spark session, an S3 server, CloudWatch, and the SageMaker SDK in an environment of its own."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from hourglass.spark.session import DEEQU, deequ_settings, spark_line, start_session
from tests import environments, servers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# how long an example takes is the machine's affair: a busy one would fail tests whose assertions hold
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# run in environments of their own, and cannot be imported here to look for doctests
READ_WITH_SDK = Path(__file__).with_name("sdk") / "read_monitoring_files.py"
collect_ignore = ["oracles/fairlearn_metrics.py", "schedulers/airflow_runs.py", str(READ_WITH_SDK), "sdk/monitor_with_sdk.py"]
# Deequ has no jar for the other Spark line that anybody here could try; `make test-spark35` runs these
HAS_DEEQU = spark_line() in DEEQU
if not HAS_DEEQU:
    collect_ignore.append("spark/test_deequ.py")
else:  # nothing in them depends on the Spark line, and some start many processes: the other line runs them
    collect_ignore += ["alarms", "notify", "schedulers", "sdk/test_drop_in.py", "spark/test_hosts.py", "test_bench_alarms.py", "watching"]
# `make test-image` builds what they run, and names it
if "HOURGLASS_IMAGE" not in os.environ:
    collect_ignore += ["image/conftest.py", *(f"image/{path.name}" for path in Path(__file__).with_name("image").glob("test_*.py"))]

SPARK_SETTINGS = {
    # the default of 200 tasks for a handful of rows would be most of a test's time
    "spark.sql.shuffle.partitions": "2",
    # a worker that dies in C++ says where
    "spark.python.worker.faulthandler.enabled": "true",
}


@pytest.fixture(scope="session", autouse=True)
def aws_environment() -> Iterator[pytest.MonkeyPatch]:
    """Nobody's own credentials and nobody's own cloud: what a test does not start itself, it cannot reach."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in {
            "AWS_ACCESS_KEY_ID": servers.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": servers.SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # port 9 discards: a client without a server fails at once
            "AWS_ENDPOINT_URL": f"http://{servers.LOOPBACK}:9",
            "NO_PROXY": servers.LOOPBACK,
        }.items():
            patch.setenv(name, value)
        yield patch


@pytest.fixture(scope="session")
def object_store(aws_environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.ObjectStore]:
    """A real S3 server, started and on its way; `s3` waits for it."""
    with servers.object_store(tmp_path_factory.mktemp("object-store")) as store:
        aws_environment.setenv("AWS_ENDPOINT_URL", store.endpoint)
        yield store


@pytest.fixture(scope="session")
def s3(object_store: servers.ObjectStore) -> str:
    """The URI of the run's bucket on a real S3 server."""
    return object_store.create_bucket(f"hourglass-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def s3_path(s3: str) -> str:
    """What `tmp_path` is, on S3: a place of the test's own."""
    return f"{s3}/{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def _cloudwatch_server(aws_environment: pytest.MonkeyPatch) -> Iterator[str]:
    with servers.cloudwatch_server() as endpoint:
        aws_environment.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", endpoint)
        yield endpoint


@pytest.fixture
def cloudwatch(_cloudwatch_server: str) -> Any:
    """A boto3 client of a CloudWatch without metrics; code under test finds the same server through the environment."""
    import boto3
    import requests

    requests.post(f"{_cloudwatch_server}/moto-api/reset", timeout=10).raise_for_status()
    return boto3.client("cloudwatch")


@pytest.fixture(scope="session")
def spark(object_store: servers.ObjectStore) -> Iterator[SparkSession]:  # noqa: ARG001 see below
    """The one session of the run.

    Its workers inherit the environment of its start, so the object store's address must be known by then.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_SUBMIT_ARGS", " ".join(f"--conf {key}={value}" for key, value in SPARK_SETTINGS.items()) + " pyspark-shell")
        # the jar that `make setup-spark35` fetched: tests go nowhere beyond the loopback
        session = start_session("hourglass-tests", deequ_settings(str(Path(sys.prefix, "deequ.jar"))) if HAS_DEEQU else {})
        yield session
        session.stop()


@pytest.fixture(scope="session")
def read_with_sdk(s3: str) -> Callable[[str | Path], dict[str, Any]]:
    """Reads a directory's statistics.json, constraints.json and constraint_violations.json as SageMaker's users do."""
    python = environments.ensure("sdk")
    return lambda directory: environments.ask(python, READ_WITH_SDK, str(directory), s3.removeprefix("s3://"))
