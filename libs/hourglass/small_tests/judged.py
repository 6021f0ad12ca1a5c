"""From small tests to one decision: one p of a column, one budget of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hourglass.small_tests.column import Column
from hourglass.small_tests.dispersion import INDEPENDENT, Dispersion
from hourglass.small_tests.small_test import SMALL_TESTS, Found, pair_of
from hourglass.statistics import AppliesTo

_MOST = 0.9  # of a p: those of 1, which discrete tests have often, would outweigh any number of small ones


@dataclass(frozen=True)
class Judged:
    """A column's tests: what each found, its p, and the p of the column."""

    found: Mapping[str, Found] = field(default_factory=dict)
    p_values: Mapping[str, float] = field(default_factory=dict)
    p: float = 1.0


def judged(window: Column, baseline: Column, dispersions: Mapping[str, Dispersion] = MappingProxyType({})) -> Judged:
    """All tests that apply to a column, with what is known of their dispersion.

    An effect that is too small to matter has a p of one half at least.
    """
    kinds = {AppliesTo.ANY, AppliesTo.NUMERIC if baseline.counts is None else AppliesTo.TEXT}
    pair = pair_of(window, baseline)
    found: dict[str, Found] = {}
    for test in SMALL_TESTS.values():
        if test.applies_to in kinds and (one := test.function(pair)) is not None:
            found[test.key] = one
    p_values = {}
    for key, one in found.items():
        p = dispersions.get(key, INDEPENDENT).p_of(one.z)
        p_values[key] = p if one.effect >= SMALL_TESTS[key].least_effect else max(p, 0.5)
    return Judged(found, p_values, combined(list(p_values.values())))


def combined(p_values: list[float]) -> float:
    """One p of several, which may depend on each other: Cauchy's combination.

    Source: Liu and Xie (2020), "Cauchy combination test".

    >>> round(combined([0.001, 0.5, 0.5, 0.5]), 4), combined([])
    (0.004, 1.0)
    """
    if min(p_values, default=1.0) >= _MOST:
        return min(p_values, default=1.0)
    if min(p_values) < 1e-15:  # where the tangent has no more digits, it is 1 / (π p)
        return min(1.0, len(p_values) * min(p_values))
    mean = sum(math.tan((0.5 - min(p, _MOST)) * math.pi) for p in p_values) / len(p_values)
    return 0.5 - math.atan(mean) / math.pi if mean < 1e8 else 1 / (math.pi * mean)
