"""What the documents say runs: the README's commands, the recipe for a metric, and the table made from the registries."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hourglass.bias import parse_analysis_config
from hourglass.outputs.metrics_table import metrics_markdown

ROOT = Path(__file__).parents[1]
SET_UP = {"make demo", "make test"}  # CI runs the tests by `make check`, and the demo has a test of its own


def blocks(path: str, language: str) -> list[str]:
    """The code blocks of a document in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / path).read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [block for block in blocks("README.md", "sh") if not set(block.split("\n")) & SET_UP]


def test_the_readme_has_commands_to_run() -> None:
    """So that the next test tests something; `make demo` and `make test` are targets."""
    assert commands()
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{command.removeprefix('make ')}:", makefile, re.MULTILINE) for command in SET_UP)


@pytest.mark.parametrize("block", commands(), ids=lambda block: ", ".join(re.findall(r"^hourglass ([\w-]+)", block, re.MULTILINE)))
def test_the_readmes_commands_run(block: str, tmp_path: Path) -> None:
    """In a copy of the tests' data, with the environment's programs first on the path."""
    shutil.copytree(ROOT / "tests" / "data", tmp_path / "tests" / "data")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", block],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", blocks("docs/bias.md", "json"))
def test_the_configurations_of_bias_can_be_read(block: str) -> None:
    """With all that they name."""
    config = parse_analysis_config(json.loads(block))
    assert config.facets
    assert config.predicted_label is not None
    assert config.group_variable not in {facet.name for facet in config.facets}


def test_the_table_of_metrics_is_up_to_date() -> None:
    """`make docs` writes it."""
    assert (ROOT / "docs" / "metrics.md").read_text() == metrics_markdown()


def test_the_recipe_for_a_metric_works(tmp_path: Path) -> None:
    """The file in docs/add-a-metric.md, put where it says, in a process of its own: it is in the outputs, and its doctest passes."""
    package = tmp_path / "hourglass"
    shutil.copytree(ROOT / "libs" / "hourglass", package, ignore=shutil.ignore_patterns("__pycache__", "demo"))
    (package / "statistics" / "zeros.py").write_text(blocks("docs/add-a-metric.md", "python")[0])
    script = (
        "import doctest; from hourglass.statistics import STATISTICS; import hourglass.statistics.zeros as zeros;"
        "from hourglass.outputs.metrics_table import metrics_markdown;"
        "assert STATISTICS['zeros'].place == 'numerical_statistics.zeros'; assert '| zeros |' in metrics_markdown();"
        "result = doctest.testmod(zeros); assert (result.failed, result.attempted > 0) == (0, True), result"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
