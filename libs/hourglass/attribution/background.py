"""The rows that stand for "nobody knows the feature", as they are kept and as a model takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from hourglass.attribution.config import Values
from hourglass.capture.payloads import Column, objects
from hourglass.errors import InputError, shorten
from hourglass.models import Rows
from hourglass.values import NOT_A_NUMBER, as_floats

BACKGROUND_JSON = "background.json"
MISSING = {"", *NOT_A_NUMBER}


@dataclass(frozen=True)
class GivenBackground:
    """Rows by name of the feature, numbers and texts, and the share of the data that each stands for.

    `texts` are the features that are texts, which a few rows with nothing in them do not tell.
    """

    names: tuple[str, ...]
    rows: tuple[Values, ...]
    weights: tuple[float, ...]
    texts: tuple[str, ...] = ()

    @classmethod
    def alike(cls, names: Sequence[str], rows: Sequence[Values]) -> GivenBackground:
        """Rows that stand for as much each; a feature with a text in any of them is a text.

        >>> GivenBackground.alike(["age", "job"], [(40.0, None), (41.0, "nurse")])
        GivenBackground(names=('age', 'job'), rows=((40.0, None), (41.0, 'nurse')), weights=(0.5, 0.5), texts=('job',))
        """
        return cls(tuple(names), tuple(rows), (1 / len(rows),) * len(rows), texts_of(names, rows))

    @property
    def untold(self) -> tuple[str, ...]:
        """The features that no row has a value of and that are not known to be texts."""
        columns = zip(self.names, zip(*self.rows, strict=True), strict=True)
        return tuple(name for name, column in columns if name not in self.texts and all(value is None for value in column))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the rows and their weights, whether a number was written as 40 or as 40.0."""
        rows = [[float(value) if isinstance(value, int | float) else value for value in row] for row in self.rows]
        return hashlib.sha256(orjson.dumps([self.names, rows, self.weights])).hexdigest()

    def coded(self) -> Rows:
        """The rows as numbers."""
        return coded(dict(zip(self.names, map(list, zip(*self.rows, strict=True)), strict=True)), self.names, dict.fromkeys(self.texts, ()))

    def document(self) -> dict[str, Any]:
        """What `background.json` holds."""
        rows = [list(row) for row in self.rows]
        return {"version": 1, "features": list(self.names), "texts": list(self.texts), "rows": rows, "weights": list(self.weights)}


def features_fault(now: Sequence[str], before: Sequence[str], path: str) -> InputError | None:
    """The fault of features that are not a baseline's; None where they are, in whatever order.

    >>> print(features_fault(["age", "sex"], ["age", "sexx"], "analysis.json"))
    features: found sex, and no sexx; expected those of analysis.json. Hint: set headers and groups as they were, or make the baseline anew
    """
    new, gone = [name for name in now if name not in before], [name for name in before if name not in now]
    if not new and not gone:
        return None
    found = ", and ".join(filter(None, (", ".join(new), f"no {', '.join(gone)}" if gone else "")))
    hint = "set headers and groups as they were, or make the baseline anew"
    return InputError("features", found=shorten(found), expected=f"those of {path}", hint=hint)


def texts_of(names: Sequence[str], rows: Sequence[Values]) -> tuple[str, ...]:
    """The features that have a text in any row."""
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return tuple(name for name, column in columns if any(isinstance(value, str) for value in column))


def read_background(data: bytes, path: str) -> GivenBackground:
    """The background in the bytes of a `background.json`; InputError for anything else. Older files do not say which are texts."""
    try:
        document = orjson.loads(data)
        names, rows, weights = (document[key] for key in ("features", "rows", "weights"))
        told = document.get("texts", [])
        sound = isinstance(names, list) and len({*names}) == len(names) and all(isinstance(name, str) for name in names)
        sound &= isinstance(told, list) and {*told} <= {*names}
        sound &= bool(rows) and len(rows) == len(weights) and all(isinstance(row, list) and len(row) == len(names) for row in rows)
        sound &= all(isinstance(value, int | float | str | None) for row in rows for value in row)
        sound &= min(weights) >= 0 and abs(sum(weights) - 1) < 1e-6
    except (AttributeError, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as fault:
        raise InputError(path, found=repr(fault), expected="features, rows and weights") from fault
    if not sound:
        found = f"{len(names)} features, {len(rows)} rows and {len(weights)} weights"
        expected = "a name of its own for each feature, rows of all features, and weights that add up to 1"
        raise InputError(path, found=found, expected=expected)
    texts = {*told, *texts_of(names, rows)}
    return GivenBackground(tuple(names), tuple(map(tuple, rows)), tuple(weights), tuple(name for name in names if name in texts))


def coded(columns: Mapping[str, Column], names: Sequence[str], texts: Mapping[str, Sequence[str]]) -> Rows:
    """Columns as a model takes them: numbers, and for texts their place in a vocabulary, which new texts are added to.

    What is no number is missing, NaN, in a feature of numbers.
    """
    found, vocabularies = [], {}
    for name in names:
        if name not in texts:
            found.append(as_floats(columns[name]))
            continue
        values = [None if value is None or value == "" else str(value) for value in objects(columns[name])]
        vocabulary = dict.fromkeys([*texts[name], *(value for value in values if value is not None)])
        places = {text: place for place, text in enumerate(vocabulary)}
        found.append(np.array([np.nan if value is None else places[value] for value in values], np.float64))
        vocabularies[name] = tuple(places)
    return Rows(tuple(names), np.column_stack(found) if found else np.empty((0, 0)), vocabularies)


def is_text(values: Sequence[Any]) -> bool:
    """Whether a feature is a text: most of its values are no numbers."""
    there = [value for value in values if value is not None and value != ""]
    return bool(there) and 2 * int(np.isnan(as_floats(there)).sum()) > len(there)


def texts_among(values: Sequence[Any]) -> list[str]:
    """The values that are neither numbers nor missing.

    >>> texts_among([1, "2", "", None, "NaN", "old"])
    ['old']
    """
    numbers = as_floats(values)
    return [
        value for value, number in zip(values, numbers, strict=True) if isinstance(value, str) and np.isnan(number) and value not in MISSING
    ]
