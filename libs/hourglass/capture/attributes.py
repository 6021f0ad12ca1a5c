"""Where the settings mean a value of a row: an attribute by its column's name, its number from 0, or a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hourglass.capture.batches import Batch
from hourglass.capture.documents import CONTAINERS
from hourglass.capture.payloads import ALL, Column, objects
from hourglass.errors import InputError

_STEP = re.compile(r"""\[\s*(['"])(?P<key>.*?)\1\s*\]""")
_EVERY = re.compile(r"^\[\*?\]\.")
_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")
_CONTAINER = re.compile(rf"(?:{'|'.join(CONTAINERS)})(?:\[(?:\*|\d+)?\])?\.?")


@dataclass(frozen=True)
class Attribute:
    """The columns that an attribute means: one, or those of a list's items in their order."""

    columns: tuple[Column, ...]
    is_list: bool


def find_attribute(attribute: str, columns: Mapping[str, Column], *, ordered: int = ALL) -> Attribute | None:
    """The columns of an attribute; None where a batch has none of them.

    A name is taken as it stands; then as the number of a column, or of several as a list (`1-3`); then as JSONPath or
    JMESPath. `scores` and `scores[*]` mean the items of a list, `predictions[*].score` the score of each record where the
    document holds several. Where some documents have a list and others one value of the same name, that is a list of one.

    >>> columns = {"label": [1], "p[0]": [0.2], "p[1]": [0.8]}
    >>> find_attribute("$.label", columns), find_attribute("0", columns).columns, find_attribute("p", columns).columns
    (Attribute(columns=([1],), is_list=False), ([1],), ([0.2], [0.8]))
    >>> find_attribute("predictions[*].label", columns).columns, find_attribute("x", columns), find_attribute("1-2", columns).is_list
    (([1],), None, True)
    >>> find_attribute("p", {"p": [5, None], "p[0]": [None, 6], "p[1]": [None, 7]})
    Attribute(columns=([5, 6], [None, 7]), is_list=True)
    """
    if attribute in columns:
        return _named(attribute, columns)
    if numbers := _NUMBERS.fullmatch(attribute):
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if last >= ordered and len(columns) > max(1, ordered):
            names = f"a number, where JSON names the columns: {', '.join(columns)}"
            raise InputError(f"attribute {attribute!r}", found=names, expected="a name or a path", hint="names come in any order")
        found_there = tuple(columns.values())[first : last + 1]
        return Attribute(found_there, is_list=numbers[2] is not None) if found_there else None
    path = _STEP.sub(lambda step: f".{step['key']}", attribute.strip()).removeprefix("$").removeprefix(".")
    found = _at(path, columns) or _at(_EVERY.sub("", path), columns)  # [*].label of a document with one record a line
    if found is None and (container := _CONTAINER.match(path)):
        rest = path[container.end() :]
        # items without names of their own are called as their container
        found = _at(rest, columns) if rest else _at(container[0].partition("[")[0].rstrip("."), columns) or _at("value", columns)
    return found


def find_answer(attribute: str, batch: Batch) -> Attribute | None:
    """What a record's answer has of an attribute; a column of the input is never taken for it.

    Rows of a data set have one set of columns. A number counts all columns in their order.
    """
    if batch.answers is None:
        return find_attribute(attribute, batch.columns, ordered=batch.ordered)
    if attribute not in batch.answers and (numbers := _NUMBERS.fullmatch(attribute)):
        places = [int(number) - batch.answers_at for number in numbers.groups() if number is not None]
        if places[0] < 0:
            return None
        return find_attribute("-".join(map(str, places)), batch.answers, ordered=max(0, batch.ordered - batch.answers_at))
    return find_attribute(attribute, batch.answers)


def _at(path: str, columns: Mapping[str, Column]) -> Attribute | None:
    if path in columns:
        return _named(path, columns)
    items = _items(path, columns)
    return Attribute(items, is_list=True) if items else None


def _items(path: str, columns: Mapping[str, Column]) -> tuple[Column, ...]:
    """The columns of a list's items, in their order."""
    items = path if "[*]" in path or "[]" in path else f"{path}[*]"
    pattern = re.compile(r"(\d+)".join(re.escape(part) for part in re.split(r"(?<=\[)\*?(?=\])", items)))
    matches = [(tuple(map(int, match.groups())), name) for name in columns if (match := pattern.fullmatch(name))]
    return tuple(columns[name] for _, name in sorted(matches))


def _named(name: str, columns: Mapping[str, Column]) -> Attribute:
    """A column, with the items of a list of its name that other rows have."""
    column = columns[name]
    items = [objects(item) for item in _items(name, columns)]
    if not items:
        return Attribute((column,), is_list=False)
    own = objects(column)
    there = [any(value is not None for value in row) for row in zip(*items, strict=True)]
    if any(has_items and value is not None for has_items, value in zip(there, own, strict=True)):
        return Attribute((column,), is_list=False)  # two columns that happen to be called so
    first = [value if value is not None else item for value, item in zip(own, items[0], strict=True)]
    return Attribute((first, *items[1:]), is_list=True)
