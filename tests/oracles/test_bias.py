"""Bias against the values of an independent implementation (bias.json) and of a real job of the stock analyzer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hourglass.bias import (
    BIAS_METRICS,
    Decision,
    FacetValue,
    FlipRows,
    Stage,
    analysis_document,
    bias_violations,
    evaluate_bias,
    measure_bias,
    metrics_of,
    parse_bias_constraints,
)
from hourglass.bias.flip_test import flip_test
from hourglass.bias.table import BiasTable
from hourglass.constraints import Verdict
from hourglass.quality import Bootstrap
from hourglass.states import FacetCounts

# values by an independent implementation; formulas.md 5 says what they are of
ORACLE = json.loads((Path(__file__).parent / "bias.json").read_text())
DOCS = ORACLE["aws_docs"]
SAMPLES = Path(__file__).parents[1] / "data" / "samples"
NO_DRAWS = Bootstrap(draws=0)


def names(values: Any) -> pa.StringArray:
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def counts(facet: Any, group: Any, label: Any, predicted: Any) -> FacetCounts:
    state = FacetCounts.empty()
    columns = [None if column is None else names(column) for column in (group, label, predicted)]
    state.update({"facet": names(facet)}, *columns)
    return state


def expected(case: dict[str, Any], value: str) -> dict[str, float]:
    """The metrics of a value in an oracle's report, but the flip test, which has a test of its own."""
    entries = [entry for stage in ("pre_training", "post_training") for entry in case["report"][stage]]
    return {
        m["name"]: m["value"] for entry in entries if entry["value_or_threshold"] == value for m in entry["metrics"] if m["name"] != "FT"
    }


def found(state: FacetCounts, value: str, positive: str = "1", facet: str = "facet") -> dict[str, Any]:
    report = measure_bias(state, facet, [FacetValue.of(value)], {positive}, NO_DRAWS)
    return {key: measured.value for key, measured in report.values[0].metrics.items() if key != "FT"}


@pytest.mark.parametrize("value", ["M", "F"])
def test_the_metrics_of_twelve_rows_are_the_oracles(value: str) -> None:
    """Twenty metrics of either sex as facet d."""
    given = ORACLE["binary12"]["input"]
    wanted = expected(ORACLE["binary12"], value)
    assert wanted.keys() == BIAS_METRICS.keys() - {"FT"}
    assert found(counts(given["f"], given["g"], given["y"], given["yhat"]), value) == pytest.approx(wanted, abs=1e-9)


def test_the_metrics_of_a_facet_and_a_label_with_a_threshold_are_the_oracles() -> None:
    """Older than 40, and a label above 0.2: what is on the threshold is not above it."""
    case = ORACLE["continuous200"]
    given = case["input"]
    age, label, predicted = (np.array(given[name]) for name in ("age", "label", "pred"))
    positive = [(column > case["label_threshold"]).astype(int) for column in (label, predicted)]
    state = counts(age > case["facet_threshold"], given["group"], *positive)
    assert found(state, "True") == pytest.approx(expected(case, "(40.0, 79.0]"), abs=1e-9)
    assert (age == case["facet_threshold"]).any()


def flip_oracle(case: dict[str, Any], value: str) -> float:
    return next(
        m["value"] for e in case["report"]["post_training"] if e["value_or_threshold"] == value for m in e["metrics"] if m["name"] == "FT"
    )


def test_the_flip_test_is_the_guides_which_is_minus_the_oracles() -> None:
    """The oracle has the opposite sign, and one neighbour instead of five where there are few rows; features are unscaled."""
    small, large = ORACLE["binary12"], ORACLE["continuous200"]
    sex, x = np.array(small["input"]["f"]), np.array(small["input"]["x"])[:, np.newaxis]
    positive = np.array(small["input"]["yhat"]) == "1"
    for value in "MF":
        assert flip_test(x, positive, sex == value, sex != value, neighbours=1) == pytest.approx(-flip_oracle(small, value), abs=1e-9)
    old = np.array(large["input"]["age"]) > 40
    income, positive = np.array(large["input"]["income"])[:, np.newaxis], np.array(large["input"]["pred"]) > 0.2
    assert flip_test(income, positive, old, ~old) == pytest.approx(-flip_oracle(large, "(40.0, 79.0]"), abs=1e-9)


def metric(key: str, d: list[list[int]], a: list[list[int]]) -> float:
    value = BIAS_METRICS[key].value(BiasTable.of(d, a))
    assert isinstance(value, float)
    return value


def cells(counted: dict[str, int]) -> list[list[int]]:
    return [[counted.get("TN", 0), counted.get("FP", 0)], [counted.get("FN", 0), counted.get("TP", 0)]]


