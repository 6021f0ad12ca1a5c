"""Another window as the baseline."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from hourglass.constraints import Baseline, SuggestionOptions, Verdict, baseline_from, evaluate, parse_baseline
from hourglass.undefined import Undefined
from tests.unit.constraints.columns import comparing, dataset, document

DRAWS = np.random.default_rng(2)  # those of 1 differ in spread, at a p of 2e-5 by Ansari and Bradley too
OPTIONS = SuggestionOptions()
REFERENCE = dataset(age=DRAWS.normal(40, 10, 500), colour=["red", "blue"] * 250)
SAME = dataset(age=DRAWS.normal(40, 10, 300), colour=["red", "blue"] * 150)


def verdicts(window: object, baseline: Baseline | Undefined) -> set[tuple[str, str]]:
    """Feature and verdict of every drift check."""
    assert isinstance(baseline, Baseline)
    return {(e.feature, str(e.verdict)) for e in evaluate(window, baseline) if e.check == "baseline_drift_check"}  # type: ignore[arg-type]


def test_a_window_is_compared_with_another_windows_states() -> None:
    """Without a baseline the constraints are what that window would suggest."""
    found = baseline_from(REFERENCE, None, OPTIONS)
    assert verdicts(SAME, found) == {("age", "pass"), ("colour", "pass")}
    older = dataset(age=DRAWS.normal(60, 10, 300), colour=["red"] * 300)
    assert verdicts(older, found) == {("age", "violation"), ("colour", "violation")}


def test_the_baselines_constraints_stay_and_its_distributions_go() -> None:
    """Thresholds by hand are kept; what the window is compared with is the reference."""
    rules = document(dataset(age=DRAWS.normal(0, 1, 500), colour=["green"] * 500))
    comparing(comparison_method="KS", comparison_threshold=0.01, correction="Bonferroni")(rules)
    given = parse_baseline(orjson.dumps(rules), None)
    found = baseline_from(REFERENCE, given, OPTIONS)
    assert isinstance(found, Baseline)
    assert (found.features, found.config, found.document) == (given.features, given.config, given.document)
    assert verdicts(SAME, found) == {("age", "pass"), ("colour", "pass")}


def test_a_column_is_compared_as_what_the_baseline_says_it_is() -> None:
    """A reference whose ages are words has no numbers to compare with: insufficient data, not another comparison."""
    given = parse_baseline(orjson.dumps(document(REFERENCE)), None)
    words = dataset(age=["old"] * 500, colour=["red", "blue"] * 250)
    assert verdicts(SAME, baseline_from(words, given, OPTIONS)) == {("age", "insufficient data"), ("colour", "pass")}


@pytest.mark.parametrize("reference", [dataset(), dataset("5", _c0=["1"] * 100)], ids=["empty", "of another width"])
def test_a_reference_that_cannot_be_compared_is_insufficient_data(reference: object) -> None:
    """No rows, or columns that only positions tell apart and of another number: neither a pass nor an alarm."""
    given = parse_baseline(orjson.dumps(document(REFERENCE)), None)
    found = baseline_from(reference, given, OPTIONS)  # type: ignore[arg-type]
    assert verdicts(SAME, found) == {("age", Verdict.INSUFFICIENT), ("colour", Verdict.INSUFFICIENT)}


def test_without_a_baseline_and_without_rows_there_is_nothing_to_compare_with() -> None:
    """The reason, not a baseline in which every column is extra."""
    assert baseline_from(dataset(), None, OPTIONS) == Undefined("the reference has no rows")
