"""Hours that say little: whatever has no value says why, is never 0.0, never ends the job, and never passes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hourglass.problems import Problem
from tests.engine import read, run_quality
from tests.model_quality.shapes import (
    MERGED,
    Row,
    csv_with_header,
    json_lines,
    label_csv,
    label_json,
    merged_json,
    merged_record,
    several_as_predictions,
    side,
    write_merged,
)
from tests.model_quality.test_oracles import CLASSES

BASELINE = {
    Problem.REGRESSION: {"mae": 0.5, "r2": 0.1},
    Problem.BINARY: {"accuracy": 0.1, "recall": 0.1, "precision": 0.1, "f1": 0.1, "auc": 0.1},
    Problem.MULTICLASS: {"accuracy": 0.1, "weighted_f1": 0.1},
    Problem.MULTILABEL: {"micro_f1": 0.1},
    Problem.RANKING: {"mrr": 0.1},
}
LESS, GREATER = "LessThanThreshold", "GreaterThanThreshold"


def constraints(folder: Path, problem: Problem, thresholds: Mapping[str, float] | None = None) -> Path:
    """A baseline's constraints.json."""
    part = {
        key: {"threshold": value, "comparison_operator": GREATER if key in {"mae", "rmse", "log_loss"} else LESS}
        for key, value in (thresholds or BASELINE[problem]).items()
    }
    path = folder / "baseline" / "constraints.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"version": 0.0, f"{problem.part}_constraints": part}))
    return path


class Hour:
    """What a run on a baseline says of an hour."""

    def __init__(self, folder: Path, problem: Problem, **flags: Any) -> None:
        flags = {"problem_type": problem, "baseline_constraints": constraints(folder, problem), **flags}
        self.outcome = run_quality(folder / "out", **flags)
        statistics = read(folder / "out" / "statistics.json")
        self.rows = statistics["dataset"]["item_count"]
        self.found = statistics[f"{problem.part}_metrics"]
        self.values = {key: entry["value"] for key, entry in self.found.items() if "value" in entry}
        self.reasons = statistics.get("not_computable", {})
        evaluation = read(folder / "out" / "evaluation.json")
        self.verdict = evaluation["verdict"]
        self.verdicts = {entry["feature"]: entry["verdict"] for entry in evaluation["evaluations"]}
        self.bad_lines = evaluation["input"]["bad_lines"]


def merged(folder: Path, lines: Sequence[str]) -> dict[str, Any]:
    write_merged(folder / "merged", lines)
    return {"dataset_source": folder / "merged", **MERGED}


