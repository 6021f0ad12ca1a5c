"""Trees as lists of nodes, and which of their leaves a coalition reaches, which bits tell.

A feature that goes another way than a leaf asks for, in the row or in a row of the background, is a set bit of its player. With r
and b the bits of both, a coalition c, whose players have the row's values, reaches the leaf where c & r = 0 and ~c & b = 0: where
r & b = 0 and c & (r | b) = b. So a leaf is asked once about all coalitions, and those that neither row can reach are not asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hourglass.attribution.coalitions import Masks
from hourglass.attribution.game import Places, Players, alike, probabilities
from hourglass.errors import EnvironmentFault
from hourglass.values import Floats

Bits = npt.NDArray[np.uint32]
_WORD = 32  # bits


@dataclass(frozen=True, eq=False)
class Trees:
    """Nodes of all trees in one list, level by level, the roots first; each after its parent, whose feature decides.

    `ends` are where the levels end. Of each node: its parent, whether it is the left child, the feature that decides in it, the
    threshold up to which a value goes left, and whether a missing one does. `leaves` are places of nodes, `values` leaves ×
    outputs, whose sum with `base` is the margin. `kind` is the type that the trees compare values in. `of_answer` says that
    margins are the model's answer, and not its log-odds.
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
    of_answer: bool = False

    @classmethod
    def of(cls, estimator: Any, order: Places, rows: Floats, answers: Floats) -> Trees | None:
        """The trees of an estimator that shap can read, whose sum is the model's answer, or the log-odds of it; None of others.

        `order` is which feature each of its inputs is, `answers` are those of the model for some rows. EnvironmentFault without shap.
        """
        try:
            import shap
        except ImportError as fault:
            hint = 'pip install "hourglass-monitor[attribution]"'
            raise EnvironmentFault("shap", found="none", expected="the package", hint=hint) from fault
        try:
            found = shap.TreeExplainer(estimator).model
            if np.any(found.threshold_types[found.children_left >= 0]):  # of categories
                return None
            trees = cls._read(found, order, answers.shape[1])
        except Exception:  # noqa: BLE001 by which shap says that it does not know a model differs from model to model
            return None
        margins = trees.margins(rows)
        if alike(margins, answers):
            return replace(trees, of_answer=True)
        ours = probabilities(margins)
        if ours.shape != answers.shape or min(ours.min(), answers.min()) <= 0:
            return None
        # of several classes of XGBoost's shap has one constant, and there is one for each
        trees = trees if alike(ours, answers) else replace(trees, base=trees.base + np.log(answers / ours).mean(axis=0))
        return trees if alike(trees.answers(trees.margins(rows)), answers) else None

    @classmethod
    def _read(cls, found: Any, order: Places, outputs: int) -> Trees:
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
        base = np.broadcast_to(np.asarray(found.base_offset, np.float64), values.shape[1])
        if values.shape[1] == 1 and outputs > 1:  # a tree for each output in turn, which shap does not know of LightGBM's files
            values = values * (nodes[is_leaf, np.newaxis] // width % outputs == np.arange(outputs))
            base = np.broadcast_to(base, outputs)
        elif values.shape[1] == 2 and outputs == 1:  # of two classes the second, as the model's answer is
            values, base = values[:, 1:], base[1:]
        return cls(
            tuple(np.cumsum([len(level) for level in levels]).tolist()),
            np.concatenate(parents).astype(np.intp),
            np.concatenate(sides),
            order[np.where(is_leaf, 0, found.features.ravel()[nodes])],
            found.thresholds.ravel()[nodes],
            found.children_default.ravel()[nodes] == left[nodes],
            np.flatnonzero(is_leaf),
            values,
            base,
            found.input_dtype,
        )

    def against(self, row: Floats, words: Bits) -> Bits:
        """The bits of the features that keep a row from each leaf: word × leaf; `words` has the bit of each feature, word × feature."""
        values = row.astype(self.kind)[self.features]
        goes_left = np.where(np.isnan(values), self.missing_left, values <= self.thresholds)
        wrong = goes_left[self.parents] != self.is_left
        wrong[: self.ends[0]] = False
        asked = self.features[self.parents]
        found = np.empty((len(words), len(self.leaves)), np.uint32)
        for place, word in enumerate(words):
            bits = word[asked] * wrong
            for start, stop in zip(self.ends, self.ends[1:], strict=False):
                bits[start:stop] |= bits[self.parents[start:stop]]
            found[place] = bits[self.leaves]
        return found

    def answers(self, margins: Floats) -> Floats:
        """What the model says; the last axis of the margins is the outputs."""
        return margins if self.of_answer else probabilities(margins)

    def margins(self, rows: Floats) -> Floats:
        """What the leaves that rows reach add up to: rows × outputs."""
        any_feature = np.ones((1, rows.shape[1]), np.uint32)
        reached = [self.against(row, any_feature)[0] == 0 for row in rows]
        found: Floats = np.array(reached).reshape(len(rows), -1) @ self.values + self.base
        return found


class Reach:
    """Which leaves rows can reach together with rows of a background, in bits of players."""

    def __init__(self, trees: Trees, players: Players, background: Floats) -> None:
        self.trees = trees
        count = players.count
        bits = np.zeros((-(-count // _WORD), count), np.uint32)
        bits[np.arange(count) // _WORD, np.arange(count)] = np.left_shift(1, np.arange(count) % _WORD)
        self._of_player: Bits = bits
        self._of_feature = bits[:, players.of_feature]
        self.of_background = [self.of(row) for row in background]

    def of(self, row: Floats) -> Bits:
        """The players that keep a row from each leaf: word × leaf."""
        return self.trees.against(row, self._of_feature)

    def coalitions(self, masks: Masks) -> Bits:
        """The bits of each coalition: word × coalition. A word's players have different bits, so they can be added up."""
        return np.asarray(self._of_player @ masks.T.astype(np.float64), np.uint32)

    def players(self, bits: Bits) -> Masks:
        """Which players bits are of: a line of bits × player."""
        found = np.zeros((bits.shape[1], self._of_player.shape[1]), np.bool_)
        for own, word in zip(bits, self._of_player, strict=True):
            found |= own[:, np.newaxis] & word != 0
        return found

    def leaves(self, of_row: Bits, of_other: Bits) -> tuple[Bits, Bits, Floats]:
        """The leaves that coalitions can reach: the players that they ask about, those that must be there, and what they add.

        Leaves that ask for the same are one.
        """
        reached = np.flatnonzero(~np.bitwise_or.reduce(of_row & of_other, axis=0).astype(np.bool_))
        there = of_other[:, reached]
        told = of_row[:, reached] | there
        order = np.argsort(told[0].astype(np.uint64) << np.uint64(_WORD) | there[0]) if len(told) == 1 else np.lexsort([*told, *there])
        told, there = told[:, order], there[:, order]
        news = (told[:, 1:] != told[:, :-1]) | (there[:, 1:] != there[:, :-1])
        firsts = np.flatnonzero(np.concatenate([[True], np.logical_or.reduce(news, axis=0)]))
        return told[:, firsts], there[:, firsts], np.add.reduceat(self.trees.values[reached[order]], firsts)
