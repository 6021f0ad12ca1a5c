"""The attribution monitor from files to files: captures and data sets, models of several kinds, and what a change looks like."""

from __future__ import annotations

import csv
import json
import math
import re
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from hourglass.attribution import digest
from hourglass.attribution import report as attribution_report
from hourglass.attribution.background import read_background
from hourglass.attribution.report import NO_DRAWS
from hourglass.errors import InputError, ModelError, ModelUnreachable, SettingsError
from hourglass.outputs.report import Outcome
from hourglass.states import Attributions
from hourglass.values import Floats
from tests.engine import plain_engine, read, run_attribution, write_hour

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
# in the order of the records' lists
REAL = read(SAMPLES / "explain_endpoint_jsonl.analysis.baseline.json")
ADULT = tuple(REAL["explanations"]["kernel_shap"]["label0"]["global_shap_values"])
LOGISTIC = """
import numpy as np
FEATURES = {names!r}
def predict(rows):
    return 1 / (1 + np.exp(-({formula})))
"""
NAMES = ("age", "hours", "debt", "city")
NUMBERS = NAMES[:3]
FORMULA = "0.08 * (rows['age'] - 40) + 0.05 * (rows['hours'] - 38) - 0.02 * rows['debt']"
DRIFTED = "0.002 * (rows['age'] - 40) + 0.01 * (rows['hours'] - 38) - 0.1 * rows['debt']"


def write_model(folder: Path, formula: str = FORMULA, names: Sequence[str] = NUMBERS) -> Path:
    """A logistic model in a Python file."""
    path = folder / "model.py"
    path.write_text(LOGISTIC.format(names=list(names), formula=formula))
    return path


def write_config(folder: Path, model: Path | None, headers: Sequence[str] = NAMES, **shap: Any) -> Path:
    """An analysis configuration with few coalitions."""
    document: dict[str, Any] = {"headers": list(headers), "methods": {"shap": {"num_samples": 100, "seed": 1, **shap}}}
    path = folder / "analysis_config.json"
    path.write_text(json.dumps(document | ({"predictor": {"model": str(model)}} if model is not None else {})))
    return path


def people(count: int, seed: int = 0, names: Sequence[str] = NAMES) -> list[dict[str, Any]]:
    """Rows of three numbers and a city."""
    random = np.random.default_rng(seed)
    columns = random.integers(20, 60, count), random.normal(38, 9, count).round(1), random.exponential(20, count).round(2)
    rows = [dict(zip(NAMES, (*map(float, row), "ab"[i % 2]), strict=True)) for i, row in enumerate(zip(*columns, strict=True))]
    return [{name: row[name] for name in names} for row in rows]


def write_capture(root: Path, rows: Sequence[Mapping[str, Any]], hour: str = "2026/11/21/09") -> Path:
    """Endpoint captures with CSV inputs."""
    lines = []
    for i, row in enumerate(rows):
        sides = {"endpointInput": ",".join(map(str, row.values())), "endpointOutput": "0.5"}
        lines.append(record(sides, "CSV", f"{hour}-{i}", hour))
    write_hour(root, hour, lines)
    return root


def record(sides: Mapping[str, str], encoding: str, event: str, hour: str = "2026/11/21/09") -> str:
    """A captured record."""
    kind = {"CSV": "text/csv", "JSON": "application/json"}[encoding]
    capture = {side: {"observedContentType": kind, "mode": "INPUT", "data": text, "encoding": encoding} for side, text in sides.items()}
    time = f"{hour[:10].replace('/', '-')}T{hour[11:]}:00:00Z"
    return json.dumps({"captureData": capture, "eventMetadata": {"eventId": event, "inferenceTime": time}, "eventVersion": "0"})


