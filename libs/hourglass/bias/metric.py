"""What a metric of bias is, and the registry of them: a decorated formula over the two sides of a facet."""

from __future__ import annotations

import math
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
    """Rows of a side that a metric needs, what they are called, and whether they have labels."""

    words: str
    of: Callable[[Side], Floats]
    labels: bool = True


LABELLED = Basis("a label", lambda side: side.labelled)
PREDICTED = Basis("a prediction", lambda side: side.predicted, labels=False)
COMPLETE = Basis("a label and a prediction", lambda side: side.both)

Formula = Callable[[BiasTable], Floats]


@dataclass(frozen=True)
class BiasMetric:
    """A registered metric: everything that anyone must know of it.

    `counts` are the rows that it looks at, `shares` those that its shares or ratios are made of: where they are few it says
    little. `template` is the sentence for a report, and `worse` whom a value above the ideal is bad for: "d", "a", or "" where
    the metric does not say. `outcomes` are metrics that tell positive labels or predictions from others; `distance` is one of all
    classes, which is never below 0, so that draws lie above it by chance alone. No value is further from 0 than `most`. A metric
    without a formula is not one of the table but of rows.
    """

    key: str
    name: str
    stage: Stage
    template: str
    worse: str
    ideal: float
    counts: Basis
    shares: Basis
    by_group: bool
    outcomes: bool
    distance: bool
    most: float
    source: str
    definition: str
    otherwise: str
    formula: Formula | None

    @property
    def takes_labels(self) -> bool:
        """Whether it looks at labels, not at predictions alone."""
        return self.counts.labels

    @property
    def meaning(self) -> str:
        """What a value that is bad for facet d says of a metric that tells the sides apart, and any value of another.

        >>> BIAS_METRICS["DI"].meaning
        'Below 1: facet d gets positive predictions less often than facet a: facet d is worse off.'
        """
        side = "Below" if self.worse == "a" else "Above"
        sentence = self.said(self.ideal + (-1.0 if self.worse == "a" else 1.0))
        return f"{side} {self.ideal:g}: {sentence}" if self.worse else sentence[0].upper() + sentence[1:]

    def worse_off(self, value: float) -> str:
        """Whom a value is bad for: "d", "a", or "" where it is the ideal or the metric does not say."""
        if value == self.ideal or not self.worse:
            return ""
        return self.worse if value > self.ideal else {"d": "a", "a": "d"}[self.worse]

    def said(self, value: float, d: str = "facet d", a: str = "facet a") -> str:
        """What a value says, with the names of both sides.

        A metric that tells the sides apart says the same with its sides changed where it is on the other side of its ideal.

        >>> BIAS_METRICS["DPL"].said(-0.2, "Sex = 0", "the rest")
        'the rest has a smaller share of positive labels than Sex = 0: the rest is worse off.'
        >>> BIAS_METRICS["DPL"].said(0.0, "Sex = 0", "the rest")
        'By this measure there is no difference between Sex = 0 and the rest.'
        """
        worse = self.worse_off(value)
        if value == self.ideal:
            return f"By this measure there is no difference between {d} and {a}."
        names = {"worse": a, "other": d} if worse == "a" else {"worse": d, "other": a}
        return self.template.format(d=d, a=a, **names)

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
            return Undefined("no row has a group: group_variable names its column")
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
    worse: str = "",
    shares: Basis | None = None,
    ideal: float = 0.0,
    by_group: bool = False,
    outcomes: bool = True,
    distance: bool = False,
    most: float = math.inf,
    otherwise: str = "infinite on both sides",
    source: str = CLARIFY,
) -> Callable[[Formula], Formula]:
    """Registers a formula; its docstring's first line is its definition.

    `meaning` is a sentence about {d} and {a}, or about the side that is {worse} off and the {other}; `worse` names the side that a
    value above the ideal is bad for. `shares` are the rows that the metric's shares are of, where these are not all that it counts;
    `most` is 1 of differences of shares; `otherwise` says why a value is not a number.
    """

    def register(formula: Formula) -> Formula:
        add(
            BiasMetric(
                key,
                f"{name} ({key})",
                stage,
                meaning,
                worse,
                ideal,
                counts,
                shares or counts,
                by_group,
                outcomes and not distance,
                distance,
                most,
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
