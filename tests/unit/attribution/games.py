"""Models of arrays, and Shapley values by their definition: every coalition of every feature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from hourglass.attribution.explainer import Task
from hourglass.attribution.game import Background, Players
from hourglass.models import Rows
from hourglass.values import Floats


@dataclass(frozen=True)
class ArrayModel:
    """A model of numbers only, as the explainers see one."""

    function: Callable[[Floats], Any]
    estimator: Any = None
    kind: str = "array"
    names: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None

    def inputs(self, rows: Rows) -> Floats:
        return rows.numbers()

    def predict(self, rows: Rows) -> Floats:
        found = np.asarray(self.function(rows.numbers()), np.float64)
        return found[:, np.newaxis] if found.ndim == 1 else found


def task(model: Any, background: Floats, groups: dict[str, str] | None = None, weights: Floats | None = None, **options: Any) -> Task:
    """What is to be explained of a model of arrays, or of an estimator with probabilities."""
    if not isinstance(model, ArrayModel):
        model = ArrayModel(lambda rows: model_answers(model_, rows), model_ := model)
    names = tuple(f"x{place}" for place in range(background.shape[1]))
    shares = np.full(len(background), 1 / len(background)) if weights is None else weights
    like = Rows(names, background[:0], {})
    return Task(model, Background(background, shares), like, Players.of(names, groups or {}), **options)


def model_answers(estimator: Any, rows: Floats) -> Floats:
    """Probabilities, of two classes the second one's; or predictions."""
    if not hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict(rows), np.float64)
    found = np.asarray(estimator.predict_proba(rows), np.float64)
    return found[:, 1:] if found.shape[1] == 2 else found


def shapley(worth: Callable[[Floats], Floats], players: int) -> Floats:
    """The Shapley values of a game, by the worth of each of its coalitions: masks → values."""
    masks = (np.arange(2**players)[:, np.newaxis] >> np.arange(players)) & 1 == 1
    values, sizes = worth(masks), masks.sum(axis=1)
    weights = np.array([factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)])
    found = np.zeros(players)
    for player in range(players):
        without = np.flatnonzero(~masks[:, player])
        found[player] = (weights[sizes[without]] * (values[without + (1 << player)] - values[without])).sum()
    return found


def shapley_of_row(function: Callable[[Floats], Floats], row: Floats, background: Floats, weights: Floats) -> Floats:
    """The Shapley values of a row's features beside a background, by enumeration."""

    def worth(masks: Any) -> Floats:
        synthetic = np.where(masks[:, np.newaxis], row, background)
        return function(synthetic.reshape(-1, len(row))).reshape(len(masks), len(background)) @ weights

    return shapley(worth, len(row))