def values(output: Path) -> dict[str, float]:
    """Each feature's global attribution."""
    found: dict[str, float] = read(output / "analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    return found


@pytest.fixture
def numbers(tmp_path: Path) -> dict[str, Any]:
    """A model of three numbers, its configuration, and 400 captured rows of an hour."""
    config = write_config(tmp_path, write_model(tmp_path), NUMBERS)
    return {"analysis_config": config, "dataset_source": write_capture(tmp_path / "capture", people(400, names=NUMBERS))}


def test_the_captured_sample_is_explained_as_the_contract_has_it(tmp_path: Path) -> None:
    """Several records a request, features as a list: the same document as the real job's, of the same features."""
    model = write_model(tmp_path, "0.1 * (rows['Age'] - 40) + rows['Education-Num'] - 11", ADULT)
    every = 2 ** len(ADULT)  # coalitions: what the model does not look at has then nothing
    config = read(write_config(tmp_path, model, ADULT, num_samples=every, baseline=[[39, 3, 1, 9, 10, 2, 3, 0, 4, 1, 0, 0, 40, 37]]))
    (tmp_path / "config.json").write_text(json.dumps({**config, "features": "features"}))
    flags = {"dataset_source": SAMPLES / "explain_endpoint_jsonl.capture.jsonl", "analysis_config": tmp_path / "config.json"}
    report = run_attribution(tmp_path / "out", **flags).reports[0]
    assert (report.dataset.rows, report.verdict) == (3, "suggested")
    found = read(tmp_path / "out" / "analysis.json")
    assert found.keys() == REAL.keys()
    ours, theirs = (document["explanations"]["kernel_shap"] for document in (found, REAL))
    assert {label: entry.keys() for label, entry in ours.items()} == {label: entry.keys() for label, entry in theirs.items()}
    assert values(tmp_path / "out").keys() == theirs["label0"]["global_shap_values"].keys()
    assert {name for name, value in values(tmp_path / "out").items() if value > 1e-9} == {"Age", "Education-Num"}


def test_a_real_jobs_baseline_is_taken(tmp_path: Path) -> None:
    """NDCG against it, by hand."""
    model = write_model(tmp_path, "0.1 * (rows['Age'] - 40) + rows['Education-Num'] - 11", ADULT)
    rows = [json.loads(line)["features"] for line in (SAMPLES / "adult_validation-dataset.jsonl").read_text().splitlines()[:60]]
    write_capture(tmp_path / "capture", [dict(zip(ADULT, row, strict=True)) for row in rows])
    config = write_config(tmp_path, model, ADULT, baseline=[rows[0]])
    baseline = SAMPLES / "explain_endpoint_jsonl.analysis.baseline.json"
    flags = {"dataset_source": tmp_path / "capture", "analysis_config": config, "baseline_constraints": baseline}
    report = run_attribution(tmp_path / "out", **flags).reports[0]
    (evaluation,) = report.evaluations
    assert report.attribution is not None
    assert report.attribution.notes == (NO_DRAWS,)
    assert NO_DRAWS in (tmp_path / "out" / "report.html").read_text()
    real, live = REAL["explanations"]["kernel_shap"]["label0"]["global_shap_values"], values(tmp_path / "out")
    # of equal attributions, as of the features that the model does not look at, the first in the alphabet goes first
    orders = [sorted(sorted(real), key=lambda name: -of[name]) for of in (live, real)]
    gain, best = (sum(real[name] / math.log2(place + 2) for place, name in enumerate(order)) for order in orders)
    assert evaluation.value == pytest.approx(gain / best, rel=1e-12)
    assert (evaluation.verdict == "violation") == (gain / best < 0.9)


def test_the_same_rows_have_not_changed(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """A baseline, and the hour that it was made of: NDCG 1, nothing moved, no violations file."""
    run_attribution(tmp_path / "base", **numbers)
    thresholds = "share_moved=0.001,rank_change=0,largest_change=0"
    report = run_attribution(
        tmp_path / "out", **numbers, baseline_constraints=tmp_path / "base", attribution_thresholds=thresholds
    ).reports[0]
    assert report.verdict == "pass"
    assert {found.feature: found.value for found in report.evaluations} == pytest.approx(
        {"label0: ndcg": 1.0, "label0: share_moved": 0.0, "label0: largest_change": 0.0, "label0: rank_change": 0.0}, abs=1e-12
    )
    assert not (tmp_path / "out" / "constraint_violations.json").exists()
    assert (tmp_path / "out" / "analysis.json").read_bytes() == (tmp_path / "base" / "analysis.json").read_bytes()


def test_a_model_that_looks_at_something_else_is_found(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """In the contract's words, and a metric of ours by its interval."""
    run_attribution(tmp_path / "base", **numbers)
    write_model(tmp_path, DRIFTED)
    flags = {**numbers, "baseline_constraints": tmp_path / "base", "attribution_thresholds": "share_moved=0.3"}
    report = run_attribution(tmp_path / "out", **flags).reports[0]
    assert report.verdict == "violation"
    by_name = {entry["metric_name"]: entry for entry in read(tmp_path / "out" / "constraint_violations.json")["violations"]}
    assert by_name.keys() == {"shap", "shap_share_moved"}
    ndcg, moved = report.evaluations
    assert by_name["shap"] == {
        "label": "label0",
        "metric_name": "shap",
        "constraint_check_type": "feature_attribution_drift_check",
        "description": f"Feature attribution drift {ndcg.value} exceeds threshold 0.9",
    }
    assert moved.interval is not None
    assert moved.interval[0] > 0.3


def test_explaining_all_rows_is_explaining_a_sample_that_has_them_all(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """The sums of the pass and those of the kept rows."""
    for name in ("sample", "all"):
        run_attribution(tmp_path / name, **numbers, explain_rows=name)
    assert values(tmp_path / "all") == pytest.approx(values(tmp_path / "sample"), rel=1e-9)
    assert read(tmp_path / "all" / "model_metadata.json")["explained_rows"] == 400


def test_a_sample_says_its_size_and_comes_near(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """150 of 400 rows; the attributions of all within twice the reach of their intervals."""
    run_attribution(tmp_path / "all", **numbers)
    report = run_attribution(tmp_path / "some", **numbers, sample_rows=150).reports[0]
    told, whole = read(tmp_path / "some" / "model_metadata.json"), values(tmp_path / "all")
    assert (told["explained_rows"], told["rows"]) == (150, 400)
    assert report.attribution is not None
    for feature in report.attribution.labels[0].features:
        assert feature.interval is not None
        low, high = feature.interval
        assert low - (high - low) < whole[feature.feature] < high + (high - low)


def test_hours_count_by_their_rows_in_a_window(tmp_path: Path) -> None:
    """An hour of 30 rows and one of 300, of which 30 are explained each: the second has ten times the say."""
    model = write_model(tmp_path, "np.where(rows['debt'] > 1000, 0.2 * rows['age'], 0.2 * rows['hours'])")
    config = write_config(tmp_path, model, NUMBERS, baseline=[[0.0, 0.0, 0.0]])
    rows = people(330, names=NUMBERS)
    write_capture(tmp_path / "capture", rows[:30])
    write_capture(tmp_path / "capture", [{**row, "debt": 5000.0} for row in rows[30:]], "2026/11/21/10")
    flags = {"dataset_source": tmp_path / "capture", "analysis_config": config, "sample_rows": 30, "state_root": tmp_path / "states"}
    first, second, both = (
        run_and_read(tmp_path / f"out-{start}-{end}", start_time=f"2026-11-21T{start}:00:00Z", end_time=f"2026-11-21T{end}:00:00Z", **flags)
        for start, end in (("09", "10"), ("10", "11"), ("09", "11"))
    )
    assert both == pytest.approx({name: (30 * first[name] + 300 * second[name]) / 330 for name in both}, rel=1e-9)


def run_and_read(output: Path, **flags: Any) -> dict[str, float]:
    """The global attributions of a run."""
    run_attribution(output, **flags)
    return values(output)


def test_stored_hours_are_not_explained_again_unless_the_model_changed(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """The store knows which version of the model a state is of."""
    run_attribution(tmp_path / "base", **numbers)
    asked = []

    def engine(tasks: Any, plan: Any) -> Any:
        asked.append(len(tasks))
        return plain_engine(tasks, plan)

    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z", "state_root": tmp_path / "states"}
    flags = {**numbers, **span, "baseline_constraints": tmp_path / "base"}
    first = run_attribution(tmp_path / "first", engine, **flags).reports[0]
    reads = len(asked)
    again = run_attribution(tmp_path / "again", engine, **flags).reports[0]
    assert (len(asked), again.evaluations) == (reads, first.evaluations)
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, save_local_shap_values=True)
    run_attribution(tmp_path / "local", engine, **{**flags, "analysis_config": config})
    assert len(asked) == reads
    write_model(tmp_path, DRIFTED)
    changed = run_attribution(tmp_path / "changed", engine, **flags).reports[0]
    assert len(asked) > reads
    assert changed.verdict == "violation"


def test_texts_and_missing_values_reach_a_model_that_takes_them(tmp_path: Path) -> None:
    """A city that the background has not, and an empty field, which is missing: Shapley values of two players by hand."""
    formula = "1.0 * (rows['city'] == 'b') + 2.0 * (rows['city'] == 'new') + rows['debt'].isna() * 1.0"
    model = write_model(tmp_path, formula, ("debt", "city"))
    rows = [{"debt": "" if i % 5 == 0 else 1.0, "city": "new" if i == 7 else "ab"[i % 2]} for i in range(60)]
    config = write_config(tmp_path, model, ("debt", "city"), baseline=[[1.0, "a"]])
    flags = {"dataset_source": write_capture(tmp_path / "capture", rows), "analysis_config": config}
    answers = [1 / (1 + math.exp(-x)) for x in range(4)]
    debts, cities = [], []
    for row in rows:
        city, debt = {"a": 0, "b": 1, "new": 2}[row["city"]], int(row["debt"] == "")
        only_city, only_debt, both = (answers[place] - answers[0] for place in (city, debt, city + debt))
        cities.append((only_city + both - only_debt) / 2)
        debts.append((only_debt + both - only_city) / 2)
    expected = {"city": np.mean(np.abs(cities)), "debt": np.mean(np.abs(debts))}
    assert run_and_read(tmp_path / "out", **flags) == pytest.approx(expected, rel=1e-9)
    assert run_and_read(tmp_path / "all", **flags, explain_rows="all") == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "words",
    [["", "", "nurse"], ["1234", "1234", "nurse", "clerk", "cook"]],
    ids=["mostly missing", "the most frequent looks like a number"],
)
def test_a_text_of_which_the_background_shows_none_is_a_text(tmp_path: Path, words: list[str]) -> None:
    """The one row of the background has nothing or digits, the rows that it was chosen from do: its file says so."""
    model = write_model(tmp_path, "2.0 * (rows['job'].astype(str) == 'nurse') + 0.0 * rows['age']", ("age", "job"))
    rows = [{"age": 1.0 + i % 2, "job": words[i % len(words)]} for i in range(100)]
    config = write_config(tmp_path, model, ("age", "job"), num_clusters=1)
    flags = {"dataset_source": write_capture(tmp_path / "capture", rows), "analysis_config": config}
    assert run_and_read(tmp_path / "out", **flags)["job"] > 0.01
    kept = tmp_path / "out" / "background.json"
    assert read(kept)["texts"] == ["job"]
    config = write_config(tmp_path, model, ("age", "job"), baseline=str(kept))
    assert run_and_read(tmp_path / "again", **flags)["job"] > 0.01


def test_a_text_that_a_given_background_leaves_open_is_one_by_the_data(tmp_path: Path) -> None:
    """Null in all its rows; a number that it leaves open stays a number."""
    model = write_model(tmp_path, "2.0 * (rows['job'].astype(str) == 'nurse') + rows['age'].fillna(0.0)", ("age", "job"))
    rows = [{"age": 1.0 + i % 2, "job": ("nurse", "clerk")[i % 2]} for i in range(100)]
    config = write_config(tmp_path, model, ("age", "job"), baseline=[[None, None]])
    found = run_and_read(tmp_path / "out", dataset_source=write_capture(tmp_path / "capture", rows), analysis_config=config)
    assert min(found.values()) > 0.01
    assert read(tmp_path / "out" / "background.json")["texts"] == ["job"]


@pytest.mark.parametrize(
    "wrong",
    [{"features": [1, 2]}, {"features": ["age", "age"]}, {"features": "ab"}, {"texts": ["job"]}, {"texts": 1}, {"weights": ["1"]}],
    ids=str,
)
def test_an_ill_typed_background_is_refused(wrong: dict[str, Any]) -> None:
    """With its path."""
    document = {"features": ["age", "debt"], "rows": [[1.0, None]], "weights": [1.0]}
    assert read_background(json.dumps(document).encode(), "background.json").texts == ()
    with pytest.raises(InputError, match=r"^background\.json: "):
        read_background(json.dumps({**document, **wrong}).encode(), "background.json")


def test_attributions_that_were_captured_need_no_model(tmp_path: Path) -> None:
    """A list in the answer, in the order of the features."""
    lines = [
        record({"endpointInput": json.dumps({"a": i, "b": 1}), "endpointOutput": json.dumps({"why": [0.1 * i, -0.2]})}, "JSON", str(i))
        for i in range(50)
    ]
    write_hour(tmp_path / "capture", "2026/11/21/09", lines)
    config = write_config(tmp_path, None, ("a", "b"), captured="why")
    found = run_and_read(tmp_path / "out", dataset_source=tmp_path / "capture", analysis_config=config)
    assert found == pytest.approx({"a": 0.1 * 49 / 2, "b": 0.2})


def test_metrics_have_the_contracts_names_and_dimensions(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """A point of each feature, and the expected value."""
    run_attribution(tmp_path / "out", **numbers, publish_cloudwatch_metrics="Enabled")
    lines = [json.loads(line) for line in (tmp_path / "out" / "cloudwatch_metrics.jsonl").read_text().splitlines()]
    named = {line["MetricName"]: {entry["Name"]: entry["Value"] for entry in line["Dimensions"]} for line in lines}
    common = {"ExplainabilityMethod": "KernelShap", "Label": "label0"}
    assert named["feature_debt"] == {**common, "ValueType": "GlobalShapValues"}
    assert named["ExpectedValue"] == {**common, "ValueType": "ExpectedValue"}


def test_other_aggregations_are_those_of_the_kept_rows(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """The mean of the absolute values, the mean square and the median, from the table of all rows' attributions."""
    found = {}
    for how in ("mean_abs", "mean_sq", "median"):
        config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, agg_method=how, save_local_shap_values=True)
        found[how] = run_and_read(tmp_path / how, **{**numbers, "analysis_config": config})["age"]
    with (tmp_path / "median" / "explanations_shap" / "out.csv").open() as file:
        local = [float(row["φ(label0) age"]) for row in csv.DictReader(file)]
    assert len(local) == 400
    expected = {"mean_abs": np.mean(np.abs(local)), "mean_sq": np.mean(np.square(local)), "median": np.median(np.abs(local))}
    assert found == pytest.approx(expected, rel=1e-9)


def test_segments_have_attributions_of_their_own(tmp_path: Path) -> None:
    """The rows of each city, which other features decide."""
    formula = "np.where(rows['city'] == 'a', rows['age'] - 40, rows['hours'] - 38)"
    model = write_model(tmp_path, formula, NAMES)
    config = write_config(tmp_path, model, baseline=[[40.0, 38.0, 0.0, "a"], [40.0, 38.0, 0.0, "b"]])
    flags = {"dataset_source": write_capture(tmp_path / "capture", people(200)), "analysis_config": config, "segments": "city"}
    report = run_attribution(tmp_path / "out", **flags).reports[0]
    first = {segment.name: segment.attribution.labels[0].features[0].feature for segment in report.segments if segment.attribution}
    assert first == {"city=a": "age", "city=b": "hours"}


def test_medians_of_segments_are_those_of_their_kept_rows(tmp_path: Path) -> None:
    """The kept rows of the window tell which segments they are in."""
    config = write_config(tmp_path, write_model(tmp_path), agg_method="median", save_local_shap_values=True, baseline=[[40, 38, 0, "a"]])
    flags = {"dataset_source": write_capture(tmp_path / "capture", people(200)), "analysis_config": config, "segments": "city"}
    report = run_attribution(tmp_path / "out", **flags).reports[0]
    with (tmp_path / "out" / "explanations_shap" / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = {segment.name: segment.attribution.labels[0] for segment in report.segments if segment.attribution}
    for city in "ab":
        ages = [abs(float(row["φ(label0) age"])) for row in rows if row["city"] == city]
        assert len(ages) == 100
        (age,) = (feature for feature in found[f"city={city}"].features if feature.feature == "age")
        assert age.value == pytest.approx(np.median(ages), rel=1e-9)
        assert age.interval is not None


def test_the_course_of_medians_has_no_draws(tmp_path: Path, numbers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only values are shown of its points; draws of medians take longest of all."""
    drawn: list[int] = []
    medians = attribution_report._medians

    def counted(table: Floats, count: int) -> Floats:
        drawn.append(len(table))
        return medians(table, count)

    monkeypatch.setattr(attribution_report, "_medians", counted)
    write_capture(tmp_path / "capture", people(100, 1, NUMBERS), "2026/11/21/08")
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, agg_method="median", baseline=[[40, 38, 0]])
    span = {"start_time": "2026-11-21T08:00:00Z", "end_time": "2026-11-21T10:00:00Z", "state_root": tmp_path / "states"}
    report = run_attribution(tmp_path / "out", **{**numbers, "analysis_config": config}, **span).reports[0]
    assert report.attribution_page is not None
    assert [list(shares) for _, shares in report.attribution_page.history] == [["label0"], ["label0"]]
    assert drawn == [500]


def test_without_kept_rows_there_are_no_medians(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """No verdict beside a baseline, and no baseline of zeros."""
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, agg_method="median")
    flags = {**numbers, "analysis_config": config, "explain_rows": "all"}
    run_attribution(tmp_path / "base", **flags)
    report = run_attribution(tmp_path / "out", **flags, sample_rows=0, baseline_constraints=tmp_path / "base").reports[0]
    assert report.verdict == "insufficient data"
    assert [(found.feature, found.description) for found in report.evaluations] == [
        ("label0: ndcg", "no kept row, of which a median could be")
    ]
    with pytest.raises(InputError, match="set --sample-rows"):
        run_attribution(tmp_path / "other", **flags, sample_rows=0)


def test_a_baseline_of_medians_has_no_draws(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """Its states come without the kept rows, so it is taken to be of as many as the window."""
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, agg_method="median")
    flags = {**numbers, "analysis_config": config}
    run_attribution(tmp_path / "base", **flags)
    report = run_attribution(tmp_path / "out", **flags, baseline_constraints=tmp_path / "base").reports[0]
    assert report.attribution is not None
    assert report.attribution.notes == (NO_DRAWS,)
    assert all(feature.change_interval is not None for feature in report.attribution.labels[0].features)


@pytest.mark.parametrize(
    ("formula", "words"),
    [("rows['age'] * float('nan')", "nan"), ("rows['age'].head(3)", "shape"), ("undefined_name", "undefined_name")],
    ids=["NaN", "wrong shape", "raises"],
)
def test_a_model_that_fails_says_how(tmp_path: Path, numbers: dict[str, Any], formula: str, words: str) -> None:
    """With the model's name, and nothing is written."""
    (tmp_path / "model.py").write_text(f"FEATURES = {list(NUMBERS)!r}\ndef predict(rows):\n    return {formula}\n")
    with pytest.raises(ModelError, match=words) as fault:
        run_attribution(tmp_path / "out", **numbers)
    assert "model.py" in str(fault.value)
    assert not (tmp_path / "out" / "analysis.json").exists()


def test_a_feature_that_the_data_lack_is_named(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """In a baseline with the nearest of the columns that there are; later on it is missing, which the window says."""
    write_model(tmp_path, FORMULA.replace("rows['hours']", "rows['hours'].fillna(38)"))
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, baseline=[[40.0, 38.0, 0.0]])
    run_attribution(tmp_path / "base", **numbers)
    (tmp_path / "rows.jsonl").write_text('{"age": 1, "hour": 2, "debt": 3}\n' * 40)
    flags = {**numbers, "analysis_config": config, "dataset_source": tmp_path / "rows.jsonl"}
    with pytest.raises(InputError, match=r"feature hours: found columns age, hour, debt.*did you mean hour") as fault:
        run_attribution(tmp_path / "out", **flags)
    assert fault.value.exit_code == 2
    report = run_attribution(tmp_path / "out", **flags, baseline_constraints=tmp_path / "base").reports[0]
    assert report.coverage.warnings == ("feature hours: found in no row of the window; explained as a missing value",)
    assert values(tmp_path / "out")["hours"] == pytest.approx(0.0, abs=1e-12)
    (tmp_path / "rows.jsonl").write_text('{"a": 1, "b": 2, "debt": 3}\n' * 40)
    with pytest.raises(InputError, match="features age, hours: found columns a, b, debt; expected all 3 features"):
        run_attribution(tmp_path / "none", **{**numbers, "dataset_source": tmp_path / "rows.jsonl"})


def test_rows_that_cannot_be_explained_are_counted(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """Those of something else, and those with a missing value where the model refuses it; the others are explained."""
    refusing = "np.where(rows.isna().any(axis=1).any(), np.nan, 1.0) * ((rows['age'] - 40) / 9)"
    write_model(tmp_path, refusing)
    rows: list[dict[str, Any]] = people(300, names=NUMBERS)
    for i in range(5):
        rows[20 * i]["debt"] = ""
    rows[7] = {"age": 30.0, "hours": 40.0}
    write_capture(tmp_path / "mixed", rows)
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, baseline=[[40.0, 38.0, 20.0]])
    flags = {**numbers, "analysis_config": config, "dataset_source": tmp_path / "mixed"}
    for name in ("sample", "all"):
        report = run_attribution(tmp_path / name, **flags, explain_rows=name).reports[0]
        assert report.attribution is not None
        assert report.attribution.rows == 294
        (warning,) = report.coverage.warnings
        assert warning.startswith(
            "6 of 300 rows: not explained; found other columns in 1 of 300 kept rows; expected the features age, hours, debt; "
            "of 5 of 300 kept rows the model says, such as of one: nan for {'age': "
        )
    assert values(tmp_path / "all") == pytest.approx(values(tmp_path / "sample"), rel=1e-9)


def test_a_row_that_the_model_refuses_is_left_out(tmp_path: Path) -> None:
    """Such as one of a category that it was not made with; where it refuses many, the run ends and says why."""
    (tmp_path / "model.py").write_text(
        "import numpy as np\n"
        "def predict(rows):\n"
        "    if not rows['city'].isin(['a', 'b']).all():\n"
        "        raise ValueError('unknown city')\n"
        "    return rows['age'] / 100 + (rows['city'] == 'b')\n"
    )
    config = write_config(tmp_path, tmp_path / "model.py", ("age", "city"), baseline=[[40.0, "a"]])
    rows = people(200, names=("age", "city"))
    run_attribution(tmp_path / "base", dataset_source=write_capture(tmp_path / "known", rows[:-3]), analysis_config=config)
    for row in rows[-3:]:
        row["city"] = "new"
    source = write_capture(tmp_path / "capture", rows)
    flags = {"dataset_source": source, "analysis_config": config, "baseline_constraints": tmp_path / "base"}
    for explained in ("sample", "all"):
        report = run_attribution(tmp_path / explained, **flags, explain_rows=explained).reports[0]
        assert report.attribution is not None
        assert report.attribution.rows == 197
        (warning,) = report.coverage.warnings
        said = "of 3 of 200 kept rows the model says, such as of one: ValueError: unknown city"
        assert warning == f"3 of 200 rows: not explained; {said}"
        assert values(tmp_path / explained) == pytest.approx(values(tmp_path / "base"), rel=1e-12)
    for row in rows[50:]:
        row["city"] = "new"
    with pytest.raises(ModelError, match="unknown city"):
        run_attribution(tmp_path / "out", **{**flags, "dataset_source": write_capture(tmp_path / "many", rows)})


def test_faults_of_a_configuration_come_at_once(tmp_path: Path) -> None:
    """With the place of each."""
    path = tmp_path / "config.json"
    shap = {"num_samples": 0, "seed": "x", "agg_method": "sum"}
    path.write_text(json.dumps({"methods": {"shap": shap}, "predictor": {"model": "m.onnx"}}))
    with pytest.raises(SettingsError, match=r"methods\.shap\.num_samples: found 0") as fault:
        run_attribution(tmp_path / "out", dataset_source=SAMPLES, analysis_config=path)
    assert len(fault.value.faults) == 3


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"features": []}, "expected explanations.kernel_shap"),
        ({"explanations": {"kernel_shap": {"label0": {"global_shap_values": {"age": "much"}}}}}, "global_shap_values.age: found 'much'"),
        (
            {"explanations": {"kernel_shap": {"other": {"global_shap_values": dict.fromkeys(NUMBERS, 0.5)}}}},
            "labels of the model: found label0",
        ),
    ],
    ids=["another monitor's", "no numbers", "other labels"],
)
def test_a_baseline_of_something_else_is_refused(tmp_path: Path, numbers: dict[str, Any], document: Any, words: str) -> None:
    """Before anything is written."""
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=words):
        run_attribution(tmp_path / "out", **numbers, baseline_constraints=path)
    assert not (tmp_path / "out" / "analysis.json").exists()


def test_a_feature_that_is_not_to_be_kept_can_be_explained_with_all_rows(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """The same attributions, and kept rows without it and without attributions; a median of kept rows is refused."""
    run_attribution(tmp_path / "all", **numbers, explain_rows="all")
    for hidden in ("sample_without", "sample_hashed"):
        report = run_attribution(tmp_path / hidden, **numbers, explain_rows="all", **{hidden: "age"}).reports[0]
        assert values(tmp_path / hidden) == values(tmp_path / "all")
        assert report.coverage.warnings == ()
        assert report.attribution is not None
        assert {name for row in report.attribution.local for name in row} == {"hours", "debt"}
        with pytest.raises(InputError, match=r"found age, which the model needs.*--explain-rows all"):
            run_attribution(tmp_path / "none", **numbers, **{hidden: "age"})
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, agg_method="median")
    with pytest.raises(InputError, match=r"found age; methods\.shap\.agg_method median"):
        run_attribution(tmp_path / "none", **{**numbers, "analysis_config": config}, explain_rows="all", sample_without="age")


def test_a_window_of_which_nothing_is_explained_does_not_pass(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """A run that would explain no row is refused; states of rows without attributions say too little."""
    run_attribution(tmp_path / "base", **numbers)
    with pytest.raises(InputError, match=r"sample_rows: found 0.*--sample-rows 500, or --explain-rows all"):
        run_attribution(tmp_path / "none", **numbers, baseline_constraints=tmp_path / "base", sample_rows=0)
    report = run_attribution(
        tmp_path / "out", **numbers, baseline_constraints=tmp_path / "base", sample_rows=0, explain_rows="all"
    ).reports[0]
    assert report.verdict == "pass"

    def without_attributions(tasks: Any, plan: Any) -> Any:
        table = plain_engine(tasks, plan)
        return table.filter(pc.not_equal(table["kind"], Attributions.kind))

    flags = {**numbers, "baseline_constraints": tmp_path / "base"}
    report = run_attribution(tmp_path / "lost", without_attributions, **flags).reports[0]
    assert (report.dataset.rows, report.verdict) == (400, "insufficient data")


@pytest.mark.parametrize(
    "wrong",
    ["ndcg=1.5", "ndcg=-0.1", "ndcg=nan", "share_moved=-1", "share_moved=20", "largest_change=1.1", "share_moved=inf", "rank_change=nan"],
)
def test_a_threshold_that_nothing_is_beyond_is_refused(tmp_path: Path, numbers: dict[str, Any], wrong: str) -> None:
    """With the metric's name."""
    with pytest.raises(InputError, match=f"attribution_thresholds: {wrong.partition('=')[0]}: found"):
        run_attribution(tmp_path / "out", **numbers, attribution_thresholds=wrong)


def test_few_coalitions_are_told_and_too_few_refused(tmp_path: Path) -> None:
    """Of 14 features below 500 and below 28; of 3 all six are enough."""
    model = write_model(tmp_path, "0.1 * (rows['Age'] - 40)", ADULT)
    rows = [json.loads(line)["features"] for line in (SAMPLES / "adult_validation-dataset.jsonl").read_text().splitlines()[:40]]
    source = write_capture(tmp_path / "capture", [dict(zip(ADULT, row, strict=True)) for row in rows])

    def warnings(samples: int) -> tuple[str, ...]:
        config = write_config(tmp_path, model, ADULT, baseline=[rows[0]], num_samples=samples)
        return run_attribution(tmp_path / "out", dataset_source=source, analysis_config=config).reports[0].coverage.warnings

    assert warnings(500) == ()
    told = "methods.shap.num_samples: 28 coalitions of 14 features leave much to chance; take at least 500"
    assert [warning.partition(". ")[0] for warning in warnings(28)] == [told]
    with pytest.raises(InputError, match="num_samples: found 27; expected at least 28"):
        warnings(27)
    config = write_config(tmp_path, write_model(tmp_path), NUMBERS, num_samples=6)
    source = write_capture(tmp_path / "few", people(40, names=NUMBERS))
    assert run_attribution(tmp_path / "out", dataset_source=source, analysis_config=config).reports[0].coverage.warnings == ()


def test_groups_are_held_against_the_features_that_the_data_have(tmp_path: Path) -> None:
    """Where no headers say them: a member that is none, and a group's name that is one."""
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in people(40, names=NUMBERS)))
    config = write_config(tmp_path, write_model(tmp_path), (), groups={"age": ["hours", "dept"]})
    with pytest.raises(SettingsError) as fault:
        run_attribution(tmp_path / "out", dataset_source=tmp_path / "rows.jsonl", analysis_config=config)
    assert [str(each).partition(";")[0] for each in fault.value.faults] == [
        "methods.shap.groups: found 'dept'",
        "methods.shap.groups: found 'age', which is also a feature of no group",
    ]


def test_a_label_that_only_the_baseline_has_is_told(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """The other label has not changed, and still there is no pass."""
    run_attribution(tmp_path / "base", **numbers)
    document = read(tmp_path / "base" / "analysis.json")
    labels = document["explanations"]["kernel_shap"]
    labels["label1"] = labels["label0"]
    (tmp_path / "baseline.json").write_text(json.dumps(document))
    report = run_attribution(tmp_path / "out", **numbers, baseline_constraints=tmp_path / "baseline.json").reports[0]
    assert {found.feature: str(found.verdict) for found in report.evaluations} == {"label0: ndcg": "pass", "label1: ndcg": "not computable"}
    assert report.verdict == "insufficient data"
    warning = "label label1 of the baseline: not compared; the model has no such label now; it has label0"
    assert warning in report.coverage.warnings
    said = (tmp_path / "out" / "report.html").read_text()
    assert "No verdict for 1 of 2 labels (the model has no such label now; it has label0)" in said
    assert "has not changed beyond the limit" not in said


@pytest.mark.parametrize(
    "headers",
    [("age", "hour", "debt"), ("age", "hours", "debt", "city"), ("age", "hours")],
    ids=["a slip", "one too many", "one too few"],
)
@pytest.mark.parametrize("stock", [False, True], ids=["ours", "stock"])
def test_other_features_than_the_baselines_are_refused(
    tmp_path: Path, numbers: dict[str, Any], headers: Sequence[str], *, stock: bool
) -> None:
    """By its background, or where it has only an analysis.json by the features in that."""
    run_attribution(tmp_path / "base", **numbers)
    if stock:
        for path in (tmp_path / "base").iterdir():
            if path.name != "analysis.json":
                path.unlink()
    (tmp_path / "model.py").write_text("def predict(rows):\n    return rows.sum(axis=1)\n")
    shap = {"baseline": [[1.0] * len(headers)]} if stock else {}
    config = write_config(tmp_path, tmp_path / "model.py", headers, **shap)
    flags = {**numbers, "analysis_config": config, "baseline_constraints": tmp_path / "base"}
    with pytest.raises(InputError, match=r"features: found .*; expected those of .*base"):
        run_attribution(tmp_path / "out", **flags)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("shap", "subject"),
    [
        ({"agg_method": "mean_sq"}, "agg_method: found mean_sq; expected mean_abs"),
        ({"use_logit": True}, "use_logit: found log-odds; expected answer"),
        ({"baseline": [[1.0, 2.0, 3.0]]}, "baseline: found SHA-256 "),
        ({"groups": {"debt": ["debt"]}}, "groups: found {'debt': "),
    ],
    ids=["aggregation", "scale", "background", "groups"],
)
def test_another_question_than_the_baselines_is_refused(
    tmp_path: Path, numbers: dict[str, Any], shap: dict[str, Any], subject: str
) -> None:
    """By the baseline's model_metadata.json, without which, as of a stock baseline, nobody knows."""
    run_attribution(tmp_path / "base", **numbers)
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, **shap)
    flags = {**numbers, "analysis_config": config, "baseline_constraints": tmp_path / "base"}
    with pytest.raises(SettingsError, match=re.escape(f"methods.shap.{subject}")) as fault:
        run_attribution(tmp_path / "out", **flags)
    assert len(fault.value.faults) == 1
    (tmp_path / "base" / "model_metadata.json").unlink()
    assert run_attribution(tmp_path / "out", **flags).reports[0].evaluations


