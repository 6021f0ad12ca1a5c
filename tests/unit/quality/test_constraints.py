"""The documents of model quality: statistics, constraints, violations, and how a window is held against a baseline."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import orjson
import pytest

from hourglass.constraints import Verdict
from hourglass.errors import InputError, SettingsError
from hourglass.quality import (
    QUALITY_STATES,
    Bootstrap,
    Mode,
    Problem,
    baseline_deviations,
    evaluate_quality,
    measure_quality,
    metrics_of,
    parse_quality_constraints,
    quality_constraints,
    quality_statistics,
    quality_violations,
)
from tests.unit.quality.rows import confusion, errors, report_of, scores

BINARY, MULTICLASS, REGRESSION = Problem.BINARY, Problem.MULTICLASS, Problem.REGRESSION
# AWS's table: TN 1, FP 2, FN 0, TP 1
EXAMPLE = ["1", "0", "0", "0"], ["1", "1", "1", "0"]
SUGGESTED = {
    "recall": "LessThanThreshold",
    "precision": "LessThanThreshold",
    "accuracy": "LessThanThreshold",
    "true_positive_rate": "LessThanThreshold",
    "true_negative_rate": "LessThanThreshold",
    "false_positive_rate": "GreaterThanThreshold",
    "false_negative_rate": "GreaterThanThreshold",
    "f0_5": "LessThanThreshold",
    "f1": "LessThanThreshold",
    "f2": "LessThanThreshold",
    "auc": "LessThanThreshold",
}


def sample(problem: str) -> dict:
    """The metrics in a file of the SageMaker SDK's tests."""
    folder = Path(__file__).parents[2] / "data" / "samples" / "sdk"
    return orjson.loads((folder / f"model_monitor_model_quality_{problem}.json").read_bytes())[f"{problem}_metrics"]


def constraint(metric: str, threshold: float, operator: str) -> dict:
    """A document with one constraint of a binary problem."""
    return {"binary_classification_constraints": {metric: {"threshold": threshold, "comparison_operator": operator}}}


def test_the_statistics_of_awss_example_are_awss() -> None:
    """Every name that AWS's file has, with its shape; and its values, but for the curves and AUC, which are of other rows there."""
    aws = sample("binary_classification")
    report = report_of(BINARY, confusion(*EXAMPLE), scores([True, False, False, False], [0.9, 0.8, 0.7, 0.1]))
    ours = quality_statistics(report)["binary_classification_metrics"]
    assert aws.keys() <= ours.keys()
    assert ours.keys() - aws.keys() == {"au_prc", "brier", "log_loss", "expected_calibration_error", "lift_at_1", "lift_at_10"}
    assert ours["confusion_matrix"] == aws["confusion_matrix"]
    for key, metric in aws.items():
        assert ours[key].keys() == metric.keys(), key
        if "value" in metric:
            assert ours[key] == {"value": pytest.approx(metric["value"], abs=1e-12), "standard_deviation": "NaN"}, key


def test_the_statistics_of_a_regression_have_the_names_and_shapes_of_a_real_job() -> None:
    """mae, mse, rmse and r2 with numbers as deviations."""
    job = sample("regression")
    y = np.random.default_rng(0).normal(size=627)
    document = quality_statistics(report_of(REGRESSION, errors(y, y + 0.1 * np.arange(627) / 627)))
    metrics = document["regression_metrics"]
    assert metrics.keys() - job.keys() == {"mape", "error_quantiles"}
    for key, metric in job.items():
        assert {name: type(value) for name, value in metrics[key].items()} == {name: type(value) for name, value in metric.items()}
    assert orjson.loads(orjson.dumps(document)) == document


def test_long_curves_are_thinned_in_the_document() -> None:
    """A thousand points of 65,536, from corner to corner."""
    random = np.random.default_rng(0)
    given_scores = random.random(20_000)
    actual = random.random(20_000) < given_scores
    report = report_of(BINARY, confusion(["1", "0"], ["1", "0"]), scores(actual, given_scores))
    curve = quality_statistics(report)["binary_classification_metrics"]["receiver_operating_characteristic_curve"]
    assert {key: (len(part), part[0], part[-1]) for key, part in curve.items()} == dict.fromkeys(curve, (1000, 0.0, 1.0))
    area = np.trapezoid(curve["true_positive_rates"], curve["false_positive_rates"])
    assert area == pytest.approx(report.metrics["auc"].value, abs=1e-4)


