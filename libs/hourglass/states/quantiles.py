"""The distribution of a column's finite numbers: a KLL sketch over doubles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from hourglass.states.state import column_state, damaged
from hourglass.values import Counts, Floats, Values

K = 2048
M = 8  # smallest capacity of a level
_FAMILY, _FULL_PREAMBLE_INTS, _EMPTY_FLAG, _SINGLE_FLAG = 15, 5, 1, 4


@lru_cache(maxsize=64)
def _capacities(levels: int) -> tuple[int, ...]:
    """How many items each of so many levels may hold: k at the top, 2/3 of the next above at each step down."""
    return tuple(max(M, ((2 * (K << depth)) // 3**depth + 1) // 2) for depth in range(levels - 1, -1, -1))


@column_state
class Quantiles:
    """KLL sketch, k = 2048: an item of level i stands for 2^i values; rank error 0.14 % at 99 % confidence.

    `to_bytes` is the plain Apache DataSketches form (KLL over doubles), so any of its libraries reads it. The
    compaction is ours and deterministic, because the library's coin is seeded from the clock: the same hour would
    give another sketch at each run. A sorted block is also compacted whole, once a level, instead of in pieces of
    2,048, which is faster than the library and adds one rounding a level and block instead of many.

    Source: Karnin, Lang, Liberty (2016), "Optimal Quantile Approximation in Streams", arXiv 1603.05346.
    """

    kind: ClassVar[str] = "quantiles"
    version: ClassVar[int] = 1

    def __init__(self, levels: Sequence[Floats], minimum: float, maximum: float) -> None:
        self.levels = list(levels)
        self.minimum = minimum
        self.maximum = maximum
        self._table: tuple[Floats, Counts] | None = None

    @classmethod
    def empty(cls) -> Self:
        return cls([], np.inf, -np.inf)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantiles) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def n(self) -> int:
        """How many numbers the sketch stands for."""
        return sum(len(items) << level for level, items in enumerate(self.levels))

    def update(self, values: Values) -> None:
        numbers = values.sorted_numbers
        if len(numbers):
            self._take([numbers], float(numbers[0]), float(numbers[-1]))

    def _take(self, levels: Sequence[Floats], minimum: float, maximum: float) -> None:
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)
        for level, items in enumerate(levels):
            if level == len(self.levels):
                self.levels.append(items)
            elif len(items):
                self.levels[level] = _merge(self.levels[level], items)
        self._table = None
        self._compact()

    def _compact(self) -> None:
        """Halves the lowest over-full level into the one above until all fits."""
        levels = self.levels
        while sum(map(len, levels)) > sum(_capacities(len(levels))):
            capacities = _capacities(len(levels))
            level = next(i for i, items in enumerate(levels) if len(items) >= capacities[i])
            items = levels[level]
            coin = (self.n * 0x9E3779B97F4A7C15 + level * 0xBF58476D1CE4E5B9 >> 29) & 3
            stays = len(items) & 1  # of an odd number one stays: the first or the last, by the coin
            left, promoted = (items[:stays], items[stays:]) if coin & 2 else (items[len(items) - stays :], items[: len(items) - stays])
            levels[level] = left
            if level + 1 == len(levels):
                levels.append(promoted[coin & 1 :: 2].copy())
            else:
                levels[level + 1] = _merge(levels[level + 1], promoted[coin & 1 :: 2])

    def __add__(self, other: Self) -> Self:
        merged = type(self)(self.levels, self.minimum, self.maximum)
        merged._take(other.levels, other.minimum, other.maximum)
        return merged

    def weighted_items(self) -> tuple[Floats, Counts]:
        """The retained items in ascending order and the running sum of their weights (the last is n)."""
        if self._table is None:
            if not self.levels:
                return np.empty(0, np.float64), np.empty(0, np.int64)
            items = np.concatenate(self.levels)
            weights = np.repeat(1 << np.arange(len(self.levels)), [len(level) for level in self.levels])
            order = np.argsort(items, kind="stable")
            self._table = items[order], np.cumsum(weights[order])
        return self._table

    def counts_below(self, points: Floats, *, inclusive: bool) -> Counts:
        """How many numbers are < each point, or <= it when `inclusive`."""
        items, running = self.weighted_items()
        places = np.searchsorted(items, points, side="right" if inclusive else "left")
        return np.concatenate([[0], running])[places]

    def quantile(self, rank: float) -> float:
        """The smallest retained item whose inclusive rank reaches `rank` (0 to 1); NaN for an empty sketch."""
        items, running = self.weighted_items()
        if len(items) == 0:
            return float("nan")
        if rank <= 0:
            return self.minimum
        if rank >= 1:
            return self.maximum
        return float(items[min(int(np.searchsorted(running, rank * running[-1], side="left")), len(items) - 1)])

    def to_bytes(self) -> bytes:
        n = self.n
        if n == 0:
            return bytes((2, 1, _FAMILY, _EMPTY_FLAG)) + K.to_bytes(2, "little") + bytes((M, 0))
        if n == 1:
            head = bytes((2, 2, _FAMILY, _SINGLE_FLAG)) + K.to_bytes(2, "little") + bytes((M, 0))
            return head + np.array(self.levels[0], "<f8").tobytes()
        sizes = [len(level) for level in self.levels]
        first = sum(_capacities(len(sizes))) - sum(sizes)
        starts = first + np.concatenate([[0], np.cumsum(sizes)[:-1]])
        head = bytes((_FULL_PREAMBLE_INTS, 1, _FAMILY, 2)) + K.to_bytes(2, "little") + bytes((M, 0))
        return b"".join(
            (
                head,
                n.to_bytes(8, "little"),
                K.to_bytes(2, "little"),
                bytes((len(sizes), 0)),
                starts.astype("<u4").tobytes(),
                np.array([self.minimum, self.maximum], "<f8").tobytes(),
                *(level.astype("<f8", copy=False).tobytes() for level in self.levels),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, IndexError) as fault:  # cut off
            raise damaged(cls.kind, f"{len(data)} bytes", f"a DataSketches KLL sketch of doubles with k = {K}") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        if len(data) < 8 or data[2] != _FAMILY or int.from_bytes(data[4:6], "little") != K:
            raise ValueError("another sketch")
        if data[3] & _EMPTY_FLAG:
            return cls.empty()
        if data[3] & _SINGLE_FLAG:
            item = np.frombuffer(data, "<f8", 1, 8).copy()
            return cls([item], float(item[0]), float(item[0]))
        levels = data[18]
        starts = np.frombuffer(data, "<u4", levels, 20).astype(np.int64)
        at = 20 + 4 * levels
        minimum, maximum = np.frombuffer(data, "<f8", 2, at).tolist()
        items = np.frombuffer(data, "<f8", -1, at + 16).astype(np.float64)
        sketch = cls(np.split(items, (starts - starts[0])[1:]), minimum, maximum)
        if sketch.n != int.from_bytes(data[8:16], "little"):
            raise damaged(cls.kind, f"items for {sketch.n} values", f"{int.from_bytes(data[8:16], 'little')} values")
        return sketch

    @classmethod
    def from_levels(cls, levels: Sequence[Sequence[float]], minimum: float, maximum: float) -> Self:
        """A sketch from items of weight 2^i, as `statistics.json` of the stock analyzer holds them."""
        return cls([np.sort(np.asarray(items, np.float64)) + 0.0 for items in levels], minimum, maximum)


def _merge(first: Floats, second: Floats) -> Floats:
    """Both ascending arrays as one."""
    return np.sort(np.concatenate([first, second])) if len(first) else second.copy()