def test_an_explainer_of_the_same_values_is_only_told(tmp_path: Path) -> None:
    """Of a forest, exact by its trees or by all coalitions: the same to the last digits."""
    rows = people(120, names=NUMBERS)
    table = np.array([list(row.values()) for row in rows])
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(RandomForestRegressor(5, random_state=0).fit(table, table[:, 0])))
    flags: dict[str, Any] = {"dataset_source": write_capture(tmp_path / "capture", rows)}
    found = {}
    for explainer in ("tree", "kernel"):
        config = write_config(tmp_path, tmp_path / "model.skops", NUMBERS, explainer=explainer)
        run_attribution(tmp_path / explainer, **flags, analysis_config=config)
        found[explainer] = values(tmp_path / explainer)
    assert found["kernel"] == pytest.approx(found["tree"], rel=1e-9)
    outcome = run_attribution(tmp_path / "out", **flags, analysis_config=config, baseline_constraints=tmp_path / "tree")
    (warning,) = outcome.reports[0].coverage.warnings
    assert warning.startswith("methods.shap.explainer: found kernel; expected tree, as in ")
    assert outcome.reports[0].verdict == "pass"


def test_other_circumstances_than_the_baselines_are_told(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """Another model or seed: compared, and said in each window."""
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, baseline=[[40.0, 38.0, 20.0]])
    run_attribution(tmp_path / "base", **{**numbers, "analysis_config": config})
    write_model(tmp_path, DRIFTED)
    config = write_config(tmp_path, tmp_path / "model.py", NUMBERS, seed=2, baseline=str(tmp_path / "base" / "background.json"))
    flags = {**numbers, "analysis_config": config, "baseline_constraints": tmp_path / "base"}
    warnings = run_attribution(tmp_path / "out", **flags).reports[0].coverage.warnings
    told = [re.sub("SHA-256 [0-9a-f]{8}…", "a hash", warning.replace(str(tmp_path), "")) for warning in warnings]
    assert told == [
        "model: found a hash; expected a hash, as in /base/model_metadata.json",
        "methods.shap.seed: found 2; expected 1, as in /base/model_metadata.json",
    ]


