"""What the tests of notices share: AWS's services by moto, a server for webhooks, and an hour with a violation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from hourglass import http_post
from hourglass.notify import Notice
from tests.engine import capture_line, write_hour
from tests.models.conftest import serve

__all__ = ["serve"]
ACCOUNT = "123456789012"


@pytest.fixture
def aws(_cloudwatch_server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Clients of services without anything in them; code under test finds the same server."""
    import boto3

    requests.post(f"{_cloudwatch_server}/moto-api/reset", timeout=10).raise_for_status()
    for service in ("SNS", "SQS", "EVENTBRIDGE", "SFN", "IAM"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", _cloudwatch_server)
    return lambda service: boto3.client(service, region_name="us-east-1")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited between attempts, which takes no time here."""
    waited: list[float] = []
    monkeypatch.setattr(http_post, "time", SimpleNamespace(sleep=waited.append))  # other threads may sleep as they like
    return waited


@pytest.fixture
def notice() -> Notice:
    """Of an hour with one violation."""
    found = {"feature": "age", "check": "data_type_check", "value": 0.5, "threshold": 1.0, "description": "half of it is text"}
    report = "s3://bucket/reports/2026/11/21/09/constraint_violations.json"
    window = {"start": "2026-11-21T09:00:00Z", "end": "2026-11-21T10:00:00Z", "rows": 200, "violation_count": 1}
    windows = ({**window, "violations": [found], "report": report},)
    return Notice("n1", "2026-11-21T10:05:00Z", "data-quality", "shop", "hourly", 1, report, "s3://bucket/reports", windows)


@pytest.fixture
def violated(tmp_path: Path) -> dict[str, Any]:
    """The settings of a run over an hour whose ages are texts, where the baseline has numbers."""
    from tests.engine import run

    (tmp_path / "training.csv").write_text("score,age\n" + "".join(f"0.{i % 10},{i % 50}\n" for i in range(1000)))
    run(tmp_path / "baseline", dataset_source=tmp_path / "training.csv")
    write_hour(tmp_path / "capture", "2026/11/21/09", [capture_line(f"0.{i % 10}", f"{i % 50} years") for i in range(200)])
    return {
        "dataset_source": tmp_path / "capture",
        "baseline_constraints": tmp_path / "baseline" / "constraints.json",
        "baseline_statistics": tmp_path / "baseline" / "statistics.json",
        "start_time": "2026-11-21T09:00:00Z",
        "end_time": "2026-11-21T10:00:00Z",
        "window": "1h",
    }
