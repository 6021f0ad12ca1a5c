"""Rows as a model takes them, and the shapes that libraries want them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hourglass.errors import InputError
from hourglass.values import Floats

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = 2.0**53  # beyond it a float is no longer each whole number

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Rows:
    """A number for each feature of each row; of a text feature the place of the text in its vocabulary.

    `matrix` is rows × features, NaN where a value is missing, also of texts; `texts` has the vocabulary of each text feature.

    >>> rows = Rows(("age", "job"), np.array([[39.0, 1.0], [np.nan, np.nan]]), {"job": ("clerk", "nurse")})
    >>> rows.records()
    [{'age': 39, 'job': 'nurse'}, {'age': None, 'job': None}]
    """

    names: tuple[str, ...]
    matrix: Floats
    texts: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.matrix)

    def lacking(self) -> list[str]:
        """The features of which a value is missing."""
        return [name for name, values in zip(self.names, self.matrix.T, strict=True) if np.isnan(values).any()]

    def __getitem__(self, part: slice) -> Rows:
        return Rows(self.names, self.matrix[part], self.texts)

    def take(self, places: npt.NDArray[np.intp]) -> Rows:
        """Some rows by their place."""
        return Rows(self.names, self.matrix[places], self.texts)

    def select(self, places: Sequence[int], names: Sequence[str] | None = None) -> Rows:
        """Some features by their place, in that order, and under other names where there are some."""
        called = dict(zip(places, names or [self.names[place] for place in places], strict=True))
        texts = {called[place]: self.texts[self.names[place]] for place in places if self.names[place] in self.texts}
        return Rows(tuple(called.values()), self.matrix[:, places], texts)

    def numbers(self) -> Floats:
        """The matrix; InputError where a feature is a text, whose place in a vocabulary is no number to calculate with."""
        if self.texts:
            words = [name for name in self.names if name in self.texts]
            raise InputError(
                f"feature{'s' if len(words) > 1 else ''} {', '.join(words)}",
                found="texts",
                expected="numbers, which is all that this model takes",
                hint="use a model file that holds the encoding of texts too, such as a pipeline, or a Python file that encodes them",
            )
        return self.matrix

    def column(self, name: str) -> Floats | Objects:
        """One feature's values: float64 with NaN for a missing one, or texts with None."""
        return self._column(name, None)

    def frame(self) -> pd.DataFrame:
        """A table with a column for each feature in order; as pandas reads a CSV, a missing text is NaN too."""
        import pandas as pd

        if not self.texts:
            return pd.DataFrame(self.matrix, columns=list(self.names), copy=False)
        return pd.DataFrame({name: self._column(name, np.nan) for name in self.names})

    def records(self) -> list[dict[str, float | int | str | None]]:
        """Each row by name; whole numbers as ints, which is how people write them, None for a missing value."""
        columns = [plain(self.column(name)) for name in self.names]
        return [dict(zip(self.names, values, strict=True)) for values in zip(*columns, strict=True)]

    def _column(self, name: str, missing: float | None) -> Floats | Objects:
        values = self.matrix[:, self.names.index(name)]
        if name not in self.texts:
            return values
        vocabulary = np.array([*self.texts[name], missing], np.object_)
        return vocabulary[np.where(np.isnan(values), len(vocabulary) - 1, values).astype(np.intp)]


def plain(column: Floats | Objects) -> list[Any]:
    """A column as Python's own values.

    >>> plain(np.array([1.0, 0.5, np.nan, np.inf]))
    [1, 0.5, None, inf]
    """
    values: Objects = column.astype(np.object_)
    if column.dtype != np.object_:
        whole = (np.abs(column) <= _WHOLE) & (np.floor(column) == column)
        values[whole] = column[whole].astype(np.int64)
        values[np.isnan(column)] = None
    return list(values.tolist())
