"""What all packages of the benchmark of alarms do: read folders of windows from standard input, write answers.parquet into each.

A folder has baseline.parquet and windows called by their number. An answer is, of a window's column, how often its score is the
package's own threshold: above 1 the package alarms.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

CERTAIN = 1e300  # of a column that the package cannot read any more: whoever runs it is told
LEAST = 1e-300
Answers = Mapping[tuple[int, str], float]


def of_p_value(p: float, threshold: float) -> float:
    """How bad a p-value is."""
    return threshold / max(p, LEAST)


def serve(judge: Callable[[pd.DataFrame, Mapping[int, pd.DataFrame]], Answers]) -> None:
    """Answers folder after folder."""
    for line in sys.stdin:
        folder = Path(line.strip())
        windows = {int(path.stem): pd.read_parquet(path) for path in sorted(folder.glob("[0-9]*.parquet"), key=lambda path: int(path.stem))}
        found = judge(pd.read_parquet(folder / "baseline.parquet"), windows)
        rows = [(window, column, float(badness)) for (window, column), badness in found.items()]
        pd.DataFrame(rows, columns=["window", "column", "badness"]).to_parquet(folder / "answers.parquet", index=False)
        print(folder, flush=True)
