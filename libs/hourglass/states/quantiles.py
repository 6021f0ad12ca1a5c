"""The distribution of a column's finite numbers: a KLL sketch over doubles."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np

from hourglass.states.state import column_state, damaged, other_size
from hourglass.values import Counts, Floats, Values

K = 2048
M = 8  # smallest capacity of a level
_FAMILY, _FULL_PREAMBLE_INTS = 15, 5
_EMPTY, _LEVEL_ZERO_SORTED, _SINGLE = 1, 2, 4  # flags
_DOUBLES = 8  # a flag without which Java's 3.3, of Spark 3.5, reads no doubles; its 6.2, of Spark 4.1, and C++ pass over it
_FORMS = {(2, 1, _EMPTY), (2, 2, _SINGLE), (_FULL_PREAMBLE_INTS, 1, 0)}  # preamble ints, version, flags
_HEAD = struct.Struct("<4BHBx")  # preamble ints, version, family, flags, k, m
_SIZES = struct.Struct("<QHBx")  # n, smallest k of the sketches in it, levels


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
            self.levels = _merged([self.levels, [numbers]])
            self.minimum = min(self.minimum, float(numbers[0]))
            self.maximum = max(self.maximum, float(numbers[-1]))
            self._table = None

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        return cls(
            _merged([state.levels for state in states]),
            min((state.minimum for state in states), default=np.inf),
            max((state.maximum for state in states), default=-np.inf),
        )

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

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
            return _HEAD.pack(2, 1, _FAMILY, _EMPTY | _DOUBLES, K, M)
        if n == 1:
            return _HEAD.pack(2, 2, _FAMILY, _SINGLE | _DOUBLES, K, M) + np.array(self.levels[0], "<f8").tobytes()
        sizes = [len(level) for level in self.levels]
        first = sum(_capacities(len(sizes))) - sum(sizes)
        starts = first + np.concatenate([[0], np.cumsum(sizes)[:-1]])
        return b"".join(
            (
                _HEAD.pack(_FULL_PREAMBLE_INTS, 1, _FAMILY, _LEVEL_ZERO_SORTED | _DOUBLES, K, M),
                _SIZES.pack(n, K, len(sizes)),
                starts.astype("<u4").tobytes(),
                np.array([self.minimum, self.maximum], "<f8").tobytes(),
                *(level.astype("<f8", copy=False).tobytes() for level in self.levels),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, IndexError, struct.error) as fault:
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", f"a DataSketches KLL sketch of doubles with k = {K}") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        preamble, version, family, flags, k, m = _HEAD.unpack_from(data)
        form = preamble, version, flags & (_EMPTY | _SINGLE)
        if family != _FAMILY or m != M or form not in _FORMS:
            raise ValueError(f"beginning with {data[:8].hex(' ')}")
        if k != K:
            raise other_size(cls.kind, f"k = {k}", f"k = {K}")
        if flags & _EMPTY:
            if len(data) != _HEAD.size:
                raise ValueError("of an empty sketch")
            return cls.empty()
        if flags & _SINGLE:
            item = np.frombuffer(data, "<f8", -1, _HEAD.size)
            return cls._verified([item], float(item[0]), float(item[0]), 1)
        n, smallest_k, count = _SIZES.unpack_from(data, _HEAD.size)
        if smallest_k != K:
            raise other_size(cls.kind, f"k = {smallest_k} in a part", f"k = {K}")
        at = _HEAD.size + _SIZES.size
        starts = struct.unpack_from(f"<{count}I", data, at)
        minimum, maximum = struct.unpack_from("<2d", data, at + 4 * count)
        items = np.frombuffer(data, "<f8", -1, at + 4 * count + 16)
        ends = [*(start - starts[0] for start in starts[1:]), len(items)]
        if starts[0] + len(items) != sum(_capacities(count)) or ends != sorted(ends):
            raise ValueError(f"{len(items)} items")
        levels = [items[start:end] for start, end in pairwise([0, *ends])]
        if not flags & _LEVEL_ZERO_SORTED:
            levels[0] = np.sort(levels[0])
        return cls._verified(levels, minimum, maximum, n)

    @classmethod
    def _verified(cls, levels: Sequence[Floats], minimum: float, maximum: float, n: int) -> Self:
        sketch = cls(levels, minimum + 0.0, maximum + 0.0)
        if sketch.n != n:
            raise ValueError(f"items for {sketch.n} values instead of {n}")
        for level in levels:
            size = len(level)
            # NaN fails every comparison
            if size and not (minimum <= level[0] and level[-1] <= maximum and np.count_nonzero(level[:-1] <= level[1:]) == size - 1):
                raise ValueError("items that are not in order")
        return sketch

    @classmethod
    def from_levels(cls, levels: Sequence[Sequence[float]], minimum: float, maximum: float) -> Self:
        """A sketch from items of weight 2^i, as `statistics.json` of the stock analyzer holds them."""
        return cls([np.sort(np.asarray(items, np.float64)) + 0.0 for items in levels], minimum, maximum)


def _merged(sketches: Sequence[Sequence[Floats]]) -> list[Floats]:
    """The levels of one sketch that stands for all of them.

    Each level is put together and sorted once, however many sketches there are, and halved whole if there is no room
    for it: one rounding a level, not one a sketch. The lowest over-full level goes first. Which half is kept depends
    on counts alone, so the order of the sketches does not matter.
    """
    height = max(map(len, sketches), default=0)
    parts = [[levels[i] for levels in sketches if i < len(levels) and len(levels[i])] for i in range(height)]
    sizes = [sum(map(len, level)) for level in parts]
    n = sum(size << i for i, size in enumerate(sizes))
    while sum(sizes) > sum(capacities := _capacities(len(parts))):
        level = next(i for i, size in enumerate(sizes) if size >= capacities[i])
        items = _sorted(parts[level])
        coin = (n * 0x9E3779B97F4A7C15 + level * 0xBF58476D1CE4E5B9 >> 29) & 3
        stays = len(items) & 1  # of an odd number one stays: the first or the last, by the coin
        left, promoted = (items[:stays], items[stays:]) if coin & 2 else (items[len(items) - stays :], items[: len(items) - stays])
        if level + 1 == len(parts):
            parts.append([])
            sizes.append(0)
        # copies, for a view of one item would keep all of them in memory
        parts[level], sizes[level] = [left.copy()], stays
        parts[level + 1].append(promoted[coin & 1 :: 2].copy())
        sizes[level + 1] += len(promoted) // 2
    return [_sorted(level) for level in parts]


def _sorted(parts: Sequence[Floats]) -> Floats:
    """Ascending arrays as one."""
    if len(parts) == 1:
        return parts[0]
    items = np.concatenate([np.empty(0, np.float64), *parts])
    items.sort()
    items += 0.0  # others' sketches may hold -0.0, which sorting leaves in any order
    return items
