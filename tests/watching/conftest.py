"""What the tests of watchers share: a server that takes what is posted, and an hour of captures with bad lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hourglass import logs
from tests.engine import capture_line, write_hour
from tests.models.conftest import serve

__all__ = ["serve"]


@pytest.fixture(autouse=True)
def _no_lines_after() -> Iterator[None]:
    """Log lines are the process'."""
    yield
    logs.remove()


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """The flags of a run over an hour of 98 records and two bad lines, with a store."""
    lines = [capture_line(f"0.{i % 10}", str(i % 50)) for i in range(98)]
    write_hour(tmp_path / "capture", "2026/11/21/09", [*lines, "{", "[1]"])
    return {
        "engine": "local",
        "dataset_source": tmp_path / "capture",
        "output_path": tmp_path / "out",
        "state_root": tmp_path / "states",
        "start_time": "2026-11-21T09:00:00Z",
        "end_time": "2026-11-21T10:00:00Z",
        "sagemaker_endpoint_name": "shop",
        "sagemaker_monitoring_schedule_name": "hourly",
        "container_root": tmp_path / "no-platform",
    }


def arguments(flags: dict[str, Any], command: str = "data-quality", **more: Any) -> list[str]:
    """A command line."""
    return [command, *(f"--{name.replace('_', '-')}={value}" for name, value in {**flags, **more}.items() if value is not None)]
