"""Parameters, thresholds and methods of comparisons, as constraints.json gives them."""

from __future__ import annotations

import jsonschema
import numpy as np
import orjson
import pytest

from hourglass.constraints import Evaluation, Verdict, evaluate, parse_baseline
from hourglass.errors import SettingsError
from tests.engine import schema
from tests.unit.constraints.columns import baseline, comparing, dataset, document, overriding

DRAWS = np.random.default_rng(0)
REFERENCE = dataset(age=DRAWS.normal(40, 10, 2000), pay=DRAWS.normal(10, 1, 2000), colour=["red", "blue"] * 1000)
WINDOW = dataset(age=DRAWS.normal(45, 10, 1200), pay=DRAWS.normal(10, 1, 1200), colour=["red"] * 900 + ["blue"] * 300)


def drift(*edits: object) -> dict[str, Evaluation]:
    """The drift of the window against the baseline with these edits, by feature."""

    def edit(rules: dict) -> None:
        for change in edits:
            change(rules)  # type: ignore[operator]
        jsonschema.validate(rules, schema("constraints"))

    return {found.feature: found for found in evaluate(WINDOW, baseline(REFERENCE, edit)) if found.check == "baseline_drift_check"}


def faults(*edits: object) -> str:
    """What is wrong with the suggested constraints after these edits."""
    rules = document(REFERENCE)
    for edit in edits:
        edit(rules)  # type: ignore[operator]
    with pytest.raises(SettingsError) as caught:
        parse_baseline(orjson.dumps(rules), None)
    return str(caught.value)


def test_a_parameter_of_the_run_changes_the_value_and_is_named_beside_it() -> None:
    """A tolerance of 10 years covers the shift of 5; the text column's comparison has no such parameter."""
    strict = drift(comparing(comparison_method="TTest", comparison_threshold=0.05))
    loose = drift(comparing(comparison_method="TTest", comparison_threshold=0.05, comparison_parameters={"tolerance": 10}))
    assert (strict["age"].verdict, strict["age"].definition) == (Verdict.VIOLATION, "t_test")
    assert (loose["age"].verdict, loose["age"].definition) == (Verdict.PASS, "t_test(tolerance=10)")
    assert loose["colour"].definition == "linf_simple"


def test_a_feature_may_have_parameters_of_its_own() -> None:
    """Laid over the run's: age alone has another alpha."""
    found = drift(comparing(comparison_parameters={"alpha": 0.01}), overriding("age", comparison_parameters={"alpha": 0.5}))
    assert found["age"].definition == "linf_robust(alpha=0.5)"
    assert found["pay"].definition == "linf_robust(alpha=0.01)"
    assert found["colour"].definition == "linf_simple"


def test_null_gives_a_feature_the_definitions_own_parameter_back() -> None:
    """As everywhere in constraints.json, null is none."""
    rules = document(REFERENCE)
    comparing(comparison_parameters={"alpha": 0.01})(rules)
    overriding("age", comparison_parameters={"alpha": None})(rules)
    features = parse_baseline(orjson.dumps(rules), None).features
    assert (features["age"].comparison_label, features["pay"].comparison_label) == ("linf_robust", "linf_robust(alpha=0.01)")


def test_a_feature_that_changes_its_comparison_keeps_no_parameter_of_the_runs() -> None:
    """KS has no tolerance, and needs none to be taken back."""
    found = drift(comparing(comparison_method="TTest", comparison_parameters={"tolerance": 1.5}), overriding("age", comparison_method="KS"))
    assert (found["age"].definition, found["pay"].definition) == ("ks_test", "t_test(tolerance=1.5)")


def test_all_faults_of_parameters_are_told_at_once_with_what_is_meant() -> None:
    """A misspelt name, a value out of range, another comparison's parameter, and one where there are none."""
    text = faults(
        comparing(comparison_method="TTest", comparison_parameters={"tolerence": 1, "alpha": 0.1}),
        overriding("age", comparison_parameters={"tolerance": -1}),
        overriding("colour", comparison_parameters={"tolerance": 1}),
    )
    run = "constraints.json.monitoring_config.distribution_constraints.comparison_parameters"
    assert (
        f"{run}.tolerence: found an unknown parameter; expected tolerance (of t_test and linf_simple). Hint: did you mean tolerance?"
        in text
    )
    assert (
        f"{run}.alpha: found an unknown parameter; expected tolerance (of t_test and linf_simple). Hint: it is a parameter of linf_robust"
        in text
    )
    assert "features[age].monitoring_config_overrides.distribution_constraints.comparison_parameters.tolerance: found -1; " in text
    assert "expected a number of 0 or more" in text
    assert "tolerance: found an unknown parameter; expected no parameter (of linf_simple). Hint: it is a parameter of t_test" in text


def test_parameters_that_are_no_object_are_a_fault() -> None:
    """Not a list, not a number."""
    assert "comparison_parameters: found 0.5; expected an object" in faults(comparing(comparison_parameters=0.5))


def test_a_threshold_is_not_handed_on_to_a_comparison_of_another_scale() -> None:
    """0.1 of a distance is no p-value: a feature that chooses KS has KS's own 0.05, one that chooses Simple keeps the run's."""
    found = drift(
        comparing(comparison_threshold=0.3),
        overriding("age", comparison_method="KS"),
        overriding("pay", comparison_method="Simple"),
        overriding("colour", categorical_drift_method="PSI"),
    )
    assert {name: evaluation.threshold for name, evaluation in found.items()} == {"age": 0.05, "pay": 0.3, "colour": 0.2}


def test_a_distance_in_raw_units_has_no_verdict_until_it_is_given_a_threshold() -> None:
    """The value is there, neither passed nor an alarm; with a threshold it is an alarm."""
    without = drift(overriding("age", comparison_method="Wasserstein"))["age"]
    assert without.verdict is Verdict.NOT_COMPUTABLE
    assert without.value == pytest.approx(5, abs=1.5)
    assert "give comparison_threshold" in without.description
    assert drift(overriding("age", comparison_method="Wasserstein", comparison_threshold=2))["age"].verdict is Verdict.VIOLATION


@pytest.mark.parametrize("method", ["KL", "Hellinger", "TVD", "WassersteinNormalised"])
def test_the_new_comparisons_can_be_chosen_and_find_the_drift(method: str) -> None:
    """Half a deviation of a numeric column."""
    found = drift(overriding("age", comparison_method=method), overriding("pay", comparison_method=method))
    assert (found["age"].verdict, found["pay"].verdict) == (Verdict.VIOLATION, Verdict.PASS)


def test_the_environments_method_overrules_the_files_and_its_parameters_are_asked_for() -> None:
    """categorical_drift_method=Robust takes the alpha that the file's own method would not."""
    rules = document(REFERENCE)
    comparing(comparison_method="KS", comparison_parameters={"alpha": 0.01})(rules)
    found = parse_baseline(orjson.dumps(rules), None, "Robust")
    assert found.features["colour"].comparison_label == "linf_robust(alpha=0.01)"


def test_few_rows_are_no_new_categories_either() -> None:
    """Ten rows of a colour that the baseline lacks: chi-squared has too few, and so has the share of new categories."""
    few = dataset(colour=["green"] * 10)
    found = evaluate(few, baseline(REFERENCE, comparing(categorical_drift_method="ChiSquared")))
    drift_verdicts = [(e.verdict, e.description) for e in found if e.check == "baseline_drift_check"]
    assert drift_verdicts == [(Verdict.INSUFFICIENT, "the window has 10 values, chi_squared needs 30")]
