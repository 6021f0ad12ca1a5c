"""How often each class was predicted where another, or the same, was right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.hashing import hash_texts
from hourglass.states.categories import category_key
from hourglass.states.replicates import LARGEST
from hourglass.states.state import damaged, row_state
from hourglass.values import Counts, parse_number

CAP = 1000
OTHER, ANOTHER = CAP, CAP + 1  # codes of cells: a class that is not kept, and a class that is not kept either and a different one
_CODES = CAP + 2

Codes = npt.NDArray[np.int64]


@row_state
class Confusion:
    """Counts by actual and predicted class; above 1,000 classes those with the smallest hashes are kept, the rest is "other".

    Keeping by hash makes the table exact under any order of merging, as with `Categories`: a class that is kept was never
    dropped on the way. Two classes of "other" are still told apart from each other when a row is counted, so accuracy is
    exact however many classes there are; precision and F of "other" are those of one large class.

    A row without an actual class counts in `no_actual`, one that has that and no prediction in `no_predicted`; neither is
    in the table. Names of over 256 characters are kept by their begin and a hash, as in `Categories`.

    The bytes are a line of JSON with the names in the order of their hashes, then arrays, little-endian: actual and
    predicted code of each cell (2 bytes each) and its count (8 bytes).

    >>> state = Confusion.empty()
    >>> state.update(pa.array(["1", "0", "0", None]), pa.array(["1", "1", "0", "0"]))
    >>> state.table(), state.no_actual
    ({'0': {'0': 1, '1': 1}, '1': {'0': 0, '1': 1}}, 1)
    """

    kind: ClassVar[str] = "confusion"
    version: ClassVar[int] = 1

    def __init__(self, names: Sequence[str], actual: Codes, predicted: Codes, counts: Counts, no_actual: int, no_predicted: int) -> None:
        self.names: Sequence[str] = tuple(names)
        self.actual = actual
        self.predicted = predicted
        self.counts = counts
        self.no_actual = no_actual
        self.no_predicted = no_predicted

    @classmethod
    def empty(cls) -> Self:
        nothing = np.empty(0, np.int64)
        return cls((), nothing, nothing, nothing, 0, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Confusion) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def n(self) -> int:
        """Rows in the table."""
        return int(self.counts.sum())

    @property
    def rows(self) -> int:
        """Rows that were given, those without an actual or a predicted class included."""
        return self.n + self.no_actual + self.no_predicted

    @property
    def truncated(self) -> bool:
        """Whether some classes are only counted as "other"."""
        return bool((self.actual >= OTHER).any() or (self.predicted >= OTHER).any())

    def update(self, actual: pa.StringArray, predicted: pa.StringArray) -> None:
        """Takes in a block of rows: the names of their actual and predicted classes, null where there is none."""
        labelled = np.asarray(pc.is_valid(actual))
        complete = labelled & np.asarray(pc.is_valid(predicted))
        n = len(labelled)
        with_label, whole = int(np.count_nonzero(labelled)), int(np.count_nonzero(complete))
        mask = pa.array(complete)
        encoded = pa.concat_arrays([actual.filter(mask), predicted.filter(mask)]).dictionary_encode()
        names = [category_key(name) for name in encoded.dictionary.to_pylist()]
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        size = max(1, len(names))
        cells, counts = np.unique(codes[:whole] * size + codes[whole:], return_counts=True)
        self.names, self.actual, self.predicted, self.counts = _sum([self.part(), (names, cells // size, cells % size, counts)])
        self.no_actual += n - with_label
        self.no_predicted += with_label - whole

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        table = _sum([state.part() for state in states])
        return cls(*table, sum(state.no_actual for state in states), sum(state.no_predicted for state in states))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def part(self) -> _Table:
        """The table as one of several that are summed."""
        actual, predicted = (np.where(codes >= OTHER, codes - _CODES, codes) for codes in (self.actual, self.predicted))
        return self.names, actual, predicted, self.counts

    def name_of(self, code: int) -> str:
        """The name of a cell's code."""
        return self.names[code] if code < OTHER else "other" if code == OTHER else "another"

    def table(self) -> dict[str, dict[str, int]]:
        """Counts by actual, then by predicted class, in the order of numbers, then of texts; all cells up to 100 classes.

        Above, cells without rows are left out: a thousand classes have a million.
        """
        cells = list(zip(self.actual.tolist(), self.predicted.tolist(), self.counts.tolist(), strict=True))
        order = in_order(self.names)
        rest = sorted({code for actual, predicted, _ in cells for code in (actual, predicted) if code >= OTHER})
        names = [*order, *map(self.name_of, rest)]
        zeros = dict.fromkeys(names, 0) if len(names) <= 100 else {}
        table = {name: dict(zeros) for name in names if name != "another" or name in order}
        for actual, predicted, count in cells:
            table[self.name_of(actual)][self.name_of(predicted)] = count
        return table

    def to_bytes(self) -> bytes:
        head = {"names": self.names, "cells": len(self.counts), "no_actual": self.no_actual, "no_predicted": self.no_predicted}
        codes = np.concatenate([self.actual, self.predicted]).astype("<u2")
        return b"\n".join([orjson.dumps(head), codes.tobytes() + self.counts.astype("<i8").tobytes()])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, KeyError, TypeError, OverflowError) as fault:  # JSON's and Arrow's are among the first
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "a table of counts by class") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        line, end, arrays = data.partition(b"\n")
        if not end:
            raise ValueError("without an end of the head")
        head: dict[str, Any] = orjson.loads(line)
        names, cells, no_actual, no_predicted = head["names"], head["cells"], head["no_actual"], head["no_predicted"]
        if [type(number) for number in (cells, no_actual, no_predicted)] != [int] * 3 or not all(
            0 <= number < LARGEST for number in (cells, no_actual, no_predicted)
        ):
            raise ValueError(f"{cells} cells, {no_actual} rows without a label, {no_predicted} without a prediction")
        if len(names) > CAP or names != by_hash(names) or len(arrays) != 12 * cells:
            raise ValueError(f"{len(names)} names and {len(arrays)} bytes of cells")
        actual = np.frombuffer(arrays, "<u2", cells).astype(np.int64)
        predicted = np.frombuffer(arrays, "<u2", cells, 2 * cells).astype(np.int64)
        counts = np.frombuffer(arrays, "<i8", cells, 4 * cells).astype(np.int64)
        codes = np.concatenate([actual, predicted])
        sound = bool(((codes < len(names)) | (codes >= OTHER)).all() and (codes < _CODES).all() and (counts > 0).all())
        keys = actual * _CODES + predicted
        sound &= not ((predicted[actual != OTHER] == ANOTHER).any() or (actual == ANOTHER).any() or (np.diff(keys) <= 0).any())
        if not sound or len(np.unique(codes[codes < OTHER])) != len(names) or counts.sum(dtype=np.float64) >= LARGEST:
            raise ValueError("cells that are not in order")
        return cls(names, actual, predicted, counts, no_actual, no_predicted)


