"""Merged records as they are met: labels that are no strings, sides of other kinds, columns of the input, batch transform."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine import read, run_quality
from tests.model_quality.shapes import MERGED, label_csv, merged_record, side, write_merged

INPUT_TOO = {"dataset_format": json.dumps({"sagemakerMergeJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}})}


def matrix(folder: Path, lines: list[str], **flags: Any) -> Mapping[str, Mapping[str, int]]:
    """The confusion matrix of merged records."""
    write_merged(folder / "merged", lines)
    flags = {"problem_type": "BinaryClassification", "inference_attribute": "0", **MERGED, **flags}
    run_quality(folder / "out", dataset_source=folder / "merged", **flags)
    return read(folder / "out" / "statistics.json")["binary_classification_metrics"]["confusion_matrix"]


RIGHT = {"0": {"0": 2, "1": 0}, "1": {"0": 0, "1": 2}}
TRUTHS: Mapping[str, Any] = {
    "a number": lambda label: {"data": label, "encoding": "CSV"},
    "an object": lambda label: {"data": {"label": label}, "encoding": "JSON"},
    "no encoding": lambda label: {"data": str(label)},
    "null encoding": lambda label: {"data": json.dumps({"label": label}), "encoding": None},
    "base64": lambda label: {"data": base64.b64encode(json.dumps([label]).encode()).decode(), "encoding": "BASE64"},
    "quoted": lambda label: {"data": f'"{label}"\r\n', "encoding": "CSV"},
    "a bare value": lambda label: {"data": str(label), "encoding": "JSON"},
    "text in JSON": lambda label: {"data": json.dumps({"label": str(label)}), "encoding": "JSON"},
}


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS.keys())
def test_ground_truth_is_read_however_it_is_written(truth: Any, tmp_path: Path) -> None:
    """As a string, a number or a document in place of a string, with an encoding or without."""
    assert matrix(tmp_path, [merged_record(side(f"{i % 2}\n", "CSV"), truth(i % 2), i) for i in range(4)]) == RIGHT


def test_labels_of_one_hour_may_be_written_in_all_ways_at_once(tmp_path: Path) -> None:
    """Records of different kinds are one table, as long as the label has one name or none."""
    named = [truth for name, truth in TRUTHS.items() if name not in {"a bare value", "base64"}]
    lines = [merged_record(side(f"{i % 2}", "CSV"), truth(i % 2), i) for truth in named for i in range(4)]
    assert matrix(tmp_path, lines) == {a: {p: count * len(named) for p, count in row.items()} for a, row in RIGHT.items()}


def test_output_columns_come_first_where_the_input_is_read_too(tmp_path: Path) -> None:
    """Number 0 is the prediction whichever side captureIndexNames says first; CSV beside JSON is no mismatch (#2785)."""
    lines = [
        merged_record(side(f"{i % 2},0.5", "CSV"), label_csv(str(i % 2)), i, given=side(json.dumps({"age": i}), "JSON")) for i in range(4)
    ]
    assert matrix(tmp_path, lines, **INPUT_TOO) == RIGHT
    assert matrix(tmp_path, lines, **INPUT_TOO, segments="age") == RIGHT
    assert {segment["segment"] for segment in read(tmp_path / "out" / "segments.json")["segments"]} == {f"age={i}" for i in range(4)}


def test_a_list_of_scores_beside_one_row_of_input_is_one_record(tmp_path: Path) -> None:
    """`predictions: [0.1, 0.7, 0.2]` in answer to one CSV line: three probabilities of one row, and one label."""
    lists = [[0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]
    lines = [
        merged_record(side(json.dumps({"predictions": p}), "JSON"), label_csv(str(p.index(max(p)))), i, given=side("1,2", "CSV"))
        for i, p in enumerate(lists)
    ]
    write_merged(tmp_path / "merged", lines)
    flags = {"problem_type": "MulticlassClassification", "probability_attribute": "predictions", **INPUT_TOO}
    run_quality(tmp_path / "out", dataset_source=tmp_path / "merged", **flags)
    found = read(tmp_path / "out" / "statistics.json")["multiclass_classification_metrics"]
    assert (found["accuracy"]["value"], found["top_2_accuracy"]["value"]) == (1.0, 1.0)


def test_results_of_batch_transform_are_evaluated(tmp_path: Path) -> None:
    """captureData.batchTransformOutput, as the merge of a batch monitor writes it."""
    form = {"dataset_format": json.dumps({"sagemakerMergeJson": {"captureIndexNames": ["batchTransformOutput"]}})}
    records = [json.loads(merged_record(side(f"{i % 2}", "CSV"), label_csv(str(i % 2)), i)) for i in range(4)]
    for record in records:
        record["captureData"]["batchTransformOutput"] = record["captureData"].pop("endpointOutput")
    assert matrix(tmp_path, [json.dumps(record) for record in records], **form) == RIGHT


def test_the_format_of_merged_records_is_found_out(tmp_path: Path) -> None:
    """Without dataset_format, also where the first records have no label."""
    lines = [merged_record(side(f"{i % 2}", "CSV"), label_csv(str(i % 2)) if i > 1 else None, i) for i in range(6)]
    write_merged(tmp_path / "merged", lines)
    flags = {"problem_type": "BinaryClassification", "inference_attribute": "0"}
    run_quality(tmp_path / "out", dataset_source=tmp_path / "merged", **flags)
    assert read(tmp_path / "out" / "statistics.json")["binary_classification_metrics"]["confusion_matrix"] == RIGHT


def test_a_threshold_may_be_that_of_a_whole_request(tmp_path: Path) -> None:
    """Beside a list of predictions, of which the last request has more."""
    requests = [(0.3, [0.2, 0.4]), (0.5, [0.4, 0.6]), (0.9, [0.85, 0.95, 0.1])]
    lines = [
        merged_record(
            side(json.dumps({"cut": cut, "predictions": [{"score": score} for score in scores]}), "JSON"),
            {"data": json.dumps([int(score >= cut) for score in scores]), "encoding": "JSON"},
            i,
        )
        for i, (cut, scores) in enumerate(requests)
    ]
    flags = {"inference_attribute": "", "probability_attribute": "predictions[*].score", "probability_threshold_attribute": "cut"}
    assert matrix(tmp_path, lines, **flags) == {"0": {"0": 4, "1": 0}, "1": {"0": 0, "1": 3}}
    assert read(tmp_path / "out" / "statistics.json")["dataset"]["item_count"] == 7


def test_a_column_of_the_input_is_never_taken_for_the_prediction(tmp_path: Path) -> None:
    """Records whose output is missing, or is an error, have no prediction, whatever their input has in its place."""
    asked = side("1,7", "CSV")
    lines = [merged_record(side(f"{i % 2}", "CSV"), label_csv(str(i % 2)), i, given=asked) for i in range(4)]
    silent = [merged_record(None, label_csv("1"), i, given=asked) for i in range(4, 9)]
    assert matrix(tmp_path, lines + silent, **INPUT_TOO) == RIGHT
    named = [
        merged_record(side(json.dumps({"y": i % 2}), "JSON"), label_csv(str(i % 2)), i, given=side('{"y": 1}', "JSON")) for i in range(4)
    ]
    failed = [merged_record(side('{"error": "timeout"}', "JSON"), label_csv("0"), i, given=side('{"y": 1}', "JSON")) for i in range(4, 9)]
    write_merged(tmp_path / "json", failed, "2026/11/21/10")
    write_merged(tmp_path / "json", named)
    flags = {"problem_type": "BinaryClassification", "inference_attribute": "y", **INPUT_TOO}
    run_quality(tmp_path / "out", dataset_source=tmp_path / "json", **flags)
    assert read(tmp_path / "out" / "statistics.json")["binary_classification_metrics"]["confusion_matrix"] == RIGHT


def test_a_list_of_another_length_costs_no_other_row(tmp_path: Path) -> None:
    """Of probabilities: without names the classes are numbers; with names a list of another length says nothing."""
    lists = [[0.8 if place == i % 3 else 0.1 for place in range(3)] for i in range(30)]
    lines = [merged_record(side(json.dumps({"p": p}), "JSON"), label_csv(str(i % 3)), i) for i, p in enumerate(lists)]
    lines.append(merged_record(side(json.dumps({"p": [0.1, 0.2, 0.3, 0.4]}), "JSON"), label_csv("1"), 30))
    write_merged(tmp_path / "merged", lines)
    flags = {"problem_type": "MulticlassClassification", "probability_attribute": "p", **MERGED}
    for more, right, rows in (({}, 30, 31), ({"class_labels": "0,1,2"}, 30, 30)):
        run_quality(tmp_path / "out", dataset_source=tmp_path / "merged", **flags, **more)
        found = read(tmp_path / "out" / "statistics.json")["multiclass_classification_metrics"]
        cells = [(actual, said, count) for actual, row in found["confusion_matrix"].items() for said, count in row.items()]
        assert sum(count for actual, said, count in cells if actual == said) == right
        assert sum(count for _, _, count in cells) == rows
        assert found["log_loss"]["value"] == pytest.approx(-math.log(0.8) if more else (-30 * math.log(0.8) - math.log(0.2)) / 31)


ODD_LABELS = {
    "a line too wide": label_csv("1,x"),
    "a longer list": {"data": "[1,0,1]", "encoding": "JSON"},
    "an object with more": {"data": '{"label": 1, "by": "x"}', "encoding": "JSON"},
    "a list among objects": {"data": "[1,0]", "encoding": "JSON"},
}


@pytest.mark.parametrize("truth", ODD_LABELS.values(), ids=ODD_LABELS.keys())
@pytest.mark.parametrize("others", ["CSV", "JSON"])
def test_a_label_that_cannot_be_read_costs_its_own_record_only(truth: Mapping[str, Any], others: str, tmp_path: Path) -> None:
    """Which part of it is meant is not known; the job goes on with the other records."""
    label = label_csv if others == "CSV" else (lambda text: {"data": json.dumps({"label": text}), "encoding": "JSON"})
    lines = [merged_record(side(f"{i % 2},0.5", "CSV"), label(str(i % 2)), i) for i in range(4)]
    assert matrix(tmp_path, [*lines, merged_record(side("1,0.9", "CSV"), truth, 9)], probability_attribute="1") == RIGHT


def test_no_threshold_at_all_is_no_pass(tmp_path: Path) -> None:
    """A baseline of which nothing could be computed suggests nothing, and what it wrote is refused as one."""
    lines = [merged_record(side(json.dumps({"y": float(i % 2)}), "JSON"), label_csv(str(i % 2)), i) for i in range(20)]
    write_merged(tmp_path / "merged", lines)
    flags = {"problem_type": "BinaryClassification", "inference_attribute": "y", **MERGED}
    suggested = run_quality(tmp_path / "baseline", dataset_source=tmp_path / "merged", **flags).reports[0]
    assert suggested.verdict == "insufficient data"
    assert "--same-class number" in suggested.evaluations[0].description
    held = run_quality(tmp_path / "out", dataset_source=tmp_path / "merged", baseline_constraints=tmp_path / "baseline", **flags).reports[0]
    assert held.verdict == "insufficient data"
    assert held.evaluations[0].description.endswith("constraints.json has no thresholds")


def test_columns_of_csv_may_be_a_list_of_probabilities(tmp_path: Path) -> None:
    """`1-3`, as of XGBoost's softprob beside the predicted class."""
    lists = [[0.8 if place == i % 3 else 0.1 for place in range(3)] for i in range(30)]
    lines = [merged_record(side(f"{i % 3},{','.join(map(str, p))}", "CSV"), label_csv(str(i % 3)), i) for i, p in enumerate(lists)]
    write_merged(tmp_path / "merged", lines)
    flags = {"problem_type": "MulticlassClassification", "inference_attribute": "0", "probability_attribute": "1-3", **MERGED}
    run_quality(tmp_path / "out", dataset_source=tmp_path / "merged", **flags)
    found = read(tmp_path / "out" / "statistics.json")["multiclass_classification_metrics"]
    assert (found["accuracy"]["value"], found["log_loss"]["value"]) == (1.0, pytest.approx(-math.log(0.8)))
