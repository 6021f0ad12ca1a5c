"""Models whose answer is a function of a weighted sum: a coalition's worth is then a sum of parts, without synthetic rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hourglass.attribution.coalitions import Masks
from hourglass.attribution.game import Game, InnerGame, Places, probabilities
from hourglass.values import Floats


@dataclass(frozen=True)
class Additive:
    """Weights (outputs × features) and intercepts of a linear predictor, and what makes an answer of it."""

    weights: Floats
    intercepts: Floats
    classifies: bool

    def answers(self, margins: Floats) -> Floats:
        """What the model says; the last axis of the margins is the outputs."""
        return probabilities(margins) if self.classifies else margins

    def ordered(self, order: Places, count: int) -> Additive:
        """The same by features in another order: `order` is the place of each of its own; the others have no weight."""
        weights = np.zeros((len(self.weights), count))
        weights[:, order] = self.weights
        return replace(self, weights=weights)


def additive_of(estimator: Any) -> Additive | None:
    """The linear predictor inside of a scikit-learn estimator, which may stand behind a StandardScaler; None where there is none."""
    if estimator is None:
        return None
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    *before, last = steps
    weights, intercepts = getattr(last, "coef_", None), getattr(last, "intercept_", None)
    if weights is None or intercepts is None or not all(type(step).__name__ == "StandardScaler" for step in before):
        return None
    weights = np.atleast_2d(np.asarray(weights, np.float64))
    intercepts = np.broadcast_to(np.asarray(intercepts, np.float64), len(weights)).copy()
    for scaler in reversed(before):
        weights = weights if scaler.scale_ is None else weights / scaler.scale_
        intercepts = intercepts if scaler.mean_ is None else intercepts - weights @ scaler.mean_
    return Additive(weights, intercepts, hasattr(last, "predict_proba"))


class AdditiveGame(InnerGame):
    """The same game as `Game`, whose coalitions are sums of what each player adds to the margin."""

    def __init__(self, additive: Additive, game: Game) -> None:
        self.additive = additive
        super().__init__(lambda rows: additive.answers(rows @ additive.weights.T + additive.intercepts), game)
        self._of_background = self.parts(game.background.rows)

    def size_of(self, coalitions: int) -> int:
        # beside the answers, the masks as numbers
        return coalitions * max(len(self.background.rows) * len(self.additive.weights), 2 * self.players.count)

    def parts(self, rows: Floats) -> Floats:
        """What each player of each row adds to each margin: rows × outputs × players."""
        return self.players.summed(rows[:, np.newaxis] * self.additive.weights)

    def mean(self, rows: Floats, masks: Masks) -> Floats:
        there = masks.astype(np.float64)
        known = np.matmul(there, self.parts(rows).transpose(0, 2, 1))  # rows × coalitions × outputs
        # what the background adds for the players that are not there: all of it but those that are
        parts = self._of_background  # background × outputs × players
        missing = parts.sum(axis=2) - np.einsum("rcp,bop->rcbo", there, parts, optimize=True)
        answers = self.additive.answers(known[:, :, np.newaxis] + missing + self.additive.intercepts)
        found: Floats = np.einsum("rcbo,b->rco", answers, self.background.weights)
        return found
