"""Every metric against scikit-learn on the same rows, and against AWS's worked examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hourglass.quality import Problem
from hourglass.quality.curves import precision_recall_curve, roc_curve
from hourglass.states import Scores
from hourglass.undefined import Undefined
from tests.unit.quality.rows import NO_DRAWS, confusion, errors, report_of, scores, values

BETAS = {"f0_5": 0.5, "f1": 1, "f2": 2}
CLOSE = {"rel": 1e-9, "abs": 1e-9}
LABELS = st.lists(st.tuples(st.sampled_from("01"), st.sampled_from("01")), min_size=1, max_size=30)
CLASSES = st.lists(st.tuples(st.sampled_from(["a", "b", "1", "10"]), st.sampled_from(["a", "b", "1", "c"])), min_size=1, max_size=40)
SCORED = st.lists(st.tuples(st.booleans(), st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])), min_size=1, max_size=40)
NUMBERS = st.floats(-1e6, 1e6, width=32)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=30)


def assert_agree(found: dict[str, Any], expected: dict[str, float]) -> None:
    """Every value is the expected one; the undefined ones are the business of other tests."""
    assert expected.keys() <= found.keys()
    for key, value in expected.items():
        if not isinstance(found[key], Undefined):
            assert found[key] == pytest.approx(value, **CLOSE), key


def binary_oracle(actual: list, predicted: list) -> dict[str, float]:
    """scikit-learn's numbers of two classes, and of a model that always says 1."""
    tn, fp, fn, tp = sk.confusion_matrix(actual, predicted, labels=["0", "1"]).ravel().tolist()
    always = ["1"] * len(actual)
    options = {"pos_label": "1", "zero_division": 0}
    found = {
        "true_positive_rate": tp / max(1, tp + fn),
        "true_negative_rate": tn / max(1, tn + fp),
        "false_positive_rate": fp / max(1, tn + fp),
        "false_negative_rate": fn / max(1, tp + fn),
    }
    for suffix, said in (("", predicted), ("_best_constant_classifier", always)):
        found[f"accuracy{suffix}"] = sk.accuracy_score(actual, said)
        found[f"recall{suffix}"] = sk.recall_score(actual, said, **options)
        found[f"precision{suffix}"] = sk.precision_score(actual, said, **options)
        found |= {f"{key}{suffix}": sk.fbeta_score(actual, said, beta=beta, **options) for key, beta in BETAS.items()}
    return found


@given(LABELS)
@settings(deadline=None)
def test_binary_metrics_are_those_of_scikit_learn(rows: list) -> None:
    """All rates, F-scores and the constant classifier, wherever they are defined; the matrix has actual classes outside."""
    actual, predicted = [a for a, _ in rows], [p for _, p in rows]
    report = report_of(Problem.BINARY, confusion(actual, predicted), bootstrap=NO_DRAWS)
    assert_agree(values(report), binary_oracle(actual, predicted))
    matrix = sk.confusion_matrix(actual, predicted, labels=["0", "1"])
    table = report.parts["confusion_matrix"]
    assert [[table.get(a, {}).get(p, 0) for p in "01"] for a in "01"] == matrix.tolist()


@given(CLASSES)
@settings(deadline=None)
def test_multiclass_metrics_are_those_of_scikit_learn(rows: list) -> None:
    """Weighted averages with classes that are never predicted, or never true, and the constant classifier."""
    actual, predicted = [a for a, _ in rows], [p for _, p in rows]
    frequencies = {name: actual.count(name) for name in sorted({*actual, *predicted})}
    constant = "1" if "1" in frequencies else max(frequencies, key=lambda name: frequencies[name])
    expected = {}
    for suffix, said in (("", predicted), ("_best_constant_classifier", [constant] * len(actual))):
        options = {"average": "weighted", "zero_division": 0}
        expected[f"accuracy{suffix}"] = sk.accuracy_score(actual, said)
        expected[f"weighted_recall{suffix}"] = sk.recall_score(actual, said, **options)
        expected[f"weighted_precision{suffix}"] = sk.precision_score(actual, said, **options)
        expected |= {f"weighted_{key}{suffix}": sk.fbeta_score(actual, said, beta=beta, **options) for key, beta in BETAS.items()}
    found = values(report_of(Problem.MULTICLASS, confusion(actual, predicted), bootstrap=NO_DRAWS))
    assert expected.keys() <= found.keys()
    assert_agree(found, expected)


def score_oracle(actual: np.ndarray, given_scores: np.ndarray) -> dict[str, float]:
    """scikit-learn's numbers of a probability; lift and calibration by their definitions."""
    precisions, recalls, _ = sk.precision_recall_curve(actual, given_scores)
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], given_scores)
    gaps = [abs(actual[bins == i].sum() - given_scores[bins == i].sum()) for i in range(10)]
    return {
        "auc": sk.roc_auc_score(actual, given_scores),
        "au_prc": sk.auc(recalls, precisions),
        "brier": sk.brier_score_loss(actual, given_scores),
        "log_loss": sk.log_loss(actual, given_scores, labels=[False, True]),
        "expected_calibration_error": sum(gaps) / len(actual),
    }


