"""What a row's label and prediction are, and the states that they are digested into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.attributes import Attribute, find_answer, find_attribute
from hourglass.capture.batches import Batch, taken
from hourglass.capture.payloads import Column, objects
from hourglass.hashing import mix
from hourglass.problems import Problem
from hourglass.quality.classes import ClassRule, Same, class_name, class_names, names_by_threshold
from hourglass.quality.lists import items_of, lists_of, number_lists, paired
from hourglass.quality.report import QUALITY_STATES
from hourglass.states import ClassProbabilities, Confusion, Errors, LabelSets, Rankings, Scores, State
from hourglass.states.replicates import ReplicatedSums
from hourglass.values import Floats, Hashes, as_floats, string_array

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class QualityDigest:
    """Which attributes of a row are its prediction, its probability and its label, and how classes are told apart.

    `threshold` makes a class of a probability where no attribute names the predicted one: a number, or an attribute too.
    With `merged` the label is in the ground truth that was merged into a record, else among the row's columns. `classes`
    are those of a list of probabilities, in its order; numbers from 0 where none are named.
    """

    problem: Problem
    inference: str | None = None
    probability: str | None = None
    ground_truth: str | None = None
    threshold: float | str = DEFAULT_THRESHOLD
    positive: str = "1"
    negative: str = "0"
    classes: tuple[str, ...] = ()
    same: Same = Same.SPELLING
    aliases: tuple[tuple[str, str], ...] = ()
    replicates: int = 5
    merged: bool = False

    @property
    def states(self) -> tuple[type[State], ...]:
        """The states of this problem; those of probabilities only where there are some."""
        return tuple(cls for cls in QUALITY_STATES[self.problem] if self.probability is not None or cls not in {Scores, ClassProbabilities})

    @property
    def kinds(self) -> Mapping[str, int]:
        """The versions of its kinds of state."""
        return {cls.kind: cls.version for cls in self.states}

    @property
    def needs_ids(self) -> bool:
        """Whether replicates are drawn row by row, by the rows' ids."""
        return any(issubclass(cls, ReplicatedSums | Errors | LabelSets) for cls in self.states)

    @property
    def whole_documents(self) -> bool:
        """Whether a record is one row, with a list of labels and a list of predictions."""
        return self.problem in {Problem.MULTILABEL, Problem.RANKING}

    def empty(self) -> dict[str, State]:
        """States of no rows, by kind."""
        return {cls.kind: self._empty(cls) for cls in self.states}

    def _empty(self, cls: type[State]) -> State:
        if issubclass(cls, ReplicatedSums | Errors | LabelSets):
            return cast("State", cls.empty(self.replicates))
        return cls.empty()

    def update(self, states: Mapping[str, State], batch: Batch) -> None:
        """Takes in a batch of rows."""
        if self.problem is Problem.MULTILABEL:
            cast("LabelSets", states[LabelSets.kind]).update(*self._sets(batch), _ids(batch))
        elif self.problem is Problem.RANKING:
            cast("Rankings", states[Rankings.kind]).update(*self._lists(batch), _ids(batch))
        else:
            rows = self._rows(batch)
            if self.problem is Problem.REGRESSION:
                cast("Errors", states[Errors.kind]).update(as_floats(rows.actual), as_floats(rows.predicted), rows.ids)
            else:
                self._classify(states, rows)

    def _classify(self, states: Mapping[str, State], rows: _Rows) -> None:
        """Counts classes, and the probabilities of a binary problem, or of several classes."""
        actual = class_names(rows.actual, self._rule)
        binary = self.problem is Problem.BINARY
        probabilities = as_floats(rows.probabilities[0]) if binary and rows.probabilities else _table(rows, len(self.classes))
        if rows.predicted is not None:
            predicted = class_names(rows.predicted, self._rule)
        elif binary:
            predicted = names_by_threshold(probabilities, self._threshold(rows), self.positive_name, self._class(self.negative))
        else:
            predicted = _most_probable(probabilities, self._classes(probabilities.shape[1]))
        cast("Confusion", states[Confusion.kind]).update(actual, predicted)
        if Scores.kind in states:
            cast("Scores", states[Scores.kind]).update(pc.equal(actual, self.positive_name), probabilities)
        if ClassProbabilities.kind in states:
            classes = self._classes(probabilities.shape[1])
            cast("ClassProbabilities", states[ClassProbabilities.kind]).update(actual, probabilities, classes, rows.ids)

    @property
    def _rule(self) -> ClassRule:
        return ClassRule(self.same, dict(self.aliases))

    @property
    def positive_name(self) -> str:
        """The name that the positive class is counted by."""
        return self._class(self.positive)

    def _class(self, name: str) -> str:
        return class_name(name, self._rule) or name

    def _threshold(self, rows: _Rows) -> float | Floats:
        return self.threshold if isinstance(self.threshold, float) else as_floats(rows.threshold)

    def _classes(self, count: int) -> list[str]:
        """The names of the classes that a list of probabilities is of."""
        return [self._class(name) for name in self.classes] or [str(number) for number in range(count)]

    def _rows(self, batch: Batch) -> _Rows:
        """Label, prediction and probabilities row by row; records whose rows stand in lists are taken apart."""
        found = {
            "actual": self._label(batch),
            "predicted": _find(self.inference, batch),
            "probability": _find(self.probability, batch),
            "threshold": _find(self.threshold if isinstance(self.threshold, str) else None, batch),
        }
        of_classes = self.problem is Problem.MULTICLASS  # whose probability is a list by itself
        size = max((len(value.columns) for name, value in found.items() if value and not (of_classes and name == "probability")), default=1)
        if size > 1:
            return self._apart(found, batch, size)
        nothing = pa.nulls(batch.count, pa.string())
        actual, predicted, threshold = (_only(found[name]) for name in ("actual", "predicted", "threshold"))
        return _Rows(
            nothing if actual is None else actual,
            (nothing if predicted is None else predicted) if self.inference is not None else None,
            self._probabilities(found["probability"], batch),
            nothing if threshold is None else threshold,
            _ids(batch),
        )

    def _probabilities(self, found: Attribute | None, batch: Batch) -> tuple[Column, ...]:
        """The columns of probabilities; of several classes also a list that is written into one column."""
        if found is None:
            return (pa.nulls(batch.count, pa.float64()),) * self._width
        if self.problem is Problem.MULTICLASS and not found.is_list:
            lists = [items_of(value) or [] for value in objects(found.columns[0])]
            width = max(map(len, lists), default=0)
            if width < 2:  # one number says nothing of the other classes
                return (pa.nulls(batch.count, pa.float64()),) * self._width
            return tuple([row[place] if place < len(row) else None for row in lists] for place in range(width))
        return found.columns

    @property
    def _width(self) -> int:
        """How many columns stand for probabilities that a batch has not."""
        return max(1, len(self.classes)) if self.problem is Problem.MULTICLASS else 1

    def _apart(self, found: Mapping[str, Attribute | None], batch: Batch, size: int) -> _Rows:
        if (threshold := found["threshold"]) is not None and not threshold.is_list:
            found = {**found, "threshold": Attribute(threshold.columns * size, is_list=True)}  # one for a whole request
        if self.problem is Problem.MULTICLASS:
            found = {**found, "probability": None}  # lists of lists, whose items cannot be told apart
        nothing: list[object] = [None] * batch.count
        columns = {
            name: [objects(column) for column in value.columns] + [nothing] * (size - len(value.columns))
            for name, value in found.items()
            if value is not None
        }
        if "actual" in columns:
            columns["actual"] = paired(columns["actual"], [columns[name] for name in ("predicted", "probability") if name in columns])
        ids = _ids(batch)
        parts = []
        for place in range(size):
            items = {name: of_name[place] for name, of_name in columns.items()}
            # a record with fewer rows than the longest of its batch
            kept = [
                row
                for row in range(batch.count)
                if place == 0 or any(of_name[row] is not None for name, of_name in items.items() if name != "threshold")
            ]
            chosen = np.array(kept, np.int64)
            own = ids[chosen] if place == 0 else mix(ids[chosen] ^ mix(np.full(len(chosen), place, np.uint64)))
            parts.append(({name: taken(of_name, chosen) for name, of_name in items.items()}, own))
        whole = {name: [value for items, _ in parts for value in items[name]] for name in columns}
        own_ids = np.concatenate([own for _, own in parts])
        absent: list[object] = [None] * len(own_ids)
        return _Rows(
            whole.get("actual", absent),
            whole.get("predicted", absent) if self.inference is not None else None,
            (whole.get("probability", absent),) * self._width,
            whole.get("threshold", absent),
            own_ids,
        )

    def _label(self, batch: Batch) -> Attribute | None:
        columns = batch.labels if self.merged else batch.columns
        if columns is None or (self.ground_truth is None and not self.merged):
            return None
        if self.ground_truth is not None:
            return find_attribute(self.ground_truth, columns)
        if len(columns) < 2:
            return Attribute(tuple(columns.values()), is_list=False) if columns else None
        name = next(iter(columns)).partition("[")[0]
        found = find_attribute(name, columns)
        if found is None or any(other.partition("[")[0] != name for other in columns):
            return Attribute((_only_values(columns),), is_list=False)
        return found

    def _sets(self, batch: Batch) -> tuple[pa.ListArray, pa.ListArray]:
        """Actual and predicted sets of names; a record whose list is empty has an empty set, one without a list has none."""
        predicted = _find(self.inference, batch)
        return self._names(lists_of(self._label(batch), batch.count)), self._names(lists_of(predicted, batch.count))

    def _names(self, lists: Iterable[list[object] | None]) -> pa.ListArray:
        made = [None if items is None else [class_name(item, self._rule) for item in items] for items in lists]
        return pa.array(made, pa.list_(pa.string()))

    def _lists(self, batch: Batch) -> tuple[pa.ListArray, pa.ListArray]:
        """The relevance of each item of a query, and the score that ranked it."""
        attribute = self.probability if self.inference is None else self.inference
        scores = _find(attribute, batch)
        return number_lists(self._label(batch), batch.count), number_lists(scores, batch.count)


