"""The benchmark of alarms still runs: one small data set, few windows, no packages, in a process as `make` starts it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a few windows of German Credit."""
    folder = tmp_path_factory.mktemp("alarms")
    few = ("--no-peers", "--only", "german", "--sizes", "200", "--processes", "1", "--clean", "8", "--faulty", "1")
    places = ("--raw", folder / "raw", "--environments", folder / "none", "--page", folder / "ALARMS.md")
    told = subprocess.run(
        [sys.executable, ROOT / "bench" / "alarms" / "run.py", *few, *places],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return folder / "ALARMS.md"


def test_the_benchmark_of_alarms_tells_false_alarms_and_what_is_found(page):
    text = page.read_text("utf-8")
    assert "8 clean windows and 51 with a fault, of 1 data sets" in text
    row = next(line for line in text.splitlines() if line.startswith("| Calibrated"))
    found = [float(cell) for cell in row.split("|")[4:6]]
    assert all(40 < share <= 100 for share in found)


def test_its_plot_has_a_mark_for_every_rule(page):
    drawing = page.with_name("alarms.svg").read_text("utf-8")
    assert all(rule in drawing for rule in ("Calibrated, budget 1 %", "PSI", "clean windows of random rows that alarm"))
