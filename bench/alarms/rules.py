"""The rules that are held against each other on states of the product, and the one function by which our own enters.

A column's badness is how often its distance, or its p-value's inverse, has the rule's default threshold: above 1 it alarms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from data_sets import Array, Column, Columns, DataSet

from hourglass.comparisons import COMPARISONS, Distribution, Worse, aligned, distribution_of
from hourglass.comparisons.calibrated import BUDGET
from hourglass.constraints import (
    CHECKS,
    Baseline,
    SuggestionOptions,
    Verdict,
    baseline_from,
    evaluate,
    learn_dispersions,
    parse_baseline,
    suggest,
    with_dispersions,
)
from hourglass.dataset import Dataset
from hourglass.small_tests import Dispersion
from hourglass.small_tests.dispersion import LEAST_WINDOWS
from hourglass.states import COLUMN_STATES, ColumnProfile, Intake
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined
from hourglass.values import classify

States = Mapping[str, Distribution]
Dispersions = Mapping[str, Mapping[str, Dispersion]]
LEAST = 1e-300
OURS = f"Calibrated, budget {BUDGET:.0%}".replace("%", " %")


@dataclass(frozen=True)
class Past:
    """What over-dispersion is learnt from: chunks of consecutive rows of the baseline, and earlier windows of the same size."""

    baseline: Baseline
    chunks: Callable[[], Sequence[Dataset]]
    history: Callable[[], Sequence[Dataset]]


def ours(window: Dataset, baseline: Baseline, dispersions: Dispersions) -> dict[str, tuple[float, bool]]:
    """The product's own evaluation of a window by a baseline that it suggested: THE place where our rule enters.

    By column how bad the worst check is that has a part of the budget, and whether one alarms that has none.
    """
    found: dict[str, tuple[float, bool]] = dict.fromkeys(window.columns, (0.0, False))
    for one in evaluate(window, with_dispersions(baseline, dispersions)):
        if one.feature in found:
            badness, checked = found[one.feature]
            if one.budget is not None:
                badness = max(badness, BUDGET / max(one.budget, LEAST))
            found[one.feature] = badness, checked or (one.budget is None and one.verdict is Verdict.VIOLATION)
    return found


def _learnt(windows: Sequence[Dataset], baseline: Baseline) -> Dispersions | None:
    return learn_dispersions([windows], baseline) if len(windows) >= LEAST_WINDOWS else None


# our rows of the tables, and what each learns from the past; None where there is too little to learn from
LEARNERS: Mapping[str, Callable[[Past], Dispersions | None]] = {
    OURS: lambda past: _learnt(past.chunks(), past.baseline),
    f"{OURS}, λ of history": lambda past: _learnt(past.history(), past.baseline),
    f"{OURS}, without λ": lambda _: {},
}


@dataclass(frozen=True)
class Rule:
    """A comparison of numbers and one of texts, with their threshold; `shared` is divided by the number of columns.

    With `checks` a column also alarms by completeness, type and domain as a suggested baseline asks for them.
    """

    name: str
    number: str
    text: str
    threshold: float
    shared: bool = False
    checks: bool = False

    def badness(self, window: Distribution, baseline: Distribution, columns: int) -> float:
        """In thresholds; what cannot be computed is no alarm."""
        comparison = COMPARISONS[self.text if baseline.counts is not None else self.number]
        value = comparison.compare(*aligned(window, baseline))
        if isinstance(value, Undefined):
            return 0.0
        if comparison.worse is Worse.HIGHER:
            return value / self.threshold
        return self.threshold / (columns if self.shared else 1) / max(value, LEAST)


SIMPLE = Rule("Simple > 0.1", "linf_simple", "linf_simple", 0.1)
ROBUST = Rule("Robust > 0.1", "linf_robust", "linf_robust", 0.1)
RULES = (
    SIMPLE,
    replace(SIMPLE, name="Simple > 0.1, with its checks", checks=True),
    ROBUST,
    replace(ROBUST, name="Robust > 0.1, with its checks", checks=True),
    Rule("KS, chi-squared < 0.05", "ks_test", "chi_squared", 0.05),
    Rule("KS, chi-squared < 0.05, Bonferroni", "ks_test", "chi_squared", 0.05, shared=True),
    Rule("PSI > 0.2", "population_stability_index", "population_stability_index", 0.2),
)
_CHECKED = ("completeness_check", "data_type_check", "categorical_values_check")


@dataclass(frozen=True)
class Answer:
    """What a rule says of a column of a window; `checked` is an alarm that is not of its distance."""

    rule: str
    column: str
    badness: float
    checked: bool = False


def kind_of(column: Column) -> ColumnType:
    """How the product sees it."""
    if not column.numeric:
        return ColumnType.STRING
    return ColumnType.INTEGRAL if column.decimals == 0 else ColumnType.FRACTIONAL


def arrow_of(values: Array, kind: ColumnType) -> pa.Array:
    """A column as it comes from a file: whole numbers are written without a point."""
    if values.dtype != np.float64:
        return pa.array(values, pa.string())
    if kind is ColumnType.INTEGRAL and np.array_equal(values[~np.isnan(values)], np.trunc(values[~np.isnan(values)])):
        missing = np.isnan(values)
        return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    return pa.array(values, from_pandas=True)


def profile_of(values: Array, kind: ColumnType) -> ColumnProfile:
    """A column's states, all that the product keeps."""
    profile = ColumnProfile.of(COLUMN_STATES, 0)
    profile.update(classify(arrow_of(values, kind)))
    return profile


