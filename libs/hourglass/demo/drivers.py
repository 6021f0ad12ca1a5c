"""The last part of the demonstration: what drives a model of boosted trees, and the hour in which that is something else.

fit boosted trees, keep them as a file        skops, which runs no code when it is opened
explain rows that the model was not fit to    attribution: the baseline
explain some rows of every hour               attribution
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from hourglass.attribution.report import finding
from hourglass.demo.census import FEATURES, LABELS, NUMBERS, Row
from hourglass.demo.faults import faults_of
from hourglass.demo.replay import DAY
from hourglass.monitors import attribution_drift
from hourglass.monitors.refresh import Engine
from hourglass.outputs.documents import ANALYSIS_JSON
from hourglass.outputs.report import Report
from hourglass.settings import Settings

MODEL, CONFIG, BASELINE, REPORTS = "boosted.skops", "attribution_config.json", "attribution-baseline", "attribution-reports"
FOLDERS = (BASELINE, REPORTS)
LACKING = "marital_status"  # which one hour does not send
# rows of an hour that are explained, coalitions of each, and rows of the background: three million answers of the model in all
ROWS, COALITIONS, BACKGROUND = 100, 128, 10
# five points of a feature's share; NDCG, whose own limit holds too, hardly sees two features change places in the middle
_LIMITS = (("largest_change", 0.05),)
_TOLD = 3  # features of an hour


@dataclass(frozen=True)
class Driven:
    """One hour of the day, and what the attribution monitor says of it."""

    number: int
    report: Report

    @property
    def lacks(self) -> bool:
        """Whether the feature is not sent in this hour."""
        return any(fault.feature == LACKING for fault in faults_of(self.number))

    @property
    def as_planted(self) -> bool:
        """Whether the hour that lacks the feature was found; an hour without any fault must be clean."""
        return bool(self.report.violations) if self.lacks else not self.report.violations or bool(faults_of(self.number))


def counts(hours: Sequence[Driven]) -> str:
    """What was found, in a sentence."""
    lacking = [hour for hour in hours if hour.lacks]
    clean = [hour for hour in hours if not faults_of(hour.number)]
    found = sum(bool(hour.report.violations) for hour in lacking)
    quiet = sum(not hour.report.violations for hour in clean)
    words = "hour" if len(lacking) == 1 else "hours"
    return (
        f"{found} of {len(lacking)} {words} found in which the model misses {LACKING}; {quiet} of {len(clean)} hours without a fault clean"
    )


def show(hours: Sequence[Driven], console: Console) -> None:
    """The hours in which something else drives the model, and what moved most there."""
    console.print()
    for hour in hours:
        report = hour.report.attribution
        if report is None or not hour.report.violations:
            continue
        features = sorted((one for label in report.labels for one in label.features), key=lambda one: -abs(one.change or 0.0))
        moved = [told for feature in features if isinstance(told := finding(feature), str)]
        console.print(f"{hour.number:02}:00  what drives the boosted trees: {' '.join(moved[:_TOLD])}", soft_wrap=True, highlight=False)


def fit(place: Path, rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Fits boosted trees to rows, and writes them to a file."""
    import numpy as np
    import pandas as pd
    import skops.io
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    texts = [name for name in FEATURES if name not in NUMBERS]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    columns = make_column_transformer((codes, texts), remainder="passthrough")
    trees = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=60, random_state=0))
    trees.fit(pd.DataFrame(list(rows), columns=list(FEATURES)), np.array(labels) == LABELS[1])
    skops.io.dump(trees, place / MODEL)


def explain(place: Path, held_out: str, capture: str, engine: Engine, parallelism: int) -> list[Driven]:
    """The baseline from rows that the model was not fit to, then every hour of the day."""
    config = {
        "headers": list(FEATURES),
        "methods": {"shap": {"num_samples": COALITIONS, "num_clusters": BACKGROUND}},
        "predictor": {"model": str(place / MODEL)},
    }
    (place / CONFIG).write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2))
    common: dict[str, Any] = {"analysis_config": str(place / CONFIG)}
    attribution_drift.run(
        Settings(dataset_source=held_out, output_path=str(place / BASELINE), sample_rows=4 * ROWS, **common), engine, parallelism
    )
    settings = Settings(
        dataset_source=capture,
        output_path=str(place / REPORTS),
        baseline_constraints=str(place / BASELINE / ANALYSIS_JSON),
        start_time=DAY.start,
        end_time=DAY.end,
        window=(timedelta(hours=1),),
        sample_rows=ROWS,
        attribution_thresholds=_LIMITS,
        **common,
    )
    return [Driven(number, report) for number, report in enumerate(attribution_drift.run(settings, engine, parallelism).reports)]
