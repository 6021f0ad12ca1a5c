"""A baseline's analysis as constraints, and a window held against it, in the contract's words."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from hourglass.bias import (
    BIAS_METRICS,
    BiasConstraint,
    BiasEvaluation,
    BiasReport,
    Decision,
    FacetValue,
    FlipRows,
    Interval,
    MeasuredBias,
    ValueBias,
    analysis_document,
    best_off,
    bias_violations,
    evaluate_bias,
    measure_bias,
    parse_bias_constraints,
)
from hourglass.constraints import Verdict
from hourglass.errors import InputError, SettingsError
from hourglass.quality import Bootstrap
from hourglass.states import FacetCounts
from hourglass.undefined import Undefined
from tests.unit.bias.rows import Row, counts, repeated

GERMAN = Path(__file__).parents[2] / "data" / "german" / "german.data"


def report(key: str, value: float | Undefined, interval: tuple[float, float] | Undefined, n: int = 100, name: str = "0") -> BiasReport:
    """A report of one metric."""
    found = Interval(*interval, None, None, {}, 1000) if isinstance(interval, tuple) else interval
    values = ValueBias(name, "all others", (n, n), {key: MeasuredBias(value, found, (n, n), (n, n))})
    return BiasReport("Sex", ("1",), 2 * n, 0, 2 * n, 2 * n, truncated=False, values=(values,))


def judge(found: BiasReport, limit: float | None, decision: Decision = Decision.INTERVAL, **options: Any) -> BiasEvaluation:
    (key,) = found.values[0].metrics
    (evaluation,) = evaluate_bias([found], [BiasConstraint("Sex", "0", key, limit)], decision=decision, **options)
    return evaluation


def document(*metrics: dict[str, Any], stage: str = "pre_training") -> dict[str, Any]:
    return {f"{stage}_bias_metrics": {"label": "y", "facets": {"Sex": [{"value_or_threshold": "0", "metrics": list(metrics)}]}}}


@pytest.mark.parametrize(
    ("value", "limit", "violation"),
    [
        (0.1, 0.2, False),
        (-0.3, 0.2, True),
        (0.3, -0.2, True),
        (0.2, -0.2, False),
        (math.inf, 2.9, True),
        (-math.inf, math.inf, False),
        (5.0, math.inf, False),
        (0.0, 0.0, False),
    ],
)
def test_strict_is_further_from_0_than_the_baseline(value: float, limit: float, violation: bool) -> None:
    """As the stock job has it: on the limit is no violation, and nothing is beyond infinity."""
    assert (judge(report("TE", value, Undefined("")), limit, Decision.STRICT).verdict is Verdict.VIOLATION) == violation


@pytest.mark.parametrize(
    ("interval", "limit", "violation"),
    [
        ((0.1, 0.3), 0.2, False),
        ((0.21, 0.3), 0.2, True),
        ((0.2, 0.3), 0.2, False),
        ((-0.5, -0.21), 0.2, True),
        ((-0.5, 0.5), 0.0, False),
        ((0.01, 0.5), 0.0, True),
        ((math.inf, math.inf), 0.2, True),
        ((0.1, math.inf), 0.2, False),
        ((-math.inf, -0.3), 0.2, True),
        ((5.0, 9.0), math.inf, False),
    ],
)
def test_interval_is_wholly_outside_of_what_the_baseline_allows(interval: tuple[float, float], limit: float, violation: bool) -> None:
    """Also where an end is infinite."""
    assert (judge(report("TE", interval[0], interval), limit).verdict is Verdict.VIOLATION) == violation


@pytest.mark.parametrize(
    ("interval", "limit", "violation"),
    [
        ((0.3, 0.4), 0.5, True),
        ((0.3, 0.6), 0.5, False),
        ((1.9, 2.5), 0.5, False),
        ((2.1, 2.5), 0.5, True),
        ((2.1, 2.5), 2.0, True),
        ((0.4, 0.45), 2.0, True),
        ((0.9, 1.1), 1.0, False),
        ((0.0, 0.1), 0.0, False),
        ((-0.1, 0.1), 0.5, True),
        ((math.inf, math.inf), 0.5, True),
        ((math.inf, math.inf), math.inf, False),
    ],
)
def test_disparate_impact_is_as_far_from_1_on_either_side(interval: tuple[float, float], limit: float, violation: bool) -> None:
    """|ln DI|: 0.5 allows 0.5 to 2."""
    assert (judge(report("DI", interval[0], interval), limit).verdict is Verdict.VIOLATION) == violation


def test_a_value_that_is_allowed_is_no_violation_wherever_its_draws_are() -> None:
    """Of a label with many classes each draw of 80 % lacks one that the window has, so that KL is infinite in most draws."""
    rows = [(facet, None, str(i % 100), None) for facet, n in (("d", 400), ("a", 1500)) for i in range(n)]
    found = measure_bias(counts(rows), "f", [FacetValue.of("d")], ["1"], Bootstrap(draws=200, share=0.8, least_rows=0))
    divergence = found.values[0].metrics["KL"]
    assert isinstance(divergence.interval, Interval)
    assert divergence.interval.low == math.inf
    (same,) = evaluate_bias([found], [BiasConstraint("f", "d", "KL", 0.1)])
    assert same.verdict is Verdict.PASS


def test_strict_takes_disparate_impact_as_any_number() -> None:
    """The real job did not report 0.083 against 0.178, which is worse: nor do we in its mode."""
    found = report("DI", 0.083, (0.05, 0.12))
    assert judge(found, 0.178, Decision.STRICT).verdict is Verdict.PASS
    assert judge(found, 0.178).verdict is Verdict.VIOLATION


def test_a_violation_has_the_contracts_fields_and_words() -> None:
    """Infinity is a word; a clean run has no document."""
    found = judge(report("TE", math.inf, (math.inf, math.inf)), 2.916666666666667)
    assert bias_violations([found]) == {
        "version": "1.0",
        "violations": [
            {
                "facet": "Sex",
                "facet_value": "0",
                "metric_name": "TE",
                "constraint_check_type": "bias_drift_check",
                "description": "Metric value Infinity doesn't meet the baseline constraint requirement 2.916666666666667",
            }
        ],
    }
    assert found.allowed == (-2.916666666666667, 2.916666666666667)
    assert bias_violations([judge(report("TE", 1.0, (0.9, 1.1)), 2.0)]) is None


def test_no_number_is_never_a_pass() -> None:
    """No rows, too few rows, no value, no baseline, and no measure are four verdicts with their reasons."""
    few = judge(report("RD", 0.1, (0.0, 0.2), n=29), 0.2)
    assert (few.verdict, few.description) == (Verdict.INSUFFICIENT, "29 rows of facet d have a label and a prediction; a verdict takes 30")
    assert judge(report("RD", 0.1, (0.0, 0.2), n=29), 0.2, least_count=29).verdict is Verdict.PASS
    assert judge(report("RD", Undefined("no rows in d"), Undefined("")), 0.2).verdict is Verdict.NOT_COMPUTABLE
    assert judge(report("RD", 0.1, Undefined("defined in 3 of 10 draws")), 0.2).verdict is Verdict.INSUFFICIENT
    assert judge(report("RD", 0.1, (0.0, 0.2)), None).description == "the baseline has no value: null"
    (other,) = evaluate_bias([report("RD", 0.1, (0.0, 0.2))], [BiasConstraint("Sex", "7", "RD", 0.1)])
    assert (other.verdict, other.description) == (Verdict.NOT_COMPUTABLE, "Sex = 7 was not measured, but Sex = 0")
    assert evaluate_bias([report("RD", Undefined("no rows"), Undefined(""), n=0)], [BiasConstraint("Sex", "0", "RD", 0.1)]) == []


def test_interval_asks_for_rows_that_a_share_is_of() -> None:
    """Recall of two positive labels among a hundred rows is no recall; 40 to 0 is a ratio, 4 to 0 is none."""
    rows: dict[Row, int] = {("d", None, "0", "0"): 98, ("d", None, "1", "0"): 2, ("a", None, "1", "1"): 50, ("a", None, "0", "0"): 50}
    found = measure_bias(counts(repeated(rows)), "f", [FacetValue.of("d")])
    metrics = {key: BiasConstraint("f", "d", key, 0.1) for key in ("RD", "SD", "AD", "DCA")}
    by_mode = {
        decision: {e.metric: e.verdict for e in evaluate_bias([found], metrics.values(), decision=decision)} for decision in Decision
    }
    assert by_mode[Decision.STRICT]["RD"] is Verdict.VIOLATION
    assert by_mode[Decision.INTERVAL]["RD"] is Verdict.INSUFFICIENT
    assert by_mode[Decision.INTERVAL]["SD"] is Verdict.PASS
    assert by_mode[Decision.INTERVAL]["DCA"] is Verdict.INSUFFICIENT
    rows[("d", None, "1", "0")] = 40
    (dca,) = evaluate_bias([measure_bias(counts(repeated(rows)), "f", [FacetValue.of("d")])], [metrics["DCA"]])
    assert dca.verdict is Verdict.VIOLATION
    assert dca.value == -math.inf


def test_too_few_rows_of_the_flip_test_are_those_that_were_sampled() -> None:
    """150 rows have a prediction, of which the sample has 18."""
    state = counts(repeated({("d", None, None, "1"): 150, ("a", None, None, "0"): 150}))
    sample = FlipRows(np.zeros((58, 1)), {"f": ["d"] * 18 + ["a"] * 40}, ["1"] * 58)
    found = measure_bias(state, "f", [FacetValue.of("d")], sample=sample)
    (evaluation,) = evaluate_bias([found], [BiasConstraint("f", "d", "FT", 0.1)])
    assert evaluation.description == "18 rows of facet d have a prediction, among the sampled rows; a verdict takes 30"


def test_a_threshold_takes_the_place_of_the_baselines_value() -> None:
    """A person writes it beside the value."""
    entry = {"name": "DPL", "description": "", "value": None, "error": "no row has a label", "threshold": 0.1}
    (constraint,) = parse_bias_constraints(document(entry))
    assert (constraint.limit, constraint.error) == (0.1, "no row has a label")
    (te,) = parse_bias_constraints(document({"name": "TE", "value": "-Infinity", "threshold": 2}, stage="post_training"))
    assert (te.baseline, te.limit) == (-math.inf, 2.0)
    (ci,) = parse_bias_constraints(document({"name": "CI", "value": 0.4, "threshold": "Infinity"}))
    assert (ci.baseline, ci.limit) == (0.4, math.inf)
    (none,) = parse_bias_constraints(document({"name": "CI", "value": None, "error": "no rows"}))
    assert judge(report("CI", 0.1, (0.0, 0.2)), none.limit).verdict is Verdict.NOT_COMPUTABLE


def test_all_faults_of_a_baseline_are_told_at_once() -> None:
    """With their places; a baseline of another monitor is told apart."""
    wrong = document({"name": "DLP", "value": 0.1}, {"name": "CI", "value": "much"}, {"name": "DPL", "value": 0.1, "threshold": True}, 7)
    wrong["pre_training_bias_metrics"]["facets"]["Age"] = [{"metrics": []}, {"value_or_threshold": "1"}]
    wrong["post_training_bias_metrics"] = {}
    with pytest.raises(SettingsError) as raised:
        parse_bias_constraints(wrong, "analysis.json")
    pre, keys = "analysis.json: pre_training_bias_metrics.facets", "CDDL, CI, DPL, JS, KL, KS, LP, TVD"
    assert [str(fault) for fault in raised.value.faults] == [
        f"{pre}.Sex[0].metrics[0].name: found 'DLP'; expected {keys}. Hint: did you mean LP?",
        f"{pre}.Sex[0].metrics[1] (CI).value: found 'much'; expected a number, Infinity or null",
        f"{pre}.Sex[0].metrics[2] (DPL).threshold: found True; expected a number, Infinity or null",
        f"{pre}.Sex[0].metrics[3].name: found None; expected {keys}",
        f"{pre}.Age[0].value_or_threshold: found None; expected the value of the facet",
        f"{pre}.Age[1].metrics: found None; expected a list",
        "analysis.json: post_training_bias_metrics.facets: found None; expected an object",
    ]
    with pytest.raises(InputError, match="found explanations; expected pre_training_bias_metrics or post_training_bias_metrics"):
        parse_bias_constraints({"explanations": {}})


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"name": "DPL", "value": 1.2}, "(DPL).value: found 1.2; expected a number from -1 to 1"),
        ({"name": "CI", "value": 0.1, "threshold": -7}, "(CI).threshold: found -7.0; expected a number from -1 to 1"),
        ({"name": "TVD", "value": "Infinity"}, "(TVD).value: found Infinity; expected a number from -1 to 1"),
        (
            {"name": "CI", "value": 0.1, "treshold": 0.2},
            "(CI).treshold: found an unknown key; expected name, description, value, error, threshold. Hint: did you mean threshold?",
        ),
        ({"name": "DI", "value": 0.4, "threshold": 0}, "(DI).threshold: found 0.0; expected a number above 0"),
        ({"name": "DI", "value": 0.4, "threshold": -0.8}, "(DI).threshold: found -0.8; expected a number above 0"),
        ({"name": "DI", "value": -0.4}, "(DI).value: found -0.4; expected a number that is not below 0"),
    ],
    ids=str,
)
def test_a_baseline_may_not_have_what_no_metric_can_be(entry: dict[str, Any], fault: str) -> None:
    """A slip of a hand would switch the metric off without a word."""
    stage = BIAS_METRICS[entry["name"]].stage
    with pytest.raises(SettingsError, match=re.escape(fault)):
        parse_bias_constraints(document(entry, stage=stage))


@pytest.mark.parametrize("entry", [{"name": "DI", "value": 0}, {"name": "TE", "value": -3.5}, {"name": "GE", "value": 2, "note": "ours"}])
def test_a_baseline_may_have_what_a_metric_can_be(entry: dict[str, Any]) -> None:
    """No positive prediction, a difference of ratios, and a note of one's own."""
    assert [found.metric for found in parse_bias_constraints(document(entry, stage="post_training"))] == [entry["name"]]


