"""Players, a background, and what a coalition of a row's features is worth by a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hourglass.attribution.coalitions import Masks
from hourglass.values import Floats

_CLOSE = 1e-6
_TRIED = 4
VALUES_AT_ONCE = 1 << 22  # of synthetic rows: 32 MB

Places = npt.NDArray[np.intp]
Predict = Callable[[Floats], Floats]  # rows x features -> rows x outputs
Link = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Background:
    """Rows that stand for "nobody knows the feature", and the share of each."""

    rows: Floats
    weights: Floats


@dataclass(frozen=True)
class Players:
    """Which features are explained as one: `of_feature` is the player of each feature."""

    names: tuple[str, ...]
    of_feature: Places

    @classmethod
    def of(cls, features: Sequence[str], groups: Mapping[str, str]) -> Players:
        """Each feature by itself, but for those of one group, which is called by its name.

        >>> Players.of(["age", "sex=f", "sex=m"], {"sex=f": "sex", "sex=m": "sex"})
        Players(names=('age', 'sex'), of_feature=array([0, 1, 1]))
        """
        named = [groups.get(name, name) for name in features]
        names = tuple(dict.fromkeys(named))
        return cls(names, np.array([names.index(name) for name in named], np.intp))

    def summed(self, values: Floats) -> Floats:
        """Values by feature, which are the last axis, as sums by player."""
        found = np.zeros((self.count, *values.shape[:-1]))
        np.add.at(found, self.of_feature, np.moveaxis(values, -1, 0))
        return np.moveaxis(found, 0, -1)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)


class Game:
    """What coalitions of a row's features are worth: the model's mean answer where the others have the background's values."""

    def __init__(self, predict: Predict, background: Background, players: Players, link: Link) -> None:
        self.predict = predict
        self.background = background
        self.players = players
        self.link = link
        self.nothing: Floats = link(background.weights @ predict(background.rows))  # outputs

    def everything(self, rows: Floats) -> Floats:
        """What a whole row is worth: rows x outputs."""
        return self.link(self.predict(rows))

    def varying(self, rows: Floats) -> Masks:
        """Which players can matter to which row: those in which it differs from a row of the background."""
        there, other = rows[:, np.newaxis], self.background.rows[np.newaxis]
        differs = ((there != other) & ~(np.isnan(there) & np.isnan(other))).any(axis=1)
        found = np.zeros((self.players.count, len(rows)), np.bool_)
        np.logical_or.at(found, self.players.of_feature, differs.T)
        return found.T

    def size_of(self, coalitions: int) -> int:
        """Numbers that a row with so many coalitions takes in memory."""
        return coalitions * self.background.rows.size

    def worth(self, rows: Floats, masks: Masks) -> Floats:
        """Rows x coalitions x outputs; `masks` are coalitions x players, for all rows or for each."""
        shared = masks if masks.ndim == 3 else masks[np.newaxis]
        answers = []
        for start, stop in stretches(shared.shape[1], max(1, VALUES_AT_ONCE // max(1, self.size_of(len(rows))))):
            mean = self.mean(rows, shared[:, start:stop])
            answers.append(mean)
        return self.link(np.concatenate(answers, axis=1))

    def mean(self, rows: Floats, masks: Masks) -> Floats:
        """The model's mean answer over the background, before the link."""
        background = self.background.rows
        known = masks[:, :, self.players.of_feature]
        synthetic = np.where(known[:, :, np.newaxis], rows[:, np.newaxis, np.newaxis], background)
        answers = self.predict(synthetic.reshape(-1, rows.shape[1]))
        by_background = answers.reshape(len(rows), masks.shape[1], len(background), -1)
        found: Floats = np.einsum("rcbo,b->rco", by_background, self.background.weights)
        return found


class InnerGame(Game):
    """The same game by what is inside of a model, where `mean` needs no synthetic rows.

    Values, and with them attributions, are those of the model to the last digits: `agrees` tells of some rows whether they are.
    """

    def __init__(self, answers: Predict, game: Game) -> None:
        """`answers` are what the model says of rows, by what is inside of it."""
        self._asked = game
        super().__init__(answers, game.background, game.players, game.link)

    def agrees(self, rows: Floats) -> bool:
        """Whether the model itself says the same of rows, and of two coalitions of some: what is around the inside may change it."""
        some = np.arange(self.players.count) % 2 == 0
        masks, tried = np.array([some, ~some])[np.newaxis], rows[:_TRIED]
        return alike(self.predict(rows), self._asked.predict(rows)) and alike(self.mean(tried, masks), self._asked.mean(tried, masks))


def alike(ours: Floats, theirs: Floats) -> bool:
    """Whether answers are the same but for the last digits."""
    return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=_CLOSE, atol=_CLOSE)


def probabilities(margins: Floats) -> Floats:
    """Probabilities from log-odds, whose last axis is the outputs: of one, or of several.

    >>> probabilities(np.array([[0.0], [1000.0]])).tolist(), probabilities(np.array([[0.0, 0.0]])).tolist()
    ([[0.5], [1.0]], [[0.5, 0.5]])
    """
    if margins.shape[-1] == 1:
        return 0.5 + 0.5 * np.tanh(0.5 * margins)  # does not overflow
    shifted = np.exp(margins - margins.max(axis=-1, keepdims=True))
    found: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
    return found


def stretches(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Where parts of at most `size` begin and end."""
    for start in range(0, count, size):
        yield start, min(count, start + size)
