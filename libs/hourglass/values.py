"""One column's values of one block, classified once for all states.

The pass over the data spends its time here, so every step is a handful of vectorised operations. Text is told
apart into Deequ's value classes (integral, fractional, boolean, string) without a regular expression for the
plain numbers that make up almost all captured data: the bytes of the whole column are inspected at once
(0.5 to 1 ns a byte), and only values with an unusual byte meet the expressions, once per distinct value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.hashing import hash_numbers, hash_texts

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

INTEGRAL = r"^(-|\+)? ?\d+$"
FRACTIONAL = r"^(-|\+)? ?\d+((\.\d+)|((?:\.\d+)?[Ee][-+]?\d+))$"
BOOLEANS = ("true", "false")
NOT_A_NUMBER = ("nan", "NaN", "NAN")
INFINITE = tuple(sign + word for sign in ("", "+", "-") for word in ("inf", "Inf", "INF", "infinity", "Infinity", "INFINITY"))

_NUMBER = re.compile(f"{INTEGRAL}|{FRACTIONAL}", re.ASCII)
_SPECIAL = BOOLEANS + NOT_A_NUMBER + INFINITE
_NO_NUMBERS = np.empty(0, np.float64)
_NO_COUNTS = np.empty(0, np.int64)
_BLANK, _PLUS, _MINUS, _DOT, _ZERO = (np.uint8(ord(sign)) for sign in " +-.0")
_LARGEST = 1 << 1023
_SPLIT_LIMIT = 0.2  # above this share of unusual values the whole column is counted by its distinct values instead


@cache
def no_texts() -> pa.StringArray:
    """No texts; made on demand, since making an Arrow array imports pandas, which takes a fifth of a second."""
    return pa.array([], pa.string())


def string_array(texts: Sequence[Any]) -> pa.StringArray:
    """Texts as an array; lone surrogates, which JSON can spell and UTF-8 cannot, become question marks."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([text and text.encode("utf-8", "replace").decode() for text in texts], pa.string())


@cache
def _special() -> pa.StringArray:
    return pa.array(_SPECIAL)


@dataclass(frozen=True)
class Values:
    """The classified values of one column in one block of rows.

    `numbers` are the finite ones, in no order; `texts` the distinct strings and booleans with their `text_counts`.
    A NaN is missing (as pandas has it) and counted apart; an infinity is present, but neither a number nor a text.
    """

    rows: int
    missing: int = 0
    nan: int = 0
    infinite: int = 0
    integral: int = 0
    fractional: int = 0
    boolean: int = 0
    string: int = 0
    numbers: Floats = field(default_factory=lambda: _NO_NUMBERS)
    texts: pa.StringArray = field(default_factory=no_texts)
    text_counts: Counts = field(default_factory=lambda: _NO_COUNTS)

    @property
    def whole(self) -> int:
        """How many finite numbers have no fraction, however they are written: 3 and 3.0."""
        return int(np.count_nonzero(self.numbers == np.trunc(self.numbers))) if self.fractional else self.integral

    @cached_property
    def sorted_numbers(self) -> Floats:
        """`numbers` in ascending order: what sketches want, four times cheaper to digest than in any order.

        -0.0 becomes 0.0: sorting leaves the two in any order, and the same rows must give the same bytes.
        """
        ordered = np.sort(self.numbers)
        ordered += 0.0
        return ordered

    @cached_property
    def _first_of_run(self) -> npt.NDArray[np.bool_]:
        ordered = self.sorted_numbers
        first = np.ones(len(ordered), np.bool_)
        np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
        return first

    @cached_property
    def distinct_numbers(self) -> Floats:
        """The distinct numbers in ascending order."""
        return self.sorted_numbers[self._first_of_run]

    @cached_property
    def number_counts(self) -> Counts:
        """How often each of `distinct_numbers` occurs."""
        starts = np.flatnonzero(self._first_of_run)
        return np.diff(starts, append=len(self.sorted_numbers))

    @cached_property
    def number_hashes(self) -> Hashes:
        """A 64-bit hash of each of `distinct_numbers`."""
        return hash_numbers(self.distinct_numbers)

    @cached_property
    def text_hashes(self) -> Hashes:
        """A 64-bit hash of each of `texts`."""
        return hash_texts(self.texts)


