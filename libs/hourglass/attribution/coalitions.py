"""Which coalitions of features are tried, and the matrix that turns what they are worth into attributions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from hourglass.values import Floats

Masks = npt.NDArray[np.bool_]

MOST_EXTRA = 2048
LEAST_SAMPLES = 500  # all rows share the coalitions, so what chance does in them does not shrink with more rows
_ENUMERABLE = 1 << 62
_FEW_TIMES = 8


def default_samples(players: int) -> int:
    """Coalitions that are tried when nobody says how many: 2 M + 2,048, or all 2^M - 2 where they are fewer.

    >>> default_samples(4), default_samples(14)
    (14, 2076)
    """
    return min(2 * players + MOST_EXTRA, all_coalitions(players))


def all_coalitions(players: int) -> int:
    """Coalitions that are neither empty nor whole: 2^M - 2."""
    return min(int(2**players) - 2, _ENUMERABLE)


def samples_of(asked: int | None, players: int) -> int:
    """Coalitions that are tried where so many were asked for: no more than there are."""
    return default_samples(players) if asked is None else min(asked, all_coalitions(players))


@dataclass(frozen=True)
class Design:
    """Coalitions, a line each, and the projection from what each is worth beyond its share to the attributions.

    With v the value of a coalition less that of none, and d that of all less that of none: the attributions of all players
    but the last are `projection @ (v - d * has_last)`, the last one has what they leave of d. So one matrix serves any
    number of rows and outputs.
    """

    masks: Masks  # coalition x player
    projection: Floats  # player but the last x coalition

    def attributions(self, values: Floats, of_all: Floats) -> Floats:
        """The attributions (rows x players) of values of coalitions (rows x coalitions); `of_all` is v of all players (rows)."""
        left = values - np.multiply.outer(of_all, self.masks[:, -1].astype(np.float64))
        most = left @ self.projection.T
        return np.concatenate([most, (of_all - most.sum(axis=1))[:, np.newaxis]], axis=1)


@lru_cache(maxsize=64)
def design(players: int, samples: int, seed: int) -> Design:
    """The coalitions of so many players, at most `samples` but for pairs, and their least-squares projection.

    A coalition of s of M players weighs (M - 1) / (C(M, s) s (M - s)). Sizes s and M - s are tried whole, the outermost first,
    as long as chance would try each of theirs at least once. Of each other size some coalitions and their complements stand
    for all, as many as its share of the weight asks for: how many of a size there are is not left to chance. All rows share
    them.

    Source: Lundberg and Lee (2017), "A unified approach to interpreting model predictions"; complements: Covert and Lee (2021),
    "Improving KernelSHAP".

    >>> whole = design(3, 6, 0)
    >>> whole.masks.sum(axis=1).tolist(), whole.projection.shape
    ([1, 1, 1, 2, 2, 2], (2, 6))
    """
    if players == 1:
        return Design(np.zeros((0, 1), np.bool_), np.zeros((0, 0)))
    masks, weights = _whole(players) if samples >= all_coalitions(players) else _some(players, samples, np.random.default_rng(seed))
    # the last player's attribution is what the others leave: its column goes
    differences = masks[:, :-1].astype(np.float64) - masks[:, -1:]
    roots = np.sqrt(weights)[:, np.newaxis]
    weighted = differences * roots
    if len(masks) >= 2 * players:
        # the normal equations, which of so many coalitions are sound, and a hundred times faster than the pseudo-inverse
        projection = np.linalg.solve(weighted.T @ weighted, weighted.T) * roots.T
    else:  # fewer coalitions than players leave some attributions open: the smallest are taken
        projection = np.linalg.pinv(weighted) * roots.T
    return Design(masks, projection.astype(np.float64))


def _mass(players: int, size: int) -> float:
    """What all coalitions of a size weigh together."""
    return (players - 1) / (size * (players - size))


def _whole(players: int) -> tuple[Masks, Floats]:
    sizes = range(1, players)
    masks = np.concatenate([_of_size(players, size) for size in sizes])
    weights = np.concatenate([np.full(comb(players, size), _mass(players, size) / comb(players, size)) for size in sizes])
    return masks, weights


def _some(players: int, samples: int, random: np.random.Generator) -> tuple[Masks, Floats]:
    """Whole sizes from the outside in, then some coalitions of each size that is left; none twice."""
    masks: list[Masks] = []
    weights: list[Floats] = []
    left = samples
    # a size with its complements, which are of another size but for the half of all
    sizes = {size: (1 if 2 * size == players else 2) * _mass(players, size) for size in range(1, players // 2 + 1)}
    while sizes:
        size = min(sizes)
        found = comb(players, size) * (1 if 2 * size == players else 2)
        if left * sizes[size] / sum(sizes.values()) < found:
            break
        half = _of_size(players, size)
        both = half if 2 * size == players else np.concatenate([half, ~half])
        masks.append(both)
        weights.append(np.full(found, sizes[size] / found))
        left -= found
        del sizes[size]
    total = sum(sizes.values())
    for size, mass in sizes.items():
        pairs = round(left * mass / total / 2)
        if pairs == 0:
            continue
        half = _drawn(players, size, pairs, random)
        masks.append(np.concatenate([half, ~half]))
        weights.append(np.full(2 * pairs, mass / (2 * pairs)))
    if not masks:  # a single pair of coalitions was asked for
        half = _drawn(players, players // 2, 1, random)
        return np.concatenate([half, ~half]), np.ones(2)
    tried, where = np.unique(np.concatenate(masks), axis=0, return_inverse=True)
    return tried, np.bincount(where.ravel(), np.concatenate(weights)).astype(np.float64)


def _of_size(players: int, size: int) -> Masks:
    """All coalitions of a size."""
    places = np.array(list(combinations(range(players), size)), np.intp)
    masks = np.zeros((len(places), players), np.bool_)
    np.put_along_axis(masks, places, values=True, axis=1)
    return masks


def _drawn(players: int, size: int, count: int, random: np.random.Generator) -> Masks:
    """So many coalitions of a size by chance: without any twice where that could happen often."""
    if comb(players, size) <= _FEW_TIMES * count:
        every = _of_size(players, size)
        # of half of all players the other half of the list are complements
        every = every[: len(every) // 2] if 2 * size == players else every
        return every[random.choice(len(every), count, replace=False)]
    chosen = np.argsort(random.random((count, players)), axis=1)[:, :size]
    masks = np.zeros((count, players), np.bool_)
    np.put_along_axis(masks, chosen, values=True, axis=1)
    return masks
