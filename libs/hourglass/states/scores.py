"""The scores of a binary problem by what was true: what AUC, the curves, calibration and lift are made of."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from hourglass.states.replicates import LARGEST
from hourglass.states.state import damaged, row_state
from hourglass.values import Counts, Floats

CAP = 65_536
BINS = 10  # of the calibration error, of equal width, each without its lower and with its upper end
_WAITING = 8 * CAP  # rows that may wait to be sorted in
_UNIT = 1 << 40  # sums are whole multiples of 2^-40: they add up to the same bits in any order, and are right to 5e-13 a row
_PIECE = 1 << 16  # rows summed at once: no logarithm of a double's is above 37, so 64 bits hold these
EDGES = np.linspace(0.0, 1.0, BINS + 1)[1:-1]
SMALLEST = float(np.finfo(np.float64).eps)  # scikit-learn's: a probability of 0 that was wrong costs 36, not infinity


class Points(NamedTuple):
    """Distinct scores, ascending, with how many rows of each were actually negative and positive."""

    scores: Floats
    negatives: Counts
    positives: Counts


@row_state
class Scores:
    """Counts by score and actual class: exact up to 65,536 distinct scores, beyond that within 3e-5 of each class's rows.

    Beyond the cap, neighbours are put together in 65,536 buckets that hold an equal share of both classes (share of the
    negatives + share of the positives), each at its middle score; a score that many rows have keeps its own place. A
    bucket holds at most 2/65,536 of a class, which is how far a curve can be off, and AUC by less than half of that. A
    merge adds the errors of its parts, which are shares of the parts' rows, and at most one of its own; `binned` says so.

    The sums for Brier score, log loss and calibration error are kept apart and are exact in either case; they are of
    scores from 0 to 1. Others rank as well as any (a margin does), and are counted in `outside`. A row without an actual
    class counts in `no_actual`, one that has that and no finite score in `no_score`; neither is in the table.

    >>> state = Scores.empty()
    >>> state.update(pa.array([True, False, True, None]), np.array([0.9, 0.2, 0.2, 0.5]))
    >>> state.points.scores.tolist(), state.points.positives.tolist(), state.no_actual
    ([0.2, 0.9], [1, 1], 1)
    """

    kind: ClassVar[str] = "scores"
    version: ClassVar[int] = 1

    def __init__(self, points: Points, tallies: Sequence[int], *, binned: bool) -> None:
        self._points = points
        self._tallies = list(tallies)
        self._binned = binned
        self._waiting: list[Points] = []
        self._rows_waiting = 0

    @classmethod
    def empty(cls) -> Self:
        nothing = np.empty(0, np.int64)
        return cls(Points(np.empty(0, np.float64), nothing, nothing), [0] * _TALLIES, binned=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scores) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def points(self) -> Points:
        """The table."""
        if self._waiting:
            self._settle()
        return self._points

    @property
    def binned(self) -> bool:
        """Whether some scores stand for their neighbours."""
        if self._waiting:
            self._settle()
        return self._binned

    @property
    def n(self) -> int:
        """Rows in the table."""
        return int(self.points.negatives.sum() + self.points.positives.sum())

    @property
    def tallies(self) -> tuple[int, ...]:
        """What is counted and summed beside the table, as it is stored."""
        return tuple(self._tallies)

    @property
    def no_actual(self) -> int:
        """Rows without an actual class."""
        return self._tallies[0]

    @property
    def no_score(self) -> int:
        """Rows with an actual class and without a finite score."""
        return self._tallies[1]

    @property
    def outside(self) -> int:
        """Rows whose score is not within 0 and 1, and so no probability."""
        return self._tallies[2]

    @property
    def squares(self) -> float:
        """Sum of (score - actual)² over the rows with a score from 0 to 1; positive is 1, negative 0."""
        return self._tallies[3] / _UNIT

    @property
    def logarithms(self) -> float:
        """Sum of -log(the probability of what was true) over the same rows, probabilities held off 0 and 1 by 2.2e-16."""
        return self._tallies[4] / _UNIT

    @property
    def calibration(self) -> tuple[Counts, Floats, Counts]:
        """Rows, sum of scores and positives in each of the ten bins."""
        rows, scores, positives = (self._tallies[5 + i * BINS : 5 + (i + 1) * BINS] for i in range(3))
        return np.array(rows, np.int64), np.array([score / _UNIT for score in scores]), np.array(positives, np.int64)

    def update(self, positive: pa.BooleanArray | npt.NDArray[np.bool_], scores: npt.ArrayLike) -> None:
        """Takes in a block of rows: whether each is actually positive (null: no label), and its score (NaN: none)."""
        flags = positive if isinstance(positive, pa.Array) else pa.array(positive, pa.bool_())
        known = np.asarray(flags.is_valid())
        values = np.asarray(scores, np.float64)
        usable = known & np.isfinite(values)
        self._tallies[0] += len(known) - int(np.count_nonzero(known))
        self._tallies[1] += int(np.count_nonzero(known)) - int(np.count_nonzero(usable))
        truth, values = np.asarray(flags.fill_null(False))[usable], values[usable] + 0.0  # noqa: FBT003 a null's value, which is not read
        if len(values) == 0:
            return
        inside = (values >= 0.0) & (values <= 1.0)
        self._tallies[2] += len(values) - int(np.count_nonzero(inside))
        self._calibrate(values[inside], truth[inside])
        distinct, where = np.unique(values, return_inverse=True)
        of_each = np.bincount(where, minlength=len(distinct))
        positives = np.bincount(where[truth], minlength=len(distinct))
        self._waiting.append(Points(distinct, of_each - positives, positives))
        self._rows_waiting += len(distinct)
        if self._rows_waiting > _WAITING:
            self._settle()

    def _calibrate(self, scores: Floats, truth: npt.NDArray[np.bool_]) -> None:
        for start in range(0, len(scores), _PIECE):
            p, true = scores[start : start + _PIECE], truth[start : start + _PIECE]
            right = np.clip(np.where(true, p, 1.0 - p), SMALLEST, 1.0 - SMALLEST)
            bins = np.searchsorted(EDGES, p, side="left")
            per_bin = np.zeros((3, BINS), np.int64)
            for row, values in enumerate((np.ones(len(p), np.int64), _units(p), true.astype(np.int64))):
                np.add.at(per_bin[row], bins, values)
            sums = (int(_units((p - true) ** 2).sum()), int(_units(-np.log(right)).sum()), *per_bin.ravel().tolist())
            self._tallies[3:] = [kept + more for kept, more in zip(self._tallies[3:], sums, strict=True)]

    def _settle(self) -> None:
        self._points, self._binned = _sum([self._points, *self._waiting], binned=self._binned)
        self._waiting, self._rows_waiting = [], 0

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        points, binned = _sum([state.points for state in states], binned=any(state.binned for state in states))
        tallies = [sum(of_each) for of_each in zip(*(state.tallies for state in states), strict=True)] or [0] * _TALLIES
        return cls(points, tallies, binned=binned)

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        scores, negatives, positives = self.points
        # as text, for the sums have more than 64 bits
        head = orjson.dumps({"binned": self.binned, "scores": len(scores), "tallies": [str(tally) for tally in self._tallies]})
        arrays = (scores.astype("<f8"), negatives.astype("<i8"), positives.astype("<i8"))
        return b"\n".join([head, b"".join(array.tobytes() for array in arrays)])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, KeyError, TypeError, struct.error) as fault:
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "counts by score") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        line, end, arrays = data.partition(b"\n")
        if not end:
            raise ValueError("without an end of the head")
        head: dict[str, Any] = orjson.loads(line)
        count, binned, tallies = head["scores"], head["binned"], [int(tally) for tally in head["tallies"]]
        if type(count) is not int or type(binned) is not bool or len(tallies) != _TALLIES or min(tallies) < 0:
            raise ValueError(f"beginning with {line[:40]!r}")
        if not 0 <= count <= CAP or len(arrays) != 24 * count:
            raise ValueError(f"{count} scores in {len(arrays)} bytes")
        scores = np.frombuffer(arrays, "<f8", count).astype(np.float64)
        words = np.frombuffer(arrays, "<i8", 2 * count, 8 * count).astype(np.int64)
        if not ((np.diff(scores) > 0).all() and np.isfinite(scores).all() and (words >= 0).all()):
            raise ValueError("scores that are not in order")
        if words.sum(dtype=np.float64) >= LARGEST:
            raise ValueError("more rows than can be counted")
        points = Points(scores + 0.0, words[:count], words[count:])
        return cls(points, tallies, binned=binned)


_TALLIES = 5 + 3 * BINS  # no actual, no score, outside, squares, logarithms; rows, scores and positives by bin


def _units(values: Floats) -> Counts:
    return np.rint(values * _UNIT).astype(np.int64)


def _sum(parts: Sequence[Points], *, binned: bool) -> tuple[Points, bool]:
    scores = np.concatenate([np.empty(0, np.float64), *(part.scores for part in parts)])
    distinct, where = np.unique(scores, return_inverse=True)
    sums = np.zeros((2, len(distinct)), np.int64)
    if len(distinct):
        np.add.at(sums[0], where, np.concatenate([part.negatives for part in parts]))
        np.add.at(sums[1], where, np.concatenate([part.positives for part in parts]))
    points = Points(distinct, sums[0], sums[1])
    return (points, binned) if len(distinct) <= CAP else (in_buckets(points, CAP), True)


def in_buckets(points: Points, buckets: int) -> Points:
    """The points put together into at most so many, with an equal share of both classes each; few points stay as they are.

    >>> merged = in_buckets(Points(np.arange(4.0), np.array([1, 1, 1, 1]), np.array([1, 1, 1, 1])), 2)
    >>> merged.scores.tolist(), merged.negatives.tolist()
    ([0.0, 2.0], [2, 2])
    """
    if len(points.scores) <= buckets:
        return points
    totals = points.negatives.sum(), points.positives.sum()
    mass = sum(counts / total for counts, total in zip(points[1:], totals, strict=True) if total)
    ends = np.cumsum(mass)
    # by the middle of each point's share: what many rows have takes its neighbours' rest with it, and stays where it is
    bucket = np.minimum(np.floor((ends - mass / 2) / ends[-1] * buckets), buckets - 1)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1.0))
    after = np.append(starts[1:], len(ends)) - 1
    before = np.concatenate([[0.0], ends])[starts]
    middle = np.clip(np.searchsorted(ends, (before + ends[after]) / 2), starts, after)
    return Points(points.scores[middle], *(np.add.reduceat(counts, starts) for counts in points[1:]))
