"""The contract's own numbers and files: what the stock analyzer's users know, word for word and key for key."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hourglass.problems import Problem
from hourglass.quality import metrics_of
from tests.engine import SCHEMAS, read, run_quality, schema
from tests.model_quality import oracles
from tests.model_quality.shapes import MERGED, csv_with_header, merged_csv, write_merged
from tests.model_quality.test_oracles import rows_of

SDK = Path(__file__).parents[1] / "data" / "samples" / "sdk"
DOCUMENTS = ("statistics", "constraints", "constraint_violations")
# as classes TN 1, FP 2, FN 0, TP 1
GUIDE = [{"prediction": p, "label": a} for p, a in ((1, 1), (1, 0), (1, 0), (0, 0))]


def guide(folder: Path) -> dict[str, Any]:
    """The rows of AWS's worked examples as merged captures."""
    return merged_csv(folder / "merged", GUIDE)


def test_the_worked_example_of_a_regression(tmp_path: Path) -> None:
    """AWS's guide: mae 0.5, mse 0.5, rmse 0.7071, r2 -1.667, deviation "NaN"."""
    run_quality(tmp_path / "out", problem_type="Regression", **guide(tmp_path))
    found = read(tmp_path / "out" / "statistics.json")["regression_metrics"]
    expected = {"mae": 0.5, "mse": 0.5, "rmse": math.sqrt(0.5), "r2": -5 / 3}
    assert {key: found[key]["value"] for key in expected} == pytest.approx(expected, rel=1e-12)
    assert {found[key]["standard_deviation"] for key in expected} == {"NaN"}


def test_the_worked_example_of_a_binary_classification(tmp_path: Path) -> None:
    """AWS's guide: TN 1, FP 2, FN 0, TP 1; the file in the SDK's tests has all metrics of it, those of a constant classifier too."""
    run_quality(tmp_path / "out", problem_type="BinaryClassification", **guide(tmp_path))
    found = read(tmp_path / "out" / "statistics.json")["binary_classification_metrics"]
    expected = read(SDK / "model_monitor_model_quality_binary_classification.json")["binary_classification_metrics"]
    assert found["confusion_matrix"] == expected["confusion_matrix"] == {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}
    of_scores = {"auc", "precision_recall_curve", "receiver_operating_characteristic_curve"}
    assert expected.keys() - found.keys() == of_scores
    for key in expected.keys() - of_scores - {"confusion_matrix"}:
        assert found[key]["value"] == pytest.approx(expected[key]["value"], abs=1e-13), key
        assert found[key]["standard_deviation"] == "NaN", key


def test_the_sdks_capture_and_actuals_joined_and_evaluated(tmp_path: Path) -> None:
    """44 requests of a churn model with labels under the same event ids: every metric is scikit-learn's, of a score and a threshold."""
    capture = [json.loads(line) for line in (SDK / "capture.jsonl").read_text().splitlines()]
    actuals = {record["eventMetadata"]["eventId"]: record for record in map(json.loads, (SDK / "actuals.jsonl").read_text().splitlines())}
    labels = [actuals[record["eventMetadata"]["eventId"]]["groundTruthData"] for record in capture]
    write_merged(tmp_path / "merged", [json.dumps({**r, "groundTruthData": label}) for r, label in zip(capture, labels, strict=True)])
    flags = {"dataset_source": tmp_path / "merged", **MERGED, "probability_attribute": "0", "probability_threshold_attribute": 0.3}
    run_quality(tmp_path / "out", problem_type="BinaryClassification", **flags)
    document = read(tmp_path / "out" / "statistics.json")
    scores = [float(record["captureData"]["endpointOutput"]["data"]) for record in capture]
    expected = oracles.binary([label["data"] for label in labels], ["1" if score >= 0.3 else "0" for score in scores], scores)
    known = metrics_of(Problem.BINARY)
    found = {key: entry["value"] for key, entry in document["binary_classification_metrics"].items() if key in known}
    assert document["dataset"]["item_count"] == 44
    assert found == pytest.approx(expected, rel=1e-9)
    assert len(found) == len(known)