def test_the_worked_examples_of_the_guide_come_out() -> None:
    """Shares, differences of shares and rates, and ratios, as AWS prints them."""
    for key in ("AD", "RD", "SD", "TE"):
        assert metric(key, cells(DOCS[key]["d"]), cells(DOCS[key]["a"])) == pytest.approx(DOCS[key]["value"], abs=1e-9), key
    qa, qd = (round(100 * DOCS["KL"][side]) for side in ("qa", "qd"))
    assert metric("KL", [[100 - qd, 0], [qd, 0]], [[100 - qa, 0], [qa, 0]]) == pytest.approx(DOCS["KL"]["value"], abs=1e-9)
    right, given = DOCS["DAR"]["a"], DOCS["DAR"]["d"]
    assert metric("DAR", [[0, given[1] - given[0]], [0, given[0]]], [[0, right[1] - right[0]], [0, right[0]]]) == pytest.approx(0.1)
    right, given = DOCS["DRR"]["a"], DOCS["DRR"]["d"]
    assert metric("DRR", [[given[0], 0], [given[1] - given[0], 0]], [[right[0], 0], [right[1] - right[0], 0]]) == pytest.approx(0.0)
    di = DOCS["DI"]
    qa, qd = (round(100 * di[side]) for side in ("qa", "qd"))
    assert metric("DI", [[100 - qd, qd], [0, 0]], [[100 - qa, qa], [0, 0]]) == pytest.approx(di["value"])
    for key, positive in (("DCA", True), ("DCR", False)):
        for case in DOCS[key]:
            sides = [conditional(*case[side], positive=positive) for side in "da"]
            assert metric(key, *sides) == pytest.approx(case["value"], abs=1e-9), case
    dd = DOCS["DD"]
    rejected, accepted = round(100 * dd["rejected_d"]), round(100 * dd["accepted_d"])
    assert metric("CDDL", [[rejected, 0], [accepted, 0]], [[100 - rejected, 0], [100 - accepted, 0]]) == pytest.approx(dd["value"])


def conditional(observed: int, predicted: int, *, positive: bool) -> list[list[int]]:
    """A side with so many observed and predicted of one outcome, and many others."""
    both, only_observed, only_predicted = min(observed, predicted), max(0, observed - predicted), max(0, predicted - observed)
    return [[99, only_predicted], [only_observed, both]] if positive else [[both, only_observed], [only_predicted, 99]]


def test_the_largest_difference_of_three_labels_is_the_guides() -> None:
    """KS of three classes."""
    rows = [(side, place) for side in "ad" for place, share in enumerate(DOCS["KS"][f"P{side}"]) for _ in range(round(10 * share))]
    state = counts([side for side, _ in rows], None, [f"c{place}" for _, place in rows], None)
    assert found(state, "d", "c0")["KS"] == pytest.approx(DOCS["KS"]["value"], abs=1e-12)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def job() -> tuple[FacetCounts, FlipRows]:
    """The rows of the real job: sex, age as group, label, prediction; and for the flip test their features."""
    record = sample("bias_endpoint_json.merged_record.json")
    sides = [json.loads(record["captureData"][side]["data"]) for side in ("endpointInput", "endpointOutput")]
    features = np.array([row["features"] for row in sides[0]["instances"]], np.float64)
    predicted = [str(row["predicted_label"]) for row in sides[1]["predictions"]]
    label = [str(row["label"]) for row in json.loads(record["groundTruthData"]["data"])["instances"]]
    sex, age = (features[:, place].astype(int).astype(str).tolist() for place in (9, 0))
    state = FacetCounts.empty()
    state.update({"Sex": pa.array(sex)}, pa.array(age), pa.array(label), pa.array(predicted))
    return state, FlipRows(features, {"Sex": sex}, predicted)


def test_strict_mode_finds_the_violations_of_the_real_job_and_no_others() -> None:
    """Eight values other than FT in the contract's words, digit for digit to 1e-9; FT is computed by the guide's definition: 0."""
    state, rows = job()
    assert state.n == 334
    report = measure_bias(state, "Sex", [FacetValue.of("0")], {"1"}, NO_DRAWS, sample=rows)
    constraints = parse_bias_constraints(sample("bias_endpoint_json.analysis.baseline.json"))
    # the stock job looked at the metrics of predictions alone
    constraints = [constraint for constraint in constraints if BIAS_METRICS[constraint.metric].stage is Stage.POST]
    document = bias_violations(evaluate_bias([report], constraints, decision=Decision.STRICT))
    real = sample("bias_endpoint_json.constraint_violations.json")
    assert document is not None
    assert document.keys() == real.keys()
    ours, theirs = ({entry["metric_name"]: entry for entry in found["violations"]} for found in (document, real))
    assert ours.keys() == theirs.keys() - {"FT"}
    for key, entry in ours.items():
        pairs = [[part.split(" ")[place] for place in (2, 9)] for part in (entry["description"], theirs[key]["description"])]
        assert {**entry, "description": ""} == {**theirs[key], "description": ""}
        assert entry["description"].replace(pairs[0][0], "") == theirs[key]["description"].replace(pairs[1][0], "")
        assert [float(number) for number in pairs[0]] == pytest.approx([float(number) for number in pairs[1]], abs=1e-9)
    assert report.values[0].metrics["FT"].value == 0.0


