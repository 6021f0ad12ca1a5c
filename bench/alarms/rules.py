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
from hourglass.constraints import CHECKS, Baseline, SuggestionOptions, Verdict, parse_baseline, suggest
from hourglass.dataset import Dataset
from hourglass.states import COLUMN_STATES, ColumnProfile, Intake
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined
from hourglass.values import classify

States = Mapping[str, Distribution]
BUDGET = 0.01
LEAST = 1e-300
OURS = "Calibrated, budget 1 %"


@dataclass(frozen=True)
class Past:
    """What over-dispersion is learnt from: 16 chunks of consecutive rows of the baseline, and earlier windows of the same size."""

    baseline: States
    chunks: Callable[[], Sequence[States]]
    history: Callable[[], Sequence[States]]


def ours(window_states: States, baseline_states: States, dispersion: object | None) -> dict[str, float]:
    """Our p of each column. THE place where the product's decision enters; `dispersion` is what a learner below has made."""
    if dispersion is not None:
        raise NotImplementedError("nothing is learnt yet")
    found = {}
    for name, window in window_states.items():
        p = COMPARISONS["calibrated"].compare(*aligned(window, baseline_states[name]))
        found[name] = 1.0 if isinstance(p, Undefined) else p
    return found


# our rows of the tables, and what each learns from the past: a function of `Past`, None where there is too little to learn from
LEARNERS: Mapping[str, Callable[[Past], object | None] | None] = {OURS: None}


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
        profiles = self._profiles(baseline)
        self._baseline = self._states(profiles)
        self._checks = _suggested(profiles, len(next(iter(baseline.values()))))
        past = Past(
            self._baseline,
            lambda: [self._states(self._profiles(chunk)) for chunk in chunks],
            lambda: [self._states(self._profiles(window)) for window in history],
        )
        self._dispersions = {name: learn(past) if learn else None for name, learn in LEARNERS.items()}

    def _profiles(self, columns: Columns) -> dict[str, ColumnProfile]:
        return {name: profile_of(values, self._kinds[name]) for name, values in columns.items()}

    def _states(self, profiles: Mapping[str, ColumnProfile]) -> States:
        return {name: distribution_of(profile, self._kinds[name]) for name, profile in profiles.items()}

    def answers(self, columns: Columns) -> list[Answer]:
        """What each rule says of each column that is given."""
        profiles = self._profiles(columns)
        window = self._states(profiles)
        count = len(self._kinds)
        found = [
            Answer(rule, column, BUDGET / count / max(p, LEAST))
            for rule, dispersion in self._dispersions.items()
            if dispersion is not None or LEARNERS[rule] is None
            for column, p in ours(window, self._baseline, dispersion).items()
        ]
        alarmed = self._checked(profiles, len(next(iter(columns.values()))))
        known: dict[tuple[str, str], float] = {}
        for rule in RULES:
            for column, state in window.items():
                key = (replace(rule, name="", checks=False).__repr__(), column)
                if key not in known:
                    known[key] = rule.badness(state, self._baseline[column], count)
                found.append(Answer(rule.name, column, known[key], rule.checks and column in alarmed))
        return found

    def _checked(self, profiles: Mapping[str, ColumnProfile], rows: int) -> set[str]:
        data = Dataset(rows, "named", profiles, Intake())
        evaluations = [one for key in _CHECKED for one in CHECKS[key].evaluate(data, self._checks)]
        return {one.feature for one in evaluations if one.verdict is Verdict.VIOLATION}


def _suggested(profiles: Mapping[str, ColumnProfile], rows: int) -> Baseline:
    """The constraints that are suggested of a baseline, met plainly, as the stock analyzer does."""
    document = suggest(Dataset(rows, "named", profiles, Intake()), SuggestionOptions())
    document["monitoring_config"]["share_comparison_method"] = "Simple"
    return parse_baseline(json.dumps(document).encode(), None)
