"""What tests of faults share: a proxy before the object store, and short limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hourglass.spark.session import DEEQU, spark_line
from tests import servers
from tests.fault_proxy import FaultProxy, fault_proxy

# nothing here depends on the Spark line, and waiting for limits takes its time: `make test` runs it, `make test-spark35` does not
collect_ignore_glob = ["test_*.py"] if spark_line() in DEEQU else []


@pytest.fixture(scope="session")
def _proxy(object_store: servers.ObjectStore) -> Iterator[FaultProxy]:
    with fault_proxy(object_store.port) as proxy:
        yield proxy


@pytest.fixture
def proxy(_proxy: FaultProxy, s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:  # noqa: ARG001 the bucket is there
    """The way to the store for whatever the test does, with two attempts of a second each."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", _proxy.endpoint)
    monkeypatch.setenv("HOURGLASS_S3_ATTEMPTS", "2")
    monkeypatch.setenv("HOURGLASS_S3_TIMEOUT", "1")
    _proxy.mend()
    yield _proxy
    _proxy.mend()
