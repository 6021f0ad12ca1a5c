"""What a check is: its verdicts, and the registry of checks, each in one file with its suggestion and its evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np

from hourglass import docs
from hourglass.comparisons import Distribution
from hourglass.comparisons.calibrated import BUDGET
from hourglass.constraints.baseline import CALIBRATED, ROBUST, Baseline, FeatureConstraint
from hourglass.dataset import Dataset
from hourglass.small_tests import INDEPENDENT, Dispersion
from hourglass.small_tests.chance import LEAST_P, log_of, log_p_of, told, z_of, z_of_shares
from hourglass.states import ColumnProfile

_KNOWN = 1e9  # rows of which a share is known exactly
ROBUST_TAIL = 0.00135
OTHER_WIDTHS = 0.05  # share of rows that may have another number of columns before it is a violation


class Verdict(StrEnum):
    """What a check found. No rows, not enough rows, and a pass are three different verdicts."""

    PASS = "pass"  # noqa: S105 a verdict, not a secret
    VIOLATION = "violation"
    INSUFFICIENT = "insufficient data"
    NOT_COMPUTABLE = "not computable"
    NO_DATA = "no data"


@dataclass(frozen=True)
class Evaluation:
    """One check of one feature: what was measured, by which definition, against which threshold, and the verdict.

    `feature` is "" for a check of the whole data set. `description` is the violation's sentence, or why there is no
    value. `interval` is where the value lies by its draws, if it has some. `budget` is the least budget of false alarms at
    which it is a violation, None where none decides. `distance` is one for dashboards, where the value is a p, and
    `words` are the description without its numbers.
    """

    feature: str
    check: str
    definition: str
    value: float | str | None
    threshold: float | str | None
    verdict: Verdict
    description: str = ""
    interval: tuple[float, float] | None = None
    budget: float | None = None
    distance: float | None = None
    words: str = ""


@dataclass(frozen=True)
class SuggestionOptions:
    """How constraints are suggested: which interval bounds a share, whether whole numbers can be categories, and with what budget."""

    completeness_interval: str = "normal"
    integral_domains: bool = False
    budget: float = BUDGET


Suggest = Callable[[ColumnProfile, SuggestionOptions], dict[str, Any]]
Evaluate = Callable[[Dataset, Baseline], Iterator[Evaluation]]


@dataclass(frozen=True)
class Check:
    """A registered check: how a constraint of its kind is suggested and how it is evaluated."""

    key: str
    evaluate: Evaluate
    suggest: Suggest | None
    source: str

    @property
    def definition(self) -> str:
        """What it asks, in one sentence."""
        return docs.definition(self.evaluate)


_checks: dict[str, Check] = {}
CHECKS: Mapping[str, Check] = MappingProxyType(_checks)


def check(*, source: str, suggest: Suggest | None = None) -> Callable[[Evaluate], Evaluate]:
    """Registers a check under its function's name, which is its `constraint_check_type` in the violations."""

    def register(evaluate: Evaluate) -> Evaluate:
        key = evaluate.__name__
        if key in _checks:
            raise ValueError(f"two checks are called {key!r}")
        _checks[key] = Check(key, evaluate, suggest, source)
        return evaluate

    return register


def columns_to_check(dataset: Dataset, baseline: Baseline) -> Iterator[tuple[FeatureConstraint, ColumnProfile]]:
    """The baseline's features that are to be evaluated and that the window has; none where positions tell no columns apart."""
    if dataset.positional and int(dataset.layout) != baseline.width:
        return
    for feature in baseline.features.values():
        if feature.config.evaluate_constraints and feature.name in dataset.columns:
            yield feature, dataset.columns[feature.name]


