"""What the image's tests share: one container, whose every run has a mounted tree of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.image.containers import Host, buildah


@pytest.fixture(scope="session")
def container() -> Iterator[str]:
    """A container of the image that `make test-image` has built."""
    name = buildah("from", "--pull-never", os.environ["HOURGLASS_IMAGE"])
    yield name
    buildah("rm", name)


@pytest.fixture
def host(container: str, tmp_path: Path) -> Callable[..., Host]:
    """Makes a tree that is to be mounted."""

    def made(name: str = "ml", **more: Any) -> Host:
        (tmp_path / name).mkdir()
        return Host(container, tmp_path / name, **more)

    return made
