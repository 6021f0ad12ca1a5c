"""Sums of attributions by label and feature, and replicates of them for the interval of whatever is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import orjson

from hourglass.states.replicates import LARGEST, MOST, checked, weights
from hourglass.states.state import damaged, row_state
from hourglass.values import Floats, Hashes

REPLICATES = 100
SUMS = ("value", "absolute", "squared")


@row_state
class Attributions:
    """Sums of φ, |φ| and φ² of explained rows, by label and feature, and of |φ| and φ² in each replicate of a bootstrap.

    Each explained row stands for `weight` rows: those of an hour that were not explained are stood for by its sample. `sums`
    (sum × label × feature), `replicates` (replicate × 2 × label × feature) and `drawn`, the weight that a replicate drew, are
    weighted; `n` counts the rows that were explained, `weight` those they stand for, `expected` is the weighted sum of what the
    model says of the background, by label. A replicate counts a row as often as a Poisson variable of mean 0.8 says, drawn
    from the hash of its id.

    Names are in alphabetical order. Of features that one of two states lacks the sums are those of the other. States
    with different numbers of replicates make one of the smaller number; a state of no rows limits none.

    The bytes are a line of JSON, then `drawn`, `expected`, `sums` and `replicates`, little-endian doubles.

    >>> state = Attributions.empty(0)
    >>> state.update(np.array([[[0.5, -0.1]], [[0.3, 0.3]]]), ("label0",), ("sex", "age"), np.array([0.2]), np.array([1, 2], np.uint64))
    >>> state.features, state.n, state.sums[1].round(2).tolist()
    (('age', 'sex'), 2, [[0.4, 0.8]])
    """

    kind: ClassVar[str] = "attributions"
    version: ClassVar[int] = 1

    def __init__(
        self,
        labels: Sequence[str],
        features: Sequence[str],
        n: int,
        weight: float,
        drawn: Floats,
        expected: Floats,
        sums: Floats,
        replicates: Floats,
    ) -> None:
        self.labels = tuple(labels)
        self.features = tuple(features)
        self.n = n
        self.weight = weight
        self.drawn = drawn
        self.expected = expected
        self.sums = sums
        self.replicates = replicates

    @classmethod
    def empty(cls, replicates: int = REPLICATES) -> Self:
        size = checked(replicates)
        return cls((), (), 0, 0.0, np.zeros(size), np.zeros(0), np.zeros((len(SUMS), 0, 0)), np.zeros((size, 2, 0, 0)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attributions) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def update(
        self, values: Floats, labels: Sequence[str], features: Sequence[str], expected: Floats, ids: Hashes, *, weight: float = 1.0
    ) -> None:
        """Takes in attributions, rows × labels × features, of which each row stands for `weight` rows."""
        if len(values) == 0:
            return
        by_label, by_feature = np.argsort(labels), np.argsort(features)
        ordered = values[:, by_label][:, :, by_feature]
        terms = np.stack([np.abs(ordered), ordered**2], axis=1)
        size = len(self.drawn)
        drawn, replicates = np.zeros(size), np.zeros((size, *terms.shape[1:]))
        for place, times in enumerate(weights(ids, size)):
            chosen = times > 0
            # not np.dot: it asks BLAS, whose result depends on the machine
            replicates[place] = weight * (times[chosen, np.newaxis, np.newaxis, np.newaxis] * terms[chosen]).sum(axis=0)
            drawn[place] = weight * times.sum()
        block = type(self)(
            sorted(labels),
            sorted(features),
            len(values),
            weight * len(values),
            drawn,
            weight * len(values) * expected[by_label],
            weight * np.concatenate([ordered.sum(axis=0)[np.newaxis], terms.sum(axis=0)]),
            replicates,
        )
        self.__dict__ |= (self + block).__dict__

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        filled = [state for state in states if state.n]
        size = min((len(state.drawn) for state in filled or states), default=REPLICATES)
        if not filled:
            return cls.empty(size)
        labels = sorted({name for state in filled for name in state.labels})
        features = sorted({name for state in filled for name in state.features})
        # in the order of their bits, and neighbours in pairs: see Moments
        parts = sorted((state.part(labels, features, size) for state in filled), key=_bits, reverse=True)
        with np.errstate(over="ignore", invalid="ignore"):
            while len(parts) > 1:
                pairs = [first + second for first, second in zip(parts[::2], parts[1::2], strict=False)]
                parts = [*pairs, *parts[2 * len(pairs) :]]
        return cls(labels, features, sum(state.n for state in filled), *_cut(parts[0], size, len(labels), len(features)))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def part(self, labels: Sequence[str], features: Sequence[str], size: int) -> Floats:
        """All numbers that add up, one after the other, with 0 for the labels and features that are not here."""
        rows, columns = ([names.index(name) for name in own] for names, own in ((labels, self.labels), (features, self.features)))
        expected = np.zeros(len(labels))
        expected[rows] = self.expected
        found = [np.array([self.weight]), self.drawn[:size], expected]
        for sums in (self.sums, self.replicates[:size]):
            wide = np.zeros((*sums.shape[:-2], len(labels), len(features)))
            wide[..., np.array(rows)[:, np.newaxis], np.array(columns)[np.newaxis]] = sums
            found.append(wide.ravel())
        return np.concatenate(found)

    def to_bytes(self) -> bytes:
        head = {"labels": self.labels, "features": self.features, "n": self.n, "replicates": len(self.drawn)}
        size = len(self.drawn)
        numbers = self.part(self.labels, self.features, size) if self.n else np.zeros(1 + size)
        return orjson.dumps(head) + b"\n" + numbers.astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, KeyError, TypeError) as fault:
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "sums of attributions") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        line, end, arrays = data.partition(b"\n")
        if not end:
            raise ValueError("without an end of the head")
        head: Mapping[str, Any] = orjson.loads(line)
        labels, features, n, size = head["labels"], head["features"], head["n"], head["replicates"]
        sound = all(names == sorted(set(names)) and all(type(name) is str for name in names) for names in (labels, features))
        if not sound or type(n) is not int or type(size) is not int or not 0 <= n < LARGEST or not 0 <= size <= MOST:
            raise ValueError(f"{n} rows and {size} replicates of names that are not in order")
        if (n > 0) != bool(labels and features):
            raise ValueError(f"{n} rows of {len(labels)} labels and {len(features)} features")
        numbers = np.frombuffer(arrays, "<f8").astype(np.float64)
        cells = len(labels) * len(features)
        if len(numbers) != 1 + size + len(labels) + (len(SUMS) + 2 * size) * cells:
            raise ValueError(f"{len(numbers)} numbers")
        if not np.isfinite(numbers).all() or (numbers[: 1 + size] < 0).any() or (n > 0) != (numbers[0] > 0):
            raise ValueError("numbers that are no sums")
        return cls(labels, features, n, *_cut(numbers, size, len(labels), len(features)))


def _bits(part: Floats) -> bytes:
    return part.astype(">f8").tobytes()


def _cut(numbers: Floats, size: int, labels: int, features: int) -> tuple[float, Floats, Floats, Floats, Floats]:
    """Weight, drawn, expected, sums and replicates from their numbers one after the other."""
    weight, drawn, expected, sums, replicates = np.split(numbers, np.cumsum([1, size, labels, len(SUMS) * labels * features]))
    return (
        float(weight[0]),
        drawn,
        expected,
        sums.reshape(len(SUMS), labels, features),
        replicates.reshape(size, 2, labels, features),
    )
