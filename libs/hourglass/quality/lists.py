"""Attributes that are lists: columns that stand for the items of a list, lists in one column, and lists written as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from hourglass.capture.attributes import Attribute
from hourglass.capture.documents import load
from hourglass.capture.payloads import objects
from hourglass.values import as_floats


def lists_of(found: Attribute | None, count: int) -> Iterable[list[object] | None]:
    """The list of each row; None where there is neither a list nor a value."""
    if found is None:
        return [None] * count
    if not found.is_list:
        return [items_of(value) for value in objects(found.columns[0])]
    return [_to_last(row) for row in zip(*map(objects, found.columns), strict=True)]


def paired(labels: Sequence[Sequence[object]], others: Sequence[Sequence[Sequence[object]]]) -> list[Sequence[object]]:
    """The labels of records, place by place, without those of a record that has more or fewer of them than predictions.

    Which label would belong to which prediction is not known.
    """
    sizes, *of_others = ([len(_to_last(row) or ()) for row in zip(*columns, strict=True)] for columns in (labels, *others))
    expected = [max(found) for found in zip(*of_others, strict=True)] if of_others else sizes
    return [[label if size == said else None for label, size, said in zip(column, sizes, expected, strict=True)] for column in labels]


def _to_last(row: tuple[object, ...]) -> list[object] | None:
    """A row's items without those that only longer lists have; what is missing amid the others keeps its place.

    >>> _to_last((1, None, 2, None)), _to_last(([], None)), _to_last((None, None))
    ([1, None, 2], [], None)
    """
    if row[0] == []:
        return []
    size = next((place for place in range(len(row), 0, -1) if row[place - 1] is not None), 0)
    return list(row[:size]) if size else None


def number_lists(found: Attribute | None, count: int) -> pa.ListArray:
    """The list of each row as numbers, NaN for what is none; null where a row has no list."""
    if found is not None and not found.is_list:  # one number is no list of one: nothing could be ranked wrongly in it
        lists: Iterable[list[object] | None] = [items_of(value) if is_list(value) else None for value in objects(found.columns[0])]
    else:
        lists = lists_of(found, count)
    return pa.array([None if items is None else as_floats(items).tolist() for items in lists], pa.list_(pa.float64()))


def is_list(value: object) -> bool:
    """Whether a value is a list, or text that looks like one."""
    return isinstance(value, list) or (isinstance(value, str) and value.lstrip().startswith("["))


def items_of(value: object) -> list[object] | None:
    """A value as a list: one that is written as JSON, or the value alone; None for none.

    >>> items_of("[0.1, 0.9]"), items_of("a"), items_of(None)
    ([0.1, 0.9], ['a'], None)
    """
    if isinstance(value, str) and is_list(value):
        try:
            loaded: Any = load(value)
        except ValueError:
            return [value]
        return loaded if isinstance(loaded, list) else [value]
    return value if isinstance(value, list) else None if value is None or value == "" else [value]