_Table = tuple[
    Sequence[str], Codes, Codes, Counts
]  # here "other" and "another" are -2 and -1, so that a block may have any number of names


def by_hash(names: Sequence[str]) -> list[str]:
    """Distinct names in the order of their hashes (ties: by name)."""
    distinct = sorted(set(names))
    hashes = hash_texts(pa.array(distinct, pa.string()))
    return [distinct[place] for place in np.argsort(hashes, kind="stable").tolist()]


def _sum(parts: Sequence[_Table]) -> _Table:
    """One table of all parts, as a state has it: the thousand names with the smallest hashes, and the rest as "other"."""
    kept = by_hash([name for names, *_ in parts for name in names])[:CAP]
    places = {name: place for place, name in enumerate(kept)}
    keys, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for names, actual, predicted, found in parts:
        code = np.array([*(places.get(name, OTHER) for name in names), OTHER, ANOTHER], np.int64)
        of_actual, of_predicted = code[actual], code[predicted]
        # both out of the table: the same class or two, which "other" alone could not tell any more
        of_predicted = np.where((of_actual == OTHER) & (of_predicted == OTHER) & (actual != predicted), ANOTHER, of_predicted)
        keys.append(of_actual * _CODES + of_predicted)
        counts.append(found)
    cells, where = np.unique(np.concatenate(keys), return_inverse=True)
    summed = np.zeros(len(cells), np.int64)
    np.add.at(summed, where, np.concatenate(counts))
    return kept, cells // _CODES, cells % _CODES, summed


def in_order(names: Iterable[str]) -> list[str]:
    """Names as people list them: numbers by their value, then texts.

    >>> in_order(["b", "10", "9", "a"])
    ['9', '10', 'a', 'b']
    """
    values = {name: parse_number(name) for name in names}
    numbers = sorted((value, name) for name, value in values.items() if value is not None)
    return [*(name for _, name in numbers), *sorted(name for name, value in values.items() if value is None)]
