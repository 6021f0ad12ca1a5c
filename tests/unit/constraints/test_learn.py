"""Thresholds from history."""

from __future__ import annotations

import copy
from unittest.mock import patch

import jsonschema
import numpy as np
import orjson
import pytest

from hourglass.constraints import (
    Verdict,
    baseline_from,
    evaluate,
    learnt_thresholds,
    parse_baseline,
    past_distances,
    with_thresholds,
)
from hourglass.constraints.check import SuggestionOptions
from hourglass.constraints.learn import LEAST_WINDOWS
from hourglass.dataset import Dataset
from hourglass.errors import InputError
from hourglass.states import ColumnProfile
from hourglass.undefined import Undefined
from tests.engine import schema
from tests.unit.constraints.columns import baseline, comparing, dataset, document, overriding

DRAWS = np.random.default_rng(5)


def hour(shift: float = 0.0, n: int = 400) -> Dataset:
    """An hour of traffic; its own mean moves from hour to hour."""
    return dataset(
        age=DRAWS.normal(40 + shift, 10, n),
        pay=DRAWS.normal(0, 1, n),
        colour=DRAWS.choice(["red", "blue"], n, p=[0.5 + shift / 50, 0.5 - shift / 50]),
    )


HISTORY = [hour(shift) for shift in DRAWS.uniform(-5, 5, 20)]
SIMPLE = comparing(comparison_method="Simple")


def test_a_column_whose_hours_differ_gets_a_wider_threshold() -> None:
    """The mean age moves by half a deviation an hour, the pay not at all: the threshold learns that, and clean hours keep to it."""
    thresholds = learnt_thresholds(HISTORY, baseline(HISTORY[0], SIMPLE), 1.0)
    assert thresholds["age"] > 2 * thresholds["pay"]  # type: ignore[operator]
    rules = with_thresholds(document(HISTORY[0]), thresholds)
    SIMPLE(rules)
    jsonschema.validate(rules, schema("constraints"))
    learnt = baseline_from(sum_of(HISTORY), parse_baseline(orjson.dumps(rules), None), SuggestionOptions())
    assert not isinstance(learnt, Undefined)
    verdicts = [e.verdict for past in HISTORY for e in evaluate(past, learnt) if e.check == "baseline_drift_check"]
    assert set(verdicts) == {Verdict.PASS}
    odd = {e.feature: e.verdict for e in evaluate(hour(15), learnt) if e.check == "baseline_drift_check"}
    assert (odd["age"], odd["pay"], odd["colour"]) == (Verdict.VIOLATION, Verdict.PASS, Verdict.VIOLATION)


def sum_of(windows: list[Dataset]) -> Dataset:
    """All windows as one."""
    columns = {name: sum((window.columns[name] for window in windows), ColumnProfile()) for name in windows[0].columns}
    return Dataset(sum(window.rows for window in windows), "named", columns, windows[0].intake)


def test_each_distance_is_to_the_sum_of_all_other_windows() -> None:
    """The same as adding up the others by hand, window by window."""
    rules = baseline(HISTORY[0], SIMPLE)
    found = past_distances(HISTORY, rules)
    for name in ("age", "colour"):
        by_hand = []
        for place, past in enumerate(HISTORY):
            others = baseline_from(sum_of(HISTORY[:place] + HISTORY[place + 1 :]), rules, SuggestionOptions())
            assert not isinstance(others, Undefined)
            drift = next(e for e in evaluate(past, others) if e.check == "baseline_drift_check" and e.feature == name)
            by_hand.append(drift.value)
        assert found[name].distances == pytest.approx(by_hand, abs=0.004)
        assert found[name].definition == "linf_simple"


def test_the_cost_grows_with_the_number_of_windows() -> None:
    """Three merges a window and feature, not one for each pair."""
    rules = baseline(HISTORY[0])
    counts = []
    for history in (HISTORY[:10], HISTORY):
        with patch.object(ColumnProfile, "__add__", autospec=True, side_effect=ColumnProfile.__add__) as merge:
            past_distances(history, rules)
        counts.append(merge.call_count)
    assert counts[1] <= 2 * counts[0] + 10
    assert counts[1] <= 3 * 3 * len(HISTORY)


