"""Windows, references and segments of model quality from stored states; strict and uncertain decisions."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hourglass.capture.slices import Task
from hourglass.outputs.documents import segment_folder
from hourglass.scan import ScanPlan
from tests.engine import plain_engine, read, run_quality
from tests.model_quality import oracles
from tests.model_quality.shapes import csv_text, csv_with_header, label_csv, merged_record, side, write_merged

DAY = datetime(2026, 11, 21, tzinfo=UTC)
BOTH_SIDES = json.dumps({"sagemakerMergeJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}})
MANY = 60
Rows = list[tuple[float, float, str]]  # prediction, label, region


class CountingEngine:
    """The plain engine, which remembers what it was asked to read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, tasks: Sequence[Task], plan: ScanPlan) -> pa.Table:
        self.read += [piece.partition for task in tasks for piece in task]
        return plain_engine(tasks, plan)


def name_of(hour: datetime) -> str:
    return f"{hour:%Y/%m/%d/%H}"


def rows_of(seed: str, count: int = MANY, worse: float = 0.0) -> Rows:
    """Predictions and labels of an hour; in the south they are off by `worse`."""
    draws = random.Random(seed)
    rows = []
    for _ in range(count):
        label, region = round(draws.gauss(10, 3), 3), draws.choice(["north", "south"])
        rows.append((round(label + draws.gauss(0, 1), 3) + worse * (region == "south"), label, region))
    return rows


def write_rows(tree: Path, hour: datetime, rows: Rows, labelled: float = 1.0) -> None:
    """Merged captures of an hour, of which the first have their labels."""
    lines = []
    for i, (said, label, region) in enumerate(rows):
        truth = label_csv(str(label)) if i < labelled * len(rows) else None
        line = merged_record(side(str(said), "CSV"), truth, i, given=side(csv_text([[region, i]]), "CSV"))
        lines.append(line.replace("2026-11-21T09:00:00Z", f"{hour:%Y-%m-%dT%H}:10:00Z").replace('"id-', f'"{hour:%d%H}-'))
    write_merged(tree, lines, name_of(hour))


class Store:
    """A tree of hours with a store beside it, and runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tree = folder, folder / "merged"
        self.rows: dict[datetime, Rows] = {}
        self._runs = 0

    def write(self, hour: datetime, rows: Rows, labelled: float = 1.0) -> None:
        write_rows(self.tree, hour, rows, labelled)
        self.rows[hour] = rows[: round(labelled * len(rows))]

    def run(self, start: datetime, end: datetime, **flags: Any) -> tuple[Path, list[str], Any]:
        """Where the reports are, the partitions that were read, and the outcome."""
        self._runs += 1
        output, engine = self.folder / f"out-{self._runs}", CountingEngine()
        said = {"dataset_source": self.tree, "dataset_format": BOTH_SIDES, "problem_type": "Regression", "inference_attribute": "0"}
        said |= {"state_root": self.folder / "states", "start_time": f"{start:%Y-%m-%dT%H:00:00Z}", "end_time": f"{end:%Y-%m-%dT%H:00:00Z}"}
        return output, engine.read, run_quality(output, engine, **{**said, **flags})

    def expected(self, start: datetime, end: datetime, region: str | None = None) -> dict[str, float]:
        """What is right for a window, from its rows."""
        rows = [row for hour, found in self.rows.items() if start <= hour < end for row in found if region in {None, row[2]}]
        return oracles.regression([label for _, label, _ in rows], [said for said, _, _ in rows])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Twelve hours, the last of which is worse."""
    made = Store(tmp_path)
    for number in range(12):
        made.write(DAY + timedelta(hours=number), rows_of(f"{number}", worse=3.0 * (number == 11)))
    return made


def values(path: Path) -> dict[str, float]:
    return {key: entry["value"] for key, entry in read(path / "statistics.json")["regression_metrics"].items() if "value" in entry}


def without_time(path: Path) -> dict[str, Any]:
    document = read(path / "statistics.json")
    document["dataset"].pop("evaluation_time")
    return document


def test_a_second_run_reads_nothing_and_says_the_same(store: Store) -> None:
    """Windows of one and of several hours come from the stored states, with the metrics of their rows."""
    end = DAY + timedelta(hours=12)
    first, read_first, _ = store.run(DAY, end, window="1h,6h")
    second, read_again, _ = store.run(DAY, end, window="1h,6h")
    assert len(read_first) == 12
    assert read_again == []
    for length, starts in ((1, range(12)), (6, (0, 6))):
        for start in starts:
            window = DAY + timedelta(hours=start), DAY + timedelta(hours=start + length)
            place = Path(f"{length}h", name_of(window[0]))
            assert values(first / place) == pytest.approx(store.expected(*window), rel=1e-9)
            assert without_time(first / place) == without_time(second / place)
    other, read_other, _ = store.run(DAY + timedelta(hours=3), DAY + timedelta(hours=9))
    assert read_other == []
    assert values(other) == pytest.approx(store.expected(DAY + timedelta(hours=3), DAY + timedelta(hours=9)), rel=1e-9)


