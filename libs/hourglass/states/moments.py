"""Count, sum, mean, squared deviations, minimum and maximum of a column's finite numbers."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import ClassVar, Self

import numpy as np

from hourglass.states.state import column_state, damaged
from hourglass.values import Values


@column_state
@dataclass
class Moments:
    """Moments that merge without loss of digits: deviations from the mean (M2), never a sum of squares.

    Source: Chan, Golub, LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances".

    >>> total = Moments(2, 3.0, 1.5, 0.5, 1.0, 2.0) + Moments(1, 6.0, 6.0, 0.0, 6.0, 6.0)
    >>> total.mean, total.m2, total.maximum
    (3.0, 14.0, 6.0)
    """

    kind: ClassVar[str] = "moments"
    version: ClassVar[int] = 1

    n: int = 0
    sum: float = 0.0
    mean: float = 0.0
    m2: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def update(self, values: Values) -> None:
        numbers = values.numbers
        n = len(numbers)
        if n == 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(numbers.sum())
            deviations = numbers - total / n
            # not np.dot: it asks BLAS, whose threads wait for each other, and whose result depends on the machine
            m2 = float(np.square(deviations, out=deviations).sum())
        self.take(n, total, total / n, m2, float(values.sorted_numbers[0]), float(values.sorted_numbers[-1]))

    def take(self, n: int, total: float, mean: float, m2: float, minimum: float, maximum: float) -> None:
        """Takes in the moments of other numbers, by Chan's formula."""
        if n == 0:
            return
        both = self.n + n
        delta = mean - self.mean
        self.m2 += m2 + delta * delta * (self.n / both) * n
        self.sum += total
        self.mean += delta * (n / both)
        self.n = both
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        # in the order of their bits, the larger first, and neighbours in pairs: floats add up to the same last bit in
        # the same order only, and a tree of pairs rounds each part ten times where 720 in a row would do it 719 times
        parts = sorted((_ORDER.pack(*_values(state)) for state in states if state.n), reverse=True)
        sums = [cls(*_ORDER.unpack(part)) for part in parts]
        while len(sums) > 1:
            for first, second in zip(sums[::2], sums[1::2], strict=False):
                first.take(*_values(second))
            sums = sums[::2]
        return sums[0] if sums else cls()

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        return _LAYOUT.pack(*_values(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        if len(data) != _LAYOUT.size:
            raise damaged(cls.kind, f"{len(data)} bytes", f"{_LAYOUT.size} bytes")
        state = cls(*_LAYOUT.unpack(data))
        if not 0 <= state.n < _MOST or (state.n > 0 and not -math.inf < state.minimum <= state.maximum < math.inf):
            raise damaged(cls.kind, f"n = {state.n} from {state.minimum} to {state.maximum}", "finite numbers")
        return state


_MOST = 2**62  # so that the sum of two still fits
_LAYOUT = struct.Struct("<q5d")
_ORDER = struct.Struct(">q5d")  # big-endian: compared as bytes, the larger count is the larger
_values = attrgetter(*(field.name for field in fields(Moments)))  # astuple copies deeply, 30 times slower
