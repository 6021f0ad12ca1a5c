"""Runs notebooks/from_the_stock_monitor.ipynb in .venv-sdk, which has the SDK and no kernel: its cells as one program.

`python -m tests.sdk.notebook` keeps what they print in the notebook, for `make notebooks`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import environments, servers

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "from_the_stock_monitor.ipynb"
END = "---- the end of a cell ----"


def run_cells(python: Path, environment: Mapping[str, str]) -> list[str]:
    """What each cell of code prints."""
    program = "".join(f"{''.join(cell['source'])}\nprint({END!r}, flush=True)\n" for cell in code_cells(json.loads(NOTEBOOK.read_text())))
    said = {**os.environ, **environment, "SAGEMAKER_SUPPRESS_V2_WARNING": "1"}
    done = subprocess.run([python, "-c", program], env=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [_ours(printed) for printed in done.stdout.split(f"{END}\n")[:-1]]


def code_cells(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The notebook's cells of code, in their order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _ours(printed: str) -> str:
    """Without the SDK's own lines: where it looked for a configuration, and the marks with which it waits."""
    return "".join(f"{line}\n" for line in printed.splitlines() if line.strip("!*.") and not line.startswith("sagemaker.config"))


def main() -> None:
    """Runs the notebook on servers of its own, and keeps what it prints."""
    from tests.sdk.test_drop_in import user_of_a_platform

    os.environ |= {"AWS_ACCESS_KEY_ID": servers.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": servers.SECRET_KEY, "AWS_DEFAULT_REGION": "us-east-1"}
    python = environments.ensure("sdk")
    with tempfile.TemporaryDirectory() as folder, servers.object_store(Path(folder)) as store:
        os.environ["AWS_ENDPOINT_URL"] = store.endpoint
        with user_of_a_platform(Path(folder), store) as (user, _):
            printed = run_cells(python, user.environment)
    notebook = json.loads(NOTEBOOK.read_text())
    for number, (cell, text) in enumerate(zip(code_cells(notebook), printed, strict=True), 1):
        cell["execution_count"] = number
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}] if text else []
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
