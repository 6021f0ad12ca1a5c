"""What a metric of model quality is, and the registry of them: a decorated formula over the sums of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from hourglass import docs
from hourglass.comparisons import Worse
from hourglass.problems import Problem
from hourglass.undefined import Undefined
from hourglass.values import Floats

Flags = npt.NDArray[np.bool_]


class Table(Protocol):
    """Sums that metrics are computed from, of a window and of any number of draws at once.

    Every array has the draws as its first axis; a window alone is one draw.
    """

    problem: ClassVar[Problem]
    state: ClassVar[str]


T = TypeVar("T", bound=Table)
T_contra = TypeVar("T_contra", bound=Table, contravariant=True)


@dataclass(frozen=True)
class Condition(Generic[T_contra]):
    """What must hold for a formula to mean something, for each draw, and what to say of the window where it does not."""

    holds: Callable[[T_contra], Flags]
    otherwise: Callable[[T_contra], str]


@dataclass(frozen=True)
class QualityMetric:
    """A registered metric: everything that anyone must know of it.

    `contract` says that the stock analyzer has it too; of these, constraints are suggested for what has a threshold.
    """

    key: str
    problem: Problem
    table: type[Any]
    formula: Callable[[Any], Floats]
    requires: tuple[Condition[Any], ...]
    worse: Worse
    contract: bool
    suggested: bool
    source: str
    definition: str

    def values(self, table: Table) -> Floats:
        """The value of each draw; NaN where a condition does not hold."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = self.formula(table)
        for condition in self.requires:
            found = np.where(condition.holds(table), found, np.nan)
        return found

    def value(self, table: Table) -> float | Undefined:
        """The value of a window, or why it has none."""
        for condition in self.requires:
            if not condition.holds(table)[0]:
                return Undefined(condition.otherwise(table))
        value = float(self.values(table)[0])
        return value if np.isfinite(value) else Undefined("beyond the range of a double")


_metrics: dict[tuple[Problem, str], QualityMetric] = {}
QUALITY_METRICS: Mapping[tuple[Problem, str], QualityMetric] = MappingProxyType(_metrics)

BEST_CONSTANT = "_best_constant_classifier"


def quality_metric(
    table: type[T],
    *,
    worse: Worse,
    requires: tuple[Condition[T], ...],
    source: str,
    contract: bool = True,
    best_constant: Callable[[T], T] | None = None,
) -> Callable[[Callable[[T], Floats]], Callable[[T], Floats]]:
    """Registers a formula under its name; with `best_constant`, also for a model that always says the same.

    Such a model is no threshold for another, so no constraint is suggested of it.
    """

    def register(formula: Callable[[T], Floats]) -> Callable[[T], Floats]:
        key, definition = formula.__name__, docs.definition(formula)
        of_model = QualityMetric(key, table.problem, table, formula, requires, worse, contract, contract, source, definition)
        _add(of_model)
        if best_constant is not None:
            changed = best_constant
            moved = tuple(_after(changed, condition) for condition in requires)
            sentence = f"The same of a model that always predicts one class: {definition[0].lower()}{definition[1:]}"
            _add(
                QualityMetric(
                    f"{key}{BEST_CONSTANT}",
                    table.problem,
                    table,
                    lambda found: formula(changed(found)),
                    moved,
                    worse,
                    contract,
                    suggested=False,
                    source=source,
                    definition=sentence,
                )
            )
        return formula

    return register


def _after(changed: Callable[[T], T], condition: Condition[T]) -> Condition[T]:
    return Condition(lambda table: condition.holds(changed(table)), lambda table: condition.otherwise(changed(table)))


def _add(metric: QualityMetric) -> None:
    key = metric.problem, metric.key
    if key in _metrics:
        raise ValueError(f"two metrics of {metric.problem} are called {metric.key!r}")
    _metrics[key] = metric


def metrics_of(problem: Problem) -> Mapping[str, QualityMetric]:
    """The metrics of a problem by name, in the order in which they were registered."""
    return {key: metric for (of, key), metric in QUALITY_METRICS.items() if of is problem}


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Numerator / denominator, and 0 where the denominator is 0, as scikit-learn's zero_division=0; conditions tell the rest.

    >>> ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist()
    [0.5, 0.0]
    """
    return np.divide(numerator, denominator, out=np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape)), where=denominator != 0)