def from_csv(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    (folder / "source").mkdir()
    return csv_with_header(folder / "source", rows)


def from_json(folder: Path, rows: Sequence[Row]) -> dict[str, Any]:
    (folder / "source").mkdir()
    return json_lines(folder / "source", rows)


def binary(folder: Path, rows: Sequence[Row], **flags: Any) -> Hour:
    return Hour(folder, Problem.BINARY, **from_json(folder, rows), **flags)


@pytest.mark.parametrize("problem", list(Problem))
def test_an_hour_without_rows_is_no_data(problem: Problem, tmp_path: Path) -> None:
    """No file in the folder: no metric, a reason for each, and a message that says where was looked."""
    (tmp_path / "merged").mkdir()
    hour = Hour(tmp_path, problem, dataset_source=tmp_path / "merged", inference_attribute="0", probability_attribute="1", **MERGED)
    assert (hour.rows, hour.values, hour.verdict) == (0, {}, "no data")
    assert all(reason in {"no rows", "no probability"} for reason in hour.reasons.values())
    assert hour.outcome.message.startswith("Completed: No data")


@pytest.mark.parametrize("problem", list(Problem))
def test_an_hour_whose_labels_have_not_come_is_not_computable(problem: Problem, tmp_path: Path) -> None:
    """Records without groundTruthData, with the label's attribute named or not: no metric, "none of 3 rows has a label"."""
    outputs = {Problem.MULTILABEL: ["a"], Problem.RANKING: [0.2, 0.1], Problem.MULTICLASS: [0.2, 0.8]}
    lines = [merged_record(side(json.dumps({"is": outputs.get(problem, 1)}), "JSON"), None, i) for i in range(3)]
    for number, named in enumerate(({}, {"ground_truth_attribute": "label"})):
        folder = tmp_path / str(number)
        folder.mkdir()
        attribute = "probability_attribute" if problem in {Problem.MULTICLASS, Problem.RANKING} else "inference_attribute"
        hour = Hour(folder, problem, **merged(folder, lines), **{attribute: "is"}, **named)
        assert (hour.rows, hour.values, hour.verdict) == (3, {}, "insufficient data")
        assert set(hour.verdicts.values()) == {"not computable"}
        assert hour.outcome.message == "Completed: Job completed successfully with no violations."


def test_a_baseline_without_any_label_does_not_pass(tmp_path: Path) -> None:
    """Nothing can be suggested of it, and the verdict says so, for an hour and for a reference as well."""
    lines = [merged_record(side("1", "CSV"), None, i) for i in range(3)]
    run_quality(tmp_path / "out", problem_type="Regression", inference_attribute="0", **merged(tmp_path, lines))
    evaluation = read(tmp_path / "out" / "evaluation.json")
    assert evaluation["verdict"] == "insufficient data"
    assert evaluation["evaluations"][0]["description"] == "none of 3 rows has a label"


def test_an_hour_of_negatives_only_has_no_recall_rather_than_0(tmp_path: Path) -> None:
    """One actual class: accuracy is there, what needs positives is not computable, and is no violation."""
    hour = binary(tmp_path, [{"prediction": i % 2, "score": i / 10, "label": 0} for i in range(9)])
    assert hour.values["accuracy"] == pytest.approx(5 / 9)
    assert hour.values["false_positive_rate"] == pytest.approx(4 / 9)
    assert {
        "recall",
        "precision",
        "f1",
        "auc",
        "true_positive_rate",
        "lift_at_1",
        "receiver_operating_characteristic_curve",
    } <= hour.reasons.keys()
    assert hour.reasons["recall"] == "no row is actually '1'"
    assert hour.verdicts == {"accuracy": "pass", **dict.fromkeys(("recall", "precision", "f1", "auc"), "not computable")}


def test_an_hour_of_positives_only_has_no_precision(tmp_path: Path) -> None:
    """It could only be 1."""
    hour = binary(tmp_path, [{"prediction": i % 2, "label": 1} for i in range(4)])
    assert hour.values["recall"] == 0.5
    assert hour.reasons["precision"] == hour.reasons["true_negative_rate"] == "every row is actually '1'"


def test_a_model_that_never_says_the_positive_class_has_recall_0_and_no_precision(tmp_path: Path) -> None:
    """A constant prediction: recall and F are 0, which is a fact and an alarm; precision has no denominator, AUC no order."""
    hour = binary(tmp_path, [{"prediction": 0, "score": 0.3, "label": i % 2} for i in range(6)])
    assert (hour.values["recall"], hour.values["f1"]) == (0.0, 0.0)
    assert (hour.reasons["precision"], hour.reasons["auc"]) == ("no row is predicted '1'", "every row has the same score")
    assert {key for key, verdict in hour.verdicts.items() if verdict == "violation"} == {"recall", "f1"}


def test_a_constant_label_has_no_r2(tmp_path: Path) -> None:
    """Nor has one row; the errors are there."""
    for number, rows in enumerate(([{"prediction": i, "label": 5.5} for i in range(3)], [{"prediction": 1.0, "label": 2.0}])):
        folder = tmp_path / str(number)
        folder.mkdir()
        hour = Hour(folder, Problem.REGRESSION, **from_csv(folder, rows))
        assert "mae" in hour.values
        assert hour.verdicts["r2"] == "not computable"


def test_without_a_probability_auc_is_not_computable_and_says_so(tmp_path: Path) -> None:
    """Neither the attribute nor the value: the reasons differ."""
    rows = [{"prediction": i % 2, "score": None, "label": int(i > 3)} for i in range(8)]
    assert binary(tmp_path, rows).reasons["auc"] == "none of 8 rows has a probability"
    (tmp_path / "b").mkdir()
    without = [{"prediction": row["prediction"], "label": row["label"]} for row in rows]
    assert binary(tmp_path / "b", without).reasons["auc"] == "no probability"


def test_scores_outside_0_and_1_rank_but_are_no_probabilities(tmp_path: Path) -> None:
    """A margin has an AUC; Brier score, log loss and calibration error are not computable."""
    hour = binary(tmp_path, [{"prediction": i % 2, "score": 3.0 * (i % 4) - 4, "label": int(i > 3)} for i in range(8)])
    assert hour.values["auc"] == 0.5
    assert hour.reasons.keys() == {"brier", "log_loss", "expected_calibration_error"}


@pytest.mark.parametrize("score", [{}, {"score": 0.7}], ids=["label", "probability"])
def test_two_classes_of_other_names_are_not_computable_until_one_is_called_positive(score: dict[str, float], tmp_path: Path) -> None:
    """`yes` and `no`: no metric at all, of the probability neither, rather than those of a model whose every score is wrong."""
    rows = [{"prediction": "yes" if i % 3 else "no", **score, "label": "yes" if i % 2 else "no"} for i in range(8)]
    hour = binary(tmp_path, rows)
    assert (hour.values, hour.verdict) == ({}, "insufficient data")
    assert hour.reasons["accuracy"] == "2 classes (no, yes); a binary problem has '1' and one other"
    (tmp_path / "named").mkdir()
    named = binary(tmp_path / "named", rows, positive_class="yes", negative_class="no")
    assert named.values["accuracy"] == 5 / 8
    assert ("brier" in named.values) == bool(score)
    (tmp_path / "alias").mkdir()
    assert binary(tmp_path / "alias", rows, class_aliases="yes=1, no=0").values == named.values


def test_a_third_class_is_not_computable_in_a_binary_problem(tmp_path: Path) -> None:
    """The classes are told."""
    hour = binary(tmp_path, [{"prediction": i % 3, "label": i % 2} for i in range(6)])
    assert (hour.values, hour.verdict) == ({}, "insufficient data")
    assert "3 classes (0, 1, 2)" in hour.reasons["accuracy"]


@pytest.mark.parametrize("problem", [Problem.BINARY, Problem.MULTICLASS])
def test_numbers_that_are_spelled_in_two_ways_are_one_class_only_when_the_settings_say_so(problem: Problem, tmp_path: Path) -> None:
    """Predictions of 1.0 beside labels of 1: not an accuracy of 0, but a reason that names the setting; with it, numbers."""
    rows = [{"prediction": float(i % 2), "label": int(i > 3)} for i in range(8)]
    hour = Hour(tmp_path, problem, **from_json(tmp_path, rows))
    assert (hour.values, hour.verdict) == ({}, "insufficient data")
    assert "--same-class number makes them one" in hour.reasons["accuracy"]
    (tmp_path / "number").mkdir()
    assert Hour(tmp_path / "number", problem, **from_json(tmp_path / "number", rows), same_class="number").values["accuracy"] == 0.5


def test_text_infinite_and_empty_numbers_of_a_regression_count_as_missing(tmp_path: Path) -> None:
    """Numbers as text are numbers; words, NaN, infinities and nothing are not, on either side."""
    odd = ["word", "NaN", "inf", "", None]
    rows = [{"prediction": "2.5", "label": " 3 "}, {"prediction": "- 1", "label": "1e0"}]
    rows += [{"prediction": value, "label": 1.0} for value in odd] + [{"prediction": 1.0, "label": value} for value in odd]
    hour = Hour(tmp_path, Problem.REGRESSION, **from_csv(tmp_path, rows))
    assert hour.rows == 12
    assert hour.values["mae"] == pytest.approx((0.5 + 2) / 2)


def test_records_without_a_label_are_left_out_and_the_others_counted(tmp_path: Path) -> None:
    """Unmatched records, labels that are null, empty, or lack the key: only what has both sides is in the metrics."""
    truths = [label_json({"label": 1}), None, label_json({"label": None}), label_json({"other": 1, "label": 0}), label_json({"more": 1})]
    lines = [merged_record(side(json.dumps({"y": 1}), "JSON"), truth, i) for i, truth in enumerate(truths)]
    hour = Hour(tmp_path, Problem.BINARY, **merged(tmp_path, lines), inference_attribute="y", ground_truth_attribute="label")
    assert hour.rows == 5
    assert hour.found["confusion_matrix"] == {"0": {"0": 0, "1": 1}, "1": {"0": 0, "1": 1}}
    (tmp_path / "csv").mkdir()
    lines = [merged_record(side("1", "CSV"), truth, i) for i, truth in enumerate([label_csv("1\n"), None, label_csv("0")])]
    assert Hour(tmp_path / "csv", Problem.BINARY, **merged(tmp_path / "csv", lines), inference_attribute="0").values["accuracy"] == 0.5


def test_null_and_missing_sets_are_no_empty_sets(tmp_path: Path) -> None:
    """Multilabel: `[]` says that nothing applies; null, or no such key, says nothing, and the row is not counted."""
    sides = [
        ({"is": ["a"]}, {"label": ["a"]}),
        ({"is": []}, {"label": []}),
        ({"is": []}, {"label": None}),
        ({"error": 1}, {"label": ["a"]}),
    ]
    sides += [({"is": ["b"]}, {"note": "x"}), ({"is": "a"}, {"label": "a"})]
    lines = [merged_record(side(json.dumps(out), "JSON"), label_json(truth), i) for i, (out, truth) in enumerate(sides)]
    flags = {"inference_attribute": "is", "ground_truth_attribute": "label"}
    hour = Hour(tmp_path, Problem.MULTILABEL, **merged(tmp_path, lines), **flags)
    assert (hour.rows, hour.values["subset_accuracy"], hour.values["micro_recall"]) == (6, 1.0, 1.0)


def test_an_item_without_a_score_does_not_shift_the_others(tmp_path: Path) -> None:
    """A ranking with a null on each side, at different places, is left out rather than compared askew."""
    sides = [([0.9, 0.1], [1, 0]), ([0.9, None, 0.1], [None, 0, 1])]
    lines = [merged_record(side(json.dumps({"is": out}), "JSON"), label_json({"label": truth}), i) for i, (out, truth) in enumerate(sides)]
    hour = Hour(tmp_path, Problem.RANKING, **merged(tmp_path, lines), probability_attribute="is")
    assert (hour.rows, hour.values["mrr"]) == (2, 1.0)


def test_an_hour_of_queries_without_a_relevant_item_is_not_computable(tmp_path: Path) -> None:
    """No ranking of them is better than another."""
    lines = [merged_record(side("[0.2, 0.1]", "JSON"), label_json([0, 0]), i) for i in range(3)]
    hour = Hour(tmp_path, Problem.RANKING, **merged(tmp_path, lines), probability_attribute="$[*]")
    assert (hour.values, hour.verdict) == ({}, "insufficient data")
    assert set(hour.reasons.values()) == {"none of 3 queries has a relevant item"}


def test_multiclass_with_json_output_is_evaluated(tmp_path: Path) -> None:
    """sagemaker-python-sdk#2953: the stock analyzer reports 0.0 for every metric of these records."""
    rows = [{"prediction": CLASSES[i % 3], "label": CLASSES[0 if i == 1 else i % 3]} for i in range(9)]
    for shape in (merged_json, several_as_predictions):
        folder = tmp_path / shape.__name__
        (folder / "source").mkdir(parents=True)
        hour = Hour(folder, Problem.MULTICLASS, **shape(folder / "source", rows))
        assert hour.values["accuracy"] == pytest.approx(8 / 9)
        assert all(value > 0 for key, value in hour.values.items() if not key.endswith("classifier"))


@pytest.mark.parametrize("class_labels", [{}, {"class_labels": "a, b, c"}], ids=["numbered", "named"])
@pytest.mark.parametrize("score", [0.9, None, [], [0.5, None, 0.5]], ids=["one", "null", "empty", "hole"])
def test_several_classes_without_their_probabilities_have_no_log_loss(score: Any, class_labels: dict[str, str], tmp_path: Path) -> None:
    """The probability of the predicted class alone, null, an empty or a broken list: accuracy is there, the rest says why."""
    rows = [{"prediction": "abc"[i % 3], "score": score, "label": "abc"[i % 2]} for i in range(6)]
    hour = Hour(tmp_path, Problem.MULTICLASS, **from_csv(tmp_path, rows), **class_labels)
    assert hour.values["accuracy"] == pytest.approx(2 / 6)
    assert hour.reasons["log_loss"] == hour.reasons["top_2_accuracy"] == "none of 6 rows has a probability of each class"


def test_a_segment_without_probabilities_does_not_end_the_job(tmp_path: Path) -> None:
    """Class labels are named, and one segment's rows have empty lists: its own log loss is not computable."""
    rows = [{"prediction": "a", "score": [0.6, 0.4] if i % 2 else None, "label": "a", "part": str(i % 2)} for i in range(8)]
    flags = {**from_csv(tmp_path, [{**row} for row in rows]), "class_labels": "a, b", "segments": "part"}
    hour = Hour(tmp_path, Problem.MULTICLASS, **flags)
    assert {segment.name for segment in hour.outcome.reports[0].segments} == {"part=0", "part=1"}


def test_labels_of_another_number_than_the_predictions_are_not_counted(tmp_path: Path) -> None:
    """Which is whose is not known: in documents with lists the record has no label then, in others it is set aside."""
    predictions = [{"y": 1}, {"y": 0}, {"y": 1}]
    truths = [{"label": [1, 0]}, {"label": [1, 1, 1]}]
    for name, document, counted in (("wide", {"model": "m", "predictions": predictions}, 3), ("plain", {"predictions": predictions}, 3)):
        folder = tmp_path / name
        folder.mkdir()
        lines = [merged_record(side(json.dumps(document), "JSON"), label_json(truth), i) for i, truth in enumerate(truths)]
        flags = {"inference_attribute": "predictions[*].y", "max_bad_lines": 0.5}
        hour = Hour(folder, Problem.BINARY, **merged(folder, lines), **flags)
        assert sum(sum(row.values()) for row in hour.found["confusion_matrix"].values()) == counted
        assert hour.bad_lines == (name == "plain")


def test_an_hour_in_which_no_output_has_a_probability_is_evaluated_with_a_warning(tmp_path: Path) -> None:
    """Accuracy is held against its threshold, AUC is not computable, and the warning names the nearest column, should it be a slip."""
    rows = [{"prediction": i % 2, "label": int(i > 3)} for i in range(8)]
    (tmp_path / "source").mkdir()
    hour = Hour(tmp_path, Problem.BINARY, **{**merged_json(tmp_path / "source", rows), "probability_attribute": "is.predictio"})
    assert (hour.values["accuracy"], hour.verdicts["auc"]) == (0.5, "not computable")
    (warning,) = read(tmp_path / "out" / "evaluation.json")["hours"]["warnings"]
    assert warning.startswith("probability_attribute: found no column 'is.predictio'")
    assert warning.endswith("did you mean is.prediction?")


def test_a_segments_column_that_the_first_records_lack_is_no_slip(tmp_path: Path) -> None:
    """The first file holds an error's payload only; a condition on a column of the others parts the rows."""
    first = [merged_record(side(json.dumps({"error": "timeout"}), "JSON"), None)]
    lines = [merged_record(side(json.dumps({"y": i % 2, "age": 60 + i}), "JSON"), label_json({"label": 1}), i) for i in range(8)]
    write_merged(tmp_path / "merged", first, name="a.jsonl")
    source = merged(tmp_path, lines)
    hour = Hour(tmp_path, Problem.BINARY, **source, inference_attribute="y", segments="seniors: age >= 65")
    assert {segment.name: segment.dataset.rows for segment in hour.outcome.reports[0].segments} == {"seniors": 3}


def test_items_of_a_query_in_lines_of_their_own_are_no_ranking(tmp_path: Path) -> None:
    """One number a row has a perfect order: not computable, rather than 1.0."""
    lines = [merged_record(side("0.2\n0.9", "CSV"), label_csv("1\n0"), i) for i in range(3)]
    hour = Hour(tmp_path, Problem.RANKING, **merged(tmp_path, lines), probability_attribute="0")
    assert (hour.values, hour.verdict) == ({}, "insufficient data")
    assert set(hour.reasons.values()) == {"none of 6 queries has two lists of numbers of one length"}
