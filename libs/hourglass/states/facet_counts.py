"""How often each class was the label and the prediction of each value of a facet, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.hashing import hash_texts
from hourglass.states.categories import LONGEST, category_key
from hourglass.states.confusion import by_hash
from hourglass.states.replicates import LARGEST
from hourglass.states.state import damaged, row_state
from hourglass.values import Counts

CAP = 1000
OTHER, MISSING = CAP, CAP + 1  # codes of cells: a name that is not kept, and no name
MISSING_NAME = "(missing)"
_CODES = CAP + 2
_ABSENT = ("", MISSING_NAME)  # texts that are no names
_DENSE = 1 << 16  # so many possible cells of a block are counted in an array instead of being sorted

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FacetCells:
    """The cells of one facet that have rows: codes of its values, of groups, of actual and predicted classes, and counts.

    A code below 1,000 is a place among the names: `values` here, the state's `groups` and `classes`. The cells are in the
    order of their codes, those of a value one after the other.
    """

    values: Sequence[str]
    value: Codes
    group: Codes
    actual: Codes
    predicted: Codes
    counts: Counts

    @property
    def n(self) -> int:
        """Rows in the cells."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        """Rows without a value of the facet."""
        return int(self.counts[self.value == MISSING].sum())


@row_state
class FacetCounts:
    """Counts by value of a facet, group, actual and predicted class; above 1,000 of each the rest is "other".

    A facet is a column, several columns together ("Sex & Ethnic group") or a column cut at a threshold; the caller names
    it and makes its values. A state has any number of facets, each with its own values, while groups and classes are
    common to all. Hours in which a facet was not counted add nothing to it.

    What has no value, no group, no label or no prediction (null, empty text, or spelled "(missing)") is counted as such:
    it is never left out and never one of the 1,000. Those are the names with the smallest hashes, so that the table is
    exact under any order of merging, as with `Confusion`: a name that is kept was never dropped on the way. Names of over
    256 characters are kept by their begin and a hash, as in `Categories`.

    The bytes are a line of JSON with the names in the order of their hashes and the cells of each facet, then arrays of
    each facet, little-endian: the four codes of each cell (2 bytes each) and its count (8 bytes).

    >>> state = FacetCounts.empty()
    >>> sex, label = pa.array(["m", "f", None]), pa.array(["1", "1", "0"])
    >>> state.update({"Sex": sex}, None, label, None)
    >>> state.n, state.facets["Sex"].missing, sorted(state.facets["Sex"].values)
    (3, 1, ['f', 'm'])
    """

    kind: ClassVar[str] = "facet_counts"
    version: ClassVar[int] = 1

    def __init__(self, groups: Sequence[str], classes: Sequence[str], facets: Mapping[str, FacetCells]) -> None:
        self.groups: Sequence[str] = tuple(groups)
        self.classes: Sequence[str] = tuple(classes)
        self.facets: Mapping[str, FacetCells] = MappingProxyType(dict(facets))

    @classmethod
    def empty(cls) -> Self:
        return cls((), (), {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FacetCounts) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def n(self) -> int:
        """Rows that were given: those of the facet with the most, since hours may differ in their facets."""
        return max((cells.n for cells in self.facets.values()), default=0)

    @property
    def truncated(self) -> bool:
        """Whether some values, groups or classes are only counted as "other"."""
        return any(bool((codes == OTHER).any()) for cells in self.facets.values() for codes in _codes(cells))

    def update(
        self,
        facets: Mapping[str, pa.StringArray],
        groups: pa.StringArray | None,
        actual: pa.StringArray | None,
        predicted: pa.StringArray | None,
    ) -> None:
        """Takes in a block of rows: the value of each facet, group, and names of the classes; None where all are missing."""
        rows = len(next(iter(facets.values()), ()))
        if rows == 0:
            return
        nothing = pa.nulls(rows, pa.string())
        group_names, group = _encoded(nothing if groups is None else groups)
        both = pa.concat_arrays([nothing if column is None else column for column in (actual, predicted)])
        class_names, classes = _encoded(both)
        wide = len(class_names) + 2
        rest = (group * wide + classes[:rows]) * wide + classes[rows:]  # codes are shifted by two, so from 0
        parts = {}
        for name, column in facets.items():
            value_names, value = _encoded(column)
            sizes = len(value_names) + 2, len(group_names) + 2, wide, wide
            cells, counts = _counted(value * int(np.prod(sizes[1:])) + rest, int(np.prod(sizes, dtype=np.float64)))
            codes = np.stack(np.unravel_index(cells, sizes)) - 2
            parts[name] = _Cells(value_names, codes, counts)
        self.groups, self.classes, self.facets = _sum([self.part(), _Table(group_names, class_names, parts)])

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        return cls(*_sum([state.part() for state in states]))

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def part(self) -> _Table:
        """The table as one of several that are summed."""
        facets = {
            name: _Cells(cells.values, np.where(codes >= OTHER, codes - _CODES, codes), cells.counts)
            for name, cells in self.facets.items()
            for codes in [np.stack(_codes(cells))]
        }
        return _Table(self.groups, self.classes, facets)

    def to_bytes(self) -> bytes:
        listed = [[name, cells.values, len(cells.counts)] for name, cells in self.facets.items()]
        parts = [
            np.concatenate(_codes(cells)).astype("<u2").tobytes() + cells.counts.astype("<i8").tobytes() for cells in self.facets.values()
        ]
        return orjson.dumps({"groups": self.groups, "classes": self.classes, "facets": listed}) + b"\n" + b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, KeyError, TypeError, OverflowError) as fault:  # JSON's and Arrow's are among the first
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "tables of counts by facet") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        line, end, arrays = data.partition(b"\n")
        if not end:
            raise ValueError("without an end of the head")
        head: dict[str, Any] = orjson.loads(line)
        groups, classes, listed = (_sound(head["groups"]), _sound(head["classes"]), head["facets"])
        facets: dict[str, FacetCells] = {}
        at = 0
        for name, values, size in listed:
            if type(name) is not str or type(size) is not int or not 0 < size <= len(arrays) // 16:
                raise ValueError(f"{size} cells of {name!r}")
            codes = np.frombuffer(arrays, "<u2", 4 * size, at).astype(np.int64).reshape(4, size)
            counts = np.frombuffer(arrays, "<i8", size, at + 8 * size).astype(np.int64)
            _verify(codes, counts, (len(_sound(values)), len(groups), len(classes), len(classes)))
            facets[name] = FacetCells(tuple(values), codes[0], codes[1], codes[2], codes[3], counts)
            at += 16 * size
        if at != len(arrays) or list(facets) != sorted(facets) or len(facets) != len(listed):
            raise ValueError(f"{len(arrays)} bytes of cells of {len(listed)} facets, {at} of them read")
        if not _all_used(groups, *(cells.group for cells in facets.values())) or not _all_used(
            classes, *(codes for cells in facets.values() for codes in (cells.actual, cells.predicted))
        ):
            raise ValueError("names that no cell has")
        return cls(groups, classes, facets)


class _Cells(NamedTuple):
    """A facet's cells before they are summed: here "other" and missing are -2 and -1, so a block may have any number of names."""

    values: Sequence[str]
    codes: Codes  # four lines: value, group, actual, predicted
    counts: Counts


