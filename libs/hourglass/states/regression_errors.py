"""The errors of a regression, and replicates of their sums for the deviation of whatever is made of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from hourglass.errors import InputError
from hourglass.states.quantiles import Quantiles
from hourglass.states.replicates import LARGEST, MOST, REPLICATES, all_and_replicates, checked
from hourglass.states.state import damaged, row_state
from hourglass.values import Floats, Hashes, Values

_HEAD = struct.Struct("<4sIqqqq")  # magic, replicates, rows, zero actuals, without a label, without a prediction
_MAGIC = b"HgEr"
SUMS = ("weight", "absolute", "squared", "mean", "m2", "percentage", "percentage_weight")
_MEAN, _M2 = SUMS.index("mean"), SUMS.index("m2")


@row_state
class Errors:
    """Sums of |e|, e², |e / y| and the moments of the actual y, of all rows and of each replicate; e = predicted - actual.

    A replicate counts each row as often as a Poisson variable of mean 0.8 says, drawn from the hash of the row's id: what
    is left of drawing 80 % of the rows with replacement when rows come one by one and in any order. A row is drawn the
    same in whichever run, file or machine it turns up.

    `sums` has a row for all rows (weight 1), then one for each replicate, and a column for each of `SUMS`; mean and m2 are
    of y, merged by Chan's formula. Rows whose y is 0 have no relative error, and are counted in `zero_actuals`. A row
    whose y is not a finite number counts in `no_actual`, one that has that and no finite prediction in `no_predicted`.
    `quantiles` is a KLL sketch of e. States with different numbers of replicates make one of the smaller number; a state
    of no rows limits none.

    Source: Hanley and MacGibbon (2006), "Creating non-parametric bootstrap samples using Poisson frequencies".

    >>> state = Errors.empty(replicates=0)
    >>> state.update(np.array([3.0, 4.0]), np.array([3.5, 4.0]), np.array([1, 2], np.uint64))
    >>> state.sums[0].tolist()
    [2.0, 0.5, 0.25, 3.5, 0.5, 0.16666666666666666, 2.0]
    """

    kind: ClassVar[str] = "errors"
    version: ClassVar[int] = 1

    def __init__(self, sums: Floats, quantiles: Quantiles, counts: Sequence[int]) -> None:
        self.sums = sums
        self.quantiles = quantiles
        self.n, self.zero_actuals, self.no_actual, self.no_predicted = counts

    @classmethod
    def empty(cls, replicates: int = REPLICATES) -> Self:
        return cls(np.zeros((1 + checked(replicates), len(SUMS))), Quantiles.empty(), (0, 0, 0, 0))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Errors) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def replicates(self) -> int:
        """How many replicates there are."""
        return len(self.sums) - 1

    @property
    def rows(self) -> int:
        """Rows that were given, those without a label or a prediction included."""
        return self.n + self.no_actual + self.no_predicted

    def update(self, actual: npt.ArrayLike, predicted: npt.ArrayLike, ids: Hashes) -> None:
        """Takes in a block of rows: actual and predicted numbers (NaN: none), and the hashes of the rows' ids."""
        y, guess = np.asarray(actual, np.float64), np.asarray(predicted, np.float64)
        known = np.isfinite(y)
        usable = known & np.isfinite(guess)
        self.no_actual += len(y) - int(np.count_nonzero(known))
        self.no_predicted += int(np.count_nonzero(known)) - int(np.count_nonzero(usable))
        y, guess, hashes = y[usable], guess[usable], np.asarray(ids, np.uint64)[usable]
        if len(y) == 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            e = guess - y
            self.sums = _added(self.sums, _block(y, e, hashes, self.replicates))
        self.n += len(y)
        self.zero_actuals += int(np.count_nonzero(y == 0))
        self.quantiles.update(Values(len(e), numbers=e[np.isfinite(e)]))

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        filled = [state for state in states if state.n]
        size = min((len(state.sums) for state in filled or states), default=1 + REPLICATES)
        # in the order of their bits, and neighbours in pairs: see Moments
        parts = [state.sums[:size] for state in sorted(filled, key=lambda state: state.sums[:size].astype(">f8").tobytes(), reverse=True)]
        with np.errstate(over="ignore", invalid="ignore"):
            while len(parts) > 1:
                pairs = [_added(first, second) for first, second in zip(parts[::2], parts[1::2], strict=False)]
                parts = [*pairs, *parts[2 * len(pairs) :]]
        sums = parts[0] if parts else np.zeros((size, len(SUMS)))
        counts = [sum(of_each) for of_each in zip(*(state.counts for state in states), strict=True)] or (0, 0, 0, 0)
        return cls(sums, Quantiles.merged([state.quantiles for state in states]), counts)

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Rows with label and prediction, those of them whose label is 0, rows without a label, and without a prediction."""
        return self.n, self.zero_actuals, self.no_actual, self.no_predicted

    def to_bytes(self) -> bytes:
        head = _HEAD.pack(_MAGIC, self.replicates, *self.counts)
        return head + self.sums.astype("<f8").tobytes() + self.quantiles.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            magic, replicates, *counts = _HEAD.unpack_from(data)
            size = (1 + min(replicates, MOST)) * len(SUMS)
            sums = np.frombuffer(data, "<f8", size, _HEAD.size).astype(np.float64).reshape(-1, len(SUMS))
            quantiles = Quantiles.from_bytes(data[_HEAD.size + 8 * size :])
        except (ValueError, struct.error, InputError) as fault:
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "sums of errors") from fault
        if magic != _MAGIC or replicates > MOST or min(counts) < 0 or max(counts) >= LARGEST or counts[1] > counts[0]:
            raise damaged(cls.kind, f"{len(data)} bytes beginning with {data[:8].hex(' ')}", "sums of errors")
        if sums[0, 0] != counts[0] or not (sums[:, 0] >= 0).all() or quantiles.n > counts[0]:
            raise damaged(cls.kind, f"sums of {sums[0, 0]} rows and a sketch of {quantiles.n}", f"{counts[0]} of each")
        return cls(sums, quantiles, counts)


def _block(y: Floats, e: Floats, ids: Hashes, replicates: int) -> Floats:
    """The sums of a block, of all rows and of each replicate."""
    some = y != 0
    relative = np.zeros(len(y))
    np.divide(np.abs(e), np.abs(y), out=relative, where=some)
    terms = (np.abs(e), e * e, relative, some.astype(np.float64))
    sums = np.empty((1 + replicates, len(SUMS)))
    for row, drawn in enumerate(all_and_replicates(ids, replicates)):
        w = drawn.astype(np.float64)
        total = w.sum()
        # not np.dot: it asks BLAS, whose result depends on the machine
        absolute, squared, percentage, some_weight = ((w * term).sum() for term in terms)
        mean = (w * y).sum() / total if total else 0.0
        m2 = (w * (y - mean) ** 2).sum()
        sums[row] = total, absolute, squared, mean, m2, percentage, some_weight
    return sums


def _added(first: Floats, second: Floats) -> Floats:
    """The sums of two sets of rows, the moments of y by Chan's formula."""
    both = first + second
    n, m = first[:, 0], second[:, 0]
    share = np.divide(m, n + m, out=np.zeros(len(n)), where=n + m > 0)
    delta = second[:, _MEAN] - first[:, _MEAN]
    both[:, _MEAN] = np.where(n == 0, second[:, _MEAN], first[:, _MEAN] + delta * share)
    both[:, _M2] += np.where((n == 0) | (m == 0), 0.0, delta * delta * n * share)
    return both
