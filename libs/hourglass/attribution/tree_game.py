"""Trees whose answer is a function of a sum of leaves: a coalition's worth is that of the leaves it reaches, without synthetic rows."""

from __future__ import annotations

import numpy as np

from hourglass.attribution.coalitions import Masks
from hourglass.attribution.game import Game, InnerGame, stretches
from hourglass.attribution.trees import Bits, Reach, Trees
from hourglass.values import Floats

_AT_ONCE = 1 << 16  # coalitions × leaves: what a processor keeps near


class TreeGame(InnerGame):
    """The same game as `Game`, by the leaves that coalitions reach."""

    def __init__(self, trees: Trees, game: Game) -> None:
        self._trees = trees
        self._reach = Reach(trees, game.players, game.background.rows)
        super().__init__(lambda rows: trees.answers(trees.margins(rows)), game)

    def size_of(self, coalitions: int) -> int:
        return coalitions * len(self.background.rows) * len(self._trees.base)

    def mean(self, rows: Floats, masks: Masks) -> Floats:
        shared = self._reach.coalitions(masks[0]) if len(masks) == 1 else None
        found = []
        for place, row in enumerate(rows):
            coalitions = self._reach.coalitions(masks[place]) if shared is None else shared
            of_row = self._reach.of(row)
            answers = [self._trees.answers(self._margins(coalitions, of_row, other)) for other in self._reach.of_background]
            found.append(np.tensordot(self.background.weights, answers, 1))
        return np.array(found)

    def _margins(self, coalitions: Bits, of_row: Bits, of_other: Bits) -> Floats:
        """The margins of coalitions of a row beside one of the background: coalition × output."""
        told, there, values = self._reach.leaves(of_row, of_other)
        count = coalitions.shape[1]
        found = np.empty((count, values.shape[1]))
        for start, stop in stretches(count, max(1, _AT_ONCE // told.shape[1])):
            first, *more = zip(coalitions[:, start:stop, np.newaxis], told, there, strict=True)
            fits = first[0] & first[1] == first[2]
            for part, asked, needed in more:
                fits &= part & asked == needed
            found[start:stop] = fits.astype(np.float64) @ values
        return found + self._trees.base
