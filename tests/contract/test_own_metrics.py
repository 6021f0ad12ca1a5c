"""A user's own statistics and comparisons: a file that the settings name, in a process of its own since registries are global."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine import capture_line, read, write_hour

ROOT = Path(__file__).parents[2]
OWN = (ROOT / "docs" / "add-a-metric.md").read_text().partition("```python own_metrics.py\n")[2].partition("```")[0]


def hourglass(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    code = "from hourglass.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training data, captures that moved by five, the page's own metrics, and a baseline that asks for them."""
    place = tmp_path_factory.mktemp("own")
    (place / "own_metrics.py").write_text(OWN)
    write_hour(place / "training", "2026/11/20/09", [capture_line("1", f"{row % 50}") for row in range(500)])
    write_hour(place / "capture", "2026/11/21/09", [capture_line("1", f"{row % 50 + 5}") for row in range(500)])
    found = hourglass("data-quality", "--engine", "local", "--dataset-source", place / "training", "--output-path", place / "baseline")
    assert found.returncode == 0, found.stderr
    constraints = read(place / "baseline" / "constraints.json")
    constraints["monitoring_config"]["distribution_constraints"] |= {"comparison_method": "MedianShift", "comparison_threshold": 2}
    (place / "baseline" / "constraints.json").write_text(json.dumps(constraints))
    return place


def run(place: Path, *more: object) -> subprocess.CompletedProcess[str]:
    """The captures against the baseline."""
    baseline = place / "baseline"
    files = ("--baseline-constraints", baseline / "constraints.json", "--baseline-statistics", baseline / "statistics.json")
    where = ("--dataset-source", place / "capture", "--output-path", place / "out")
    return hourglass("data-quality", "--engine", "local", *where, *files, *more)


def test_own_metrics_show_up_in_all_outputs(place: Path) -> None:
    """The statistic among the statistics, the comparison as what decides, and both in the table of metrics."""
    found = run(place, "--own-metrics", place / "own_metrics.py")
    assert found.returncode == 0, found.stderr
    features = {feature["name"]: feature for feature in read(place / "out" / "statistics.json")["features"]}
    assert features["_c1"]["numerical_statistics"]["share_of_zeros"] == 0.0
    violations = read(place / "out" / "constraint_violations.json")["violations"]
    assert [violation["feature_name"] for violation in violations] == ["_c1"]
    (drift,) = [
        e for e in read(place / "out" / "evaluation.json")["evaluations"] if e["feature"] == "_c1" and e["check"] == "baseline_drift_check"
    ]
    assert (drift["definition"], drift["value"]) == ("median_shift", 5.0)
    table = hourglass("metrics", "--own-metrics", place / "own_metrics.py").stdout
    assert "| share_of_zeros |" in table
    assert "| median_shift | MedianShift |" in table


def test_a_baseline_that_names_an_unknown_comparison_says_which_are_known(place: Path) -> None:
    """Without the file its comparison is a word like any other mistake."""
    found = run(place)
    assert found.returncode == 2
    assert "MedianShift" in found.stderr
    assert "linf_robust" in found.stderr


def test_a_file_that_fails_is_shown_with_its_own_traceback(place: Path, tmp_path: Path) -> None:
    """As hooks are: the line of the user's file, and what was wrong with it."""
    (tmp_path / "broken.py").write_text("from hourglass.statistics import statistic\n\n1 / 0\n")
    found = run(place, "--own-metrics", tmp_path / "broken.py")
    assert found.returncode == 2
    assert "broken.py" in found.stderr
    assert "ZeroDivisionError" in found.stderr
    assert "line 3" in found.stderr


def test_a_name_that_is_taken_is_refused(place: Path, tmp_path: Path) -> None:
    """An own mean would change what everyone's files say."""
    (tmp_path / "taken.py").write_text(OWN.replace("def share_of_zeros", "def mean"))
    found = run(place, "--own-metrics", tmp_path / "taken.py")
    assert found.returncode == 2
    assert "two statistics are called 'mean'" in found.stderr
