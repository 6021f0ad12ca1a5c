"""What of a row its features are, and the attributions that they are digested into."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import numpy as np

from hourglass.attribution.background import GivenBackground, coded
from hourglass.attribution.config import AttributionConfig
from hourglass.attribution.explainer import Explainer, Task, explainer_of
from hourglass.attribution.game import Background, Places, Players
from hourglass.capture.attributes import find_attribute
from hourglass.capture.batches import Batch
from hourglass.capture.payloads import Column
from hourglass.errors import InputError, ModelError, ModelUnreachable, did_you_mean
from hourglass.models import Rows, open_model
from hourglass.states import Attributions, SampledRow, State
from hourglass.states.attributions import REPLICATES
from hourglass.values import Floats, as_floats

ONLY_LABEL = "label0"
_LARGEST = 1e140  # of an attribution, whose square is added up
_LEAST_REFUSED, _MOST_REFUSED = 20, 0.05  # rows of a block, and their share: a model that refuses more is not asked on
_ROUNDING = 1e-13  # of what the attributions of a row are sums of: what is less has no meaning, and would have a rank
_PHI = "φ("
ANSWER, LOG_ODDS = "answer", "log-odds"


def kept_as(label: str, feature: str) -> str:
    """What an attribution is called among the values of a kept row."""
    return f"{_PHI}{label}) {feature}"


def is_explained(row: Mapping[str, object]) -> bool:
    """Whether a kept row has attributions.

    >>> is_explained({"age": 40.0}), is_explained({"age": 40.0, kept_as("label0", "age"): 0.1})
    (False, True)
    """
    return any(name.startswith(_PHI) for name in row)


@dataclass(frozen=True)
class Explained:
    """Attributions of rows, rows × labels × players, with the names of both, and what the model says of the background.

    `rows` are the places of the rows that are explained.
    """

    values: Floats
    rows: Places
    labels: tuple[str, ...]
    players: tuple[str, ...]
    expected: Floats


@dataclass(frozen=True)
class AttributionDigest:
    """The attributions that a configuration asks for, beside a background; `fingerprint` tells versions of a model apart.

    Without `sums` the kept rows are explained, but not summed up: all rows were.
    """

    config: AttributionConfig
    background: GivenBackground
    fingerprint: str = ""
    replicates: int = REPLICATES
    sums: bool = True

    @property
    def kinds(self) -> Mapping[str, int]:
        """The versions of its kinds of state."""
        return {Attributions.kind: Attributions.version}

    def empty(self) -> dict[str, State]:
        """States of no rows, by kind."""
        return {Attributions.kind: Attributions.empty(self.replicates)}

    def kept(self, batch: Batch, hidden: Collection[str]) -> Mapping[str, Column]:
        """What is kept of a batch's rows: the features, or where the records have attributions all that they have."""
        columns = batch.columns if self.config.captured is not None else self.features(batch.columns)
        return {name: column for name, column in (columns or {}).items() if name not in hidden}

    def update(self, states: Mapping[str, State], batch: Batch) -> None:
        """Takes in a batch of rows, all of which are explained."""
        if batch.ids is None or batch.count == 0:
            return
        found = self.explained(batch.columns, batch.count)
        state = cast("Attributions", states[Attributions.kind])
        state.update(found.values, found.labels, found.players, found.expected, batch.ids[found.rows])

    def values(self, rows: Sequence[SampledRow]) -> list[Mapping[str, object]]:
        """The attributions of every row, to be kept with it; nothing of one that is not explained."""
        names = dict.fromkeys(name for row in rows for name in row.values)
        found = self.explained({name: [row.values.get(name) for row in rows] for name in names}, len(rows))
        keys = [kept_as(label, player) for label in found.labels for player in found.players]
        told: list[Mapping[str, object]] = [{} for _ in rows]
        for place, values in zip(found.rows.tolist(), found.values.reshape(len(found.rows), len(keys)).tolist(), strict=True):
            told[place] = dict(zip(keys, values, strict=True))
        return told

    def states(self, rows: Sequence[SampledRow], each: float) -> list[State]:
        """The sums of rows with their attributions."""
        if not self.sums:
            return []
        state = Attributions.empty(self.replicates)
        opened = _opened(self)
        keys = [[kept_as(label, player) for player in opened.players] for label in opened.labels]
        explained = [row for row in rows if row.values]
        values = np.array([[[row.values[key] for key in of_label] for of_label in keys] for row in explained], np.float64)
        ids = np.array([row.hash for row in explained], np.uint64)
        state.update(values, opened.labels, opened.players, opened.expected, ids, weight=each)
        return [state]

    def explained(self, columns: Mapping[str, Column], count: int) -> Explained:
        """The attributions of rows by their columns.

        Rows that are not of the model's features are not explained; nor are those that the model refuses, as `answered` has it.
        """
        opened = _opened(self)
        every = np.arange(count)
        if self.config.captured is not None:
            captured = self._captured(columns)
            there = np.flatnonzero(~np.isnan(captured).any(axis=1))
            return replace(opened.nothing, values=opened.of_captured.summed(captured[there])[:, np.newaxis], rows=there)
        features = self.features(columns)
        if features is None:
            return opened.nothing
        rows = coded(features, self.background.names, opened.task.like.texts)
        try:
            values, explained = opened.explain(rows), every
        except ModelUnreachable:
            raise
        except ModelError:
            explained = opened.answered(rows)
            if len(explained) == count:
                raise
            values = opened.explain(rows.take(explained))
        if not (np.abs(values) < _LARGEST).all():
            found = f"an attribution of {values.flat[np.abs(values).argmax()]:.3g}"
            raise ModelError(self._source, found=found, expected="numbers whose squares add up", hint="explain an answer of another unit")
        size = np.maximum(np.abs(values).sum(axis=2), np.abs(opened.expected))
        values = np.where(np.abs(values) <= _ROUNDING * size[:, :, np.newaxis], 0.0, values)
        return replace(opened.nothing, values=values, rows=explained)

    def refusal(self, row: Mapping[str, object]) -> str | None:
        """What the model says of a row that it refuses; None where it answers, or is out of reach."""
        opened = _reached(self)
        if opened is None or self.config.captured is not None:
            return None
        rows = coded({name: [row.get(name)] for name in self.background.names}, self.background.names, opened.task.like.texts)
        try:
            fault = opened.fault(rows)
        except ModelUnreachable:
            return None
        return str(fault.found).strip().splitlines()[-1] if fault is not None else None  # the last line of a traceback

    @property
    def _source(self) -> str:
        return f"model {self.config.predictor.name}" if self.config.predictor is not None else "model"

    def features(self, columns: Mapping[str, Column]) -> dict[str, Column] | None:
        """The features by name; those that are not among the columns are missing in all rows, which a window says.

        None where most are not: such rows are of something else.
        """
        found, names = dict(columns), self.background.names
        path = self.config.features
        if path is not None and (listed := find_attribute(path, columns)) is not None:
            if len(listed.columns) > len(names):
                expected = f"{len(names)}, one of each feature"
                raise InputError(f"features {path!r}", found=f"{len(listed.columns)} values", expected=expected, hint="name all in headers")
            found |= dict(zip(names, listed.columns, strict=False))
        if 2 * sum(name not in found for name in names) > len(names):
            return None
        count = len(next(iter(columns.values()), ()))
        return {name: found[name] if name in found else [None] * count for name in names}

    def _captured(self, columns: Mapping[str, Column]) -> Floats:
        """Attributions that stand in the records, row × feature: a list in the order of the features, or an object by their names.

        NaN where a record has none of a feature.
        """
        path = self.config.captured or ""
        listed = find_attribute(path, columns)
        parts = listed.columns if listed is not None and listed.is_list else ()
        if not parts:
            named = [find_attribute(f"{path}.{name}", columns) for name in self.background.names]
            parts = tuple(part.columns[0] for part in named if part is not None)
        if len(parts) != len(self.background.names):
            expected = f"{len(self.background.names)}, one of each feature"
            raise InputError(f"methods.shap.captured {path!r}", found=f"{len(parts)} attributions in a record", expected=expected)
        return np.column_stack([as_floats(part) for part in parts])


