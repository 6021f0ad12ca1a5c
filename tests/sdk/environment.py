"""The SageMaker Python SDK, in an environment of its own (.venv-sdk), asked through a process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("read_monitoring_files.py")


def ensure(root: Path) -> Path:
    """The environment's Python; `make` builds it when it is missing or its lock file has changed."""
    # the make that runs the tests must not hand its own flags down
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    subprocess.run(["make", "--silent", "setup-sdk"], cwd=root, env=environment, check=True)  # noqa: S607 make is where the PATH says
    return root / ".venv-sdk" / "bin" / "python"


def read(python: Path, directory: str | Path, *, bucket: str) -> dict[str, Any]:
    """What the SDK's own classes make of the files in a directory, local or `s3://`; an error carries the SDK's traceback."""
    environment = {**os.environ, "SAGEMAKER_SUPPRESS_V2_WARNING": "1"}
    done = subprocess.run([python, SCRIPT, str(directory), bucket], capture_output=True, env=environment, text=True, check=False)
    assert done.returncode == 0, f"the SageMaker SDK cannot read {directory}:\n{done.stdout}{done.stderr}"
    # the SDK logs, and draws its tracebacks, on standard output; the script's own line is the last
    return json.loads(done.stdout.splitlines()[-1])
