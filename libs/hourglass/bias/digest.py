"""What of a row its facets, its group, its label and its prediction are, and the counts that they are digested into."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import pyarrow as pa

from hourglass.bias.config import AnalysisConfig, Chosen
from hourglass.bias.facets import by_threshold, facet_names, negative_of
from hourglass.bias.flip_test import FlipRows
from hourglass.capture.attributes import Attribute, find_answer, find_attribute
from hourglass.capture.batches import Batch
from hourglass.capture.payloads import Column
from hourglass.errors import InputError
from hourglass.quality.classes import ClassRule, Same, class_names, names_by_threshold
from hourglass.states import FacetCounts, RowSample, State
from hourglass.values import as_floats

_FEATURE, _FACET, _PREDICTED = "feature ", "facet ", "prediction"  # what kept rows have of a row


@dataclass(frozen=True)
class BiasDigest:
    """The counts that an analysis configuration asks for, of rows whose label is a column, or was merged into a record."""

    config: AnalysisConfig
    merged: bool = False
    same: Same = Same.SPELLING
    aliases: tuple[tuple[str, str], ...] = ()

    @property
    def kinds(self) -> Mapping[str, int]:
        """The versions of its kinds of state."""
        return {FacetCounts.kind: FacetCounts.version}

    def empty(self) -> dict[str, State]:
        """States of no rows, by kind."""
        return {FacetCounts.kind: FacetCounts.empty()}

    def update(self, states: Mapping[str, State], batch: Batch) -> None:
        """Takes in a batch of rows."""
        features = self.features(batch)
        group = None if self.config.group_variable is None else column_of(self.config.group_variable, features)
        cast("FacetCounts", states[FacetCounts.kind]).update(
            self.facets(features, batch.count),
            None if group is None else class_names(group, self.rule),
            self._classes(self.label(batch, features)),
            self.predicted(batch, features),
        )

    @property
    def rule(self) -> ClassRule:
        """When two values are one class."""
        return ClassRule(self.same, dict(self.aliases))

    def kept(self, batch: Batch, hidden: Collection[str]) -> dict[str, Column]:
        """What the flip test takes of rows, by names of its own: their true features, the value of each facet, the predicted class.

        What comes from a `hidden` column is missing; and all is where one is not among the columns, since a slip in its name
        must not keep what it was to hide.
        """
        if not self.features(batch).keys() >= set(hidden):
            return {}
        nothing = pa.nulls(batch.count, pa.string())

        def shown(columns: Mapping[str, Column], names: Iterable[str]) -> dict[str, Column]:
            return {key: nothing if name in hidden else column for (key, column), name in zip(columns.items(), names, strict=True)}

        answers = None if batch.answers is None else shown(batch.answers, _answer_names(batch))
        batch = replace(batch, columns=shown(batch.columns, batch.columns), answers=answers)
        columns = self.features(batch)
        columns = shown(columns, columns)
        predicted = self.predicted(batch, columns)
        return {
            **{f"{_FEATURE}{name}": columns[name] for name in self._true_features(batch, columns) if columns[name] is not nothing},
            **{f"{_FACET}{name}": column for name, column in self.facets(columns, batch.count).items()},
            _PREDICTED: nothing if predicted is None else predicted,
        }

    def _true_features(self, batch: Batch, columns: Mapping[str, Column]) -> list[str]:
        """The names of what the model was asked about: of no column of an answer, and not of the label or a prediction."""
        config = self.config
        if config.features is not None:
            return [name for name in self.feature_names if name in columns]
        answers = _answer_names(batch)
        told = {config.label_name, *answers}
        if batch.answers is None:
            by_name: dict[str, Column] = {name: [name] for name in columns}
            asked = config.predicted_label, config.probability, None if self.merged else config.label
            found = [find_attribute(attribute, by_name) for attribute in asked if attribute is not None]
            told |= {str(column[0]) for attribute in found if attribute is not None for column in attribute.columns}
        inputs = [name for name in columns if name not in told]
        return [name for name in inputs if name in config.headers] or inputs

    def flip_rows(self, sample: RowSample, hidden: Sequence[str] = ()) -> FlipRows | None:
        """The kept rows with their features as numbers; None where nothing is predicted."""
        rows = [row.values for row in sample.rows()]
        predicted = [cast("str | None", row.get(_PREDICTED)) for row in rows]
        if not rows or not (hidden or any(predicted)):
            return None
        names = sorted({name for row in rows for name in row})
        features = {name: [row.get(name) for row in rows] for name in names if name.startswith(_FEATURE)}
        facets = {facet.name: [cast("str | None", row.get(f"{_FACET}{facet.name}")) for row in rows] for facet in self.config.facets}
        return replace(FlipRows.of(features, facets, predicted), hidden=tuple(hidden))

    def features(self, batch: Batch) -> dict[str, Column]:
        """A batch's columns by the configuration's names: those of a JSON record's features are the headers, in their order.

        Those of a captured answer come last: the number of a column counts the input's.
        """
        answers = {name: batch.columns[name] for name in _answer_names(batch)}
        columns = {name: column for name, column in batch.columns.items() if name not in answers} | answers
        if self.config.features is None:
            return columns
        found = find_attribute(self.config.features, batch.columns)
        if found is None:
            return columns
        names = self.feature_names
        if len(names) != len(found.columns):
            raise InputError(
                f"headers of {self.config.features}", found=f"{len(names)} names", expected=f"{len(found.columns)}, one of each feature"
            )
        return columns | dict(zip(names, found.columns, strict=True))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The headers of the features: without the label's, and without those of a predicted label and its probability."""
        config = self.config
        return tuple(name for name in config.headers if name not in {config.label_name, config.predicted_label, config.probability})

    def facets(self, features: Mapping[str, Column], count: int) -> dict[str, pa.StringArray]:
        """The value of each facet of each row."""
        nothing = pa.nulls(count, pa.string())
        return {
            facet.name: facet_names([_column(column, features, nothing) for column in facet.columns], facet.threshold, self.rule)
            for facet in self.config.facets
        }

    def label(self, batch: Batch, features: Mapping[str, Column]) -> Column | None:
        """The label as it is given: what was merged, or a column; None where a batch has none."""
        if not self.merged:
            return column_of(self.config.label, features)
        columns = batch.labels
        if not columns:
            return None
        found = column_of(self.config.label, columns) if len(columns) > 1 or self.config.features is not None else None
        return found if found is not None else next(iter(columns.values())) if len(columns) == 1 else None

    def predicted(self, batch: Batch, features: Mapping[str, Column]) -> pa.StringArray | None:
        """The predicted classes: as they are, or made by a threshold of their probabilities."""
        config = self.config
        if config.predicted_label is not None:
            in_data = batch.answers is None and config.predicted_label in features
            return self._classes(
                column_of(config.predicted_label, features) if in_data else _one(find_answer(config.predicted_label, batch))
            )
        if config.probability is None:
            return None
        scores = _one(find_answer(config.probability, batch))
        if scores is None:
            return None
        positive = config.positive.name if config.positive.kind == "threshold" else next(iter(sorted(config.positive.names)), "1")
        return names_by_threshold(as_floats(scores), config.probability_threshold, positive, negative_of(positive))

    def _classes(self, column: Column | None) -> pa.StringArray | None:
        return None if column is None else _chosen(column, self.config.positive, self.rule)


def _answer_names(batch: Batch) -> list[str]:
    """The names of the columns of a captured answer, in their order."""
    return list(batch.columns)[batch.answers_at : batch.answers_at + len(batch.answers or ())]


def _chosen(column: Column, positive: Chosen, rule: ClassRule) -> pa.StringArray:
    return class_names(column, rule) if positive.cut is None else by_threshold(column, positive.cut)


def _column(name: str, features: Mapping[str, Column], nothing: pa.StringArray) -> Column:
    found = column_of(name, features)
    return nothing if found is None else found


def column_of(name: str, columns: Mapping[str, Column]) -> Column | None:
    """The column of a name, a number or a path; None where there is none, or a list."""
    return _one(find_attribute(name, columns))


def _one(found: Attribute | None) -> Column | None:
    return None if found is None or found.is_list else found.columns[0]
