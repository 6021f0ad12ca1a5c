"""Count, sum, mean, squared deviations, minimum and maximum of a column's finite numbers."""

from __future__ import annotations

import math
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
        self._take(n, total, total / n, m2, float(values.sorted_numbers[0]), float(values.sorted_numbers[-1]))

    def _take(self, n: int, total: float, mean: float, m2: float, minimum: float, maximum: float) -> None:
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

    def __add__(self, other: Self) -> Self:
        # the larger side first: then a + b and b + a are the same to the last bit
        first, second = sorted((_values(self), _values(other)), reverse=True)
        merged = type(self)(*first)
        merged._take(*second)
        return merged

    def to_bytes(self) -> bytes:
        return np.array([self.n], "<i8").tobytes() + np.array(_values(self)[1:], "<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        if len(data) != 48:
            raise damaged(cls.kind, f"{len(data)} bytes", "48 bytes")
        return cls(int(np.frombuffer(data, "<i8", 1)[0]), *np.frombuffer(data, "<f8", 5, 8).tolist())


_values = attrgetter(*(field.name for field in fields(Moments)))  # astuple copies deeply, 30 times slower