def test_suggested_constraints_are_the_baselines_own_values() -> None:
    """With the direction that is worse; nothing for a constant classifier, or for what the stock analyzer does not know."""
    report = report_of(BINARY, confusion(*EXAMPLE), scores([True, False, False, False], [0.9, 0.8, 0.7, 0.1]))
    document = quality_constraints(report)
    assert document["version"] == 0.0
    part = document["binary_classification_constraints"]
    assert {key: entry["comparison_operator"] for key, entry in part.items()} == SUGGESTED
    assert part["f2"]["threshold"] == pytest.approx(5 / 7)
    without = quality_constraints(report_of(BINARY, confusion(*EXAMPLE)))["binary_classification_constraints"]
    assert without.keys() == SUGGESTED.keys() - {"auc"}
    regression = quality_constraints(report_of(REGRESSION, errors(np.arange(9.0), np.arange(9.0) + 1)))["regression_constraints"]
    assert {key: entry["comparison_operator"] for key, entry in regression.items()} == {
        "mae": "GreaterThanThreshold",
        "mse": "GreaterThanThreshold",
        "rmse": "GreaterThanThreshold",
        "r2": "LessThanThreshold",
    }
    multiclass = quality_constraints(report_of(MULTICLASS, confusion(["a", "b"], ["a", "a"])))["multiclass_classification_constraints"]
    assert list(multiclass) == ["accuracy", "weighted_recall", "weighted_precision", "weighted_f0_5", "weighted_f1", "weighted_f2"]


@pytest.mark.parametrize("problem", [BINARY, MULTICLASS])
def test_a_window_like_its_baseline_passes(problem: Problem) -> None:
    """On the threshold is not beyond it."""
    report = report_of(problem, confusion(*EXAMPLE))
    found = evaluate_quality(report, parse_quality_constraints(quality_constraints(report), problem))
    assert {evaluation.verdict for evaluation in found} == {Verdict.PASS}


def test_a_violation_has_the_stock_analyzers_words() -> None:
    """Metric, value, direction and threshold in its quotes; the type is the direction."""
    report = report_of(BINARY, confusion(*EXAMPLE))
    found = evaluate_quality(report, parse_quality_constraints(constraint("f2", 0.72, "LessThanThreshold"), BINARY))
    assert quality_violations(found) == {
        "violations": [
            {
                "constraint_check_type": "LessThanThreshold",
                "description": "Metric f2 with 0.7142857142857143 was LessThanThreshold '0.72'",
                "metric_name": "f2",
            }
        ]
    }


@pytest.mark.parametrize("operator", ["LessThanThreshold", "GreaterThanThreshold"])
@pytest.mark.parametrize(("steps", "beyond"), [(0.5, False), (1.5, True)])
def test_in_uncertainty_mode_a_violation_is_beyond_the_deviation(operator: str, steps: float, beyond: bool) -> None:
    """The same value is a violation in strict mode in either case."""
    labels = ["1", "0"] * 200
    report = report_of(BINARY, confusion(labels, ["1", "0", "0", "0"] * 100), bootstrap=Bootstrap(draws=100))
    measured = report.metrics["accuracy"]
    sign = 1 if operator == "LessThanThreshold" else -1
    given = parse_quality_constraints(constraint("accuracy", measured.value + sign * steps * measured.deviation, operator), BINARY)
    (strict,) = evaluate_quality(report, given)
    (uncertain,) = evaluate_quality(report, given, mode=Mode.UNCERTAINTY)
    assert strict.verdict is Verdict.VIOLATION
    assert uncertain.verdict is (Verdict.VIOLATION if beyond else Verdict.PASS)
    assert (f"+/- {measured.deviation}" in uncertain.description) == beyond
    wide = {"accuracy": math.sqrt(3) * measured.deviation}
    (both,) = evaluate_quality(report, given, mode=Mode.UNCERTAINTY, deviations=wide)
    assert both.verdict is Verdict.PASS