def test_a_threshold_facet_is_found_whatever_the_largest_value_was() -> None:
    """The stock analyzer names it after its own data's maximum: (40.0, 79.0] is ours."""
    found = report("CI", 0.9, (0.8, 1.0), name="(40, inf)")
    (evaluation,) = evaluate_bias([found], [BiasConstraint("Sex", "(40.0, 79.0]", "CI", 0.1)])
    assert (evaluation.verdict, evaluation.facet_value) == (Verdict.VIOLATION, "(40.0, 79.0]")
    (other,) = evaluate_bias([found], [BiasConstraint("Sex", "(41.0, 79.0]", "CI", 0.1)])
    assert other.verdict is Verdict.NOT_COMPUTABLE


def test_comparisons_with_the_best_off_are_told_and_no_constraints() -> None:
    """They stand apart in the analysis, and a window's own are not held against a baseline's."""
    rows = repeated({("b", None, "1", None): 40, ("c", None, "0", None): 20, ("c", None, "1", None): 20, ("d", None, "0", None): 40})
    state = counts(rows)
    reference = best_off(state, "f")
    assert reference == "b"
    apart = measure_bias(state, "f", reference="b")
    found = analysis_document([measure_bias(state, "f"), apart], "y", "1", metrics=["DPL", "CI"])
    assert found.keys() == {"version", "pre_training_bias_metrics", "reference_bias_metrics"}
    entries = found["reference_bias_metrics"]["f"]
    assert [(e["value_or_threshold"], e["reference"], e["metrics"][1]["value"]) for e in entries] == [("c", "b", 0.5), ("d", "b", 1.0)]
    constraints = parse_bias_constraints(orjson.loads(orjson.dumps(found)))
    assert [(c.facet_value, c.metric) for c in constraints] == [(value, key) for value in "bcd" for key in ("CI", "DPL")]
    assert {e.verdict for e in evaluate_bias([apart], constraints)} == {Verdict.NOT_COMPUTABLE}