def no_features(lacking: Sequence[str], columns: Collection[str], features: int) -> InputError:
    """The error of features that are not among the columns."""
    lacking = [name for name in lacking if name not in columns] or lacking
    return InputError(
        f"feature{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}",
        found=f"columns {', '.join(columns) or 'none'}",
        expected=f"all {features} features of the model",
        hint=did_you_mean(lacking[0], columns),
    )


class _Opened:
    """What a process needs to explain rows, made once: the model, the explainer, and the names of what comes out."""

    def __init__(self, digest: AttributionDigest) -> None:
        config, background = digest.config, digest.background
        players = Players.of(background.names, config.group_of)
        self.players = players.names
        if config.predictor is None:
            self.labels: tuple[str, ...] = (ONLY_LABEL,)
            self.expected, self.explainer_name, self.of_captured = np.zeros(1), "captured", players
        else:
            like = background.coded()
            model = open_model(config.predictor)
            weights = np.array(background.weights)
            given = Background(like.matrix, weights)
            self.task = Task(model, given, replace(like, matrix=like.matrix[:0]), players, config.samples, config.seed, logit=config.logit)
            self.explainer_name, self.explainer = explainer_of(config.explainer, self.task)
            self.expected = self.explainer.expected
            # classes of a library have names too, but the contract's are label0, label1 where nobody says others
            named = model.labels if config.predictor.labels or model.kind == "python" else None
            self.labels = named or tuple(f"label{place}" for place in range(len(self.expected)))
        self.nothing = Explained(
            np.empty((0, len(self.labels), len(self.players))), np.empty(0, np.intp), self.labels, self.players, self.expected
        )

    def explain(self, rows: Rows) -> Floats:
        """The attributions of rows, whose vocabularies begin with the background's."""
        if rows.texts == self.task.like.texts:
            return self.explainer.explain(rows.matrix)
        task = replace(self.task, like=replace(rows, matrix=rows.matrix[:0]))
        explainer: Explainer = explainer_of(self.explainer_name, task)[1]
        return explainer.explain(rows.matrix)

    def answered(self, rows: Rows) -> Places:
        """The rows that the model answers; the others have missing values, which it refuses, or it refuses them one by one.

        Those may be few, such as of a category that it was not made with; ModelError where more are refused.
        """
        places = np.arange(len(rows))
        if self.fault(rows) is not None:
            places = np.flatnonzero(~np.isnan(rows.matrix).any(axis=1))
        refused: list[int] = []
        self._refused(rows.take(places), places, refused, max(_LEAST_REFUSED, int(_MOST_REFUSED * len(rows))))
        return np.setdiff1d(places, refused)

    def _refused(self, rows: Rows, places: Places, refused: list[int], most: int) -> None:
        """Adds the places of rows that the model does not answer, which are looked for in halves."""
        fault = self.fault(rows)
        if fault is None:
            return
        if len(refused) >= most:
            raise fault
        if len(places) == 1:
            refused.append(int(places[0]))
            return
        middle = len(places) // 2
        for half in (slice(None, middle), slice(middle, None)):
            self._refused(rows[half], places[half], refused, most)

    def fault(self, rows: Rows) -> ModelError | None:
        """Why the model refuses some of the rows; None where it answers. ModelUnreachable where it answers nothing."""
        try:
            self.task.model.predict(rows)
        except ModelUnreachable:
            raise
        except ModelError as fault:
            return fault
        return None


@lru_cache(maxsize=4)
def _tried(digest: AttributionDigest) -> _Opened | ModelUnreachable:
    """What explains rows, or why there is nothing: a model that is down is not waited for by each task of a process."""
    try:
        return _Opened(digest)
    except ModelUnreachable as fault:
        return fault


def _opened(digest: AttributionDigest) -> _Opened:
    found = _tried(digest)
    if isinstance(found, ModelUnreachable):
        raise found
    return found


def _reached(digest: AttributionDigest) -> _Opened | None:
    """What explains rows; None of no features, and while the model is out of reach."""
    if not digest.background.names:
        return None
    try:
        return _opened(digest)
    except ModelError:
        return None


def explained_by(digest: AttributionDigest) -> tuple[str | None, str | None]:
    """Which explainer the model allowed, and what attributions add up to: the model's answer or its log-odds.

    None of either is known while the model is out of reach, and of no features; nor the sum of those that were captured.
    """
    opened = _reached(digest)
    if opened is None:
        return None, None
    if digest.config.captured is not None:
        return opened.explainer_name, None
    return opened.explainer_name, ANSWER if opened.explainer.of_answer else LOG_ODDS