def classify(column: pa.Array | Sequence[object]) -> Values:
    """Classifies a column: Arrow arrays by their type, text by its content, Python objects (from JSON) one by one.

    >>> values = classify(["1", "2.5", "", "x"])
    >>> values.integral, values.fractional, values.missing, values.string
    (1, 1, 1, 1)
    """
    if not isinstance(column, pa.Array):
        return _classify_objects(column)
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _classify_dictionary(column) if pa.types.is_string(kind.value_type) else classify(column.dictionary_decode())
    if pa.types.is_integer(kind):
        return _classify_integers(column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _classify_floats(column.cast(pa.float64()))
    return _classify_text(column if pa.types.is_string(kind) else _text_of(column))


def parse_number(text: str) -> float | None:
    """The number that a text is by Deequ's patterns; None for any other text, and for more than a double holds.

    >>> parse_number("- 3"), parse_number("1e3"), parse_number("3 years"), parse_number("1e999")
    (-3.0, 1000.0, None, None)
    """
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace(" ", ""))
    return number if math.isfinite(number) else None


def as_floats(column: pa.Array | Sequence[object]) -> Floats:
    """The numbers of a column in the order of its rows; NaN for what is no finite number.

    >>> as_floats(["1", "- 2.5", "x", ""]).tolist(), as_floats([1, None, True, "3"]).tolist()
    ([1.0, -2.5, nan, nan], [1.0, nan, 1.0, 3.0])
    """
    if not isinstance(column, pa.Array):
        if not {*map(type, column)} <= {int, float, type(None)}:
            column = [_as_float(value) for value in column]
        return _finite(np.array(column, np.float64))
    if pa.types.is_dictionary(column.type):
        values = as_floats(column.dictionary)
        found: Floats = np.append(values, np.nan)[column.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)]
        return found
    if pa.types.is_string(column.type):
        try:
            column = column.cast(pa.float64())
        except pa.ArrowInvalid:  # an empty text, a blank after the sign, a word
            encoded = column.dictionary_encode()
            texts = encoded.dictionary.to_pylist()
            numbers = pa.array([_as_float(text) for text in texts], pa.float64())
            return as_floats(pa.DictionaryArray.from_arrays(encoded.indices, numbers))
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        return as_floats(column.to_pylist())
    return _finite(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _as_float(value: object) -> float | None:
    if isinstance(value, str):
        return parse_number(value.strip())
    if isinstance(value, Decimal):
        return float(value)
    return float(value) if isinstance(value, int | float) and abs(value) < _LARGEST else None


def _finite(numbers: Floats) -> Floats:
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _text_of(column: pa.Array) -> pa.StringArray:
    try:
        return column.cast(pa.string())
    except pa.ArrowNotImplementedError:  # lists and structs
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    except pa.ArrowInvalid:  # bytes that are no UTF-8
        return pa.array([None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()], pa.string())


def _classify_integers(column: pa.Array) -> Values:
    present = column.drop_null() if column.null_count else column
    numbers = present.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return Values(len(column), missing=column.null_count, integral=len(numbers), numbers=numbers)


def _classify_floats(column: pa.Array) -> Values:
    present = column.drop_null() if column.null_count else column
    numbers = present.to_numpy(zero_copy_only=False)
    finite = np.isfinite(numbers)
    nan = infinite = 0
    if not finite.all():
        nan = int(np.count_nonzero(np.isnan(numbers)))
        infinite = len(numbers) - int(np.count_nonzero(finite)) - nan
        numbers = numbers[finite]
    return Values(len(column), missing=column.null_count + nan, nan=nan, infinite=infinite, fractional=len(numbers), numbers=numbers)


def _classify_objects(column: Sequence[object]) -> Values:
    kinds = set(map(type, column))
    if kinds == {int}:
        return _whole_numbers(column)
    if kinds == {float}:
        return _classify_floats(pa.array(column, pa.float64()))
    if kinds == {str}:
        return _classify_text(string_array(column))
    missing = sum(value is None for value in column)
    parts = [
        Values(missing, missing=missing),
        _whole_numbers([value for value in column if type(value) is int]),
        _classify_floats(pa.array([value for value in column if type(value) is float], pa.float64())),
        _classify_text(string_array([_as_text(v) for v in column if v is not None and type(v) not in {int, float}])),
    ]
    return _union(parts)


def _whole_numbers(column: Sequence[object]) -> Values:
    try:
        numbers = np.array(column, np.float64)
    except OverflowError:  # JSON allows a whole number of 400 digits
        fitting = [value for value in column if abs(value) < _LARGEST]  # type: ignore[arg-type]
        numbers = np.array(fitting, np.float64)
    return Values(len(column), infinite=len(column) - len(numbers), integral=len(numbers), numbers=numbers)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _classify_text(column: pa.StringArray) -> Values:
    """Text by Deequ's patterns; empty and null are missing."""
    rows = len(column)
    present = np.asarray(pc.fill_null(pc.binary_length(column), 0)) > 0
    missing = rows - int(np.count_nonzero(present))
    if missing == rows:
        return Values(rows, missing=missing)
    if missing:
        column = column.filter(pa.array(present))
    values = _classify_plain(column) or _classify_mixed(column)
    return _union([Values(missing, missing=missing), values]) if missing else values


def _bytes_of(column: pa.StringArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The bytes of all values in a row, and where each value starts and ends (its last byte). No null, none empty."""
    offsets = np.frombuffer(column.buffers()[1], np.int32, len(column) + 1, column.offset * 4)
    text = np.frombuffer(column.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    return text, offsets[:-1], offsets[1:] - np.int32(1)


def _is_digit(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (text - _ZERO) < 10  # uint8 wraps round, so one comparison tests both ends of the range


def _classify_plain(column: pa.StringArray) -> Values | None:
    """The values if all are plainly `-?digits` or `-?digits.digits`, else None.

    With no byte but digits, dots and leading minus signs, a digit after the sign and a digit at the end, the one
    thing left to go wrong is two dots in a value, and that fails the cast. So each dot is one fractional value.
    """
    text, starts, ends = _bytes_of(column)
    dots = int(np.count_nonzero(text == _DOT))
    others = len(text) - dots - int(np.count_nonzero(_is_digit(text)))
    if others > len(column) or not _is_digit(text[ends]).all():
        return None
    first = text[starts]
    if others:
        minus = first == _MINUS
        if int(np.count_nonzero(minus)) != others:
            return None
        first = text[starts + minus]
    if not _is_digit(first).all():
        return None
    try:
        numbers = column.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    if not np.isfinite(numbers).all():  # 400 digits are more than a double holds
        return None
    return Values(len(column), fractional=dots, integral=len(column) - dots, numbers=numbers)


def _classify_mixed(column: pa.StringArray) -> Values:
    """Any values: the few unusual ones among plain numbers by the patterns; otherwise every distinct value by them."""
    text, starts, _ = _bytes_of(column)
    unusual = np.flatnonzero(~(_is_digit(text) | (text == _DOT) | (text == _MINUS)))
    if 0 < len(unusual) <= _SPLIT_LIMIT * len(column):
        keep = np.ones(len(column), np.bool_)
        keep[np.searchsorted(starts, unusual, side="right") - 1] = False
        plain = column.filter(pa.array(keep))
        values = _classify_plain(plain) if len(plain) else None
        if values is not None:
            return _union([values, _classify_distinct(column.filter(pa.array(~keep)))])
    return _classify_distinct(column)


def _classify_distinct(column: pa.StringArray) -> Values:
    """Values of text, none of them empty, by their distinct ones."""
    encoded = column.dictionary_encode()
    return _classify_counted(encoded.dictionary, np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary)))


def _classify_dictionary(column: pa.DictionaryArray) -> Values:
    """Text that came as a dictionary, as Parquet stores it: a third of the cost of putting it together and taking it apart."""
    indices = column.indices.drop_null() if column.null_count else column.indices
    counts = np.bincount(indices.to_numpy(), minlength=len(column.dictionary))
    filled = np.asarray(pc.fill_null(pc.binary_length(column.dictionary), 0)) > 0
    kept = filled & (counts > 0)
    missing = len(column) - int(counts[kept].sum())
    if not kept.any():
        return Values(len(column), missing=missing)
    values = _classify_counted(column.dictionary.filter(pa.array(kept)), counts[kept])
    return _union([Values(missing, missing=missing), values]) if missing else values


def _classify_counted(texts: pa.StringArray, counts: Counts) -> Values:
    """Classifies each distinct value once, by the patterns themselves."""
    text, starts, _ = _bytes_of(texts)
    first = text[starts]
    places = np.flatnonzero(_is_digit(first) | np.isin(first, (_MINUS, _PLUS, _BLANK)))  # all others are no numbers
    candidates = texts.take(pa.array(places))
    integral = _marked(len(texts), places, pc.match_substring_regex(candidates, INTEGRAL))
    fractional = _marked(len(texts), places, pc.match_substring_regex(candidates, FRACTIONAL))
    special = np.asarray(pc.fill_null(pc.index_in(texts, _special()), len(_SPECIAL)))
    boolean = special < len(BOOLEANS)
    nan = ~boolean & (special < len(BOOLEANS) + len(NOT_A_NUMBER))
    infinite = ~boolean & ~nan & (special < len(_SPECIAL))
    numeric = integral | fractional
    other = ~(numeric | nan | infinite)
    numbers = _NO_NUMBERS
    if numeric.any():
        spaceless = pc.replace_substring(texts.filter(pa.array(numeric)), " ", "")
        converted = np.full(len(texts), np.inf)
        converted[numeric] = spaceless.cast(pa.float64()).to_numpy()
        finite = numeric & np.isfinite(converted)
        infinite |= numeric & ~finite  # 1e999
        integral &= finite
        fractional &= finite
        numbers = np.repeat(converted[finite], counts[finite])
    nans = int(counts[nan].sum())
    return Values(
        int(counts.sum()),
        missing=nans,
        nan=nans,
        infinite=int(counts[infinite].sum()),
        integral=int(counts[integral].sum()),
        fractional=int(counts[fractional].sum()),
        boolean=int(counts[boolean].sum()),
        string=int(counts[other & ~boolean].sum()),
        numbers=numbers,
        texts=texts.filter(pa.array(other)) if other.any() else no_texts(),
        text_counts=counts[other],
    )


def _marked(length: int, places: npt.NDArray[np.int64], mask: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    marks = np.zeros(length, np.bool_)
    marks[places[np.asarray(mask, np.bool_)]] = True
    return marks


def _union(parts: Sequence[Values]) -> Values:
    """The values of all parts together; at most one part holds texts that another holds too."""
    if len(parts) == 1:
        return parts[0]
    texts, text_counts = no_texts(), _NO_COUNTS
    with_texts = [part for part in parts if len(part.texts)]
    if len(with_texts) == 1:
        texts, text_counts = with_texts[0].texts, with_texts[0].text_counts
    elif with_texts:
        table = pa.table(
            {
                "text": pa.concat_arrays([part.texts for part in with_texts]),
                "count": np.concatenate([part.text_counts for part in with_texts]),
            }
        )
        summed = table.group_by("text").aggregate([("count", "sum")])
        texts, text_counts = summed["text"].combine_chunks(), summed["count_sum"].to_numpy()
    sums = {name: sum(getattr(part, name) for part in parts) for name in _SUMMED}
    return Values(**sums, numbers=np.concatenate([part.numbers for part in parts]), texts=texts, text_counts=text_counts)


_SUMMED = ("rows", "missing", "nan", "infinite", "integral", "fractional", "boolean", "string")