def test_the_baselines_deviations_are_read_from_its_statistics() -> None:
    """What `quality_statistics` writes, and what the stock analyzer's file has; anything else is no deviation."""
    y = np.random.default_rng(0).normal(size=300)
    report = report_of(REGRESSION, errors(y, y + 1 + y / 9))
    expected = {key: measured.deviation for key, measured in report.metrics.items()}
    assert baseline_deviations(quality_statistics(report), REGRESSION) == expected
    assert baseline_deviations({"regression_metrics": sample("regression")}, REGRESSION)["r2"] == 0.02946664105374692
    assert baseline_deviations({"binary_classification_metrics": sample("binary_classification")}, BINARY).keys() == {
        "accuracy_best_constant_classifier",
        "auc",
    }
    assert baseline_deviations({"regression_metrics": ["mae"]}, REGRESSION) == {}


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_in_uncertainty_mode_few_rows_are_insufficient_data(threshold: float) -> None:
    """Whichever side the value is on: neither a silent pass nor an alarm."""
    given = parse_quality_constraints(constraint("accuracy", threshold, "LessThanThreshold"), BINARY)
    (found,) = evaluate_quality(report_of(BINARY, confusion(*EXAMPLE)), given, mode=Mode.UNCERTAINTY)
    assert (found.verdict, found.description) == (Verdict.INSUFFICIENT, "4 rows; a deviation takes 200")


def test_all_faults_of_a_constraints_file_are_told_at_once() -> None:
    """With their places, and what was meant."""
    part = {
        "recal": {"threshold": 1, "comparison_operator": "LessThanThreshold"},
        "f1": {"threshold": "high", "comparison_operator": "LessThanThreshold"},
        "f2": {"threshold": 0.5, "comparison_operator": "less"},
    }
    with pytest.raises(SettingsError) as caught:
        parse_quality_constraints({"binary_classification_constraints": part}, BINARY, "constraints.json")
    first, second, third = map(str, caught.value.faults)
    assert first.startswith("constraints.json: binary_classification_constraints.recal: found no such metric")
    assert first.endswith("did you mean recall?")
    assert second == "constraints.json: binary_classification_constraints.f1.threshold: found 'high'; expected a number"
    assert third.endswith("f2.comparison_operator: found 'less'; expected GreaterThanThreshold or LessThanThreshold")


def test_constraints_of_another_problem_are_refused() -> None:
    """A baseline of a regression says nothing about classes."""
    with pytest.raises(InputError, match="found version, regression_constraints; expected binary_classification_constraints"):
        parse_quality_constraints({"version": 0.0, "regression_constraints": {}}, BINARY)


@pytest.mark.parametrize("problem", list(Problem))
def test_every_metric_is_made_of_a_state_of_its_problem(problem: Problem) -> None:
    """Which states a pass must feed is known before it begins."""
    assert {metric.table.state for metric in metrics_of(problem).values()} == {state.kind for state in QUALITY_STATES[problem]}


@pytest.mark.parametrize("problem", list(Problem))
def test_every_metric_says_what_it_is(problem: Problem) -> None:
    """Definition and source, for the table of metrics."""
    metrics = metrics_of(problem)
    assert metrics
    for metric in metrics.values():
        assert metric.definition.endswith(".")
        assert metric.source


def test_the_positive_class_may_be_called_anything() -> None:
    """And the constant classifier says it."""
    state = confusion(["bad", "good", "good", "good"], ["bad", "bad", "bad", "good"])
    named = measure_quality({"confusion": state}, BINARY, positive="bad")
    assert named.metrics["recall"].value == 1.0
    assert named.metrics["accuracy_best_constant_classifier"].value == 0.25
    several = measure_quality({"confusion": state}, MULTICLASS)
    assert several.metrics["accuracy_best_constant_classifier"].value == 0.75
    asked = measure_quality({"confusion": state}, MULTICLASS, constant="bad")
    assert asked.metrics["accuracy_best_constant_classifier"].value == 0.25