class Judge:
    """All rules of ours on the windows of one baseline; the states of a window are made once."""

    def __init__(self, data: DataSet, baseline: Columns, chunks: Sequence[Columns], history: Sequence[Columns]) -> None:
        self._kinds = {name: kind_of(column) for name, column in data.columns.items()}
        before = self._dataset(baseline)
        suggested = baseline_from(before, None, SuggestionOptions())
        assert isinstance(suggested, Baseline), suggested
        self._suggested, self._baseline, self._checks = suggested, self._states(before), _plain(before)
        past = Past(suggested, lambda: [*map(self._dataset, chunks)], lambda: [*map(self._dataset, history)])
        self._dispersions = {name: learn(past) for name, learn in LEARNERS.items()}

    def _dataset(self, columns: Columns) -> Dataset:
        rows = len(next(iter(columns.values())))
        return Dataset(rows, "named", {name: profile_of(values, self._kinds[name]) for name, values in columns.items()}, Intake())

    def _states(self, data: Dataset) -> States:
        return {name: distribution_of(profile, self._kinds[name]) for name, profile in data.columns.items()}

    def answers(self, columns: Columns) -> list[Answer]:
        """What each rule says of each column that is given."""
        window = self._dataset(columns)
        found = [
            Answer(rule, column, badness, checked)
            for rule, dispersions in self._dispersions.items()
            if dispersions is not None
            for column, (badness, checked) in ours(window, self._suggested, dispersions).items()
        ]
        alarmed = self._checked(window)
        known: dict[tuple[Rule, str], float] = {}
        for rule in RULES:
            for column, state in self._states(window).items():
                plain = replace(rule, name="", checks=False)
                if (plain, column) not in known:
                    known[plain, column] = rule.badness(state, self._baseline[column], len(self._kinds))
                found.append(Answer(rule.name, column, known[plain, column], rule.checks and column in alarmed))
        return found

    def _checked(self, window: Dataset) -> set[str]:
        evaluations = [one for key in _CHECKED for one in CHECKS[key].evaluate(window, self._checks)]
        return {one.feature for one in evaluations if one.verdict is Verdict.VIOLATION}


def _plain(data: Dataset) -> Baseline:
    """The constraints that are suggested of a baseline, met plainly, as the stock analyzer does."""
    document = suggest(data, SuggestionOptions())
    document["monitoring_config"]["share_comparison_method"] = "Simple"
    return parse_baseline(json.dumps(document).encode(), None)