@given(SCORED)
@settings(deadline=None)
def test_metrics_of_a_probability_are_those_of_scikit_learn(rows: list) -> None:
    """AUC with ties, both areas, Brier score, log loss and calibration error, to 1e-9."""
    actual, given_scores = np.array([a for a, _ in rows]), np.array([s for _, s in rows])
    labels = ["1" if a else "0" for a in actual]
    found = values(report_of(Problem.BINARY, confusion(labels, labels), scores(actual, given_scores), bootstrap=NO_DRAWS))
    if len(set(labels)) == 2:
        assert_agree(found, score_oracle(actual, given_scores))
    assert isinstance(found["auc"], Undefined) == (len(set(labels)) == 1 or len(set(given_scores)) == 1)


@given(SCORED)
@settings(deadline=None)
def test_curves_are_those_of_scikit_learn(rows: list) -> None:
    """Corner by corner, though the order of precision and recall is AWS's."""
    actual, given_scores = np.array([a for a, _ in rows]), np.array([s for _, s in rows])
    points = scores(actual, given_scores).points
    roc, precision_recall = roc_curve(points), precision_recall_curve(points)
    assert isinstance(roc, Undefined) == isinstance(precision_recall, Undefined) == (len(set(actual)) == 1 or len(set(given_scores)) == 1)
    if not isinstance(roc, Undefined) and not isinstance(precision_recall, Undefined):
        false_rates, true_rates, _ = sk.roc_curve(actual, given_scores, drop_intermediate=False)
        np.testing.assert_allclose(roc, [false_rates, true_rates], atol=1e-12)
        precisions, recalls, _ = sk.precision_recall_curve(actual, given_scores)
        np.testing.assert_allclose(precision_recall, [precisions[::-1], recalls[::-1]], atol=1e-12)


@given(SCORED, st.sampled_from([(0.01, "lift_at_1"), (0.1, "lift_at_10")]))
@settings(deadline=None)
def test_lift_is_the_mean_over_the_orders_of_equal_scores(rows: list, cut: tuple[float, str]) -> None:
    """Row by row: each takes its part of what room is left, equal scores the same part."""
    actual, given_scores = np.array([a for a, _ in rows]), np.array([s for _, s in rows])
    share, key = cut
    room, found = share * len(rows), 0.0
    for score in sorted(set(given_scores.tolist()), reverse=True):
        tied = given_scores == score
        taken = min(room, tied.sum())
        found += actual[tied].mean() * taken
        room -= taken
    labels = ["1" if a else "0" for a in actual]
    value = values(report_of(Problem.BINARY, confusion(labels, labels), scores(actual, given_scores), bootstrap=NO_DRAWS))[key]
    if not isinstance(value, Undefined):
        assert value == pytest.approx(found / (share * len(rows)) / actual.mean(), **CLOSE)


@pytest.mark.parametrize("shape", ["uniform", "at both ends", "near one", "two scales", "with atoms", "rare", "margins"])
def test_binned_scores_stay_within_1e_4(shape: str) -> None:
    """A million distinct scores, merged from twenty-four hours fed in blocks: AUC, both areas and both curves."""
    random = np.random.default_rng(5)
    n = 1_000_000
    p = random.random(n)
    given_scores = {
        "uniform": p,
        "at both ends": random.beta(0.2, 0.2, n),
        "near one": 1 - 1e-9 * p,
        "two scales": np.where(random.random(n) < 0.5, 0.5 + 1e-8 * (p - 0.5), p),
        "with atoms": np.where(random.random(n) < 0.3, p.round(1), p),
        "rare": p,
        "margins": random.standard_cauchy(n),
    }[shape]
    order = given_scores.argsort().argsort() / n
    actual = random.random(n) < (0.002 * order if shape == "rare" else order)
    hours = []
    for hour in np.array_split(np.arange(n), 24):
        state = Scores.empty()
        for block in np.array_split(hour, 3):
            state.update(actual[block], given_scores[block])
        hours.append(state)
    merged = Scores.merged([Scores.merged(hours[start : start + 6]) for start in range(0, 24, 6)])
    assert merged.binned
    labels = ["1", "0"]
    found = values(report_of(Problem.BINARY, confusion(labels, labels), merged, bootstrap=NO_DRAWS))
    precisions, recalls, _ = sk.precision_recall_curve(actual, given_scores)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(actual, given_scores), abs=1e-4)
    assert found["au_prc"] == pytest.approx(sk.auc(recalls, precisions), abs=1e-4)
    false_rates, true_rates, _ = sk.roc_curve(actual, given_scores, drop_intermediate=False)
    ours_false, ours_true = roc_curve(merged.points)
    # along the curve, for it has vertical steps: where both rates add up to the same
    assert np.abs(np.interp(ours_false + ours_true, false_rates + true_rates, false_rates) - ours_false).max() < 1e-4
    rows = np.cumsum((merged.points.negatives + merged.points.positives)[::-1])
    hits = np.cumsum(actual[given_scores.argsort()[::-1]])[rows - 1]
    ours = precision_recall_curve(merged.points)[0][1:]
    # a precision is of the rows above a score, so what is off by few of all rows is off by more of them
    assert (np.abs(ours - hits / rows) * rows / n).max() < 1e-4
    if shape != "margins":
        exact = score_oracle(actual, given_scores)
        assert {key: found[key] for key in ("brier", "log_loss", "expected_calibration_error")} == {
            key: pytest.approx(exact[key], **CLOSE) for key in ("brier", "log_loss", "expected_calibration_error")
        }


