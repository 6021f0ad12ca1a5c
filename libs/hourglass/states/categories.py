"""How often each value of a column occurs: exact up to a cap."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import orjson
import pyarrow as pa

from hourglass.hashing import hash_texts
from hourglass.states.state import column_state, damaged
from hourglass.values import Counts, Floats, Values

CAP = 1000
LONGEST = 256


@column_state
class Categories:
    """Counts of values; above 1,000 distinct texts the 1,000 with the smallest hashes are kept, the rest is "other".

    Keeping by hash, not by count, makes the state exact under any order of merging (a kept value was never dropped
    on the way, so its count is right), and two windows keep the same values, so their shares can be compared.
    Numbers are counted up to 1,000 distinct ones; a column with more is no categorical, and only their total stays.
    Null and NaN are no categories. A text of over 256 characters is kept by its begin and a hash of the whole.
    """

    kind: ClassVar[str] = "categories"
    version: ClassVar[int] = 1

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.text_total = 0
        self.hashes: dict[str, int] = {}
        self.limit: int | None = None  # texts with a larger hash are "other"
        self.numbers: Floats | None = np.empty(0, np.float64)
        self.number_counts: Counts = np.empty(0, np.int64)
        self.number_total = 0

    @classmethod
    def empty(cls) -> Self:
        return cls()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Categories) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def update(self, values: Values) -> None:
        if len(values.numbers):
            self._take_numbers(values)
        if len(values.texts):
            hashes = values.text_hashes
            self.text_total += int(values.text_counts.sum())
            if self.limit is not None:
                below = np.flatnonzero(hashes <= np.uint64(self.limit))
                texts, counts, hashes = values.texts.take(pa.array(below)), values.text_counts[below], hashes[below]
            else:
                texts, counts = values.texts, values.text_counts
            self._take_texts(zip(texts.to_pylist(), counts.tolist(), hashes.tolist(), strict=True))

    def _take_texts(self, counted: object) -> None:
        for text, count, hashed in counted:  # type: ignore[attr-defined]
            key = category_key(text, hashed)
            self.texts[key] = self.texts.get(key, 0) + count
            self.hashes[key] = hashed
        if len(self.texts) > CAP:
            kept = sorted(self.hashes, key=lambda key: (self.hashes[key], key))[:CAP]
            self.texts = {key: self.texts[key] for key in kept}
            self.hashes = {key: self.hashes[key] for key in kept}
            self.limit = self.hashes[kept[-1]]

    def _take_numbers(self, values: Values) -> None:
        self.number_total += len(values.numbers)
        if self.numbers is not None:
            self._add_numbers(values.distinct_numbers, values.number_counts)

    def _add_numbers(self, numbers: Floats | None, counts: Counts) -> None:
        if self.numbers is None or numbers is None or len(numbers) > CAP:
            self.numbers, self.number_counts = None, np.empty(0, np.int64)
            return
        merged, places = np.unique(np.concatenate([self.numbers, numbers]), return_inverse=True)
        summed = np.bincount(places, np.concatenate([self.number_counts, counts]), len(merged)).astype(np.int64)
        self.numbers, self.number_counts = (merged, summed) if len(merged) <= CAP else (None, np.empty(0, np.int64))

    @property
    def total(self) -> int:
        """Values counted, "other" included."""
        return self.text_total + self.number_total

    @property
    def truncated(self) -> bool:
        """Whether some values are only counted as "other"."""
        return self.limit is not None or self.numbers is None

    @property
    def other(self) -> int:
        """Values that are counted only in the total."""
        return self.total - sum(self.texts.values()) - int(self.number_counts.sum())

    def table(self) -> dict[str, int]:
        """Counts by value, the most frequent first (ties: by text); numbers in their shortest form.

        >>> from hourglass.values import classify
        >>> state = Categories.empty()
        >>> state.update(classify(["b", "a", "b", "7"]))
        >>> state.table()
        {'b': 2, '7': 1, 'a': 1}
        """
        counts = dict(self.texts)
        if self.numbers is not None:
            for number, count in zip(self.numbers.tolist(), self.number_counts.tolist(), strict=True):
                name = number_name(number)
                counts[name] = counts.get(name, 0) + count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def __add__(self, other: Self) -> Self:
        merged = type(self)()
        merged.text_total = self.text_total + other.text_total
        merged.number_total = self.number_total + other.number_total
        limits = [limit for limit in (self.limit, other.limit) if limit is not None]
        merged.limit = min(limits) if limits else None
        for side in (self, other):
            merged._take_texts(
                (key, count, side.hashes[key])
                for key, count in side.texts.items()
                if merged.limit is None or side.hashes[key] <= merged.limit
            )
        merged._add_numbers(self.numbers, self.number_counts)
        merged._add_numbers(other.numbers, other.number_counts)
        return merged

    def to_bytes(self) -> bytes:
        keys = sorted(self.texts)
        return orjson.dumps(
            {
                "texts": [[key, self.texts[key], f"{self.hashes[key]:016x}"] for key in keys],
                "text_total": self.text_total,
                "limit": None if self.limit is None else f"{self.limit:016x}",
                "numbers": None if self.numbers is None else self.numbers.tolist(),
                "number_counts": self.number_counts.tolist(),
                "number_total": self.number_total,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        state = cls()
        try:
            parts = orjson.loads(data)
            for key, count, hashed in parts["texts"]:
                state.texts[key] = count
                state.hashes[key] = int(hashed, 16)
            state.text_total = parts["text_total"]
            state.limit = None if parts["limit"] is None else int(parts["limit"], 16)
            state.numbers = None if parts["numbers"] is None else np.array(parts["numbers"], np.float64)
            state.number_counts = np.array(parts["number_counts"], np.int64)
            state.number_total = parts["number_total"]
        except (ValueError, KeyError, TypeError) as fault:
            raise damaged(cls.kind, repr(fault), "a table of counts") from fault
        return state


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
