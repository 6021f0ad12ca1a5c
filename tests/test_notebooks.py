"""The notebooks run, and what they show is so; `make notebooks` keeps their pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def cells_of(path: Path) -> list[dict[str, Any]]:
    """A notebook's cells of code, in their order."""
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def code(name: str, **settings: str) -> str:
    """A notebook's code, with other values of its settings: lines `NAME = value`."""
    lines = "\n".join("".join(cell["source"]) for cell in cells_of(NOTEBOOKS / name)).split("\n")
    for setting, value in settings.items():
        (place,) = (place for place, line in enumerate(lines) if line.startswith(f"{setting} = "))
        lines[place] = f"{setting} = {value}"
    return "\n".join(lines)


def result_of(program: str, last: str) -> Any:
    """What an expression of JSON is at the end of a program, run in a process of its own."""
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, "-c", f"{program}\nprint({last})"], capture_output=True, env=environment, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_shows_what_it_has_run(path: Path) -> None:
    """All of its code was run from top to bottom, without an error."""
    cells = cells_of(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert {output["output_type"] for cell in cells for output in cell["outputs"]} <= {"display_data", "execute_result", "stream"}


def test_alarms_of_bias_are_those_of_the_papers_figure() -> None:
    """Figure 3 of arXiv 2111.13657 on UCI Adult, two of its eight sizes and half of its repeats, with the default of draws."""
    program = code("bias_alarms_by_sample_size.ipynb", SIZES="200, 2000", REPEATS="50")
    b, found = result_of(f"{program}\nimport json", "json.dumps([b['DPL'], shares.loc[('DPL', 1000)].to_dict()])")
    assert b == pytest.approx(0.199, abs=0.002)
    shares = {(int(size), bias): share for size, column in found.items() for bias, share in column.items()}
    assert shares[2000, "no"] <= 0.03
    assert shares[2000, "medium"] == shares[2000, "high"] == 1.0
    assert shares[200, "no"] <= 0.2
    assert shares[200, "high"] >= 0.8
