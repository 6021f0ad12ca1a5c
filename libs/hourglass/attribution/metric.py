"""What of two distributions of attribution is compared, and the registry of it: a decorated formula over both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hourglass import docs
from hourglass.comparisons import Worse
from hourglass.values import Floats

Formula = Callable[[Floats, Floats], Floats]
Interval = tuple[float, float]
STOCK = "shap"  # what the stock monitor calls its only metric


@dataclass(frozen=True)
class Drawn:
    """Global attributions of the baseline and of now, a line of features, and as many draws of both, draw × feature."""

    baseline: Floats
    live: Floats
    of_baseline: Floats
    of_live: Floats


Chance = Callable[[Formula, Drawn], Interval | None]  # the interval of a formula; None where the draws tell nothing


@dataclass(frozen=True)
class AttributionMetric:
    """A registered comparison: everything that anyone must know of it.

    `default` is the threshold that holds where none is set; without one it is only told. `largest` is the most that it can be.
    `chance` makes the interval of what was measured; `by_interval` are those that are violated by their whole interval.
    `contract_name` is what constraint_violations.json calls it; `title` and `meaning` are for people, who read an `is_share`
    in percent.
    """

    key: str
    worse: Worse
    default: float | None
    largest: float
    chance: Chance
    by_interval: bool
    contract_name: str
    title: str
    meaning: str
    is_share: bool
    definition: str
    source: str
    formula: Formula

    def values(self, baseline: Floats, live: Floats) -> Floats:
        """The comparison of each line of global attributions, draws × features; NaN where either has none at all."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.formula(baseline, live)
        return np.where((baseline.sum(axis=1) > 0) & (live.sum(axis=1) > 0), found, np.nan)

    def interval(self, drawn: Drawn) -> Interval | None:
        """Where the comparison lies but for chance, in 95 % of cases; None where the draws tell nothing."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.chance(self.values, drawn)

    def beyond(self, low: float, high: float, threshold: float) -> bool:
        """Whether all of an interval is worse than the threshold."""
        return high < threshold if self.worse is Worse.LOWER else low > threshold


_metrics: dict[str, AttributionMetric] = {}
ATTRIBUTION_METRICS: Mapping[str, AttributionMetric] = MappingProxyType(_metrics)


def attribution_metric(
    *,
    title: str,
    meaning: str,
    worse: Worse,
    chance: Chance,
    default: float | None = None,
    largest: float = math.inf,
    by_interval: bool = True,
    contract_name: str = "",
    is_share: bool = False,
    source: str = "Hourglass",
) -> Callable[[Formula], Formula]:
    """Registers a formula under its name; its docstring's first line is its definition."""

    def register(formula: Formula) -> Formula:
        key = formula.__name__
        if key in _metrics:
            raise ValueError(f"two metrics of attribution are called {key!r}")
        _metrics[key] = AttributionMetric(
            key,
            worse,
            default,
            largest,
            chance,
            by_interval,
            contract_name or f"{STOCK}_{key}",
            title,
            meaning,
            is_share,
            docs.definition(formula),
            source,
            formula,
        )
        return formula

    return register


def ranks(values: Floats) -> Floats:
    """The rank of each feature in each line, 1 for the largest; of equal ones the first in the alphabet goes first.

    >>> ranks(np.array([[0.1, 0.7, 0.7]])).tolist()
    [[3.0, 1.0, 2.0]]
    """
    order = np.argsort(-values, axis=1, kind="stable")
    found = np.empty_like(values)
    np.put_along_axis(found, order, np.arange(1.0, values.shape[1] + 1)[np.newaxis], axis=1)
    return found


def shares(values: Floats) -> Floats:
    """Each feature's share of all attribution of its line."""
    found: Floats = values / values.sum(axis=1, keepdims=True)
    return found
