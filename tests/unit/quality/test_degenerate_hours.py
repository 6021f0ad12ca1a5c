"""Hours that say nothing about a model say so, with the reason: never 0.0, never a crash, never a silent pass."""

from __future__ import annotations

import numpy as np
import pytest

from hourglass.constraints import Verdict
from hourglass.quality import Mode, Problem, evaluate_quality, measure_quality, parse_quality_constraints, quality_statistics
from hourglass.states import Confusion, Errors, Scores
from hourglass.undefined import Undefined
from tests.unit.quality.rows import confusion, errors, report_of, scores, values

BINARY, MULTICLASS, REGRESSION = Problem.BINARY, Problem.MULTICLASS, Problem.REGRESSION
RATES = {"recall", "precision", "accuracy", "f0_5", "f1", "f2"}
OF_NEGATIVES = {"true_negative_rate", "false_positive_rate"}
OF_POSITIVES = {"recall", "true_positive_rate", "false_negative_rate", "recall_best_constant_classifier"}


def defined(report: object) -> set[str]:
    """The metrics of the predicted class that have a value."""
    return {key for key, value in values(report).items() if not isinstance(value, Undefined)}


def test_without_actual_positives_only_rates_of_negatives_and_accuracy_have_a_value() -> None:
    """An hour in which nothing happened; a precision or F of 0 would be an alarm about nothing."""
    report = report_of(BINARY, confusion(["0"] * 4, ["0", "0", "1", "0"]))
    assert defined(report) == {*OF_NEGATIVES, "accuracy", "accuracy_best_constant_classifier"}
    assert values(report)["f1"] == values(report)["recall"] == Undefined("no row is actually '1'")


def test_without_actual_negatives_only_rates_of_positives_and_accuracy_have_a_value() -> None:
    """A precision could only be 1: a pass that means nothing."""
    report = report_of(BINARY, confusion(["1"] * 4, ["1", "1", "0", "1"]))
    assert defined(report) == {*OF_POSITIVES, "accuracy", "accuracy_best_constant_classifier"}
    assert values(report)["precision"] == Undefined("every row is actually '1'")


def test_a_model_that_never_predicts_the_positive_class_has_recall_0_and_no_precision() -> None:
    """Its recall is 0 indeed, and raises the alarm; of what it never did there is no share."""
    found = values(report_of(BINARY, confusion(["1", "0", "0", "1"], ["0"] * 4)))
    assert (found["recall"], found["f1"], found["true_negative_rate"]) == (0.0, 0.0, 1.0)
    assert found["precision"] == Undefined("no row is predicted '1'")


def test_a_constant_score_ranks_nothing() -> None:
    """AUC would be 0.5, whatever the model."""
    report = report_of(BINARY, confusion(["1", "0"], ["1", "1"]), scores([True, False], [0.7, 0.7]))
    assert values(report)["auc"] == values(report)["lift_at_1"] == Undefined("every row has the same score")
    assert report.parts["receiver_operating_characteristic_curve"] == Undefined("every row has the same score")
    assert values(report)["brier"] == pytest.approx(0.29)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "no probability"),
        (scores([True, False], [np.nan, np.inf]), "none of 2 rows has a probability"),
        (scores([None, None], [0.1, 0.2]), "none of 2 rows has a label"),
        (scores([True, True], [0.1, 0.2]), "every row is actually positive"),
        (scores([False, False], [0.1, 0.2]), "no row is actually positive"),
        (Scores.empty(), "no rows"),
    ],
    ids=["no state", "no score", "no label", "positives only", "negatives only", "no rows"],
)
def test_without_scores_of_both_classes_there_is_no_auc(given: Scores | None, reason: str) -> None:
    """And no curve, for the same reason."""
    states = [confusion(["1", "0"], ["1", "1"]), *([given] if given else [])]
    report = report_of(BINARY, *states)
    assert values(report)["auc"] == Undefined(reason)
    assert report.parts["receiver_operating_characteristic_curve"] == report.parts["precision_recall_curve"] == Undefined(reason)


def test_margins_rank_but_are_no_probabilities() -> None:
    """A score of 1.5 has an AUC and no Brier score."""
    found = values(report_of(BINARY, confusion(["1", "0"], ["1", "0"]), scores([True, False], [1.5, 0.5])))
    assert found["auc"] == 1.0
    assert found["brier"] == Undefined("1 scores are not within 0 and 1, and no probabilities")


