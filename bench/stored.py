"""The store's side of the ratios: a month of stored hours, made once, and windows over them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import data
import numpy as np

from hourglass.capture.window import Window, hour_name
from hourglass.constraints import SuggestionOptions, baseline_from, evaluate
from hourglass.dataset import dataset_of
from hourglass.history import History
from hourglass.hours import HourStates
from hourglass.outputs.documents import evaluation_document, statistics_document, to_json
from hourglass.outputs.report import Report
from hourglass.states import COLUMN_STATES, ColumnProfile, Intake
from hourglass.store import DAY_FILE, HOUR_FILE, Header, Reading, StateStore
from hourglass.undefined import Undefined
from hourglass.values import classify

START = datetime(2026, 11, 2, tzinfo=UTC)
HOURS, FEATURES, TEXTS = 720, 100, 20
BLOCK = 20_000
DIFFERENT = 16  # so many hours of a feature are different; more would be the same work


def month(root: Path, rows: int) -> StateStore:
    """A month of hours with 80 features of numbers and 20 of texts with 200 values, as a pass would have left them."""
    return StateStore(str(data.once(root / f"month_{rows}", lambda folder: _fill(folder, rows))), "data-quality")


def _fill(folder: Path, rows: int) -> None:
    store = StateStore(str(folder), "data-quality")
    numbers = [_profile(rows, seed, text=False) for seed in range(DIFFERENT)]
    texts = [_profile(rows, seed, text=True) for seed in range(DIFFERENT)]
    for hour in range(HOURS):
        columns = {}
        for feature in range(FEATURES):
            source = texts if feature >= FEATURES - TEXTS else numbers
            columns[f"f{feature}"] = ColumnProfile(source[(hour * 7 + feature) % DIFFERENT].states, feature)
        states = HourStates(Intake(rows, Counter({"named": rows}), Counter(), 1), {"named": columns})
        store.write(
            f"endpoint/AllTraffic/{hour_name(START + timedelta(hours=hour))}", states, Header(Reading("bench"), {"a.jsonl": (1, 1)})
        )


def _profile(rows: int, seed: int, *, text: bool) -> ColumnProfile:
    draw = np.random.default_rng(seed)
    profile = ColumnProfile.of(COLUMN_STATES, 0)
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        profile.update(classify([f"value-{i}" for i in draw.integers(0, 200, count)] if text else draw.normal(40, 10, count).tolist()))
    return profile


def window(store: StateStore, hours: int = HOURS) -> bytes:
    """The sum of the last hours, held against itself, as the two documents that a run writes."""
    end = START + timedelta(hours=HOURS)
    span = Window(end - timedelta(hours=hours), end)
    dataset = dataset_of(History({}, store).sum(span).states)
    baseline = baseline_from(dataset, None, SuggestionOptions())
    if isinstance(baseline, Undefined) or len(dataset.columns) != FEATURES:
        raise SystemExit("the month has not the columns that were stored: nothing to measure")
    report = Report(span, dataset, tuple(evaluate(dataset, baseline)))
    return to_json(statistics_document(dataset)) + to_json(evaluation_document(report, []))


def first_window(store: StateStore) -> bytes:
    """The same in a store that has no day's sum, as one whose hours were copied together has none."""
    for path in Path(store.folder).rglob(DAY_FILE):
        path.unlink()
    return window(store)


def bytes_a_feature_and_hour(store: StateStore) -> float:
    """How much of the disk a feature takes for an hour."""
    return sum(path.stat().st_size for path in Path(store.folder).rglob(HOUR_FILE)) / HOURS / FEATURES
