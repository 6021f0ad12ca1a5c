"""How alike rows are: the sum of the squared counts of all distinct values, of which no count is kept."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from hourglass.states.state import column_state, damaged
from hourglass.values import Counts, Hashes, Values

BUCKETS = 256
ERROR = math.sqrt(2 / BUCKETS)  # relative standard deviation
_MAGIC = b"HgF2"
_MOST = 2**62  # so that the sum of two still fits
_HEAD = struct.Struct("<4sq")


@column_state
class SecondMoment:
    """Sum of the squared counts of the distinct values, numbers and texts: F2, from which the share of equal pairs of rows follows.

    Each distinct value adds its count, with a sign, to one of 256 buckets, both by its hash; the squares of the buckets add up to F2
    with a relative standard deviation of sqrt(2 / 256) = 8.8 %, whether few values occur often or many a little.
    Source: Alon, Matias, Szegedy (1996); Charikar, Chen, Farach-Colton (2002).

    The bytes are a head and the buckets (8 bytes each, little-endian).
    """

    kind: ClassVar[str] = "second_moment"
    version: ClassVar[int] = 1

    def __init__(self, n: int = 0, buckets: Counts | None = None) -> None:
        self.n = n
        self.buckets = np.zeros(BUCKETS, np.int64) if buckets is None else buckets

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecondMoment) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def estimate(self) -> float:
        """F2; never less than n, which it is where all values are different."""
        return max(float(self.n), float((self.buckets.astype(np.float64) ** 2).sum()))

    def update(self, values: Values) -> None:
        if len(values.numbers):
            self._add(values.number_hashes, values.number_counts)
        if len(values.texts):
            self._add(values.text_hashes, values.text_counts)

    def _add(self, hashes: Hashes, counts: Counts) -> None:
        places = (hashes & np.uint64(2 * BUCKETS - 1)).view(np.int64)  # a bucket, and above it the bit that is the sign
        sums = np.bincount(places, counts, 2 * BUCKETS).astype(np.int64)  # doubles hold a batch's counts exactly
        self.buckets = self.buckets + sums[BUCKETS:] - sums[:BUCKETS]
        self.n += int(counts.sum())

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        return cls(sum(state.n for state in states), np.sum([np.zeros(BUCKETS, np.int64), *(state.buckets for state in states)], axis=0))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        return _HEAD.pack(_MAGIC, self.n) + self.buckets.astype("<i8", copy=False).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        if len(data) != _HEAD.size + 8 * BUCKETS or data[:4] != _MAGIC:
            raise damaged(cls.kind, f"{len(data)} bytes", f"{BUCKETS} buckets")
        n = _HEAD.unpack_from(data)[1]
        buckets = np.frombuffer(data, "<i8", BUCKETS, _HEAD.size)
        if not 0 <= n < _MOST or int(np.abs(buckets, dtype=np.float64).sum()) > n:
            raise damaged(cls.kind, f"buckets of more than {n} values", "signed sums of their counts")
        return cls(n, buckets)