def test_labels_that_come_late_make_exactly_their_hour_stale(store: Store) -> None:
    """The merged file of an hour is written again with more labels: that hour is read, and its metrics have them."""
    late, end = DAY + timedelta(hours=5), DAY + timedelta(hours=12)
    rows = store.rows[late]
    store.write(late, rows, labelled=0.5)
    first, _, _ = store.run(DAY, end)
    assert values(first) == pytest.approx(store.expected(DAY, end), rel=1e-9)
    store.write(late, rows)
    second, found, _ = store.run(DAY, end)
    assert found == [f"shop/AllTraffic/{name_of(late)}"]
    assert values(second) == pytest.approx(store.expected(DAY, end), rel=1e-9)


def test_thirty_days_are_summed_from_their_hours(tmp_path: Path) -> None:
    """Four hours of each day in one window: the second run opens no file and takes less than five seconds."""
    month = Store(tmp_path)
    start = datetime(2026, 10, 1, tzinfo=UTC)
    end = start + timedelta(days=30)
    for number in range(0, 720, 6):
        month.write(start + timedelta(hours=number), rows_of(f"{number}", count=3))
    month.run(start, end)
    began = time.monotonic()
    output, found, _ = month.run(start, end)
    assert time.monotonic() - began < 5
    assert found == []
    assert values(output) == pytest.approx(month.expected(start, end), rel=1e-9)


def test_the_settings_of_a_model_make_hours_stale_and_the_number_of_draws_of_a_table_does_not(tmp_path: Path) -> None:
    """What a state is made of is in its name: another attribute is another state; draws from a table need no rows."""
    hour = DAY, DAY + timedelta(hours=1)
    made = Store(tmp_path)
    made.write(DAY, [(float(i % 2), float(i % 3 == 0), "north") for i in range(MANY)])
    flags = {"problem_type": "BinaryClassification", "positive_class": "1.0"}
    assert len(made.run(*hour, **flags)[1]) == 1
    assert made.run(*hour, **flags, bootstrap_draws=50)[1] == []
    assert len(made.run(*hour, **{**flags, "positive_class": "0.0"})[1]) == 1


def test_an_hour_is_held_against_the_one_before(store: Store) -> None:
    """--reference previous: its metrics are the thresholds, which constraints.json then has; the worse hour is a violation."""
    last = DAY + timedelta(hours=11), DAY + timedelta(hours=12)
    output, _, outcome = store.run(*last, reference="previous")
    assert outcome.reports[0].verdict == "insufficient data"
    store.run(DAY, last[1])
    output, _, outcome = store.run(*last, reference="previous")
    before = store.expected(DAY + timedelta(hours=10), DAY + timedelta(hours=11))
    part = read(output / "constraints.json")["regression_constraints"]
    assert {key: entry["threshold"] for key, entry in part.items()} == pytest.approx(
        {key: before[key] for key in ("mae", "mse", "rmse", "r2")}
    )
    assert {"mae", "mse", "rmse"} <= {v["metric_name"] for v in read(output / "constraint_violations.json")["violations"]}
    evaluation = read(output / "evaluation.json")
    assert evaluation["reference"]["kind"] == "previous"
    assert (evaluation["verdict"], outcome.message) == (
        "violation",
        f"CompletedWithViolations: Job completed successfully with {outcome.violations} violations.",
    )


def test_the_last_hours_together_are_the_thresholds_of_each_window(store: Store) -> None:
    """--reference last:3 with windows of an hour: the metrics of the three hours before as one, not a mean of theirs."""
    store.run(DAY, DAY + timedelta(hours=12))
    output, found, _ = store.run(DAY + timedelta(hours=9), DAY + timedelta(hours=12), reference="last:3", window="1h")
    assert found == []
    for number in (9, 10, 11):
        hour = DAY + timedelta(hours=number)
        before = store.expected(hour - timedelta(hours=3), hour)
        part = read(output / name_of(hour) / "constraints.json")["regression_constraints"]
        assert {key: entry["threshold"] for key, entry in part.items()} == pytest.approx({key: before[key] for key in part})


