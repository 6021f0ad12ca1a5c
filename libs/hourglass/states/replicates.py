"""Whole-number sums of all rows and of the replicates of a bootstrap: what states of rows with one id each are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import ClassVar, Self

import numpy as np

from hourglass.errors import InputError
from hourglass.hashing import mix
from hourglass.states.state import damaged
from hourglass.values import Counts, Floats, Hashes

REPLICATES, SHARE = 5, 0.8
MOST = 100_000
LARGEST = 1 << 62  # of a stored count: twice as many still add up
UNIT = 1 << 32  # sums of fractions are whole multiples of 2^-32: they add up to the same bits in any order
_HEAD = struct.Struct("<4sI")
_MAGIC = b"HgRe"


def _shares() -> Counts:
    """How often a row is drawn, by 16 random bits: the quantiles of a Poisson variable of mean 0.8, right to 1/65,536."""
    probabilities = [np.exp(-SHARE)]
    for k in range(1, 12):
        probabilities.append(probabilities[-1] * SHARE / k)
    return np.searchsorted(np.cumsum(probabilities), (np.arange(65_536) + 0.5) / 65_536).astype(np.int64)


_DRAWN = _shares()


def weights(ids: Hashes, replicates: int) -> Iterator[Counts]:
    """How often each row is drawn in each replicate: Poisson with mean 0.8, by the row's id and the replicate alone.

    >>> [drawn.tolist() for drawn in weights(np.array([1, 2, 3, 4, 5], np.uint64), 2)]
    [[1, 0, 2, 0, 0], [0, 0, 2, 1, 0]]
    """
    for group in range(0, replicates, 4):  # one hash has the bits of four
        bits = mix(ids ^ np.uint64((group + 4) * 0xD6E8FEB86659FD93 % 2**64))
        for lane in range(min(4, replicates - group)):
            yield _DRAWN[(bits >> np.uint64(16 * lane) & np.uint64(0xFFFF)).astype(np.intp)]


def all_and_replicates(ids: Hashes, replicates: int) -> Iterator[Counts]:
    """How often each row counts: once among all rows, then as each replicate draws it."""
    return chain([np.ones(len(ids), np.int64)], weights(ids, replicates))


def checked(replicates: int) -> int:
    """The number of replicates; InputError when there cannot be so many."""
    if not 0 <= replicates <= MOST:
        raise InputError("replicates of a bootstrap", found=replicates, expected=f"0 to {MOST:,}")
    return replicates


def sums_of(terms: Sequence[Counts], ids: Hashes, replicates: int) -> Counts:
    """The sum of each term over all rows, and, a line each, over those that a replicate draws."""
    return np.array([[(drawn * term).sum() for term in terms] for drawn in all_and_replicates(ids, replicates)], np.int64)


def units(values: Floats) -> Counts:
    """Fractions as whole multiples of 2^-32."""
    return np.rint(values * UNIT).astype(np.int64)


class ReplicatedSums:
    """Whole-number sums over rows, of all and of each replicate, and counts of the rows that are left out.

    A state of this kind names its `COLUMNS` (the first is the rows themselves) and what it leaves out, `APART`. Sums are
    exact, so they are the same to the bit however rows are cut and ordered. States with different numbers of replicates
    make one of the smaller; a state of no rows limits none.
    """

    kind: ClassVar[str]
    version: ClassVar[int]
    COLUMNS: ClassVar[tuple[str, ...]]
    APART: ClassVar[tuple[str, ...]]

    def __init__(self, sums: Counts, apart: Sequence[int]) -> None:
        self.sums = sums
        self.apart = tuple(apart)

    @classmethod
    def empty(cls, replicates: int = REPLICATES) -> Self:
        return cls(np.zeros((1 + checked(replicates), len(cls.COLUMNS)), np.int64), (0,) * len(cls.APART))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def replicates(self) -> int:
        """How many replicates there are."""
        return len(self.sums) - 1

    @property
    def n(self) -> int:
        """Rows in the sums."""
        return int(self.sums[0, 0])

    @property
    def rows(self) -> int:
        """Rows that were given, those left out included."""
        return self.n + sum(self.apart)

    def add(self, terms: Sequence[Counts], ids: Hashes, apart: Sequence[int]) -> None:
        """Takes in rows by their terms, a column each but the first, and how many were left out."""
        self.sums = self.sums + sums_of([np.ones(len(ids), np.int64), *terms], ids, self.replicates)
        self.apart = tuple(kept + more for kept, more in zip(self.apart, apart, strict=True))

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        filled = [state for state in states if state.n]
        size = min((len(state.sums) for state in filled or states), default=1 + REPLICATES)
        sums = np.zeros((size, len(cls.COLUMNS)), np.int64)
        for state in filled:
            sums += state.sums[:size]
        return cls(sums, [sum(of_each) for of_each in zip(*(state.apart for state in states), strict=True)] or (0,) * len(cls.APART))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        head = _HEAD.pack(_MAGIC, self.replicates)
        return head + np.array(self.apart, "<i8").tobytes() + self.sums.astype("<i8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            magic, replicates = _HEAD.unpack_from(data)
            words = np.frombuffer(data, "<i8", -1, _HEAD.size).astype(np.int64)
        except (ValueError, struct.error) as fault:
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "sums of rows") from fault
        apart, sums = words[: len(cls.APART)], words[len(cls.APART) :]
        if (
            magic != _MAGIC
            or replicates > MOST
            or len(sums) != (1 + replicates) * len(cls.COLUMNS)
            or (words < 0).any()
            or (words >= LARGEST).any()
        ):
            raise damaged(cls.kind, f"{len(data)} bytes beginning with {data[:8].hex(' ')}", f"sums of {len(cls.COLUMNS)} columns")
        return cls(sums.reshape(1 + replicates, len(cls.COLUMNS)), apart.tolist())