def types(document: Any) -> Any:
    """A document with the type of each of its values in place of it; numbers are one type, lists are those of their items."""
    if isinstance(document, dict):
        return {key: types(value) for key, value in document.items()}
    if isinstance(document, list):
        return sorted({json.dumps(types(value)) for value in document})
    return "number" if isinstance(document, int | float) else type(document).__name__


@pytest.mark.parametrize(("sample", "problem"), [("regression", Problem.REGRESSION), ("binary_classification", Problem.BINARY)])
def test_our_statistics_have_the_shape_of_the_stock_analyzers(sample: str, problem: Problem, tmp_path: Path) -> None:
    """Every key of the SDK's sample is there, with a value of the same type; what is ours stands beside it."""
    run_quality(tmp_path / "out", problem_type=problem, **csv_with_header(tmp_path, rows_of(problem, 300)))
    expected = types(read(SDK / f"model_monitor_model_quality_{sample}.json"))
    assert_has(types(read(tmp_path / "out" / "statistics.json")), expected)


def assert_has(found: Any, expected: Any) -> None:
    if not isinstance(expected, dict):
        assert found == expected
        return
    assert expected.keys() <= found.keys()
    for key, value in expected.items():
        if key != "standard_deviation":  # the sample has both "NaN" and numbers
            assert_has(found[key], value)


def test_the_schemas_take_the_stock_analyzers_files() -> None:
    """The real job's statistics as they are; the SDK's cut-out with the head that it lacks."""
    jsonschema.validate(read(SDK / "model_monitor_model_quality_regression.json"), schema("statistics", "model-quality"))
    part = read(SDK / "model_monitor_model_quality_binary_classification.json")
    head = {"version": 0.0, "dataset": {"item_count": 4, "evaluation_time": "2023-03-30T21:08:34.729Z"}}
    jsonschema.validate({**head, **part}, schema("statistics", "model-quality"))
    example = {
        "version": 0.0,
        "binary_classification_constraints": {"f2": {"threshold": 0.625, "comparison_operator": "LessThanThreshold"}},
    }
    jsonschema.validate(example, schema("constraints", "model-quality"))


@pytest.mark.parametrize("problem", list(Problem))
def test_the_schema_of_statistics_has_every_registered_metric(problem: Problem) -> None:
    """A new metric has to be in the file's schema too, and one that is gone not."""
    own = schema("statistics", "model-quality")["properties"][f"{problem.part}_metrics"]["properties"]
    assert {key for key, rule in own.items() if rule.get("$ref", "").startswith("#/$defs/") and "rates" not in rule["$ref"]} == set(
        metrics_of(problem)
    )
    constraints = schema("constraints", "model-quality")["properties"][f"{problem.part}_constraints"]["properties"]
    assert set(constraints) == set(metrics_of(problem))


def test_a_schema_of_a_monitor_stands_in_the_folder_of_its_name() -> None:
    """evaluation.json and segments.json are the same for all monitors, and have one schema."""
    assert {path.name.partition(".")[0] for path in (SCHEMAS / "model-quality").iterdir()} == set(DOCUMENTS)
    assert schema("evaluation", "model-quality") == schema("evaluation")
    assert schema("statistics", "model-quality") != schema("statistics")


def test_the_sdks_own_readers_take_our_files(read_with_sdk: Callable[[str | Path], dict[str, Any]], tmp_path: Path) -> None:
    """Statistics, Constraints and ConstraintViolations of a run against a better baseline."""
    rows = rows_of(Problem.BINARY, 250)
    run_quality(
        tmp_path / "baseline",
        problem_type="BinaryClassification",
        **csv_with_header(tmp_path, [{**r, "prediction": r["label"]} for r in rows]),
    )
    baseline = {f"baseline_{name}": tmp_path / "baseline" / f"{name}.json" for name in DOCUMENTS[:2]}
    run_quality(tmp_path / "out", problem_type="BinaryClassification", **csv_with_header(tmp_path, rows), **baseline)
    found = read_with_sdk(tmp_path / "out")
    for name in DOCUMENTS:
        assert found[name] == read(tmp_path / "out" / f"{name}.json")
    assert {"f1", "recall"} <= {violation["metric_name"] for violation in found["constraint_violations"]["violations"]}
    assert found["constraints"] == read(tmp_path / "baseline" / "constraints.json")