def test_a_reference_without_labels_or_rows_is_insufficient_data(store: Store) -> None:
    """The first hour has none before it, and one of another day no labels: neither passes; constraints.json is the one in use."""
    baseline = store.folder / "baseline.json"
    baseline.write_text(
        '{"version": 0.0, "regression_constraints": {"mae": {"threshold": 9, "comparison_operator": "GreaterThanThreshold"}}}'
    )
    output, _, outcome = store.run(DAY, DAY + timedelta(hours=1), reference="previous", baseline_constraints=baseline)
    assert outcome.reports[0].verdict == "insufficient data"
    assert read(output / "evaluation.json")["evaluations"][0]["description"] == "previous: no rows"
    assert read(output / "constraints.json") == {"version": 0.0, "regression_constraints": {}}
    store.write(DAY - timedelta(hours=1), rows_of("x"), labelled=0)
    store.run(DAY - timedelta(hours=1), DAY, segments="_c1")
    output, _, outcome = store.run(DAY, DAY + timedelta(hours=1), reference="previous", segments="_c1")
    assert outcome.reports[0].verdict == "insufficient data"
    assert read(output / "evaluation.json")["evaluations"][0]["description"] == f"previous: none of {MANY} rows has a label"
    assert {segment["verdict"] for segment in read(output / "segments.json")["segments"]} == {"insufficient data"}


def write_segmented(folder: Path) -> tuple[dict[str, Any], Mapping[str, Rows]]:
    """A data set of three regions, two of them large enough for deviations."""
    regions = {"north": (400, 0.0), "south": (300, 1.5), "isle": (20, 9.0)}
    rows = {name: [(p, a, name) for p, a, _ in rows_of(name, count)] for name, (count, _) in regions.items()}
    rows = {name: [(p + regions[name][1], a, name) for p, a, _ in found] for name, found in rows.items()}
    flat = [{"prediction": p, "label": a, "region": name} for found in rows.values() for p, a, name in found]
    folder.mkdir(exist_ok=True)
    return {**csv_with_header(folder, flat), "problem_type": "Regression"}, rows


def test_segments_are_ranked_by_how_much_worse_they_are_beyond_chance(tmp_path: Path) -> None:
    """The segment's mae less that of all rows, less two of its deviations, the worst first; without a deviation a segment comes last."""
    flags, rows = write_segmented(tmp_path / "source")
    run_quality(tmp_path / "out", **flags, segments="region", bootstrap_draws=100)
    document = read(tmp_path / "out" / "segments.json")
    assert document["ranked_by"] == "mae: by how much it is worse than that of all rows, less 2 of its deviations"
    assert [segment["segment"] for segment in document["segments"]] == ["region=south", "region=north", "region=isle"]
    whole = values(tmp_path / "out")["mae"]
    for segment in document["segments"]:
        name = segment["segment"].removeprefix("region=")
        place = tmp_path / "out" / segment_folder(segment["segment"])
        own = read(place / "statistics.json")
        assert own["dataset"]["item_count"] == segment["rows"] == len(rows[name])
        assert values(place) == pytest.approx(oracles.regression([a for _, a, _ in rows[name]], [p for p, _, _ in rows[name]]), rel=1e-9)
        entry = own["regression_metrics"]["mae"]
        if name == "isle":
            assert (entry["standard_deviation"], segment["effect"]) == ("NaN", None)
        else:
            assert segment["effect"] == pytest.approx(max(0.0, entry["value"] - whole - 2 * entry["standard_deviation"]))
        assert read(place / "constraint_violations.json") == {"violations": []}


def test_a_segments_violations_count_and_lie_in_its_folder(tmp_path: Path) -> None:
    """A threshold that all rows keep and one region does not: the window's own check passes, the segment's does not."""
    flags, _ = write_segmented(tmp_path / "source")
    run_quality(tmp_path / "first", **flags)
    limit = values(tmp_path / "first")["mae"] + 0.1
    part = {"mae": {"threshold": limit, "comparison_operator": "GreaterThanThreshold"}}
    (tmp_path / "constraints.json").write_text(json.dumps({"version": 0.0, "regression_constraints": part}))
    outcome = run_quality(tmp_path / "out", **flags, segments="region; far: label > 12", baseline_constraints=tmp_path / "constraints.json")
    assert read(tmp_path / "out" / "constraint_violations.json") == {"violations": []}
    found = {s["segment"]: s["verdict"] for s in read(tmp_path / "out" / "segments.json")["segments"]}
    assert found == {"region=south": "violation", "region=north": "pass", "region=isle": "violation", "far": found["far"]}
    (violation,) = read(tmp_path / "out" / segment_folder("region=south") / "constraint_violations.json")["violations"]
    assert violation["metric_name"] == "mae"
    assert outcome.message.startswith("CompletedWithViolations")