def german() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Foreign worker, whether the credit was good, and a model's guess: logistic regression on the attributes of the account."""
    rows = np.array([line.split() for line in GERMAN.read_text().splitlines()])
    features = np.concatenate(
        [rows[:, [1, 4, 7, 12]].astype(float) / 10, *(rows[:, [place]] == np.unique(rows[:, place]) for place in (0, 2, 3, 5))], axis=1
    )
    label = rows[:, 20]
    model = LogisticRegression(max_iter=2000).fit(features[::2], label[::2])
    return rows[:, 19], label, model.predict(features)


def test_few_rows_are_no_infinite_rejection() -> None:
    """German credit: 37 of 1,000 are no foreign workers; in windows with a bad credit and no rejection among their few DCR is infinite."""
    foreign, label, guess = german()
    assert (len(foreign), np.count_nonzero(foreign == "A202")) == (1000, 37)
    constraint = BiasConstraint("ForeignWorker", "A202", "DCR", 0.1)
    infinite = 0
    for seed in range(60):
        rows = np.random.default_rng(seed).permutation(1000)[:200]
        state = FacetCounts.empty()
        state.update({"ForeignWorker": pa.array(foreign[rows])}, None, pa.array(label[rows]), pa.array(guess[rows]))
        found = measure_bias(state, "ForeignWorker", [FacetValue.of("A202")], {"1"}, Bootstrap(50, least_rows=0))
        value = found.values[0].metrics["DCR"].value
        for decision in Decision:
            (evaluation,) = evaluate_bias([found], [constraint], decision=decision)
            if value in {math.inf, -math.inf}:
                assert evaluation.verdict is Verdict.INSUFFICIENT
                assert "of facet d have a label and a prediction; a verdict takes 30" in evaluation.description
            assert evaluation.verdict in {Verdict.INSUFFICIENT, Verdict.NOT_COMPUTABLE}
        infinite += value == math.inf
    assert infinite >= 5


def test_every_metric_can_be_a_constraint() -> None:
    """The analysis of a window is read back as one constraint for each."""
    rows = repeated({(f, g, y, p): 9 for f in "da" for g in "xy" for y in "01" for p in "01"})
    found = analysis_document([measure_bias(counts(rows), "f", [FacetValue.of("d")])], "y", "1")
    assert sorted(c.metric for c in parse_bias_constraints(found)) == sorted(BIAS_METRICS)