def lower_bound(share: float, n: int, interval: str = "normal") -> float:
    """The lower end of a share's 95 % interval, rounded down to two places: what Deequ asks of a new window.

    `interval` is normal (p - z * sqrt(p * (1 - p) / n)) or wilson, which stays sound for few rows and shares near 1.

    >>> lower_bound(0.9, 100), lower_bound(0.9, 100, "wilson")
    (0.84, 0.82)
    """
    z = 1.959963984540054
    if interval == "wilson":
        centre = share + z * z / (2 * n)
        bound = (centre - z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    else:
        bound = share - z * math.sqrt(share * (1 - share) / n)
    return max(0.0, math.floor(bound * 100) / 100)


def falls_short(share: float, threshold: float, n: int, method: str) -> bool:
    """Whether a window's share of n rows is below what the baseline asks: plainly (Simple), or beyond chance (Robust).

    Deequ's bounds know how far the baseline's own rows may be off, not how far a window of a few hundred rows is: of
    clean hours of 678 rows of UCI Adult 10 in 15 fell below. Robust asks for an exact binomial tail below 0.00135, the
    one-sided three standard errors; where the threshold is 1 there is no chance, and a single row is too many.

    >>> falls_short(0.93, 0.94, 600, "Simple"), falls_short(0.93, 0.94, 600, "Robust"), falls_short(0.999, 1.0, 600, "Robust")
    (True, False, True)
    """
    return share < threshold and (method != ROBUST or chance_of_shortfall(share, threshold, n, 0) < ROBUST_TAIL)


def chance_of_shortfall(share: float, threshold: float, n: int, m: int, dispersion: Dispersion = INDEPENDENT) -> float:
    """How likely chance puts a window's share of n rows as far below what the baseline of m rows asks; 1 if it is not below.

    An exact binomial tail. Where the baseline asks for all rows it has seen none that failed: both are compared as if the next one
    would. Without its rows (m = 0) a single row is too many.

    >>> round(chance_of_shortfall(0.93, 0.94, 600, 5000), 2), chance_of_shortfall(0.999, 1.0, 1000, 0) < 1e-299
    (0.17, True)
    >>> round(chance_of_shortfall(0.999, 1.0, 1000, 5000), 2), chance_of_shortfall(0.99, 1.0, 1000, 5000) < 1e-6
    (0.31, True)
    """
    if share >= threshold:
        return 1.0
    failing = np.array([round((1 - share) * n)])
    if threshold == 1 and not m:
        return LEAST_P
    if threshold == 1:
        z = float(z_of_shares(failing, n, np.ones(1), m + 1.0)[0])
        return dispersion.p_of(z) / 2 if z > 0 else 1.0
    from scipy import special  # a sixth of a second to import, and many runs never ask

    tail = float(special.bdtr(round(share * n), n, threshold))
    if tail >= 0.5:
        return tail
    far = float(z_of_shares(failing, n, np.array([(1 - threshold) * _KNOWN]), _KNOWN)[0])
    return dispersion.p_of(z_of(math.log(2) + log_of(tail, log_p_of(far) - math.log(2)))) / 2


def beyond_chance(definition: str, method: str) -> str:
    """The definition of a share with how it meets its threshold."""
    return {ROBUST: f"{definition}, below the threshold beyond chance", CALIBRATED: f"{definition}, within the budget"}.get(
        method, definition
    )


def counts_sentence(which: str, found: int, wanted: int) -> str:
    """The stock analyzer's sentence on missing or extra columns."""
    counts = f"Number of columns in current dataset: {found}, Number of columns in baseline constraints: {wanted}"
    return f"There are {which} columns in current dataset. {counts}"


def column_count(dataset: Dataset, baseline: Baseline, key: str, feature: str, *, fewer: bool) -> Evaluation:
    """The evaluation of rows whose columns can only be counted: the share that has fewer, or more, than the baseline."""
    wanted = baseline.width
    share = dataset.share_with_columns(lambda n: n < wanted if fewer else n > wanted)
    definition = f"share of rows with {'fewer' if fewer else 'more'} columns"
    if share <= OTHER_WIDTHS:
        return Evaluation(feature, key, definition, share, OTHER_WIDTHS, Verdict.PASS)
    layouts = {dataset.layout: dataset.rows, **dataset.other_layouts}
    widths = [n for n in map(int, filter(str.isdigit, layouts)) if (n < wanted if fewer else n > wanted)]
    found = max(widths, key=lambda n: layouts[str(n)])
    sentence = counts_sentence("missing" if fewer else "extra", found, wanted)
    return Evaluation(feature, key, definition, share, OTHER_WIDTHS, Verdict.VIOLATION, sentence)


@dataclass(frozen=True)
class Share:
    """A share of n rows that must reach a threshold, None where there are none; `test` is the small test that asks nearly the same."""

    definition: str
    value: float | None
    threshold: float
    n: int
    test: str


def share_evaluation(baseline: Baseline, feature: FeatureConstraint, check: str, found: Share, sentence: str) -> Evaluation:
    """The evaluation of a share of rows; without a share there are no values to judge."""
    method, share, threshold, n = feature.config.share_comparison_method, found.value, found.threshold, found.n
    definition = beyond_chance(found.definition, method)
    if share is None:
        return Evaluation(feature.name, check, definition, None, threshold, Verdict.INSUFFICIENT, "the window has no values")
    if method == CALIBRATED:
        dispersion = baseline.dispersion(feature.name, found.test)
        p = chance_of_shortfall(share, threshold, n, baseline.distributions.get(feature.name, Distribution()).rows, dispersion)
        part = baseline.config.budget * feature.share_part / baseline.budget_parts
        budget = min(1.0, p * baseline.config.budget / part)
        if p >= part:
            return Evaluation(feature.name, check, definition, share, threshold, Verdict.PASS, budget=budget)
        sentence = f"{sentence} (λ {dispersion.factor:.3g}, {told(p)}, its share of the budget {part:.2g})"
        return Evaluation(feature.name, check, definition, share, threshold, Verdict.VIOLATION, sentence, budget=budget)
    if falls_short(share, threshold, n, method):
        return Evaluation(feature.name, check, definition, share, threshold, Verdict.VIOLATION, sentence)
    return Evaluation(feature.name, check, definition, share, threshold, Verdict.PASS)
