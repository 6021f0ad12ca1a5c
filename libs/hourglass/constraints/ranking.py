"""Which segments drifted most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hourglass.comparisons import COMPARISONS, Distribution, aligned, distribution_of
from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import columns_to_check
from hourglass.dataset import Dataset
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined

CHANCE = 0.05
SHOWN_FEATURES = 3

Sides = tuple[Distribution, Distribution]


@dataclass(frozen=True)
class FeatureEffect:
    """How far one feature of a segment drifted, beyond chance."""

    feature: str
    effect: float


@dataclass(frozen=True)
class SegmentDrift:
    """How far a segment drifted: the effect of the feature that drifted most, by the comparison `definition`.

    `top` are its features that drifted beyond chance, at most three, the most first; `feature` is the first of them, ""
    where there is none.
    """

    segment: str
    rows: int
    effect: float | Undefined
    feature: str
    definition: str
    top: tuple[FeatureEffect, ...] = ()


def rank_segments(found: Mapping[str, tuple[Dataset, Baseline]]) -> list[SegmentDrift]:
    """Segments by their largest effect: the linf_robust distance of any feature that is to be compared, whatever by.

    The distance is beyond chance for all m pairs of a segment and a feature together (alpha = 0.05 / m): of clean
    segments in 19 of 20 rankings none has an effect above 0, however small they are and however many. Ties stand by
    rows, then by name. The effect is Undefined, and last, where no feature has enough values on both sides.
    """
    robust = COMPARISONS["linf_robust"]
    sides = {segment: _sides(dataset, baseline) for segment, (dataset, baseline) in found.items()}
    alpha = {"alpha": CHANCE / max(1, sum(map(len, sides.values())))}
    ranked = []
    for segment, (dataset, _) in found.items():
        values = {feature: robust.compare(*pair, alpha) for feature, pair in sides[segment].items()}
        effects = [FeatureEffect(feature, value) for feature, value in values.items() if not isinstance(value, Undefined)]
        effects.sort(key=lambda effect: -effect.effect)
        top = tuple(effect for effect in effects[:SHOWN_FEATURES] if effect.effect > 0)
        largest = effects[0].effect if effects else Undefined("no feature has enough values")
        ranked.append(SegmentDrift(segment, dataset.rows, largest, top[0].feature if top else "", robust.label(alpha), top))
    return sorted(ranked, key=_order)


def _sides(dataset: Dataset, baseline: Baseline) -> dict[str, Sides]:
    """The features of a segment that can be compared, with both their distributions."""
    comparable = {}
    for feature, column in columns_to_check(dataset, baseline):
        if feature.inferred_type is ColumnType.UNKNOWN or not feature.config.perform_comparison:
            continue
        window, reference = aligned(
            distribution_of(column, feature.inferred_type), baseline.distributions.get(feature.name, Distribution())
        )
        least = COMPARISONS["linf_robust"].minimum_rows if feature.config.minimum_rows is None else feature.config.minimum_rows
        if min(window.n, reference.n) >= max(1, least):
            comparable[feature.name] = window, reference
    return comparable


def _order(drift: SegmentDrift) -> tuple[bool, float, int, str]:
    undefined = isinstance(drift.effect, Undefined)
    return undefined, 0.0 if isinstance(drift.effect, Undefined) else -drift.effect, -drift.rows, drift.segment