def test_segments_of_merged_captures_come_from_the_input_and_from_stored_states(store: Store) -> None:
    """By an input column of the captured records, summed over hours."""
    end = DAY + timedelta(hours=12)
    store.run(DAY, end, segments="_c1")
    output, found, _ = store.run(DAY, end, segments="_c1")
    assert found == []
    for region in ("north", "south"):
        assert values(output / segment_folder(f"_c1={region}")) == pytest.approx(store.expected(DAY, end, region), rel=1e-9)


def decided(folder: Path, rows: Sequence[Mapping[str, Any]], threshold: float, **flags: Any) -> dict[str, Any]:
    """How a run decides on a threshold of accuracy."""
    part = {"accuracy": {"threshold": threshold, "comparison_operator": "LessThanThreshold"}}
    source = folder / "source"
    source.mkdir(parents=True)
    (folder / "constraints.json").write_text(json.dumps({"version": 0.0, "binary_classification_constraints": part}))
    flags = {"problem_type": "BinaryClassification", "baseline_constraints": folder / "constraints.json", **flags}
    run_quality(folder / "out", **csv_with_header(source, rows), **flags)
    (entry,) = read(folder / "out" / "evaluation.json")["evaluations"]
    return entry


def test_strict_alarms_at_the_threshold_and_uncertainty_beyond_the_deviation(tmp_path: Path) -> None:
    """Accuracy 0.70 of 400 rows, deviation about 0.026: below 0.71 by chance, below 0.90 for certain; and 100 rows say too little."""
    rows = [{"prediction": int(i % 10 < 7), "label": 1} for i in range(400)]
    draws = {"bootstrap_draws": 500}
    for threshold, strict, uncertain in ((0.69, "pass", "pass"), (0.71, "violation", "pass"), (0.9, "violation", "violation")):
        place = tmp_path / str(threshold)
        assert decided(place / "a", rows, threshold, **draws)["verdict"] == strict
        assert decided(place / "b", rows, threshold, decision="uncertainty", **draws)["verdict"] == uncertain
    few = decided(tmp_path / "few", rows[:100], 0.9, decision="uncertainty", **draws)
    assert (few["verdict"], few["description"]) == ("insufficient data", "100 rows; a deviation takes 200")


def test_the_baselines_own_deviation_counts_in_uncertainty(tmp_path: Path) -> None:
    """A threshold that is itself uncertain by 0.3 is not crossed by 0.2; without the baseline's statistics it is."""
    rows = [{"prediction": int(i % 10 < 7), "label": 1} for i in range(400)]
    entry = {"accuracy": {"value": 0.9, "standard_deviation": 0.3}}
    (tmp_path / "statistics.json").write_text(json.dumps({"version": 0.0, "binary_classification_metrics": entry}))
    statistics = {"baseline_statistics": tmp_path / "statistics.json"}
    assert decided(tmp_path / "with", rows, 0.9, decision="uncertainty", **statistics)["verdict"] == "pass"
    assert decided(tmp_path / "without", rows, 0.9, decision="uncertainty")["verdict"] == "violation"


@pytest.mark.parametrize("problem", ["Regression", "BinaryClassification"])
def test_draws_are_the_same_in_every_run_and_about_right(problem: str, tmp_path: Path) -> None:
    """300 draws of 80 % of 500 rows: a mean varies by its deviation / sqrt(400), an accuracy by sqrt(a (1 - a) / 400)."""
    draws = random.Random(0)
    errors = [draws.gauss(0, 1) for _ in range(500)]
    rows = [{"prediction": i + error, "label": float(i)} for i, error in enumerate(errors)]
    if problem == "BinaryClassification":
        rows = [{"prediction": int(error > -0.8), "label": 1} for error in errors]
    (tmp_path / "source").mkdir()
    flags = {**csv_with_header(tmp_path / "source", rows), "problem_type": problem}
    for name in ("first", "second"):
        run_quality(tmp_path / name, **flags, bootstrap_draws=300)
    assert without_time(tmp_path / "first") == without_time(tmp_path / "second")
    run_quality(tmp_path / "default", **flags)
    key = "mae" if problem == "Regression" else "accuracy"
    found, default = (
        read(tmp_path / name / "statistics.json")[f"{'regression' if key == 'mae' else 'binary_classification'}_metrics"][key]
        for name in ("first", "default")
    )
    single = [abs(error) for error in errors] if key == "mae" else [float(error > -0.8) for error in errors]
    mean = sum(single) / 500
    expected = (sum((value - mean) ** 2 for value in single) / 500 / 400) ** 0.5
    assert found["value"] == default["value"]
    assert found["standard_deviation"] == pytest.approx(expected, rel=0.2)
    assert expected / 20 < default["standard_deviation"] < 3 * expected  # of five draws
    assert default["standard_deviation"] != found["standard_deviation"]
