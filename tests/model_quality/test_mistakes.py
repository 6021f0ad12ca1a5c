"""Settings that cannot be meant: one sentence each, with what was found, what was expected, and a hint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hourglass.errors import HourglassError, InputError, SettingsError
from tests.engine import run_quality
from tests.golden.test_golden import compare
from tests.model_quality.shapes import (
    MERGED,
    csv_with_header,
    json_lines,
    label_json,
    merged_csv,
    merged_json,
    merged_record,
    side,
    write_merged,
)

ROWS = [{"prediction": i % 2, "score": i / 10, "label": int(i > 3)} for i in range(8)]


def failing(folder: Path, flags: Mapping[str, Any]) -> HourglassError:
    """How a run ends."""
    with pytest.raises(HourglassError) as caught:
        run_quality(folder / "out", **flags)
    return caught.value


@pytest.fixture
def named(tmp_path: Path) -> dict[str, Any]:
    """A data set with names, and settings that fit it."""
    return {"problem_type": "BinaryClassification", **csv_with_header(tmp_path, ROWS)}


def golden(name: str, faults: Mapping[str, HourglassError], folder: Path) -> None:
    compare(name, "".join(f"{fault}\n" for fault in faults.values()).replace(str(folder), "…"))


def test_the_sentences_of_wrong_attributes(named: dict[str, Any], tmp_path: Path) -> None:
    """Unknown names with the nearest known, numbers beyond the columns, labels that are several or that a hook has to make."""
    merged = {"problem_type": "BinaryClassification", **merged_csv(tmp_path / "csv", ROWS)}
    several = [merged_record(side("1", "CSV"), label_json({"label": 1, "weight": 2}), i) for i in range(3)]
    write_merged(tmp_path / "several", several)
    (tmp_path / "hook.py").write_text("def preprocess_handler(record):\n    return {}\n")
    tried: dict[str, dict[str, Any]] = {
        "prediction": {**named, "inference_attribute": "predicton"},
        "probability": {**named, "probability_attribute": "$.scores"},
        "label": {**named, "ground_truth_attribute": "labels"},
        "number": {**merged, "inference_attribute": "5"},
        "number among names": {
            "problem_type": "BinaryClassification",
            **merged_json(tmp_path / "names", ROWS),
            "inference_attribute": "0",
        },
        "path": {"problem_type": "BinaryClassification", **merged_json(tmp_path / "json", ROWS), "inference_attribute": "$.is.predicted"},
        "merged label": {**merged, "ground_truth_attribute": "churned"},
        "several labels": {"problem_type": "Regression", "dataset_source": tmp_path / "several", "inference_attribute": "0", **MERGED},
        "no label": {name: value for name, value in named.items() if name != "ground_truth_attribute"},
        "hook": {**merged, "record_preprocessor_script": tmp_path / "hook.py"},
        "segment": {**named, "segments": "regoin"},
        "condition": {**named, "segments": "high: scor > 0.5"},
    }
    golden("model-quality-attributes", {name: failing(tmp_path, flags) for name, flags in tried.items()}, tmp_path)


def test_the_sentences_of_wrong_choices(named: dict[str, Any], tmp_path: Path) -> None:
    """Words that are no choice, numbers out of range, settings that are missing; all of a kind at once."""
    lists = [{"prediction": "a", "score": [0.5, 0.2, 0.3], "label": "b"} for _ in range(3)]
    (tmp_path / "lists").mkdir()
    of_lists = {"problem_type": "MulticlassClassification", **json_lines(tmp_path / "lists", lists)}
    without = {name: value for name, value in named.items() if name not in {"problem_type", "inference_attribute", "probability_attribute"}}
    tried: dict[str, dict[str, Any]] = {
        "nothing": without,
        "regression without a prediction": {**without, "problem_type": "Regression", "probability_attribute": "score"},
        "problem": {**named, "problem_type": "Binary"},
        "decision": {**named, "decision": "strikt"},
        "threshold": {**named, "probability_threshold_attribute": "7"},
        "draws": {**named, "bootstrap_draws": -1},
        "same": {**named, "same_class": "numbers"},
        "aliases": {**named, "class_aliases": "yes"},
        "labels": {**of_lists, "class_labels": "a, b"},
    }
    golden("model-quality-choices", {name: failing(tmp_path, flags) for name, flags in tried.items()}, tmp_path)


def test_the_sentences_of_wrong_baselines(named: dict[str, Any], tmp_path: Path) -> None:
    """Of another problem, of another monitor, with a metric that is none, a threshold that is none; statistics alone; no JSON."""
    f2 = {"threshold": 0.5, "comparison_operator": "LessThanThreshold"}
    documents: dict[str, Any] = {
        "regression": {"version": 0.0, "regression_constraints": {}},
        "data quality": {"version": 0.0, "features": [], "monitoring_config": {}},
        "metric": {"version": 0.0, "binary_classification_constraints": {"f3": f2}},
        "threshold": {
            "version": 0.0,
            "binary_classification_constraints": {"f2": {**f2, "threshold": "high"}, "f1": {**f2, "comparison_operator": "<"}},
        },
        "list": [],
    }
    faults = {}
    for name, document in documents.items():
        (tmp_path / "constraints.json").write_text(json.dumps(document))
        faults[name] = failing(tmp_path, {**named, "baseline_constraints": tmp_path / "constraints.json"})
    (tmp_path / "constraints.json").write_text('{"version": 0.0,')
    faults["broken"] = failing(tmp_path, {**named, "baseline_constraints": tmp_path / "constraints.json"})
    faults["statistics"] = failing(tmp_path, {**named, "baseline_statistics": tmp_path / "statistics.json"})
    faults["missing"] = failing(tmp_path, {**named, "baseline_constraints": tmp_path / "nowhere.json"})
    faults["reference"] = failing(tmp_path, {**named, "reference": "previous"})
    golden("model-quality-baselines", faults, tmp_path)


def test_a_mistake_leaves_nothing_behind(named: dict[str, Any], tmp_path: Path) -> None:
    """No report is written of a run that ended so."""
    assert isinstance(failing(tmp_path, {**named, "inference_attribute": "predicton"}), InputError)
    assert isinstance(failing(tmp_path, {**named, "decision": "maybe"}), SettingsError)
    assert not list((tmp_path / "out").rglob("*.json"))
