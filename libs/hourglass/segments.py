"""Segments: parts of the rows, by the values of some columns or by a condition, each with states of its own."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.capture.payloads import Column
from hourglass.errors import InputError
from hourglass.hashing import hash_texts
from hourglass.states.categories import category_key, number_name
from hourglass.values import NOT_A_NUMBER, parse_number, string_array

MOST_SEGMENTS = 50  # a segmentation; each one costs as much state as the whole
MISSING, OTHER = "(missing)", "(other)"
_JOINT = " & "
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_CLAUSE = re.compile(r"(?P<column>\"[^\"]+\"|'[^']+'|.+?)\s*(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<value>.+)")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_MORE = re.compile(r"[<>=!]|\b(or|not)\b", re.IGNORECASE)
_GRAMMAR = "columns (sex; sex, region) or a named condition (seniors: age >= 65 and sex = Male), separated by semicolons"

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Clause:
    """One comparison of a condition: column, sign, value. Numbers are compared as numbers; a missing value fits nothing."""

    column: str
    sign: str
    value: str

    def holds(self, text: str) -> bool:
        """Whether a value, as `segment_value` spells it, satisfies the clause."""
        if text == MISSING:
            return False
        mine, theirs = parse_number(text), parse_number(self.value)
        if mine is not None and theirs is not None:
            return _SIGNS[self.sign](mine, theirs)
        return self.sign in {"=", "!="} and _SIGNS[self.sign](text, self.value)


@dataclass(frozen=True)
class Segmentation:
    """A way to part the rows: by each combination of some columns' values, or into those that meet a condition.

    A column that a row lacks counts as missing.
    """

    name: str
    by: tuple[str, ...] = ()
    condition: tuple[Clause, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        return self.by or tuple(clause.column for clause in self.condition)

    def of(self, columns: Mapping[str, Column], count: int) -> tuple[Places, list[str]]:
        """For each of `count` rows the place of its segment among the names that are given with it; -1 is in none."""
        coded = [_coded(_column(name, columns), count) for name in self.columns]
        if self.condition:
            fits = np.ones(count, np.bool_)
            for clause, (codes, values) in zip(self.condition, coded, strict=True):
                fits &= np.array([clause.holds(value) for value in values], np.bool_)[codes]
            return np.where(fits, 0, -1), [self.name]
        joint = coded[0][0]
        for codes, values in coded[1:]:
            joint = np.unique(joint, return_inverse=True)[1] * len(values) + codes  # never beyond rows × values
        _, firsts, places = np.unique(joint, return_index=True, return_inverse=True)
        return places, [f"{self.name}={_JOINT.join(_part(values[codes[first]]) for codes, values in coded)}" for first in firsts.tolist()]


def _column(name: str, columns: Mapping[str, Column]) -> Column | None:
    """A column by its name, or by its number from 0 where none is called so."""
    if name not in columns and name.isdigit() and int(name) < len(columns):
        return list(columns.values())[int(name)]
    return columns.get(name)


def parse_segmentations(text: str) -> tuple[Segmentation, ...]:
    """The segmentations that a setting names.

    >>> [found.name for found in parse_segmentations("sex; sex, region; seniors: age >= 65 and sex = Male")]
    ['sex', 'sex & region', 'seniors']
    """
    found = tuple(_parse(part.strip()) for part in text.split(";") if part.strip())
    names = [segmentation.name for segmentation in found]
    if len(set(names)) < len(names):
        raise InputError("segments", found=f"{max(names, key=names.count)!r} twice", expected="different names")
    return found


def _parse(part: str) -> Segmentation:
    name, colon, condition = part.partition(":")
    if colon:
        if not name.strip() or "=" in name:
            raise InputError("segments", found=repr(part), expected=_GRAMMAR, hint="give the condition a name without =")
        return Segmentation(name.strip(), condition=tuple(_clause(clause) for clause in _AND.split(condition.strip())))
    columns = tuple(_name(column) for column in part.split(","))
    if not all(columns) or len(set(columns)) < len(columns):
        raise InputError("segments", found=repr(part), expected=_GRAMMAR)
    return Segmentation(_JOINT.join(columns), by=columns)


def _clause(text: str) -> Clause:
    found = _CLAUSE.fullmatch(text.strip())
    if not found:
        raise InputError("segments", found=repr(text), expected="a clause such as age >= 65 or sex = Male")
    value, sign = found["value"].strip(), found["sign"].replace("==", "=")
    quoted = value[:1] in {'"', "'"} and value[-1:] == value[:1]
    if not quoted and _MORE.search(value):
        raise InputError(
            "segments", found=repr(text), expected="one comparison a clause, joined by and", hint="put a value with such words in quotes"
        )
    if sign not in {"=", "!="} and parse_number(value) is None:
        raise InputError("segments", found=repr(text), expected=f"a number after {sign}")
    return Clause(_name(found["column"]), sign, value[1:-1] if quoted else value)


def _name(text: str) -> str:
    """A column's name as it is spelled: with signs of comparison only in quotes."""
    name = text.strip()
    if name[:1] in {'"', "'"} and name[-1:] == name[:1]:
        return name[1:-1]
    if _MORE.search(name):
        raise InputError("segments", found=repr(text), expected=_GRAMMAR, hint="put a column's name with such signs in quotes")
    return name


