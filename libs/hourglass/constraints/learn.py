"""Thresholds from history: how far past windows were from each other says how far the next one may be."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add
from typing import Any

from hourglass.comparisons import Worse, aligned, distribution_of
from hourglass.constraints.baseline import Baseline, FeatureConstraint, snake_case
from hourglass.constraints.check import columns_to_check
from hourglass.dataset import Dataset
from hourglass.errors import InputError
from hourglass.states import Categories, ColumnProfile, Moments, Quantiles
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined

LEAST_WINDOWS = 8


@dataclass(frozen=True)
class PastDistances:
    """How far each past window was from all others together, in one feature, by the comparison `definition`.

    `left_out` counts the windows without enough values, or without a distance; `reason` says why none was asked for.
    """

    definition: str
    worse: Worse
    distances: tuple[float, ...] = ()
    left_out: int = 0
    reason: str = ""

    def threshold(self, quantile: float) -> float | Undefined:
        """The least bad distance that at least this share of the windows do not go beyond: one that was seen.

        Undefined with fewer than 8 windows.

        >>> PastDistances("linf_simple", Worse.HIGHER, (0.05, 0.01, 0.02, 0.04, 0.03, 0.06, 0.07, 0.08, 0.3, 0.1)).threshold(0.9)
        0.1
        """
        n = len(self.distances)
        if n < LEAST_WINDOWS:
            return Undefined(self.reason or f"{n} of {n + self.left_out} windows can be compared, {LEAST_WINDOWS} are needed")
        best_first = sorted(self.distances, reverse=self.worse is Worse.LOWER)
        return best_first[max(0, math.ceil(quantile * n - 1e-9) - 1)]  # 0.55 * 20 is 11.000000000000002


def learnt_thresholds(history: Sequence[Dataset], baseline: Baseline, quantile: float) -> dict[str, float | Undefined]:
    """For every feature the threshold that the given share of past windows keeps to, by the comparison that it names.

    Of a p-value, which is worse when lower, it is the quantile from the other end. It is a share a feature, before any
    correction: of 100 features at 0.99, one goes beyond its own in most windows. InputError when the quantile is not
    above 0 and at most 1.
    """
    if not 0 < quantile <= 1:
        raise InputError("quantile", found=quantile, expected="a share of past windows above 0 and at most 1", hint="0.99, say")
    return {name: found.threshold(quantile) for name, found in past_distances(history, baseline).items()}


def past_distances(history: Sequence[Dataset], baseline: Baseline) -> dict[str, PastDistances]:
    """For every feature the distance of each past window to the sum of all the others.

    Windows in which the column is missing, or has fewer values than the comparison asks for, are left out on both sides.
    """
    found = [{feature.name: column for feature, column in columns_to_check(dataset, baseline)} for dataset in history]
    return {
        name: _of_feature(feature, [columns[name] for columns in found if name in columns], len(history))
        for name, feature in baseline.features.items()
    }


def _of_feature(feature: FeatureConstraint, columns: Sequence[ColumnProfile], windows: int) -> PastDistances:
    comparison, kind = feature.comparison, feature.inferred_type
    if kind is ColumnType.UNKNOWN:
        return PastDistances("", comparison.worse, reason="the baseline does not know the type of this feature")
    if not (feature.config.perform_comparison and feature.config.evaluate_constraints):
        return PastDistances(feature.comparison_label, comparison.worse, reason="the baseline does not ask for a comparison")
    if feature.shares_budget:
        reason = "it shares the run's budget, and hourglass calibrate learns for it"
        return PastDistances(feature.comparison_label, comparison.worse, reason=reason)
    needed = (Quantiles, Moments) if kind.numeric else (Categories,)
    parts = [ColumnProfile({state.kind: column.states[state.kind] for state in needed}) for column in columns]
    parts = [part for part in parts if distribution_of(part, kind).n >= feature.least_values]
    sides = (aligned(distribution_of(part, kind), distribution_of(others, kind)) for part, others in beside_the_others(parts))
    distances = tuple(distance for pair in sides if not isinstance(distance := feature.compare(*pair), Undefined))
    return PastDistances(feature.comparison_label, comparison.worse, distances, windows - len(distances))


def beside_the_others(parts: Sequence[ColumnProfile]) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
    """Each part of a column, and the sum of all others; none of one part alone, which has no others.

    The sums are taken from both ends, so that the cost grows with the number of parts and not with its square.
    """
    if len(parts) < 2:
        return
    after = [*accumulate(reversed(parts[1:]), add, initial=ColumnProfile())][::-1]
    before = ColumnProfile()
    for part, later in zip(parts, after, strict=True):
        yield part, before + later
        before += part


def with_thresholds(document: Mapping[str, Any], thresholds: Mapping[str, float | Undefined]) -> dict[str, Any]:
    """A document of `constraints.json` with these thresholds as the features' own, and all else as it was.

    What is Undefined, or names no feature, changes nothing. A feature that overrides its comparison already, in
    whichever of the three places, has the threshold put there, where nothing overrules it.

    >>> document = {"features": [{"name": "age", "inferred_type": "Integral"}]}
    >>> with_thresholds(document, {"age": 0.12})["features"][0]["monitoringConfigOverrides"]
    {'distribution_constraints': {'comparison_threshold': 0.12}}
    """
    changed = copy.deepcopy(dict(document))
    for feature in changed.get(_spelling(changed, "features"), []):
        threshold = thresholds.get(feature.get(_spelling(feature, "name")))
        if isinstance(threshold, float | int):
            kind = str(feature.get(_spelling(feature, "inferred_type"), "")).capitalize()
            numeric = kind in {ColumnType.INTEGRAL, ColumnType.FRACTIONAL}
            constraints = _overrides(feature)
            constraints[_spelling(constraints, "comparison_threshold" if numeric else "categorical_comparison_threshold")] = threshold
    return changed


def _overrides(feature: dict[str, Any]) -> dict[str, Any]:
    """The part of a feature's overrides that is read last; made where there is none."""
    holder = feature
    for name in ("string_constraints", "num_constraints"):
        part = feature.get(_spelling(feature, name)) or {}
        overrides = part.get(_spelling(part, "monitoring_config_overrides")) or {}
        if overrides.get(_spelling(overrides, "distribution_constraints")):
            holder = part
    overrides = _part(holder, "monitoring_config_overrides", "monitoringConfigOverrides")
    return _part(overrides, "distribution_constraints")


def _part(document: dict[str, Any], name: str, unless_there: str | None = None) -> dict[str, Any]:
    key = _spelling(document, name, unless_there)
    document[key] = document.get(key) or {}  # null is none
    part: dict[str, Any] = document[key]
    return part


def _spelling(document: Mapping[str, Any], name: str, unless_there: str | None = None) -> str:
    """How a document spells a key."""
    return next((key for key in document if snake_case(key) == name), unless_there or name)
