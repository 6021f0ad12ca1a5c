"""What a metric of bias is, and the registry of them: a decorated formula over the two sides of a facet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from hourglass import docs
from hourglass.bias.table import BiasTable, Side
from hourglass.undefined import Undefined
from hourglass.values import Floats

CLARIFY = "SageMaker Clarify"


class Stage(StrEnum):
    """What a metric looks at: the labels alone, or what a model makes of the rows."""

    PRE = "pre_training"
    POST = "post_training"


@dataclass(frozen=True)
class Basis:
    """Rows of a side that a metric needs, and what they are called."""

    words: str
    of: Callable[[Side], Floats]


LABELLED = Basis("a label", lambda side: side.labelled)
PREDICTED = Basis("a prediction", lambda side: side.predicted)
COMPLETE = Basis("a label and a prediction", lambda side: side.both)

Formula = Callable[[BiasTable], Floats]


@dataclass(frozen=True)
class BiasMetric:
    """A registered metric: everything that anyone must know of it.

    `counts` are the rows that it looks at, `shares` those that its shares or ratios are made of: where they are few it says
    little. `meaning` is for a report: what a positive value says, and who is worse off. `distance` is a metric that is never
    below 0, so that draws lie above it by chance alone. A metric without a formula is not one of the table but of rows.
    """

    key: str
    name: str
    stage: Stage
    meaning: str
    ideal: float
    counts: Basis
    shares: Basis
    by_group: bool
    distance: bool
    source: str
    definition: str
    otherwise: str
    formula: Formula | None

    def values(self, table: BiasTable) -> Floats:
        """The value of each draw; NaN where a side has none of the rows, and where infinity stands against infinity."""
        if self.formula is None:
            raise TypeError(f"{self.key} is computed from rows")
        if self.by_group and not table.grouped:
            return np.full(len(table.d.outcomes), np.nan)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = self.formula(table)
        return np.where((self.counts.of(table.d) > 0) & (self.counts.of(table.a) > 0), found, np.nan)

    def value(self, table: BiasTable) -> float | Undefined:
        """The value of a window, which may be infinite, or why it has none."""
        rows = [float(self.counts.of(side)[0]) for side in (table.d, table.a)]
        if not any(rows):
            return Undefined(f"no row has {self.counts.words}")
        for name, n in zip(table.names, rows, strict=True):
            if n == 0:
                return Undefined(f"no row of {name} has {self.counts.words}")
        if self.by_group and not table.grouped:
            return Undefined("no row has a group: name a group_variable")
        found = float(self.values(table)[0])
        return Undefined(self.otherwise) if np.isnan(found) else found


_metrics: dict[str, BiasMetric] = {}
BIAS_METRICS: Mapping[str, BiasMetric] = MappingProxyType(_metrics)


def bias_metric(
    key: str,
    name: str,
    stage: Stage,
    *,
    meaning: str,
    counts: Basis,
    shares: Basis | None = None,
    ideal: float = 0.0,
    by_group: bool = False,
    distance: bool = False,
    otherwise: str = "infinite on both sides",
    source: str = CLARIFY,
) -> Callable[[Formula], Formula]:
    """Registers a formula; its docstring's first line is its definition.

    `shares` are the rows that the metric's shares are of, where these are not all that it counts; `otherwise` says why a
    value is not a number.
    """

    def register(formula: Formula) -> Formula:
        add(
            BiasMetric(
                key,
                f"{name} ({key})",
                stage,
                meaning,
                ideal,
                counts,
                shares or counts,
                by_group,
                distance,
                source,
                docs.definition(formula),
                otherwise,
                formula,
            )
        )
        return formula

    return register


def add(metric: BiasMetric) -> None:
    """Registers a metric."""
    if metric.key in _metrics:
        raise ValueError(f"two metrics of bias are called {metric.key!r}")
    _metrics[metric.key] = metric


def metrics_of(stage: Stage) -> Mapping[str, BiasMetric]:
    """The metrics of a stage by name, in alphabetical order, as the documents list them."""
    return {key: metric for key, metric in sorted(BIAS_METRICS.items()) if metric.stage is stage}


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Numerator / denominator, where 0 / 0 is 0 and x / 0 infinite.

    >>> ratio(np.array([1.0, 0.0, 2.0]), np.array([2.0, 0.0, 0.0])).tolist()
    [0.5, 0.0, inf]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(numerator == 0, 0.0, numerator / denominator)