def test_a_model_that_says_the_same_of_all_rows_makes_no_baseline(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """Rounding gives no feature a share, not of a sum that is off by its last digit either; beside a baseline there is no verdict."""
    run_attribution(tmp_path / "base", **numbers)
    write_model(tmp_path, "0.3 + 0.0 * rows['age']")
    with pytest.raises(InputError, match="model: found the same answer for all rows"):
        run_attribution(tmp_path / "none", **numbers)
    write_model(tmp_path, "0.3 + 1e-17 * rows['age'] + 0.1 * rows['debt'] - 0.1 * rows['debt']")
    with pytest.raises(InputError, match="model: found the same answer for all rows"):
        run_attribution(tmp_path / "none", **numbers)
    report = run_attribution(tmp_path / "out", **numbers, baseline_constraints=tmp_path / "base").reports[0]
    assert [violation.description for violation in report.violations] == [
        "no feature has any attribution now: the model says the same of all rows"
    ]
    assert read(tmp_path / "out" / "constraint_violations.json")["violations"][0]["metric_name"] == "shap"


def test_texts_in_a_feature_of_numbers_are_told(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """They are missing values to the model; of a feature of texts they are its values."""
    write_model(tmp_path, FORMULA.replace("rows['hours']", "rows['hours'].fillna(38)"))
    run_attribution(tmp_path / "base", **numbers)
    rows = people(100, names=NUMBERS)
    for row in rows[:7]:
        row["hours"] = "forty"
    flags = {**numbers, "dataset_source": write_capture(tmp_path / "other", rows), "baseline_constraints": tmp_path / "base"}
    report = run_attribution(tmp_path / "out", **flags).reports[0]
    assert report.coverage.warnings == ("feature hours: found texts in 7 of 100 kept rows, such as 'forty'; explained as missing values",)


def test_a_chosen_background_is_one_that_the_model_answers(tmp_path: Path) -> None:
    """Of rows without missing values where it refuses those with some; else of all rows."""
    rows = [{**row, "debt": "" if i % 3 else row["debt"]} for i, row in enumerate(people(300, names=NUMBERS))]
    source = write_capture(tmp_path / "capture", rows)
    refusing = f"np.where(rows.isna().any(axis=1), np.nan, {FORMULA})"
    for name, formula, refuses in (
        ("refuses", refusing, True),
        ("takes", FORMULA.replace("rows['debt']", "rows['debt'].fillna(9)"), False),
    ):
        config = write_config(tmp_path, write_model(tmp_path, formula), NUMBERS)
        run_attribution(tmp_path / name, dataset_source=source, analysis_config=config)
        background = read(tmp_path / name / "background.json")["rows"]
        assert any(None in row for row in background) != refuses


def test_all_that_was_measured_is_in_the_evaluation(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """With limits and without: a change that NDCG does not see is there to be read."""
    run_attribution(tmp_path / "base", **numbers)
    write_model(tmp_path, FORMULA.replace("0.02", "0.04"))
    report = run_attribution(tmp_path / "out", **numbers, baseline_constraints=tmp_path / "base").reports[0]
    measured = {entry["metric"]: entry for entry in read(tmp_path / "out" / "evaluation.json")["attribution"]}
    assert list(measured) == ["ndcg", "share_moved", "largest_change", "rank_change"]
    assert {metric: entry["threshold"] for metric, entry in measured.items()} == {**dict.fromkeys(measured), "ndcg": 0.9}
    assert report.attribution is not None
    assert [entry["value"] for entry in measured.values()] == [found.value for found in report.attribution.comparisons]
    assert measured["share_moved"]["value"] > 0.05
    assert measured["share_moved"]["interval"][0] > 0


@pytest.mark.parametrize("explained", ["sample", "all"])
def test_captured_attributions_of_groups_are_added_up(tmp_path: Path, explained: str) -> None:
    """A record without them, or without one of a feature, is not explained."""
    why: list[Any] = [[0.1, -0.2, 5.0]] * 50
    why[3], why[7] = None, [0.1, -0.2, None]
    lines = [
        record({"endpointInput": json.dumps({"a": i, "b": 1, "c": 2}), "endpointOutput": json.dumps({"why": one})}, "JSON", str(i))
        for i, one in enumerate(why)
    ]
    write_hour(tmp_path / "capture", "2026/11/21/09", lines)
    config = write_config(tmp_path, None, ("a", "b", "c"), captured="why", groups={"g": ["a", "b"]})
    flags = {"dataset_source": tmp_path / "capture", "analysis_config": config, "explain_rows": explained}
    report = run_attribution(tmp_path / "out", **flags).reports[0]
    assert values(tmp_path / "out") == pytest.approx({"c": 5.0, "g": 0.1})
    assert read(tmp_path / "out" / "analysis.json")["explanations"]["kernel_shap"]["label0"]["expected_value"] is None
    assert report.coverage.warnings == ("2 of 50 rows: not explained; found no attributions at why",)


def test_two_names_of_two_classes_name_the_answer_by_the_second(tmp_path: Path) -> None:
    """Which is all that the model answers; other numbers of names are refused."""
    rows = people(60, names=NUMBERS)
    table = np.array([list(row.values()) for row in rows])
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(LogisticRegression().fit(table, table[:, 0] > 40)))
    config = read(write_config(tmp_path, tmp_path / "model.skops", NUMBERS))
    flags = {"dataset_source": write_capture(tmp_path / "capture", rows), "analysis_config": tmp_path / "config.json"}
    for names in (["no", "yes"], ["yes"]):
        (tmp_path / "config.json").write_text(json.dumps({**config, "predictor": {**config["predictor"], "label_headers": names}}))
        run_attribution(tmp_path / "out", **flags)
        assert read(tmp_path / "out" / "analysis.json")["explanations"]["kernel_shap"].keys() == {"yes"}
    (tmp_path / "config.json").write_text(json.dumps({**config, "predictor": {**config["predictor"], "label_headers": list("abc")}}))
    with pytest.raises(InputError, match="label_headers: found 3"):
        run_attribution(tmp_path / "out", **flags)


def test_a_python_file_names_its_answers(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """By LABELS."""
    path = tmp_path / "model.py"
    path.write_text('LABELS = ["high"]\n' + path.read_text())
    run_attribution(tmp_path / "out", **numbers)
    assert read(tmp_path / "out" / "analysis.json")["explanations"]["kernel_shap"].keys() == {"high"}


def test_an_answer_more_than_the_baseline_had_is_refused(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """The first of two is not what the only one was."""
    run_attribution(tmp_path / "base", **numbers)
    path = tmp_path / "model.py"
    path.write_text("import numpy as np\ndef predict(rows):\n    p = rows['age'] / 100\n    return np.column_stack([1 - p, p])\n")
    with pytest.raises(InputError, match="labels of the model: found label0, label1; expected the baseline's: label0"):
        run_attribution(tmp_path / "out", **numbers, baseline_constraints=tmp_path / "base")


def test_a_model_that_is_down_is_asked_once(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """Four calls of it, not four of each task; its own sentence, and the exit code of bad input, come from the worker."""
    asked = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = write_config(tmp_path, None, NUMBERS, baseline=[[40.0, 38.0, 20.0]])
        flags = {**numbers, "analysis_config": config, "model": f"http://127.0.0.1:{server.server_port}/"}
        with pytest.raises(ModelUnreachable, match=r"found HTTP 503, the last of 4 calls") as fault:
            run_attribution(tmp_path / "out", **flags)
        server.shutdown()
    assert fault.value.exit_code == 2
    assert len(asked) == 4
    assert not (tmp_path / "out" / "analysis.json").exists()


def test_an_answer_that_never_changes_is_told(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """Of several it can be in a baseline; its shares are empty fields."""
    path = tmp_path / "model.py"
    path.write_text("import numpy as np\ndef predict(rows):\n    return np.column_stack([rows['age'], np.full(len(rows), 0.5)])\n")
    report = run_attribution(tmp_path / "base", **numbers).reports[0]
    assert report.coverage.warnings == ("label label1: found no attribution of any feature; as a baseline it gives no verdict",)
    with (tmp_path / "base" / "attribution_data.csv").open() as file:
        assert {row["share"] for row in csv.DictReader(file) if row["label"] == "label1"} == {""}


def test_decimals_are_numbers(tmp_path: Path) -> None:
    """Of Parquet, also where the background is chosen from them; a text that looks like a number stays one beside numbers."""
    rows = people(80, names=NUMBERS)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in NUMBERS}
    columns["age"] = pa.array([Decimal(str(age)) for age in columns["age"]], pa.decimal128(6, 2))
    columns["code"] = [str(i % 3) for i in range(80)]
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    model = write_model(tmp_path, "0.01 * rows['age'] + rows['code'].map({'0': -1.0, '1': 0.0, '2': 1.0})", (*NUMBERS, "code"))
    config = write_config(tmp_path, model, (*NUMBERS, "code"))
    run_attribution(tmp_path / "out", dataset_source=tmp_path / "rows.parquet", analysis_config=config)
    assert read(tmp_path / "out" / "background.json")["texts"] == ["code"]
    assert min(values(tmp_path / "out")[name] for name in ("age", "code")) > 0.01


def test_texts_in_a_fifth_of_the_training_rows_are_missing_values(tmp_path: Path) -> None:
    """The background is of other rows where the model refuses these."""
    rows = [{**row, "age": "unknown" if i % 5 == 0 else row["age"]} for i, row in enumerate(people(300, names=NUMBERS))]
    config = write_config(tmp_path, write_model(tmp_path, f"np.where(rows.isna().any(axis=1), np.nan, {FORMULA})"), NUMBERS)
    report = run_attribution(tmp_path / "out", dataset_source=write_capture(tmp_path / "capture", rows), analysis_config=config).reports[0]
    assert report.attribution is not None
    assert report.attribution.rows == 240
    assert any("found texts in 60 of 300 kept rows, such as 'unknown'" in warning for warning in report.coverage.warnings)


def test_a_model_that_answers_by_chance_is_refused(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """It says something else of the same rows."""
    write_model(tmp_path, "np.random.default_rng().normal(size=len(rows))")
    with pytest.raises(ModelError, match="two answers for the same rows"):
        run_attribution(tmp_path / "out", **numbers)


def test_medians_are_judged_by_the_rows_that_they_are_of(tmp_path: Path) -> None:
    """An hour of 300 rows of which 20 are kept."""
    config = write_config(tmp_path, write_model(tmp_path), NUMBERS, agg_method="median")
    source = write_capture(tmp_path / "capture", people(300, names=NUMBERS))
    flags = {"dataset_source": source, "analysis_config": config, "explain_rows": "all"}
    run_attribution(tmp_path / "base", **flags)
    report = run_attribution(tmp_path / "out", **flags, baseline_constraints=tmp_path / "base", sample_rows=20).reports[0]
    assert report.evaluations[0].description == "20 explained rows; a verdict takes 30"


def test_as_many_rows_may_be_refused_of_a_sample_as_of_all(tmp_path: Path) -> None:
    """Three in a hundred."""
    (tmp_path / "model.py").write_text(
        "def predict(rows):\n"
        "    if (rows['city'] == 'new').any():\n"
        "        raise ValueError('unknown city')\n"
        "    return rows['age'] / 100\n"
    )
    rows = people(2000, names=("age", "city"))
    for row in rows[::33]:
        row["city"] = "new"
    config = write_config(tmp_path, tmp_path / "model.py", ("age", "city"), baseline=[[40.0, "a"]])
    source = write_capture(tmp_path / "capture", rows)
    for explained in ("sample", "all"):
        report = run_attribution(tmp_path / explained, dataset_source=source, analysis_config=config, explain_rows=explained).reports[0]
        assert report.attribution is not None
        assert 0.96 < report.attribution.rows / (500 if explained == "sample" else 2000) < 0.98


def test_rows_of_something_else_are_told_with_their_columns(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """A renamed key, of which most features are left, and rows of another width, of which none is."""
    run_attribution(tmp_path / "base", **numbers)
    flags = {**numbers, "baseline_constraints": tmp_path / "base"}
    wide = [{**row, "more": 1.0} for row in people(60, names=NUMBERS)]
    report = run_attribution(tmp_path / "wide", **{**flags, "dataset_source": write_capture(tmp_path / "other", wide)}).reports[0]
    assert report.verdict == "insufficient data"
    found = "found _c0, _c1, _c2, _c3 in 60 of 60 kept rows; expected the features age, hours, debt"
    assert report.coverage.warnings == (f"60 of 60 rows: not explained; {found}",)


def test_slips_in_segments_and_other_references_are_told(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """A column that is none, and a reference that attributions are not compared with."""
    run_attribution(tmp_path / "base", **numbers)
    with pytest.raises(InputError, match="segments: agee"):
        run_attribution(tmp_path / "out", **numbers, baseline_constraints=tmp_path / "base", segments="agee")
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z", "state_root": tmp_path / "states"}
    with pytest.raises(InputError, match="reference: found previous; expected baseline"):
        run_attribution(tmp_path / "out", **numbers, **span, baseline_constraints=tmp_path / "base", reference="previous", window="1h")


def test_a_small_baseline_is_told_and_gives_no_verdict(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """20 rows, which chance orders."""
    few = write_capture(tmp_path / "few", people(20, names=NUMBERS))
    report = run_attribution(tmp_path / "base", **{**numbers, "dataset_source": few}).reports[0]
    assert report.coverage.warnings == ("baseline: found 20 explained rows; expected at least 30, without which there is no verdict later",)
    report = run_attribution(tmp_path / "out", **numbers, baseline_constraints=tmp_path / "base").reports[0]
    assert report.evaluations[0].description == "20 explained rows in the baseline; a verdict takes 30"


def test_few_rows_are_no_verdict(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """29 explained rows say too little; none are no data."""

    def verdicts(outcome: Outcome) -> list[str]:
        return [report.verdict for report in outcome.reports]

    run_attribution(tmp_path / "base", **numbers)
    few = write_capture(tmp_path / "few", people(29, names=NUMBERS))
    flags = {**numbers, "dataset_source": few, "baseline_constraints": tmp_path / "base"}
    assert verdicts(run_attribution(tmp_path / "out", **flags)) == ["insufficient data"]
    span = {"start_time": "2026-11-21T10:00:00Z", "end_time": "2026-11-21T11:00:00Z"}
    assert verdicts(run_attribution(tmp_path / "none", **flags, **span)) == ["no data"]


def test_stored_hours_are_reported_while_the_endpoint_is_down(tmp_path: Path, numbers: dict[str, Any]) -> None:
    """It is not asked again; what it allowed is then not known."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            rows = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
            body = "".join(f"{sum(map(float, row.split(',')))}\n" for row in rows).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = write_config(tmp_path, None, NUMBERS, baseline=[[40.0, 38.0, 20.0]])
        span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z", "state_root": tmp_path / "states"}
        flags = {**numbers, **span, "analysis_config": config, "model": f"http://127.0.0.1:{server.server_port}/"}
        run_attribution(tmp_path / "up", **flags)
        server.shutdown()
    assert read(tmp_path / "up" / "model_metadata.json")["explainer"] == "kernel"
    digest._tried.cache_clear()  # as another process
    run_attribution(tmp_path / "down", **flags)
    assert read(tmp_path / "down" / "model_metadata.json")["explainer"] is None
    assert values(tmp_path / "down") == values(tmp_path / "up")