@pytest.mark.parametrize(
    ("actual", "predicted", "reason"),
    [
        ([], [], "no rows"),
        ([None, None], ["1", "0"], "none of 2 rows has a label"),
        ([None, "1"], ["1", None], "1 of 2 rows have no label, the others no prediction"),
        (["a", "b", "c"], ["a", "b", "c"], "3 classes (a, b, c); a binary problem has '1' and one other"),
        (["yes", "no"], ["yes", "no"], "2 classes (no, yes); a binary problem has '1' and one other"),
        (
            ["1", "0"],
            ["1.0", "0.0"],
            (
                "no class is on both sides (actual: 0, 1; predicted: 0.0, 1.0), "
                "but read as numbers they have: --same-class number makes them one"
            ),
        ),
    ],
    ids=["no rows", "no label", "nothing complete", "three classes", "no positive class", "spelled apart"],
)
def test_a_table_that_is_none_of_a_binary_problem_has_no_metric(actual: list, predicted: list, reason: str) -> None:
    """All of them say why; an accuracy of 0 for `1` against `1.0` is the stock analyzer's oldest complaint."""
    assert set(values(report_of(BINARY, confusion(actual, predicted))).values()) == {Undefined(reason), Undefined("no probability")}


def test_classes_that_are_spelled_apart_are_no_accuracy_of_0() -> None:
    """Several classes as well; where they are really different, 0 is right."""
    apart = values(report_of(MULTICLASS, confusion(["1", "2", "3"], ["1.0", "2.0", "3.0"])))
    assert all("--same-class number" in apart[key].reason for key in ("accuracy", "weighted_f1", "accuracy_best_constant_classifier"))
    assert all(isinstance(value, Undefined) for value in apart.values())
    assert values(report_of(MULTICLASS, confusion(["a", "b"], ["b", "a"])))["accuracy"] == 0.0
    wrong = values(report_of(MULTICLASS, confusion(["a", "b"], ["c", "c"])))
    assert (wrong["accuracy"], wrong["weighted_f1"]) == (0.0, 0.0)
    assert wrong["weighted_precision"] == Undefined("no class that rows are of is ever predicted")


def test_rows_of_one_actual_class_have_no_weighted_precision_or_f() -> None:
    """It could only be 1."""
    found = values(report_of(MULTICLASS, confusion(["a"] * 3, ["a", "b", "a"])))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["weighted_precision"] == found["weighted_f1"] == Undefined("every row is of one actual class")


@pytest.mark.parametrize(
    ("actual", "predicted", "key", "reason"),
    [
        ([], [], "mae", "no rows"),
        ([np.nan, np.nan], [1.0, 2.0], "mae", "none of 2 rows has a label"),
        ([1.0], [np.nan], "mae", "none of 1 rows has a prediction"),
        ([3.0], [2.0], "r2", "one row"),
        ([0.1, 0.1, 0.1], [1.0, 2.0, 0.1], "r2", "every actual value is 0.1"),
        ([0.0, 0.0], [1.0, 2.0], "mape", "every actual value is 0"),
        ([1e300, -1e300], [-1e300, 1e300], "mse", "beyond the range of a double"),
    ],
)
def test_a_regression_says_what_it_lacks(actual: list, predicted: list, key: str, reason: str) -> None:
    """No label, one row, a constant label, nothing but zeros, errors that no double holds."""
    assert values(report_of(REGRESSION, errors(np.array(actual), np.array(predicted))))[key] == Undefined(reason)


def test_a_constant_prediction_of_a_number_has_its_r2() -> None:
    """The label varies, so the prediction explains nothing of it, or less."""
    assert values(report_of(REGRESSION, errors(np.array([1.0, 2, 3]), np.full(3, 2.0))))["r2"] == 0.0


def test_what_cannot_be_computed_is_not_in_the_statistics_but_beside_them() -> None:
    """Readers of the file find numbers only; the reasons are under another key."""
    document = quality_statistics(report_of(BINARY, confusion(["0"] * 4, ["0", "0", "1", "0"])))
    assert "f1" not in document["binary_classification_metrics"]
    assert document["not_computable"]["f1"] == "no row is actually '1'"
    assert document["not_computable"]["precision_recall_curve"] == "no probability"


@pytest.mark.parametrize("mode", list(Mode))
def test_a_metric_without_a_value_is_not_computable_in_the_evaluation(mode: Mode) -> None:
    """With the reason, and it is neither a pass nor a violation."""
    report = report_of(BINARY, confusion(["0"] * 300, ["0"] * 300))
    part = {"f1": {"threshold": 0.5, "comparison_operator": "LessThanThreshold"}}
    (found,) = evaluate_quality(report, parse_quality_constraints({"binary_classification_constraints": part}, BINARY), mode=mode)
    assert (found.verdict, found.value, found.description) == (Verdict.NOT_COMPUTABLE, None, "no row is actually '1'")


@pytest.mark.parametrize(("problem", "state"), [(BINARY, Confusion), (MULTICLASS, Confusion), (REGRESSION, Errors)])
def test_a_window_without_rows_has_no_evaluations(problem: Problem, state: type) -> None:
    """Which is the verdict "no data" of the whole window."""
    report = measure_quality({state.kind: state.empty()}, problem)
    part = {"accuracy" if state is Confusion else "mae": {"threshold": 0.5, "comparison_operator": "LessThanThreshold"}}
    assert evaluate_quality(report, parse_quality_constraints({f"{problem.part}_constraints": part}, problem)) == []
