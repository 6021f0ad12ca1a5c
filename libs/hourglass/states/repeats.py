"""How often numbers repeat: what tells rounded values and copied rows from values that are all different."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from hourglass.hashing import hash_numbers
from hourglass.states.state import column_state, damaged
from hourglass.values import Counts, Floats, Values

K = 256
_MAGIC = b"HgRp"
_HEAD = struct.Struct("<4sIqQ")  # magic, numbers kept, all numbers, the largest hash that is kept


@column_state
class Repeats:
    """The counts of those 256 distinct numbers whose hashes are smallest, and how many numbers there are in all.

    A number that is kept was never dropped on the way, so its count is exact under any order of merging, and those that are kept
    are a random sample of the distinct ones, of which each is in it with the probability `share`.

    The bytes are a head, the numbers in ascending order of their hashes, and their counts (8 bytes each, little-endian).
    """

    kind: ClassVar[str] = "repeats"
    version: ClassVar[int] = 1

    def __init__(self, n: int = 0, numbers: Floats | None = None, counts: Counts | None = None, limit: int = 2**64 - 1) -> None:
        self.n = n
        self.numbers = np.empty(0, np.float64) if numbers is None else numbers
        self.counts = np.empty(0, np.int64) if counts is None else counts
        self.limit = limit

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeats) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def share(self) -> float:
        """The share of the distinct numbers that are kept; 1 where all are."""
        return 1.0 if self.limit == 2**64 - 1 else self.limit / 2**64

    def update(self, values: Values) -> None:
        if len(values.numbers):
            hashes = values.number_hashes
            kept = np.flatnonzero(hashes <= np.uint64(self.limit))
            if len(kept) > K:
                kept = kept[np.argpartition(hashes[kept], K)[: K + 1]]
            block = Repeats(len(values.numbers), values.distinct_numbers[kept], values.number_counts[kept], self.limit)
            summed = self.merged([self, block])
            self.n, self.numbers, self.counts, self.limit = summed.n, summed.numbers, summed.counts, summed.limit

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        limit = min((state.limit for state in states), default=2**64 - 1)
        n = sum(state.n for state in states)
        numbers, places = np.unique(np.concatenate([np.empty(0), *(state.numbers for state in states)]), return_inverse=True)
        counts = np.zeros(len(numbers), np.int64)
        np.add.at(counts, places, np.concatenate([np.empty(0, np.int64), *(state.counts for state in states)]))
        hashes = hash_numbers(numbers)
        order = np.argsort(hashes)
        order = order[hashes[order] <= np.uint64(limit)]
        if len(order) > K:  # the next one ends the sample, so that the probability of being in it is known
            limit = int(hashes[order[K]]) - 1
            order = order[:K]
        return cls(n, numbers[order], counts[order], limit)

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        head = _HEAD.pack(_MAGIC, len(self.numbers), self.n, self.limit)
        return head + self.numbers.astype("<f8", copy=False).tobytes() + self.counts.astype("<i8", copy=False).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, struct.error) as fault:
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "counts of some numbers") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        magic, kept, n, limit = _HEAD.unpack_from(data)
        if magic != _MAGIC or kept > K or len(data) != _HEAD.size + 16 * kept:
            raise ValueError(f"beginning with {data[:8].hex(' ')}")
        numbers = np.frombuffer(data, "<f8", kept, _HEAD.size)
        counts = np.frombuffer(data, "<i8", kept, _HEAD.size + 8 * kept)
        hashes = hash_numbers(np.ascontiguousarray(numbers))
        sound = np.isfinite(numbers).all() and (hashes[:-1] < hashes[1:]).all() and (counts > 0).all() and counts.sum() <= n
        if not sound or (kept and int(hashes[-1]) > limit):
            raise ValueError(f"{kept} numbers of {n}")
        return cls(n, numbers, counts, limit)