def test_the_flip_test_of_the_real_job_is_minus_ours_with_one_neighbour() -> None:
    """Its -15/110 is 17 flips one way and 2 the other among single nearest neighbours, features unscaled, with the sign turned."""
    state, rows = job()
    report = measure_bias(state, "Sex", [FacetValue.of("0")], {"1"}, NO_DRAWS, sample=rows, neighbours=1)
    real = {entry["metric_name"]: entry for entry in sample("bias_endpoint_json.constraint_violations.json")["violations"]}
    assert report.values[0].metrics["FT"].value == pytest.approx(15 / 110)
    assert f"Metric value {-0.13636363636363635} " in real["FT"]["description"]


def baseline() -> FacetCounts:
    rows = [json.loads(line) for line in (SAMPLES / "adult_validation-dataset.jsonl").read_text().splitlines()]
    state = FacetCounts.empty()
    sex, age = (names([row["features"][place] for row in rows]) for place in (9, 0))
    state.update({"Sex": sex}, age, names([row["label"] for row in rows]), None)
    return state


def test_the_labels_of_the_baseline_give_its_analysis() -> None:
    """The pre-training part of the real job's analysis.json: keys, descriptions, order and values."""
    real = sample("bias_endpoint_json.analysis.baseline.json")
    report = measure_bias(baseline(), "Sex", [FacetValue.of("0")], {"1"}, NO_DRAWS)
    document = analysis_document([report], "Target", "1")
    ours, theirs = (found["pre_training_bias_metrics"] for found in (document, real))
    assert {key: value for key, value in ours.items() if key != "facets"} == {
        key: value for key, value in theirs.items() if key != "facets"
    }
    (entry,), (real_entry,) = ours["facets"]["Sex"], theirs["facets"]["Sex"]
    assert entry["value_or_threshold"] == real_entry["value_or_threshold"]
    assert [(m["name"], m["description"]) for m in entry["metrics"]] == [(m["name"], m["description"]) for m in real_entry["metrics"]]
    assert [m["value"] for m in entry["metrics"]] == pytest.approx([m["value"] for m in real_entry["metrics"]], abs=1e-9)


def test_what_the_labels_cannot_say_is_null_with_the_reason() -> None:
    """Names and descriptions of the other part are the real job's, too."""
    real = sample("bias_endpoint_json.analysis.baseline.json")["post_training_bias_metrics"]["facets"]["Sex"][0]["metrics"]
    document = analysis_document([measure_bias(baseline(), "Sex", [FacetValue.of("0")], {"1"}, NO_DRAWS)], "Target", "1")
    ours = document["post_training_bias_metrics"]["facets"]["Sex"][0]["metrics"]
    assert [(m["name"], m["description"]) for m in ours] == [(m["name"], m["description"]) for m in real]
    assert {m["value"] for m in ours} == {None}
    assert {m["error"] for m in ours if m["name"] != "FT"} == {"no row has a label and a prediction", "no row has a prediction"}
    assert [m["name"] for m in ours] == list(metrics_of(Stage.POST))


def test_the_analysis_of_a_window_is_its_own_constraints() -> None:
    """A window held against itself passes in either mode, infinite values too."""
    state, _ = job()
    report = measure_bias(state, "Sex", [FacetValue.of("0")], {"1"})
    constraints = parse_bias_constraints(json.loads(json.dumps(analysis_document([report], "Target", "1"))))
    for decision in Decision:
        verdicts = {e.metric: e.verdict for e in evaluate_bias([report], constraints, decision=decision)}
        assert Verdict.VIOLATION not in verdicts.values()
        assert verdicts["DPPL"] is Verdict.PASS
        assert verdicts["FT"] is Verdict.NOT_COMPUTABLE


@pytest.mark.parametrize("case", DOCS["violations"]["bias"], ids=str)
def test_the_guides_examples_of_violations(case: dict[str, Any]) -> None:
    """0.1 against 0.2 is none, -0.3 is one."""
    positive = round(1000 * (0.5 - case["live"]))
    state = counts(["d"] * 1000 + ["a"] * 1000, None, ["1"] * positive + ["0"] * (1000 - positive) + ["1", "0"] * 500, None)
    report = measure_bias(state, "facet", [FacetValue.of("d")])
    document = {
        "pre_training_bias_metrics": {
            "facets": {"facet": [{"value_or_threshold": "d", "metrics": [{"name": "DPL", "value": case["base"]}]}]}
        }
    }
    for decision in Decision:
        (evaluation,) = evaluate_bias([report], parse_bias_constraints(document), decision=decision)
        assert (evaluation.verdict is Verdict.VIOLATION) == case["violation"]
