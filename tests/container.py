"""A folder in the place of a container's /opt/ml, and our entry point run in it as the platform runs an image's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLATFORM = "/opt/ml"


@dataclass(frozen=True)
class Container:
    """A folder that stands for /opt/ml, and the one way in which a request's paths are changed."""

    root: Path

    def path(self, inside: str) -> Path:
        """Where a path of the request is."""
        return Path(inside.replace(PLATFORM, str(self.root), 1))

    def run(self, request: Mapping[str, Any], granted: Mapping[str, str] | None = None) -> int:
        """Runs the request's job; its exit code. `granted` is what the platform gives beside the request: region and credentials."""
        asked = request.get("Environment", {})
        said = {name: str(self.path(value)) if value.startswith(PLATFORM) else value for name, value in asked.items()}
        (self.root / "config").mkdir(parents=True, exist_ok=True)
        (self.root / "config" / "processingjobconfig.json").write_text(json.dumps(request))
        base = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME", "PYTHONPATH") if name in os.environ}
        environment = {**base, **(granted or {}), **said, "PYSPARK_PYTHON": sys.executable, "container_root": str(self.root)}
        command = [sys.executable, "-c", "from hourglass.cli import main; main()", "run"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        print(done.stdout, done.stderr)
        return done.returncode

    @property
    def message(self) -> str:
        """The exit message."""
        return (self.root / "output" / "message").read_text()