@dataclass(frozen=True)
class _Rows:
    """Label, predicted class or number, probabilities by class and threshold of rows, with the rows' ids."""

    actual: Column
    predicted: Column | None
    probabilities: tuple[Column, ...]
    threshold: Column
    ids: Hashes


def _only_values(columns: Mapping[str, Column]) -> list[object]:
    """Of each row the one value that it has; None where it has several, since which of them is meant is not known."""
    rows = ([value for value in row if value is not None] for row in zip(*map(objects, columns.values()), strict=True))
    return [values[0] if len(values) == 1 else None for values in rows]


def _find(attribute: str | None, batch: Batch) -> Attribute | None:
    return None if attribute is None else find_answer(attribute, batch)


def _ids(batch: Batch) -> Hashes:
    return np.zeros(batch.count, np.uint64) if batch.ids is None else batch.ids


def _only(found: Attribute | None) -> Column | None:
    return None if found is None else found.columns[0]


def _table(rows: _Rows, classes: int) -> Floats:
    """Probabilities by row and class. A list that is shorter than others says 0 of the classes that it lacks.

    Where `classes` are named, one with fewer or more says nothing.
    """
    columns = [as_floats(column) for column in rows.probabilities]
    if not columns:
        return np.empty((len(rows.ids), 0))
    found = np.stack(columns, axis=1)
    known = np.isfinite(found)
    sizes = np.where(known.any(axis=1), found.shape[1] - np.argmax(known[:, ::-1], axis=1), 0)
    behind = np.arange(found.shape[1]) >= sizes[:, np.newaxis]
    found = np.where(behind & (sizes[:, np.newaxis] > 0), 0.0, found)
    if not classes:
        return found
    found[sizes != classes] = np.nan
    wide = np.full((len(found), classes), np.nan)
    width = min(classes, found.shape[1])
    wide[:, :width] = found[:, :width]
    return wide


def _most_probable(probabilities: Floats, classes: Sequence[str]) -> pa.StringArray:
    """The class with the highest probability (ties: the first); null where one is missing."""
    if not classes or probabilities.shape[1] == 0:
        return pa.nulls(len(probabilities), pa.string())
    whole = np.asarray(np.isfinite(probabilities).all(axis=1))
    codes = pa.array(np.argmax(np.where(whole[:, np.newaxis], probabilities, 0.0), axis=1), mask=~whole)
    return string_array(list(classes)).take(codes)
