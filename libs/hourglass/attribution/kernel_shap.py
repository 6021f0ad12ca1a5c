"""KernelSHAP with one set of coalitions for all rows: what many rows are worth is asked of the model at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from hourglass.attribution.additive import AdditiveGame, additive_of
from hourglass.attribution.coalitions import design, samples_of
from hourglass.attribution.explainer import Task, explainer
from hourglass.attribution.game import VALUES_AT_ONCE, Game, InnerGame, stretches
from hourglass.attribution.tree_game import TreeGame
from hourglass.errors import EnvironmentFault
from hourglass.values import Floats

_FEW = 32  # players, up to which each number of them has a design of its own


@explainer("kernel")
class KernelShap:
    """KernelSHAP of any model; of linear predictors and of trees without synthetic rows."""

    def __init__(self, task: Task) -> None:
        self.game = Game(task.predict, task.background, task.players, task.link)
        self.inside = _inside(task, self.game)
        self.expected: Floats = self.game.nothing
        self._samples = partial(samples_of, task.samples)
        self._seed = task.seed
        self.of_answer = not task.logit

    def explain(self, rows: Floats) -> Floats:
        game = self.inside if self.inside is not None and self.inside.agrees(rows) else self.game
        return kernel_shap(game, rows, self._samples, self._seed)


def _inside(task: Task, game: Game) -> InnerGame | None:
    """The same game without synthetic rows, where the model is known to be a function of a sum of features, or of leaves."""
    if task.order is None:
        return None
    additive = additive_of(task.model.estimator)
    if additive is not None:
        known = additive.weights.shape[1] == len(task.order)
        return AdditiveGame(additive.ordered(task.order, len(task.like.names)), game) if known else None
    try:
        trees = task.trees
    except EnvironmentFault:  # no shap: the model is asked
        return None
    return TreeGame(trees, game) if trees is not None else None


def kernel_shap(game: Game, rows: Floats, samples: Callable[[int], int], seed: int = 0) -> Floats:
    """The attributions of rows: rows x outputs x players; they add up to what the row is worth beyond nothing.

    A player in which a row differs from no row of the background gets 0, and the others are a game of their own. Rows with as
    many players that matter share their coalitions; where all of those are tried, the values are the Shapley values.
    `samples` says how many coalitions are tried of how many players.

    Source: Lundberg and Lee (2017), "A unified approach to interpreting model predictions".
    """
    everything = game.everything(rows) - game.nothing
    found = np.zeros((len(rows), everything.shape[1], game.players.count))
    varying = game.varying(rows)
    counts = varying.sum(axis=1)
    sizes = np.array([_size(count, game.players.count) for count in counts.tolist()], np.intp)
    for size in np.unique(sizes[counts > 0]).tolist():
        chosen = np.flatnonzero((sizes == size) & (counts > 0))
        if size == 1:
            found[chosen, :, varying[chosen].argmax(axis=1)] = everything[chosen]
            continue
        shared = design(size, samples(size), seed)
        # which players those are, in the order of the players: those that matter, and some that do not where they are fewer
        players = np.sort(np.argsort(~varying[chosen], axis=1, kind="stable")[:, :size], axis=1)
        for start, stop in stretches(len(chosen), max(1, VALUES_AT_ONCE // max(1, game.size_of(len(shared.masks))))):
            part, of_part = chosen[start:stop], players[start:stop]
            masks = shared.masks
            if size < game.players.count:
                masks = np.zeros((len(part), len(shared.masks), game.players.count), np.bool_)
                np.put_along_axis(masks, np.broadcast_to(of_part[:, np.newaxis], (*masks.shape[:2], size)), shared.masks, axis=2)
            worth = game.worth(rows[part], masks) - game.nothing
            matters = np.take_along_axis(varying[part], of_part, axis=1)
            for output in range(worth.shape[2]):
                values = shared.attributions(worth[:, :, output], everything[part, output])
                # what the sample of coalitions gives to players that do not matter is divided among the others
                beside = np.where(matters, 0.0, values).sum(axis=1) / counts[part]
                found[part[:, np.newaxis], output, of_part] = np.where(matters, values + beside[:, np.newaxis], 0.0)
    return found


def _size(count: int, players: int) -> int:
    """The players of a design for so many that matter: themselves, and of many the next of a few sizes, since designs take time.

    >>> [_size(count, 500) for count in (3, 32, 33, 41, 490)]
    [3, 32, 40, 50, 500]
    """
    size = _FEW
    while size < count:
        size = -(-size * 5 // 4)
    return count if count <= _FEW else min(size, players)