def test_a_p_value_is_held_to_the_quantile_from_the_other_end() -> None:
    """Worse is lower: a tenth of the past hours are below, nine tenths are not."""
    rules = baseline(HISTORY[0], comparing(comparison_method="KS"))
    limit = learnt_thresholds(HISTORY, rules, 0.9)["pay"]
    below = [value < limit for value in past_distances(HISTORY, rules)["pay"].distances]  # type: ignore[operator]
    assert sum(below) == 2
    assert learnt_thresholds(HISTORY, rules, 1.0)["pay"] == min(past_distances(HISTORY, rules)["pay"].distances)


def test_parameters_and_methods_of_a_feature_are_those_of_the_baseline() -> None:
    """What is learnt is a threshold of the comparison that will be made."""
    rules = baseline(HISTORY[0], overriding("age", comparison_method="TTest", comparison_parameters={"tolerance": 2}))
    found = past_distances(HISTORY, rules)
    assert (found["age"].definition, found["pay"].definition) == ("t_test(tolerance=2)", "linf_robust")


def test_windows_with_too_few_rows_are_left_out_and_counted() -> None:
    """Three quiet hours and one without the column among twenty-four."""
    without = dataset(age=DRAWS.normal(40, 10, 400), colour=["red"] * 400)
    history = [*HISTORY, hour(n=5), hour(n=5), hour(n=5), without]
    found = past_distances(history, baseline(HISTORY[0]))
    assert [(name, len(past.distances), past.left_out) for name, past in found.items()] == [
        ("age", 21, 3),
        ("pay", 20, 4),
        ("colour", 21, 3),
    ]


def test_too_short_a_history_is_undefined_and_says_how_long_it_should_be() -> None:
    """Seven hours, of which one is quiet."""
    found = learnt_thresholds([*HISTORY[:6], hour(n=5)], baseline(HISTORY[0]), 0.99)
    assert found["age"] == Undefined(f"6 of 7 windows can be compared, {LEAST_WINDOWS} are needed")
    assert learnt_thresholds([], baseline(HISTORY[0]), 0.99)["age"] == Undefined("0 of 0 windows can be compared, 8 are needed")


def test_a_feature_that_is_not_compared_has_no_threshold() -> None:
    """Switched off in the baseline, or of a type that the baseline does not know."""
    off = baseline(HISTORY[0], overriding("age", perform_comparison="Disabled"))
    assert learnt_thresholds(HISTORY, off, 0.99)["age"] == Undefined("the baseline does not ask for a comparison")
    unknown = baseline(HISTORY[0], lambda rules: rules["features"][0].update(inferred_type="Unknown"))
    assert learnt_thresholds(HISTORY, unknown, 0.99)["age"] == Undefined("the baseline does not know the type of this feature")


@pytest.mark.parametrize("quantile", [0, -0.1, 1.01, float("nan")])
def test_a_quantile_is_a_share(quantile: float) -> None:
    """99 is not 0.99."""
    with pytest.raises(InputError, match="quantile: found"):
        learnt_thresholds(HISTORY, baseline(HISTORY[0]), quantile)


def test_writing_thresholds_keeps_all_else() -> None:
    """Numeric and categorical ones under their names; what is Undefined or unknown changes nothing; the input stays as it was."""
    rules = document(HISTORY[0])
    overriding("age", minimum_rows=50)(rules)
    before = copy.deepcopy(rules)
    found = with_thresholds(rules, {"age": 0.2, "colour": 0.3, "pay": Undefined("short"), "gone": 0.4})
    assert rules == before
    overriding("age", comparison_threshold=0.2)(rules)
    overriding("colour", categorical_comparison_threshold=0.3)(rules)
    assert found == rules
    jsonschema.validate(found, schema("constraints"))


@pytest.mark.parametrize("place", [None, "num_constraints", "string_constraints"])
@pytest.mark.parametrize("spelling", ["monitoringConfigOverrides", "monitoring_config_overrides"])
def test_a_written_threshold_is_the_one_that_is_read(place: str | None, spelling: str) -> None:
    """Whichever of three places and two spellings the feature's own override has, and whatever threshold stood there."""
    rules = document(HISTORY[0])
    feature = rules["features"][0]
    holder = feature if place is None else feature.setdefault(place, {})
    holder[spelling] = {"distributionConstraints": {"comparisonMethod": "KS", "comparisonThreshold": 0.5}}
    found = parse_baseline(orjson.dumps(with_thresholds(rules, {"age": 0.01})), None).features["age"]
    assert (found.comparison.key, found.threshold) == ("ks_test", 0.01)
