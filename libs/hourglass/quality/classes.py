"""What makes two labels one class: how values get the names that classes are counted by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.states.categories import number_name
from hourglass.states.confusion import in_order
from hourglass.values import parse_number, string_array


class Same(StrEnum):
    """When two labels are one class: when they are spelled alike, or also when they are the same number."""

    SPELLING = "spelling"
    NUMBER = "number"


@dataclass(frozen=True)
class ClassRule:
    """How labels become classes: `same` first, then `aliases`, from a name to the name of its class.

    A rule looks at one value at a time, never at a column, so hours, files and machines agree on the classes.
    """

    same: Same = Same.SPELLING
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


PLAIN = ClassRule()
ONE_CLASS = "--same-class number makes them one"


def class_name(value: object, rule: ClassRule = PLAIN) -> str | None:
    """The name of a label's class; None for a missing one (null, NaN, empty text).

    By default a class is its spelling, quoted or not: CSV has no types, so the `1` of a CSV prediction and the `1` or
    `"1"` of a JSON label are one class, while `1.0`, ` 1` and `yes` are others. `Same.NUMBER` reads what is written as a
    number as its value (`1`, `1.0`, `1e0` are "1"); an alias joins what is left ({"yes": "1"}).

    >>> rule = ClassRule(Same.NUMBER, {"yes": "1"})
    >>> [class_name(value) for value in ("1", 1, 1.0, "yes", True)], [class_name(value, rule) for value in ("1", 1, 1.0, "yes", None)]
    (['1', '1', '1.0', 'yes', 'true'], ['1', '1', '1', '1', None])
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    name = ("true" if value else "false") if isinstance(value, bool) else value if isinstance(value, str) else str(value)
    if rule.same == Same.NUMBER:
        name = _by_value(name)
    return rule.aliases.get(name, name)


def class_names(values: pa.Array | Sequence[object], rule: ClassRule = PLAIN) -> pa.StringArray:
    """The names of a column's classes, null for missing ones: what `Confusion` is fed with.

    Each distinct value is looked at once. Arrow columns of numbers are spelled as Python spells them.

    >>> class_names(pa.array([1, 0, None])).to_pylist(), class_names(["a", 2.5, float("nan")]).to_pylist()
    (['1', '0', None], ['a', '2.5', None])
    """
    if isinstance(values, pa.Array):
        encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        names = string_array([class_name(value, rule) for value in encoded.dictionary.to_pylist()])
        return names.take(encoded.indices)
    if isinstance(values, np.ndarray):
        values = values.tolist()
    known: dict[tuple[type, object], str | None] = {}  # by type as well: to Python 1, 1.0 and True are one key
    return string_array([_known(known, value, rule) for value in values])


def names_by_threshold(scores: npt.ArrayLike, threshold: npt.ArrayLike, positive: str = "1", negative: str = "0") -> pa.StringArray:
    """The predicted classes that a threshold, or one for each, makes of probabilities; null where there is none of either.

    From the threshold on is positive, as in scikit-learn's classifiers with a threshold; the stock analyzer's guide does
    not say.

    >>> names_by_threshold([0.2, 0.5, float("nan")], 0.5).to_pylist()
    ['0', '1', None]
    """
    values = np.asarray(scores, np.float64)
    limits = np.asarray(threshold, np.float64)
    codes = pa.array((values >= limits).astype(np.int8), mask=~(np.isfinite(values) & np.isfinite(limits)))
    return pa.array([negative, positive], pa.string()).take(codes)


def _known(known: dict[tuple[type, object], str | None], value: object, rule: ClassRule) -> str | None:
    if not isinstance(value, str | int | float | None):
        return class_name(value, rule)  # a list, say, which is no key
    key = type(value), value
    if key not in known:
        known[key] = class_name(value, rule)
    return known[key]


def _by_value(name: str) -> str:
    number = parse_number(name.strip())
    return name if number is None else number_name(number + 0.0)


def agree_as_numbers(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether some name of one side and one of the other are the same number, however it is spelled.

    >>> agree_as_numbers(["1"], ["0.0", "1.0"]), agree_as_numbers(["yes"], ["1"])
    (True, False)
    """
    return not {_by_value(name) for name in first}.isdisjoint(_by_value(name) for name in second)


def spelled_apart(actual: Iterable[str], predicted: Iterable[str]) -> str | None:
    """Why two sides that have no class in common would have one if numbers were read as numbers; None when that is not so.

    The sign of a prediction column of `1.0` held against labels of `1`: an accuracy of 0 would be about spelling.

    >>> spelled_apart(["0", "1"], ["0.0", "1.0"])
    'no class is on both sides (actual: 0, 1; predicted: 0.0, 1.0), but read as numbers they have: --same-class number makes them one'
    >>> spelled_apart(["a"], ["b"])
    """
    first, second = set(actual), set(predicted)
    if first & second or not agree_as_numbers(first, second):
        return None
    sides = "; ".join(f"{side}: {', '.join(in_order(names)[:5])}" for side, names in (("actual", first), ("predicted", second)))
    return f"no class is on both sides ({sides}), but read as numbers they have: {ONE_CLASS}"
