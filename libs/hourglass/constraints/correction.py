"""Thresholds of many p-values together: with 100 features at 0.05, five alarm by chance in every clean window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hourglass.constraints.baseline import BENJAMINI_HOCHBERG, BONFERRONI, NO_CORRECTION


@dataclass(frozen=True)
class PValue:
    """A feature's p-value, and the threshold that it would have alone; `shared` is one that all features have together."""

    value: float
    alpha: float
    shared: bool = False

    @property
    def ratio(self) -> float:
        """The p-value in units of its threshold, so that features with different ones can be ranked together."""
        return self.value / self.alpha if self.alpha else math.inf


def corrected(tests: Mapping[str, PValue], correction: str, parts: float = 1.0) -> dict[str, float]:
    """The threshold that each of m p-values is held to, below which it is a violation.

    Bonferroni: alpha / m, which bounds the probability of any false alarm. Benjamini-Hochberg: alpha * k / m with the
    largest k for which k p-values are below that, at least 1, which bounds the share of false alarms among the alarms
    (for independent or positively dependent features). Only tests that could be computed count. No tests have no
    thresholds. Source: Benjamini, Hochberg (1995).

    A threshold that all features share is divided into `parts`, whatever the correction.

    >>> tests = {"a": PValue(0.01, 0.05), "b": PValue(0.03, 0.05), "c": PValue(0.5, 0.05)}
    >>> [round(corrected(tests, method)["b"], 4) for method in ("None", "Bonferroni", "BenjaminiHochberg")]
    [0.05, 0.0167, 0.0333]
    """
    together = {name: test for name, test in tests.items() if test.shared}
    if together:
        alone = {name: test for name, test in tests.items() if not test.shared}
        return {name: test.alpha / parts for name, test in together.items()} | corrected(alone, correction)
    if correction == NO_CORRECTION:
        return {name: test.alpha for name, test in tests.items()}
    return by_rank(tests) if correction == BENJAMINI_HOCHBERG else {name: test.alpha / len(tests) for name, test in tests.items()}


def by_rank(tests: Mapping[str, PValue]) -> dict[str, float]:
    """The thresholds of Benjamini and Hochberg."""
    ratios = sorted(test.ratio for test in tests.values())
    rank = max((place for place, ratio in enumerate(ratios, start=1) if ratio * len(tests) < place), default=1)
    return {name: test.alpha * rank / len(tests) for name, test in tests.items()}


def corrected_label(label: str, test: PValue, correction: str, tests: float) -> str:
    """A comparison's name with the correction that its threshold has over so many features, or into how many parts it is divided.

    >>> corrected_label("ks_test", PValue(0.5, 0.05), "BenjaminiHochberg", 12), corrected_label("ks_test", PValue(0.5, 0.05), "None", 12)
    ('ks_test, Benjamini-Hochberg over 12 features', 'ks_test')
    >>> corrected_label("calibrated", PValue(0.5, 0.01, shared=True), "None", 1)
    'calibrated, budget 0.01 in 1 part'
    """
    names = {BONFERRONI: "Bonferroni", BENJAMINI_HOCHBERG: "Benjamini-Hochberg"}
    many = "" if tests == 1 else "s"
    if test.shared:
        return f"{label}, budget {test.alpha:g} in {tests:g} part{many}"
    name = names.get(correction)
    return f"{label}, {name} over {tests} feature{many}" if name else label
