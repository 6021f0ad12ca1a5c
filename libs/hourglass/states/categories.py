"""How often each value of a column occurs: exact up to a cap."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import cache
from typing import ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.hashing import hash_texts
from hourglass.states.state import column_state, damaged
from hourglass.values import Counts, Floats, Hashes, Values, no_texts

CAP = 1000
LONGEST = 256
_MAGIC = b"HgCa"
_TEXTS_CUT, _NUMBERS_LOST = 1, 2  # flags
_HEAD = struct.Struct("<4sIqqII")  # magic, flags, texts and numbers counted, texts and numbers kept
_NO_NUMBERS, _NO_COUNTS = np.empty(0, np.float64), np.empty(0, np.int64)
_WAITING = 8 * CAP  # rows that may wait to be summed: summing at each block would cost more than all else that is done


class Texts(NamedTuple):
    """Texts by name with their counts and hashes; where there were too many, those with hashes up to the limit."""

    names: pa.StringArray
    counts: Counts
    hashes: Hashes
    limit: int | None = None

    def up_to(self, limit: int | None) -> Texts:
        """Those with hashes up to a limit, of texts in the order of their hashes."""
        if limit is None or len(self.names) == 0 or int(self.hashes[-1]) <= limit:
            return self
        return self.first(int(np.searchsorted(self.hashes, np.uint64(limit), side="right")))

    def first(self, count: int) -> Texts:
        """So many from the beginning."""
        return Texts(self.names[:count], self.counts[:count], self.hashes[:count], self.limit)


@cache
def _nothing() -> Texts:
    return Texts(no_texts(), _NO_COUNTS, np.empty(0, np.uint64))


@column_state
class Categories:
    """Counts of values; above 1,000 distinct texts the 1,000 with the smallest hashes are kept, the rest is "other".

    Keeping by hash, not by count, makes the state exact under any order of merging (a kept value was never dropped
    on the way, so its count is right), and two windows keep the same values, so their shares can be compared.
    Numbers are counted up to 1,000 distinct ones; a column with more is no categorical, and only their total stays.
    Null and NaN are no categories. A text of over 256 characters is kept by its begin and a hash of the whole.

    The bytes are a head and arrays, little-endian: hashes and counts of the texts, numbers and their counts (8 bytes
    each), where each text begins and the last ends (4 bytes each), and the texts as UTF-8. Reading copies none of them.
    """

    kind: ClassVar[str] = "categories"
    version: ClassVar[int] = 1

    def __init__(self) -> None:
        self.text_total = 0
        self.numbers: Floats | None = _NO_NUMBERS
        self.number_counts: Counts = _NO_COUNTS
        self.number_total = 0
        self._texts = _nothing()
        self._waiting: list[Texts] = []
        self._rows_waiting = 0

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Categories) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def update(self, values: Values) -> None:
        if len(values.numbers):
            self.number_total += len(values.numbers)
            if self.numbers is not None:
                parts = [(self.numbers, self.number_counts), (values.distinct_numbers, values.number_counts)]
                self.numbers, self.number_counts = _sum_of_numbers(parts)
        if len(values.texts):
            self.text_total += int(values.text_counts.sum())
            names, counts, hashes = values.texts, values.text_counts, values.text_hashes
            if self._texts.limit is not None:
                below = np.flatnonzero(hashes <= np.uint64(self._texts.limit))
                names, counts, hashes = names.take(pa.array(below)), counts[below], hashes[below]
            self._waiting.append(Texts(_shortened(names, hashes), counts, hashes))
            self._rows_waiting += len(names)
            if self._rows_waiting > _WAITING:
                self._sum_up()

    def _sum_up(self) -> None:
        self._texts = _sum_of_texts([self._texts, *self._waiting])
        self._waiting, self._rows_waiting = [], 0

    @property
    def texts(self) -> Texts:
        """The texts that are kept, in the order of their hashes (ties: by name)."""
        if self._waiting:
            self._sum_up()
        return self._texts

    @property
    def total(self) -> int:
        """Values counted, "other" included."""
        return self.text_total + self.number_total

    @property
    def truncated(self) -> bool:
        """Whether some values are only counted as "other"."""
        return self.texts.limit is not None or self.numbers is None

    @property
    def text_share(self) -> float:
        """The share of the distinct texts that are kept, which are those with the smallest hashes; 1 where all are."""
        limit = self.texts.limit
        return 1.0 if limit is None else limit / 2**64

    @property
    def other(self) -> int:
        """Values that are counted only in the total."""
        return self.total - int(self.texts.counts.sum()) - int(self.number_counts.sum())

    def table(self) -> dict[str, int]:
        """Counts by value, the most frequent first (ties: by text); numbers in their shortest form.

        >>> from hourglass.values import classify
        >>> state = Categories.empty()
        >>> state.update(classify(["b", "a", "b", "7"]))
        >>> state.table()
        {'b': 2, '7': 1, 'a': 1}
        """
        counts = dict(zip(self.texts.names.to_pylist(), self.texts.counts.tolist(), strict=True))
        if self.numbers is not None:
            for number, count in zip(self.numbers.tolist(), self.number_counts.tolist(), strict=True):
                name = number_name(number)
                counts[name] = counts.get(name, 0) + count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        merged = cls()
        merged.text_total = sum(state.text_total for state in states)
        merged.number_total = sum(state.number_total for state in states)
        merged.numbers, merged.number_counts = _sum_of_numbers([(state.numbers, state.number_counts) for state in states])
        texts = [state.texts for state in states]
        limit = _lowest_limit(texts)
        merged._texts = _sum_of_texts([part.up_to(limit) for part in texts])
        return merged

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        names, counts, hashes, limit = self.texts
        numbers = _NO_NUMBERS if self.numbers is None else self.numbers
        flags = (limit is not None) * _TEXTS_CUT | (self.numbers is None) * _NUMBERS_LOST
        offsets, text = _offsets_and_text(names)
        return b"".join(
            (
                _HEAD.pack(_MAGIC, flags, self.text_total, self.number_total, len(names), len(numbers)),
                hashes.astype("<u8", copy=False).tobytes(),
                counts.astype("<i8", copy=False).tobytes(),
                numbers.astype("<f8", copy=False).tobytes(),
                self.number_counts.astype("<i8", copy=False).tobytes(),
                offsets.astype("<i4", copy=False).tobytes(),
                text.tobytes(),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, struct.error) as fault:  # Arrow's are among the first
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "a table of counts") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        magic, flags, text_total, number_total, texts, numbers = _HEAD.unpack_from(data)
        if magic != _MAGIC or flags & ~(_TEXTS_CUT | _NUMBERS_LOST) or max(texts, numbers) > CAP:
            raise ValueError(f"beginning with {data[:8].hex(' ')}")
        cut, too_many = bool(flags & _TEXTS_CUT), bool(flags & _NUMBERS_LOST)
        if (cut and texts < CAP) or (too_many and numbers):
            raise ValueError(f"{texts} texts and {numbers} numbers of more than {CAP}")
        words = np.frombuffer(data, "<i8", 2 * (texts + numbers), _HEAD.size)
        hashes, counts = words[:texts].view("<u8"), words[texts : 2 * texts]
        state = cls()
        state.text_total, state.number_total = text_total, number_total
        names = _names(data, _HEAD.size + words.nbytes, texts)
        if texts:
            if not _all(hashes[:-1] <= hashes[1:]):
                raise ValueError("texts that are not in order")
            state._texts = Texts(names, counts, hashes, int(hashes[-1]) if cut else None)
        if too_many:
            state.numbers = None
        elif numbers:
            state.numbers, state.number_counts = words[2 * texts : 2 * texts + numbers].view("<f8"), words[2 * texts + numbers :]
            if not (_all(state.numbers[:-1] < state.numbers[1:]) and math.isfinite(state.numbers[0]) and math.isfinite(state.numbers[-1])):
                raise ValueError("numbers that are not in order")
        _verify(counts, text_total, cut=cut)
        _verify(state.number_counts, number_total, cut=too_many)
        return state


def _verify(counts: Counts, total: int, *, cut: bool) -> None:
    counted = int(np.add.reduce(counts)) if len(counts) else 0
    if counted > total or (counted < total and not cut) or (len(counts) and np.minimum.reduce(counts) < 1):
        raise ValueError(f"{counted} counted of {total}")


def _all(tests: npt.NDArray[np.bool_]) -> bool:
    return int(np.count_nonzero(tests)) == len(tests)  # a third of what `all` takes, and a window has 72,000 states to check


def _lowest_limit(parts: Sequence[Texts]) -> int | None:
    return min((texts.limit for texts in parts if texts.limit is not None), default=None)


def _sum_of_texts(parts: Sequence[Texts]) -> Texts:
    """The texts of all parts: those up to the lowest limit, and of these the first thousand.

    A name with two hashes, which only a text made to look like a shortened one can bring about, has the smaller.
    """
    filled = [texts for texts in parts if len(texts.names)]
    if not filled:
        return _nothing()
    encoded = pa.concat_arrays([texts.names for texts in filled]).dictionary_encode()
    names, places = encoded.dictionary, encoded.indices.to_numpy()
    counts = np.zeros(len(names), np.int64)
    np.add.at(counts, places, np.concatenate([texts.counts for texts in filled]))
    hashes = np.full(len(names), 2**64 - 1, np.uint64)
    np.minimum.at(hashes, places, np.concatenate([texts.hashes for texts in filled]))
    order = np.argsort(hashes)
    if (np.diff(hashes[order]) == 0).any():
        spelled = names.to_pylist()
        order = np.array(sorted(range(len(names)), key=lambda place: (hashes[place], spelled[place])))
    limit = _lowest_limit(parts)
    summed = Texts(names.take(pa.array(order)), counts[order], hashes[order], limit).up_to(limit)
    return summed if len(summed.names) <= CAP else summed.first(CAP)._replace(limit=int(summed.hashes[CAP - 1]))


def _sum_of_numbers(parts: Sequence[tuple[Floats | None, Counts]]) -> tuple[Floats | None, Counts]:
    """Distinct numbers in ascending order with their counts; None when there are too many, or a part had too many."""
    found: list[Floats] = []
    counts: list[Counts] = []
    waiting = 0
    for numbers, number_counts in parts:
        if numbers is None or len(numbers) > CAP:
            return None, _NO_COUNTS
        found.append(numbers)
        counts.append(number_counts)
        waiting += len(numbers)
        if waiting > _WAITING:  # most columns of numbers have too many after a few hours
            merged, summed = _distinct(found, counts)
            if len(merged) > CAP:
                return None, _NO_COUNTS
            found, counts, waiting = [merged], [summed], 0
    merged, summed = _distinct(found, counts)
    return (merged, summed) if len(merged) <= CAP else (None, _NO_COUNTS)


def _distinct(numbers: Sequence[Floats], counts: Sequence[Counts]) -> tuple[Floats, Counts]:
    if len(numbers) == 1:
        return numbers[0], counts[0]
    merged, places = np.unique(np.concatenate([_NO_NUMBERS, *numbers]), return_inverse=True)
    summed = np.zeros(len(merged), np.int64)
    np.add.at(summed, places, np.concatenate([_NO_COUNTS, *counts]))
    return merged, summed


def _shortened(names: pa.StringArray, hashes: Hashes) -> pa.StringArray:
    """Texts as the names they are counted by."""
    # no more bytes than that, so no more characters
    if names.nbytes <= LONGEST or int(np.diff(_offsets_and_text(names)[0]).max(initial=0)) <= LONGEST:
        return names
    return pa.array([category_key(name, hashed) for name, hashed in zip(names.to_pylist(), hashes.tolist(), strict=True)], pa.string())


def _offsets_and_text(names: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each text begins, from 0, and the last ends; and the bytes of all."""
    if len(names) == 0:
        return np.zeros(1, np.int32), np.empty(0, np.uint8)
    offsets = np.frombuffer(names.buffers()[1], np.int32, len(names) + 1, names.offset * 4)
    text = np.frombuffer(names.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    return offsets - offsets[0], text


def _names(data: bytes, at: int, count: int) -> pa.StringArray:
    """So many texts whose offsets begin at a place, and which are all that follows; ValueError when they are not."""
    offsets = np.frombuffer(data, "<i4", count + 1, at)
    begin = at + offsets.nbytes
    if offsets[0] != 0 or begin + offsets[-1] != len(data):
        raise ValueError(f"where {begin + offsets[-1]} were expected")
    if count == 0:
        return no_texts()
    buffer = pa.py_buffer(data)
    names = pa.StringArray.from_buffers(count, buffer.slice(at, offsets.nbytes), buffer.slice(begin))
    names.validate(full=True)
    return names


def category_key(text: str, hashed: int | None = None) -> str:
    """The name by which a text is counted: itself, or its begin and a hash of the whole if it is over 256 characters long.

    >>> category_key("red"), len(category_key("x" * 300)), category_key(category_key("x" * 300)) == category_key("x" * 300)
    ('red', 256, True)
    """
    if len(text) <= LONGEST:
        return text
    if hashed is None:
        hashed = int(hash_texts(pa.array([text]))[0])
    return f"{text[: LONGEST - 17]}…{hashed:016x}"


def number_name(number: float) -> str:
    """A number as a category's name: whole numbers without a point.

    >>> number_name(3.0), number_name(0.5)
    ('3', '0.5')
    """
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
