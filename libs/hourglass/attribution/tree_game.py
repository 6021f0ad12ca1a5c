"""Trees whose answer is a function of a sum of leaves: which of them a coalition reaches bits tell, without synthetic rows.

A feature that goes another way than a leaf asks for, in the row or in a row of the background, is a set bit. With r and b the bits
of both, a coalition c, whose players have the row's values, reaches the leaf where c & r = 0 and ~c & b = 0: where r & b = 0 and
c & (r | b) = b. So a leaf is asked once about all coalitions, and those that neither row can reach are not asked about at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hourglass.attribution.coalitions import Masks
from hourglass.attribution.game import Game, InnerGame, Places, alike, probabilities, stretches
from hourglass.values import Floats

Bits = npt.NDArray[np.uint32]
_WORD = 32  # bits
_AT_ONCE = 1 << 16  # coalitions × leaves: what a processor keeps near


@dataclass(frozen=True, eq=False)
class Trees:
    """Nodes of all trees in one list, level by level, the roots first; each after its parent, whose feature decides.

    `ends` are where the levels end. Of each node: its parent, whether it is the left child, the feature that decides in it, the
    threshold up to which a value goes left, and whether a missing one does. `leaves` are places of nodes, `values` leaves ×
    outputs, whose sum with `base` is the margin. `kind` is the type that the trees compare values in.
    """

    ends: tuple[int, ...]
    parents: Places
    is_left: Masks
    features: Places
    thresholds: Floats
    missing_left: Masks
    leaves: Places
    values: Floats
    base: Floats
    kind: type[np.floating[Any]]

    @classmethod
    def of(cls, estimator: Any, order: Places, outputs: int) -> Trees | None:
        """The trees of an estimator that shap knows, of numbers; `order` is which feature each of its inputs is. None of others."""
        try:
            import shap

            found = shap.TreeExplainer(estimator).model
            if np.any(found.threshold_types[found.children_left >= 0]):  # of categories
                return None
            return cls._of(found, order, outputs)
        except Exception:  # noqa: BLE001 by which shap says that it does not know a model differs from model to model
            return None

    @classmethod
    def _of(cls, found: Any, order: Places, outputs: int) -> Trees:
        trees, width = found.children_left.shape
        left, right = found.children_left.ravel(), found.children_right.ravel()
        level = np.arange(trees) * width
        levels, parents, sides = [level], [np.zeros(trees, np.intp)], [np.zeros(trees, np.bool_)]
        start = 0
        while len(level):
            inner = np.flatnonzero(left[level] >= 0)
            tree = level[inner] // width * width
            level = np.concatenate([tree + left[level[inner]], tree + right[level[inner]]])
            parents.append(np.concatenate([start + inner, start + inner]))
            sides.append(np.arange(len(level)) < len(inner))
            start += len(levels[-1])
            levels.append(level)
        nodes = np.concatenate(levels)
        is_leaf = left[nodes] < 0
        values = found.values.reshape(trees * width, -1)[nodes[is_leaf]].astype(np.float64)
        if values.shape[1] == 1 and outputs > 1:  # a tree for each output in turn, which shap does not know of LightGBM's files
            values = values * (nodes[is_leaf, np.newaxis] // width % outputs == np.arange(outputs))
        features = np.where(is_leaf, 0, found.features.ravel()[nodes])
        return cls(
            tuple(np.cumsum([len(level) for level in levels]).tolist()),
            np.concatenate(parents).astype(np.intp),
            np.concatenate(sides),
            order[features],
            found.thresholds.ravel()[nodes],
            found.children_default.ravel()[nodes] == left[nodes],
            np.flatnonzero(is_leaf),
            values,
            np.broadcast_to(np.asarray(found.base_offset, np.float64), values.shape[1]),
            found.input_dtype,
        )

    def against(self, row: Floats, words: Bits) -> Bits:
        """The bits of the features that keep a row from each leaf: leaf × word; `words` has the bit of each feature."""
        values = row.astype(self.kind)[self.features]
        goes_left = np.where(np.isnan(values), self.missing_left, values <= self.thresholds)
        wrong = goes_left[self.parents] != self.is_left
        found: Bits = np.where(wrong[:, np.newaxis], words[self.features[self.parents]], 0).astype(np.uint32)
        found[: self.ends[0]] = 0
        for start, stop in zip(self.ends, self.ends[1:], strict=False):
            found[start:stop] |= found[self.parents[start:stop]]
        return found[self.leaves]

    def margins(self, rows: Floats) -> Floats:
        """What the leaves that rows reach add up to: rows × outputs."""
        any_feature = np.ones((rows.shape[1], 1), np.uint32)
        reached = [self.against(row, any_feature)[:, 0] == 0 for row in rows]
        found: Floats = np.array(reached) @ self.values + self.base
        return found


def tree_game(estimator: Any, order: Places, game: Game) -> TreeGame | None:
    """The same game by the trees of an estimator, whose answer is their sum or the probabilities of it; None of another one."""
    rows = game.background.rows
    theirs = game.predict(rows)
    trees = Trees.of(estimator, order, theirs.shape[1])
    if trees is None:
        return None
    margins = trees.margins(rows)
    if alike(margins, theirs):
        return TreeGame(trees, np.asarray, game)
    ours = probabilities(margins)
    if not alike(ours, theirs):
        if ours.shape != theirs.shape or min(ours.min(), theirs.min()) <= 0:
            return None
        # of several classes of XGBoost's shap has one constant, and there is one for each
        trees = replace(trees, base=trees.base + np.log(theirs / ours).mean(axis=0))
    return TreeGame(trees, probabilities, game) if alike(probabilities(trees.margins(rows)), theirs) else None


class TreeGame(InnerGame):
    """The same game as `Game`, by the leaves that coalitions reach; `of_margins` makes answers of them."""

    def __init__(self, trees: Trees, of_margins: Callable[[Floats], Floats], game: Game) -> None:
        self._trees = trees
        self._of_margins = of_margins
        count = game.players.count
        bits = np.zeros((count, -(-count // _WORD)), np.uint32)
        bits[np.arange(count), np.arange(count) // _WORD] = np.left_shift(1, np.arange(count) % _WORD)
        self._of_player: Bits = bits
        self._of_feature = bits[game.players.of_feature]
        self._of_background = [trees.against(row, self._of_feature) for row in game.background.rows]
        super().__init__(game)

    def size_of(self, coalitions: int) -> int:
        return coalitions * len(self.background.rows) * len(self._trees.base)

    def answers(self, rows: Floats) -> Floats:
        return self._of_margins(self._trees.margins(rows))

    def mean(self, rows: Floats, masks: Masks) -> Floats:
        shared = self._coalitions(masks[0]) if len(masks) == 1 else None
        found = []
        for place, row in enumerate(rows):
            coalitions = self._coalitions(masks[place]) if shared is None else shared
            of_row = self._trees.against(row, self._of_feature)
            answers = [self._of_margins(self._margins(coalitions, of_row, other)) for other in self._of_background]
            found.append(np.tensordot(self.background.weights, answers, 1))
        return np.array(found)

    def _coalitions(self, masks: Masks) -> Bits:
        """The bits of each coalition: coalition × word. A word's players have different bits, so they can be added up."""
        return np.asarray(masks.astype(np.float64) @ self._of_player, np.uint32)

    def _margins(self, coalitions: Bits, of_row: Bits, of_other: Bits) -> Floats:
        """The margins of coalitions of a row beside one of the background: coalition × output."""
        reached = np.flatnonzero(~(of_row & of_other).any(axis=1))
        told, there = of_row[reached] | of_other[reached], of_other[reached]
        # leaves that ask for the same are one
        order = np.lexsort(np.column_stack([told, there]).T)
        asked = np.column_stack([told, there])[order]
        firsts = np.flatnonzero(np.concatenate([[True], (asked[1:] != asked[:-1]).any(axis=1)]))
        values = np.add.reduceat(self._trees.values[reached[order]], firsts)
        told, there = told[order[firsts]], there[order[firsts]]
        found = np.empty((len(coalitions), values.shape[1]))
        for start, stop in stretches(len(coalitions), max(1, _AT_ONCE // len(told))):
            part = coalitions[start:stop, np.newaxis]
            fits = part[:, :, 0] & told[:, 0] == there[:, 0]
            for word in range(1, told.shape[1]):
                fits &= part[:, :, word] & told[:, word] == there[:, word]
            found[start:stop] = fits.astype(np.float64) @ values
        return found + self._trees.base