def test_scores_are_exact_up_to_65_536_distinct_ones() -> None:
    """Two million rows, in blocks: AUC to the last digits."""
    random = np.random.default_rng(1)
    given_scores = random.integers(0, 65_536, 2_000_000) / 65_535
    actual = random.random(len(given_scores)) < given_scores
    state = Scores.empty()
    for start in range(0, len(given_scores), 300_000):
        state.update(actual[start : start + 300_000], given_scores[start : start + 300_000])
    found = values(report_of(Problem.BINARY, confusion(["1", "0"], ["1", "0"]), state, bootstrap=NO_DRAWS))
    assert not state.binned
    assert found["auc"] == pytest.approx(sk.roc_auc_score(actual, given_scores), rel=1e-12)


@given(PAIRS)
@settings(deadline=None)
def test_regression_metrics_are_those_of_scikit_learn(rows: list) -> None:
    """Those of scikit-learn; MAPE by its definition over rows with a label other than 0, which scikit-learn divides by 2e-16."""
    actual, predicted = np.array([a for a, _ in rows]), np.array([p for _, p in rows])
    found = values(report_of(Problem.REGRESSION, errors(actual, predicted), bootstrap=NO_DRAWS))
    expected = {
        "mae": sk.mean_absolute_error(actual, predicted),
        "mse": sk.mean_squared_error(actual, predicted),
        "rmse": math.sqrt(sk.mean_squared_error(actual, predicted)),
        "mape": np.abs((predicted - actual)[actual != 0] / actual[actual != 0]).mean() if actual.any() else 0.0,
    }
    assert_agree(found, expected)
    if not isinstance(found["r2"], Undefined):
        assert found["r2"] == pytest.approx(sk.r2_score(actual, predicted), rel=1e-9, abs=1e-9)


def test_awss_regression_example() -> None:
    """Four labels of which half are predicted one off: mae 0.5, mse 0.5, rmse 0.7071, r2 -1.667."""
    found = values(report_of(Problem.REGRESSION, errors(np.array([1.0, 0, 0, 0]), np.array([1.0, 1, 1, 0])), bootstrap=NO_DRAWS))
    assert found == {"mae": 0.5, "mse": 0.5, "rmse": pytest.approx(0.70711, abs=1e-5), "r2": pytest.approx(-5 / 3), "mape": 0.0}


def test_awss_multiclass_example() -> None:
    """The numbers that the guide prints of a table of 1,180, 510, 268 and 138 rows."""
    actual = ["0"] * 1690 + ["1"] * 406
    predicted = ["0"] * 1180 + ["1"] * 510 + ["0"] * 268 + ["1"] * 138
    report = report_of(Problem.MULTICLASS, confusion(actual, predicted))
    assert report.parts["confusion_matrix"] == {"0": {"0": 1180, "1": 510}, "1": {"0": 268, "1": 138}}
    printed = {
        "accuracy": 0.6288167938931297,
        "weighted_recall": 0.6288167938931297,
        "weighted_precision": 0.6983172269629505,
        "weighted_f0_5": 0.6803947317178771,
        "weighted_f1": 0.6571162346664904,
        "weighted_f2": 0.6384024354394601,
        "accuracy_best_constant_classifier": 0.19370229007633588,
        "weighted_recall_best_constant_classifier": 0.19370229007633588,
        "weighted_precision_best_constant_classifier": 0.03752057718081697,
        "weighted_f0_5_best_constant_classifier": 0.04473443104152011,
        "weighted_f1_best_constant_classifier": 0.06286421244683643,
        "weighted_f2_best_constant_classifier": 0.10570313141262414,
    }
    assert {key: value for key, value in values(report).items() if key in printed} == {
        key: pytest.approx(value, rel=1e-12) for key, value in printed.items()
    }
