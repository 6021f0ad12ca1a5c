"""Correction of p-values for the number of features."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hourglass.constraints import Verdict, evaluate, parse_baseline
from hourglass.constraints.correction import PValue, corrected
from hourglass.errors import SettingsError
from tests.unit.constraints.columns import baseline, comparing, dataset, document, overriding


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_benjamini_hochberg_finds_what_scipys_adjusted_p_values_find(p_values: list[float], alpha: float) -> None:
    """Below the adaptive threshold exactly when the adjusted p-value is below alpha."""
    tests = {str(place): PValue(value, alpha) for place, value in enumerate(p_values)}
    thresholds = corrected(tests, "BenjaminiHochberg")
    adjusted = stats.false_discovery_control(p_values)
    for place, value in enumerate(p_values):
        if abs(adjusted[place] - alpha) > 1e-12:
            assert (value < thresholds[str(place)]) == (adjusted[place] < alpha)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_no_correction_finds_less_than_a_stricter_one(p_values: list[float]) -> None:
    """Bonferroni within Benjamini-Hochberg within none."""
    tests = {str(place): PValue(value, 0.05) for place, value in enumerate(p_values)}
    found = [{name for name, limit in corrected(tests, how).items() if tests[name].value < limit} for how in METHODS]
    assert found[2] <= found[1] <= found[0]


METHODS = ("None", "BenjaminiHochberg", "Bonferroni")


@pytest.mark.parametrize("correction", METHODS)
def test_no_tests_have_no_thresholds(correction: str) -> None:
    """A run of distances only."""
    assert corrected({}, correction) == {}


@pytest.mark.parametrize("correction", METHODS)
def test_a_threshold_of_nothing_stays_nothing(correction: str) -> None:
    """An alpha of 0 can never be undercut, and does not disturb the others."""
    assert corrected({"a": PValue(0.0, 0.0), "b": PValue(0.001, 0.05)}, correction)["a"] == 0.0


DRAWS = np.random.default_rng(3)
FEATURES = [f"f{place}" for place in range(40)]
REFERENCE = dataset(**{name: DRAWS.normal(0, 1, 1500) for name in FEATURES}, colour=["red", "blue"] * 750)
WINDOW = dataset(
    **{name: DRAWS.normal(0.4 if name in FEATURES[:5] else 0, 1, 500) for name in FEATURES}, colour=["red"] * 350 + ["blue"] * 150
)
KS = comparing(comparison_method="KS", comparison_threshold=0.05)


def found(correction: str) -> dict:
    """The drift evaluations of 41 features, of which 5 numeric ones and the colour have drifted."""

    def edit(rules: dict) -> None:
        KS(rules)
        comparing(correction=correction)(rules)
        overriding("f39", comparison_method="Robust")(rules)

    return {e.feature: e for e in evaluate(WINDOW, baseline(REFERENCE, edit)) if e.check == "baseline_drift_check"}


def test_a_corrected_run_has_the_true_alarms_and_fewer_false_ones() -> None:
    """39 tests, of which the drifted ones stay; the threshold is the one that was used, and the definition says why."""
    violations = {how: {name for name, e in found(how).items() if e.verdict is Verdict.VIOLATION} for how in METHODS}
    drifted = {*FEATURES[:5], "colour"}
    assert drifted <= violations["Bonferroni"] <= violations["BenjaminiHochberg"] <= violations["None"]
    assert violations["Bonferroni"] == drifted
    bonferroni, hochberg = found("Bonferroni")["f0"], found("BenjaminiHochberg")["f0"]
    assert bonferroni.definition == "ks_test, Bonferroni over 39 features"
    assert bonferroni.threshold == pytest.approx(0.05 / 39)
    assert bonferroni.description.endswith(f"is below threshold: {bonferroni.threshold}")
    assert hochberg.definition == "ks_test, Benjamini-Hochberg over 39 features"
    assert hochberg.threshold >= 4 * 0.05 / 39


def test_distances_are_not_touched() -> None:
    """A distance is no probability: same threshold, same definition."""
    plain, strict = found("None"), found("Bonferroni")
    for name in ("f39", "colour"):
        assert plain[name] == strict[name]


def test_a_feature_without_enough_rows_does_not_count() -> None:
    """Only tests that were made can be false alarms."""
    window = dataset(**{name: DRAWS.normal(0, 1, 500 if name == "f0" else 5) for name in FEATURES[:3]})
    rules = baseline(REFERENCE, lambda rules: (KS(rules), comparing(correction="Bonferroni")(rules)))
    drift = {e.feature: e for e in evaluate(window, rules) if e.check == "baseline_drift_check"}
    assert drift["f0"].definition == "ks_test, Bonferroni over 1 feature"
    assert (drift["f1"].verdict, drift["f1"].definition, drift["f1"].threshold) == (Verdict.INSUFFICIENT, "ks_test", 0.05)


def test_a_correction_is_of_the_run_and_one_of_three() -> None:
    """A misspelt one, and one of a single feature, are faults."""
    rules = document(REFERENCE)
    comparing(correction="Bonferoni")(rules)
    overriding("f0", correction="Bonferroni")(rules)
    with pytest.raises(SettingsError) as caught:
        parse_baseline(orjson.dumps(rules), None)
    text = str(caught.value)
    assert "found 'Bonferoni'; expected None or Bonferroni or BenjaminiHochberg. Hint: did you mean Bonferroni?" in text
    assert "features[f0].monitoring_config_overrides.distribution_constraints.correction: found 'Bonferroni'; " in text
    assert "since it is over all features" in text
