"""Evidently's report on captured records: `evidently_report.py summary|drift folder small-folder`.

summary: its data summary of all rows. drift: the second half of the rows against the first, with the methods that
Evidently chooses (at this size normed Wasserstein distance and Jensen-Shannon); it has no statistics of the columns.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["DO_NOT_TRACK"] = "1"  # no telemetry while the clock runs

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset
from flatten import flatten
from timed import FEATURES, WARM_UP, Timed

NUMBERS, TEXTS = [*FEATURES[:17], "score"], FEATURES[17:]


def _dataset(rows: pd.DataFrame) -> Dataset:
    return Dataset.from_pandas(rows, data_definition=DataDefinition(numerical_columns=NUMBERS, categorical_columns=TEXTS))


def _report(kind: str, rows: pd.DataFrame) -> dict:
    """The values of all metrics, out of the dictionary that users would store."""
    if kind == "summary":
        report = Report([DataSummaryPreset()]).run(_dataset(rows), None)
    else:
        half = len(rows) // 2
        report = Report([DataDriftPreset()]).run(_dataset(rows.iloc[half:]), _dataset(rows.iloc[:half]))
    return {metric["metric_name"]: metric["value"] for metric in report.dict()["metrics"]}


def main(kind: str, folder: Path, small: Path) -> None:
    """Flattens, and reports."""
    timed = Timed("evidently")
    with timed.step(WARM_UP):
        _report(kind, flatten(small).drop(columns="time"))
    with timed.step("flatten"):
        rows = flatten(folder).drop(columns="time")
    with timed.step("report"):
        values = _report(kind, rows)
    timed.done(values.get("RowCount()", len(rows)), values.get("MeanValue(column=f0)"))


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