class _Table(NamedTuple):
    groups: Sequence[str]
    classes: Sequence[str]
    facets: Mapping[str, _Cells]


def _codes(cells: FacetCells) -> tuple[Codes, Codes, Codes, Codes]:
    return cells.value, cells.group, cells.actual, cells.predicted


def _encoded(column: pa.StringArray) -> tuple[list[str], Codes]:
    """Names that may be kept, and the code of each row among them plus two: 0 is "other", 1 is missing."""
    encoded = column.dictionary_encode()
    names = encoded.dictionary
    places = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False).astype(np.int64)
    of_names = np.ones(len(names) + 1, np.int64)
    if len(names) <= CAP or (pc.max(pc.binary_length(names)).as_py() or 0) > LONGEST:
        keys = {name: category_key(name) for name in names.to_pylist()}
        kept = [key for key in dict.fromkeys(keys.values()) if key not in _ABSENT]
        kept = kept if len(kept) <= CAP else by_hash(kept)[:CAP]
        of_keys = {**dict.fromkeys(_ABSENT, 1), **{key: place for place, key in enumerate(kept, 2)}}
        of_names[:-1] = [of_keys.get(key, 0) for key in keys.values()]
        return kept, of_names[places]
    # a column with a name a row, of which a thousand can be among those with the smallest hashes
    hashes = hash_texts(names)
    absent = np.asarray(pc.is_in(names, pa.array(_ABSENT)))
    limit = np.partition(hashes[~absent], CAP - 1)[CAP - 1] if np.count_nonzero(~absent) > CAP else np.uint64(2**64 - 1)
    chosen = np.flatnonzero(~absent & (hashes <= limit))
    of_names[:-1] = np.where(absent, 1, 0)
    of_names[chosen] = np.arange(2, len(chosen) + 2)
    return names.take(pa.array(chosen)).to_pylist(), of_names[places]


