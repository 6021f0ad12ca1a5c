"""What calibrated decisions cost: `python bench/calibrated.py`. The pass with their states and without, in turns; and the decisions.

The pass is over captured records, in this process; the decisions are of stored hours of 1,000 rows beside a baseline of 50,000.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "libs"), str(Path(__file__).resolve().parent)]

import data  # noqa: E402 found by the path above
import numpy as np  # noqa: E402 after the path

from hourglass.capture.batches import ReadPlan  # noqa: E402 the same
from hourglass.capture.detect import detect_format  # noqa: E402 the same
from hourglass.capture.files import list_files  # noqa: E402 the same
from hourglass.capture.slices import cut_tasks  # noqa: E402 the same
from hourglass.constraints import Baseline, SuggestionOptions, baseline_from, evaluate  # noqa: E402 the same
from hourglass.dataset import Dataset  # noqa: E402 the same
from hourglass.scan import ScanPlan, scan  # noqa: E402 the same
from hourglass.states import COLUMN_STATES, ColumnProfile, Intake, Repeats, SecondMoment  # noqa: E402 the same
from hourglass.values import classify  # noqa: E402 the same

RECORDS, REPEATS = 200_000, 5
FEATURES, WINDOWS, ROWS, BASELINE_ROWS = 100, 24, 1000, 50_000
THEIRS = {Repeats.kind, SecondMoment.kind}


def passes(folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of the pass with all states, and without those that only calibrated decisions read."""
    files = list_files(str(data.captures(folder, RECORDS, 8)), None).files
    form = detect_format(files)
    tasks = cut_tasks(files, form, 1)
    plans = [ScanPlan(ReadPlan(form), tuple(kind for kind in COLUMN_STATES if kind not in left_out)) for left_out in (set(), THEIRS)]
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        for times, plan in zip(found, plans, strict=True):
            start = perf_counter()
            size = sum(batch.num_rows for task in tasks for batch in scan(task, plan))
            times.append(perf_counter() - start)
            assert size
    return found


def dataset(rows: int, random: np.random.Generator) -> Dataset:
    """A hundred columns: continuous numbers, whole numbers and categories."""
    columns = {}
    for place in range(FEATURES):
        values = [random.normal(size=rows), random.poisson(4, rows).astype(float), random.choice([f"c{i}" for i in range(30)], rows)][
            place % 3
        ]
        columns[f"f{place}"] = ColumnProfile.of(COLUMN_STATES, place)
        columns[f"f{place}"].update(classify(values.tolist()))
    return Dataset(rows, "named", columns, Intake())


def stored(made: Dataset) -> Dataset:
    """As a store gives it back."""

    def again(column: ColumnProfile) -> ColumnProfile:
        return ColumnProfile({kind: COLUMN_STATES[kind].from_bytes(state.to_bytes()) for kind, state in column.states.items()})

    return replace(made, columns={name: again(column) for name, column in made.columns.items()})


def decisions() -> list[float]:
    """Seconds of all checks of 24 windows of 100 features."""
    random = np.random.default_rng(0)
    baseline = baseline_from(dataset(BASELINE_ROWS, random), None, SuggestionOptions())
    assert isinstance(baseline, Baseline)
    windows = [stored(dataset(ROWS, random)) for _ in range(WINDOWS)]
    evaluate(windows[0], baseline)
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        alarms = sum(bool(one.description) for window in windows for one in evaluate(window, baseline))
        times.append(perf_counter() - start)
        assert alarms < 3
    return times


def shown(times: list[float]) -> str:
    return f"{median(times):.2f} s ({min(times):.2f}–{max(times):.2f})"


def main() -> None:
    decided = decisions()
    with tempfile.TemporaryDirectory() as folder:
        whole, less = passes(Path(folder))
    print(
        f"| pass over {RECORDS:,} captured records, with the states of calibrated decisions ÷ without | {shown(whole)} | {shown(less)} |",
        end="",
    )
    print(f" {median(whole) / median(less):.2f} | ≤ 1.10 |")
    print(f"| all checks of {FEATURES} features × {WINDOWS} windows | {shown(decided)} | | | ≤ 1 s |")


if __name__ == "__main__":
    main()