def _part(value: str) -> str:
    """A value within the name of several, so that "1 & 2" beside "3" is not "1" beside "2 & 3"."""
    return value.replace("&", "&&")


def segment_value(value: object) -> str:
    """A value as a segment's name spells it: numbers in their shortest form, however they were written.

    >>> segment_value("3.0"), segment_value(3), segment_value("red"), segment_value("")
    ('3', '3', 'red', '(missing)')
    """
    if value is None or value == "" or value in NOT_A_NUMBER or value != value:  # noqa: PLR0124 that is what tells NaN
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    number = float(value) if isinstance(value, int | float) else parse_number(value) if isinstance(value, str) else None
    return category_key(str(value)) if number is None else number_name(number)


def _coded(column: Column | None, count: int) -> tuple[Places, list[str]]:
    """For each row the place of its value among the distinct ones."""
    if column is None:
        return np.zeros(count, np.int64), [MISSING]
    array = column if isinstance(column, pa.Array) else string_array([segment_value(value) for value in column])
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    spelled = [segment_value(value) for value in encoded.dictionary.to_pylist()] + [MISSING]
    values = sorted(set(spelled))
    places = {value: place for place, value in enumerate(values)}
    codes = encoded.indices.fill_null(len(spelled) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.array([places[value] for value in spelled], np.int64)[codes], values


def segmentation_of(segment: str) -> str:
    """The segmentation that a segment belongs to.

    >>> segmentation_of("sex & region=Male & North"), segmentation_of("seniors")
    ('sex & region', 'seniors')
    """
    return segment.partition("=")[0]


def capped(segments: Iterable[str], most: int = MOST_SEGMENTS) -> dict[str, str]:
    """Under which name each segment is kept: its own, or its segmentation's "other" where there are more than `most`.

    Those with the smallest hashes stay: whoever drops a segment has seen `most` with smaller ones, so a segment that
    stays in a sum was dropped in none of its parts, and its counts are right whatever the order of merging.
    """
    kept: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    for segment in sorted(set(segments)):
        groups.setdefault(segmentation_of(segment), []).append(segment)
    for name, group in groups.items():
        other = f"{name}={OTHER}"
        named = [segment for segment in group if segment != other]
        if len(named) > most:
            hashes = dict(zip(named, hash_texts(string_array(named)).tolist(), strict=True))
            named = sorted(named, key=lambda segment: (hashes[segment], segment))[:most]
        kept |= dict.fromkeys(group, other) | {segment: segment for segment in named}
    return kept
