"""The codes that boosted trees have for categories, which their files tell since they were fit to a pandas table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hourglass.models.rows import Rows, plain
from hourglass.values import Floats


def encoded(rows: Rows, categories: Mapping[int, Sequence[Any]]) -> Floats:
    """The matrix with a category's place among the model's instead of the category, by the feature's place.

    A category that the model has not met is missing to it, NaN. InputError where a feature is text and the model has no
    categories for it.

    >>> encoded(Rows(("job",), np.array([[0.0], [1.0], [2.0]]), {"job": ("clerk", "nurse", "pope")}), {0: ["nurse", "clerk"]})
    array([[ 1.],
           [ 0.],
           [nan]])
    """
    known = {rows.names[place] for place in categories if place < len(rows.names)}
    rest = Rows(rows.names, rows.matrix, {name: words for name, words in rows.texts.items() if name not in known})
    matrix = rest.numbers()
    if not known:
        return matrix
    matrix = matrix.copy()
    for place, words in categories.items():
        codes = {_spelled(word): code for code, word in enumerate(words)}
        values, places = np.unique(rows.matrix[:, place], return_inverse=True)
        vocabulary = rows.texts.get(rows.names[place])
        named = [vocabulary[int(value)] if vocabulary and not np.isnan(value) else _spelled(value) for value in values]
        matrix[:, place] = np.array([codes.get(name, np.nan) for name in named])[places]
    return matrix


def _spelled(value: Any) -> str:
    """One spelling for a category and for the number that a capture has for it: 1 and 1.0 are the same."""
    return str(plain(np.array([value], np.float64))[0]) if isinstance(value, float | int) else str(value)
