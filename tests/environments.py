"""Other people's packages, each in an environment of its own (.venv-…), asked through a process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def ensure(name: str) -> Path:
    """The Python of `.venv-<name>`; `make` builds it when it is missing or its lock file has changed."""
    make(f"setup-{name}")
    return ROOT / f".venv-{name}" / "bin" / "python"


def make(target: str) -> None:
    """Has `make` bring a target up to date."""
    # the make that runs the tests must not hand its own flags down
    environment = {key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    subprocess.run(["make", "--silent", target], cwd=ROOT, env=environment, check=True)  # noqa: S607 make is where the PATH says


def ask(python: Path, script: Path, *arguments: str, given: Any = None) -> Any:
    """The JSON that a script prints as its last line, `given` as JSON on its standard input; an error carries its traceback."""
    environment = {**os.environ, "SAGEMAKER_SUPPRESS_V2_WARNING": "1"}
    done = subprocess.run(
        [python, script, *arguments], input=json.dumps(given), capture_output=True, env=environment, text=True, check=False
    )
    assert done.returncode == 0, f"{script.name} {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    # the SageMaker SDK logs, and draws its tracebacks, on standard output
    return json.loads(done.stdout.splitlines()[-1])
