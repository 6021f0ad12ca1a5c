"""Metrics of predicted numbers: sums of errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hourglass.comparisons import Worse
from hourglass.problems import Problem
from hourglass.quality.binary import SKLEARN, no_rows
from hourglass.quality.metric import Condition, quality_metric, ratio
from hourglass.states.regression_errors import SUMS, Errors
from hourglass.undefined import Undefined
from hourglass.values import Floats


@dataclass(frozen=True)
class ErrorTable:
    """The sums of `Errors`, a column each; `weight` is how many rows were drawn."""

    problem: ClassVar[Problem] = Problem.REGRESSION
    state: ClassVar[str] = Errors.kind

    weight: Floats
    absolute: Floats
    squared: Floats
    mean: Floats
    m2: Floats
    percentage: Floats
    percentage_weight: Floats

    @classmethod
    def of(cls, sums: Floats) -> ErrorTable:
        """The table of rows of sums, as `Errors.sums` has them."""
        return cls(**dict(zip(SUMS, np.moveaxis(sums, -1, 0), strict=True)))


ROWS = Condition[ErrorTable](lambda t: t.weight > 0, lambda _: "no rows")
TWO_ROWS = Condition[ErrorTable](lambda t: t.weight > 1, lambda _: "one row")
# the mean of equal numbers is rounded, so their squared deviations are not quite 0
VARIED = Condition[ErrorTable](
    lambda t: t.m2 > t.weight * (8 * np.finfo(np.float64).eps * t.mean) ** 2, lambda t: f"every actual value is {t.mean[0]:g}"
)
NOT_ZERO = Condition[ErrorTable](lambda t: t.percentage_weight > 0, lambda _: "every actual value is 0")


@quality_metric(ErrorTable, worse=Worse.HIGHER, requires=(ROWS,), source=SKLEARN)
def mae(table: ErrorTable) -> Floats:
    """Mean absolute error: Σ|e| / n, in the label's own unit.

    Undefined without rows.

    >>> mae(ErrorTable.of(np.array([[2.0, 1.0, 0.5, 3.0, 2.0, 0.3, 2.0]]))).tolist()
    [0.5]
    """
    return ratio(table.absolute, table.weight)


@quality_metric(ErrorTable, worse=Worse.HIGHER, requires=(ROWS,), source=SKLEARN)
def mse(table: ErrorTable) -> Floats:
    """Mean squared error: Σe² / n.

    Undefined without rows.

    >>> mse(ErrorTable.of(np.array([[2.0, 1.0, 0.5, 3.0, 2.0, 0.3, 2.0]]))).tolist()
    [0.25]
    """
    return ratio(table.squared, table.weight)


@quality_metric(ErrorTable, worse=Worse.HIGHER, requires=(ROWS,), source=SKLEARN)
def rmse(table: ErrorTable) -> Floats:
    """Root of the mean squared error: sqrt(Σe² / n), in the label's own unit.

    Undefined without rows.

    >>> rmse(ErrorTable.of(np.array([[2.0, 1.0, 0.5, 3.0, 2.0, 0.3, 2.0]]))).tolist()
    [0.5]
    """
    root: Floats = np.sqrt(ratio(table.squared, table.weight))
    return root


@quality_metric(ErrorTable, worse=Worse.LOWER, requires=(ROWS, TWO_ROWS, VARIED), source=SKLEARN)
def r2(table: ErrorTable) -> Floats:
    """Share of the label's variance that the predictions explain: 1 - Σe² / Σ(y - mean)²; below 0 if the mean does better.

    Undefined below two rows, and when every actual value is the same (scikit-learn says 0, or 1 if nothing is wrong).

    >>> r2(ErrorTable.of(np.array([[2.0, 1.0, 0.5, 3.0, 2.0, 0.3, 2.0]]))).tolist()
    [0.75]
    """
    return 1.0 - ratio(table.squared, table.m2)


@quality_metric(
    ErrorTable, worse=Worse.HIGHER, requires=(ROWS, NOT_ZERO), source="scikit-learn, which divides a zero by 2e-16", contract=False
)
def mape(table: ErrorTable) -> Floats:
    """Mean of |e / y| over the rows whose actual value is not 0; the others are counted apart, as `zero_actuals`.

    Undefined when every actual value is 0.

    >>> mape(ErrorTable.of(np.array([[2.0, 1.0, 0.5, 3.0, 2.0, 0.3, 2.0]]))).tolist()
    [0.15]
    """
    return ratio(table.percentage, table.percentage_weight)


def error_quantiles(state: Errors, ranks: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)) -> dict[str, float] | Undefined:
    """Quantiles of predicted - actual, by rank, within the sketch's rank error of 0.14 %.

    Undefined without rows.
    """
    if state.quantiles.n == 0:
        return Undefined(no_rows(state.rows, state.no_actual))
    return {f"{rank:g}": state.quantiles.quantile(rank) for rank in ranks}
