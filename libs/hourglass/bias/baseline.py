"""A baseline's analysis.json: its constraints, and the label that they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hourglass.bias.config import AnalysisConfig
from hourglass.bias.constraints import BiasConstraint, lower_end, parse_bias_constraints
from hourglass.bias.metric import Stage
from hourglass.errors import InputError
from hourglass.quality.classes import ClassRule, class_name


@dataclass(frozen=True)
class BiasBaseline:
    """What an analysis.json holds a window against, and what was its label and positive there; None where it does not say."""

    constraints: tuple[BiasConstraint, ...]
    label: str | None = None
    positive: str | None = None

    def cuts(self, config: AnalysisConfig) -> dict[str, bool]:
        """Whether each of its facets, and the label, is cut at a threshold."""
        cut: dict[str, bool] = {}
        for found in self.constraints:
            cut[found.facet] = cut.get(found.facet, False) or lower_end(found.facet_value) is not None
        return cut if self.positive is None else {**cut, config.label_name: lower_end(self.positive) is not None}

    def need_same_label(self, config: AnalysisConfig, rule: ClassRule, subject: str) -> None:
        """InputError where the configuration's label, or what is positive of it, is another one: its metrics are not the same."""
        hint = "make a baseline with this configuration"
        if self.label not in {None, config.label_name}:
            raise InputError(f"{subject}: label", found=repr(self.label), expected=f"{config.label_name!r}, as configured", hint=hint)
        if self.positive is not None and _named(self.positive, rule) != _named(config.positive.name, rule):
            expected = f"{config.positive.name!r}, as label_values_or_threshold"
            raise InputError(f"{subject}: label_value_or_threshold", found=repr(self.positive), expected=expected, hint=hint)


def parse_bias_baseline(document: Mapping[str, Any], subject: str) -> BiasBaseline:
    """The baseline in an analysis.json; SettingsError with all faults of its constraints.

    >>> part = {"label": "y", "label_value_or_threshold": "(50, inf)", "facets": {}}
    >>> parse_bias_baseline({"pre_training_bias_metrics": part}, "analysis.json")
    BiasBaseline(constraints=(), label='y', positive='(50, inf)')
    """
    constraints = tuple(parse_bias_constraints(document, subject))
    said: dict[str, Any] = {}
    for stage in Stage:
        said |= document.get(f"{stage}_bias_metrics", {})
    label, positive = (None if said.get(key) is None else str(said[key]) for key in ("label", "label_value_or_threshold"))
    return BiasBaseline(constraints, label, positive)


def _named(positive: str, rule: ClassRule) -> float | frozenset[str | None]:
    """The threshold, or the values; the stock analyzer writes the largest number as the upper end: `(50.0, 99.0]`."""
    threshold = lower_end(positive)
    return frozenset(class_name(name, rule) for name in positive.split(",")) if threshold is None else threshold
