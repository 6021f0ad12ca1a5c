"""Predictions that can be relied on to be numbers: one row of them for each row, and none that is NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from hourglass.errors import HourglassError, InputError, ModelError, did_you_mean, shorten
from hourglass.models.loaded import Loaded, told
from hourglass.models.rows import Rows
from hourglass.values import Floats

_TOLD = 5  # features that a sentence names


class Checked:
    """A model that gets its features in its own order, and whose answers are checked.

    A model that knows its features' names finds them among the rows' by name, whatever else there is. Some libraries write
    `hours per week` as `hours_per_week`, so blanks count as underscores where that leaves no doubt.
    """

    def __init__(self, model: Loaded, source: str, labels: tuple[str, ...]) -> None:
        """`source` is what errors call the model; `labels` go before the model's own."""
        self.kind = model.kind
        self.names = model.names
        self.labels = labels or model.labels
        self.estimator = model.estimator
        self._model = model
        self._subject = f"model {source}"
        self._outputs: int | None = None

    def predict(self, rows: Rows) -> Floats:
        """Finite numbers, rows × outputs; without rows nobody is asked.

        InputError where the model cannot take such rows, ModelError where it fails or its answer is no such table.
        """
        if not len(rows):
            return np.empty((0, self._outputs or 1))
        asked = self._in_order(rows)
        try:
            answer = self._model.ask(self._model.shape(asked))
        except HourglassError:
            raise
        except Exception as fault:
            raise ModelError(
                self._subject,
                found=told(fault),
                expected=f"predictions for {len(rows)} row{'s' if len(rows) != 1 else ''}",
                hint=_peculiar(asked),
            ) from fault
        table = self._table(answer, len(rows))
        if not np.isfinite(table).all():
            row, output = np.argwhere(~np.isfinite(table))[0].tolist()
            raise self._fault(
                f"{table[row, output]} for {shorten(str(asked[row : row + 1].records()[0]))}", "finite numbers", _peculiar(asked)
            )
        self._count_outputs(table.shape[1])
        return table

    def inputs(self, rows: Rows) -> Any:
        """The rows as the estimator takes them, for explainers that ask it themselves."""
        return self._model.shape(self._in_order(rows))

    def _in_order(self, rows: Rows) -> Rows:
        return rows if self.names is None else rows.select(self._places(rows.names, self.names), self.names)

    def _table(self, answer: Any, rows: int) -> Floats:
        try:
            numbers = np.asarray(answer, np.float64)
        except (TypeError, ValueError) as fault:
            raise self._fault(
                f"{shorten(str(fault))} in a {type(answer).__name__}",
                "a number, or a list of as many numbers, for each row",
                "let it give a probability or a score, not a label",
            ) from fault
        table = numbers.reshape(-1, 1) if numbers.ndim == 1 else numbers
        if table.ndim != 2 or len(table) != rows or not table.shape[1]:
            raise self._fault(f"an answer of shape {numbers.shape}", f"{rows} rows of one or more numbers", None)
        return table

    def _count_outputs(self, outputs: int) -> None:
        if self._outputs not in {None, outputs}:
            raise self._fault(f"{outputs} outputs after {self._outputs} before", "as many outputs in each answer", None)
        if self.labels and len(self.labels) != outputs:
            if (outputs, len(self.labels)) != (1, 2):
                raise InputError(
                    "label_headers",
                    found=f"{len(self.labels)} ({', '.join(self.labels)})",
                    expected=f"{outputs}, one for each output of {self._subject}",
                )
            self.labels = self.labels[1:]  # the one output is the probability of the second class
        self._outputs = outputs

    def _places(self, given: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
        if given == wanted:
            return list(range(len(wanted)))
        places = {name: place for place, name in enumerate(given)}
        spelled: dict[str, list[int]] = {}
        for place, name in enumerate(given):
            spelled.setdefault(name.replace(" ", "_"), []).append(place)
        found = [places[name] if name in places else _only(spelled.get(name.replace(" ", "_"), [])) for name in wanted]
        lacking = [name for name, place in zip(wanted, found, strict=True) if place is None]
        if lacking:
            raise InputError(
                self._subject,
                found=f"no {_some(lacking)} among the features {_some(given)}",
                expected=f"the features that it was made with: {_some(wanted)}",
                hint=did_you_mean(lacking[0], given) or "name the columns (headers) as the model does",
            )
        return [place for place in found if place is not None]

    def _fault(self, found: str, expected: str, hint: str | None) -> ModelError:
        return ModelError(self._subject, found=found, expected=expected, hint=hint)


def _only(places: list[int]) -> int | None:
    return places[0] if len(places) == 1 else None


def _some(names: list[str] | tuple[str, ...]) -> str:
    """Names, the first of them where there are many.

    >>> _some(list("abcdefg"))
    'a, b, c, d, e … (2 more)'
    """
    more = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" … ({more} more)" if more > 0 else "")


def _peculiar(rows: Rows) -> str | None:
    """What in the rows a model may not take: missing values and texts."""
    lacking = rows.lacking()
    texts = [name for name in rows.names if name in rows.texts]
    asked = [f"values of {_some(lacking)} are missing in some rows"] if lacking else []
    asked += [f"{_some(texts)} {'is' if len(texts) == 1 else 'are'} text"] if texts else []
    return f"{', and '.join(asked)}: does the model take that?" if asked else None