def _counted(cells: Codes, size: int) -> tuple[Codes, Counts]:
    """The distinct cells in order, and the rows of each."""
    if size > _DENSE:
        return np.unique(cells, return_counts=True)
    dense = np.bincount(cells, minlength=1)
    found = np.flatnonzero(dense)
    return found, dense[found]


def _sum(parts: Sequence[_Table]) -> tuple[tuple[str, ...], tuple[str, ...], Mapping[str, FacetCells]]:
    """One table of all parts, as a state has it: of names those with the smallest hashes, and the rest as "other"."""
    groups, classes = _kept([part.groups for part in parts]), _kept([part.classes for part in parts])
    facets = {}
    for name in sorted({name for part in parts for name in part.facets}):
        found = [(part, part.facets[name]) for part in parts if name in part.facets]
        values = _kept([cells.values for _, cells in found])
        keys = []
        for part, cells in found:
            of_values, of_groups, of_classes = (
                _moved(names, kept) for names, kept in ((cells.values, values), (part.groups, groups), (part.classes, classes))
            )
            value, group, actual, predicted = cells.codes
            keys.append(((of_values[value] * _CODES + of_groups[group]) * _CODES + of_classes[actual]) * _CODES + of_classes[predicted])
        distinct, where = np.unique(np.concatenate(keys), return_inverse=True)
        summed = np.zeros(len(distinct), np.int64)
        np.add.at(summed, where, np.concatenate([cells.counts for _, cells in found]))
        value, group, actual, predicted = np.unravel_index(distinct, (_CODES,) * 4)
        facets[name] = FacetCells(tuple(values), value, group, actual, predicted, summed)
    return tuple(groups), tuple(classes), MappingProxyType(facets)


def _kept(names: Sequence[Sequence[str]]) -> dict[str, int]:
    """The thousand names with the smallest hashes, and their places."""
    return {name: place for place, name in enumerate(by_hash([name for of_part in names for name in of_part])[:CAP])}


def _moved(names: Sequence[str], kept: Mapping[str, int]) -> Codes:
    """The new code of each old one; -2 and -1 are the last two."""
    return np.array([*(kept.get(name, OTHER) for name in names), OTHER, MISSING], np.int64)


def _sound(names: Any) -> list[str]:
    if len(names) > CAP or names != by_hash(names) or not set(_ABSENT).isdisjoint(names):
        raise ValueError(f"{len(names)} names that are not in order")
    return list(names)


def _verify(codes: Codes, counts: Counts, sizes: tuple[int, ...]) -> None:
    """ValueError unless cells are in order, of names that there are, and have rows; and every value has a cell."""
    of_names = np.array(sizes)[:, np.newaxis]
    keys = np.ravel_multi_index(tuple(codes), (_CODES,) * 4) if (codes < _CODES).all() else np.zeros(2)
    sound = bool(((codes < of_names) | (codes >= OTHER)).all() and (np.diff(keys) > 0).all() and (counts > 0).all())
    if not sound or counts.sum(dtype=np.float64) >= LARGEST or len(np.unique(codes[0][codes[0] < OTHER])) != sizes[0]:
        raise ValueError("cells that are not in order")


def _all_used(names: Sequence[str], *codes: Codes) -> bool:
    return len(np.unique(np.concatenate([np.empty(0, np.int64), *(found[found < OTHER] for found in codes)]))) == len(names)
