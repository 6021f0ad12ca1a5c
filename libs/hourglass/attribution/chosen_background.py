"""A background of a few rows of the data that stand for all: which rows are looked at, and which of them are chosen."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.cluster.vq import kmeans2

from hourglass.attribution.background import GivenBackground, coded, is_text
from hourglass.attribution.config import AttributionConfig
from hourglass.capture.batches import Batch, ReadPlan
from hourglass.capture.files import InputFile
from hourglass.capture.payloads import Column, objects
from hourglass.capture.reader import read_batches
from hourglass.capture.slices import Slice, slices_of
from hourglass.capture.tally import Tally
from hourglass.errors import InputError, ModelError
from hourglass.models import Rows, open_model
from hourglass.values import Floats

_BLOCKS, _ROWS_OF_BLOCKS = 16, 2000
_MOST_TEXTS = 30  # of a feature that have a coordinate of their own
_ROUNDS = 25
_DIGITS = 9  # of standard deviations: what is nearer is the same, as the square of the distance would be nothing


def candidates(files: Sequence[InputFile], read: ReadPlan) -> dict[str, Column]:
    """Columns of rows from blocks that lie far apart in the files and their times: what a background is chosen from."""
    pieces = _spread(slices_of(files, read.form))
    of_piece = _BLOCKS // max(1, len(pieces))
    batches = [batch for piece in pieces for batch in islice(read_batches((piece,), read, Tally()), of_piece) if batch.count]
    if not batches:
        return {}
    layout = max(batches, key=lambda batch: batch.count).layout
    alike = [batch for batch in batches if batch.layout == layout]
    of_each = max(1, _ROWS_OF_BLOCKS // len(alike))
    names = dict.fromkeys(name for batch in alike for name in batch.columns)
    return {name: [value for batch in alike for value in _some(batch, name, of_each)] for name in names}


def _spread(pieces: Sequence[Slice]) -> list[Slice]:
    count = min(len(pieces), _BLOCKS)
    return [pieces[(2 * place + 1) * len(pieces) // (2 * count)] for place in range(count)]


def _some(batch: Batch, name: str, count: int) -> Iterator[object]:
    """Values of rows that are spread over a batch."""
    column = batch.columns.get(name)
    for row in range(0, batch.count, max(1, batch.count // count)):
        value = None if column is None else column[row]
        yield value.as_py() if hasattr(value, "as_py") else value


def answered_background(columns: Mapping[str, Column], names: Sequence[str], config: AttributionConfig) -> GivenBackground:
    """A chosen background that the model answers: of rows without missing values where it refuses those with some."""
    found = chosen_background(columns, names, config.clusters, config.seed)
    if config.predictor is None or not any(value is None for row in found.rows for value in row):
        return found
    try:
        open_model(config.predictor).predict(found.coded())
    except ModelError:
        texts = dict.fromkeys(found.texts, ())
        filled = np.flatnonzero(~np.isnan(coded(columns, names, texts).matrix).any(axis=1)).tolist()
        if not filled:
            raise
        values = {name: objects(columns[name]) for name in names}
        kept = {name: [values[name][row] for row in filled] for name in names}
        return chosen_background(kept, names, config.clusters, config.seed)
    return found


def chosen_background(columns: Mapping[str, Column], names: Sequence[str], count: int, seed: int) -> GivenBackground:
    """Rows in the middle of the k-means clusters of some rows, weighted by the cluster's size: each is a row that there was.

    Distances are of numbers by their standard deviation, and of texts by whether they are the same.
    """
    values = {name: objects(columns[name]) for name in names}
    # where any value is a number, as in JSON and Parquet, those that are texts are meant to be; in CSV all are written as texts
    typed = any(isinstance(value, int | float) for column in values.values() for value in column)
    texts = {name: () for name in names if (any(isinstance(v, str) for v in values[name]) if typed else is_text(values[name]))}
    rows = coded(columns, names, texts)
    places = _places(rows)
    if len(places) == 0:
        raise InputError("background", found="no rows", expected="rows to choose a background from", hint="set methods.shap.baseline")
    nearest: dict[int, float] = {}
    for members, centre in _clusters(places, count, seed):
        middle = int(members[((places[members] - centre) ** 2).sum(axis=1).argmin()])
        nearest[middle] = len(members) / len(places)
    plain = {name: rows.column(name) for name in names}
    chosen = tuple(tuple(_plain(plain[name][row]) for name in names) for row in nearest)
    return GivenBackground(tuple(names), chosen, tuple(nearest.values()), tuple(texts))


def _clusters(places: Floats, count: int, seed: int) -> Iterator[tuple[npt.NDArray[np.intp], Floats]]:
    """The rows of each cluster and its centre; of no more different points than clusters, each point is one."""
    distinct, firsts, of_row = np.unique(places, axis=0, return_index=True, return_inverse=True)
    if len(distinct) <= count:
        for point in np.argsort(firsts):
            yield np.flatnonzero(of_row.ravel() == point), distinct[point]
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a cluster may lose all its rows, and is then none
        centres, clusters = kmeans2(places, count, iter=_ROUNDS, minit="++", seed=seed, missing="warn")
    for cluster in np.unique(clusters):
        yield np.flatnonzero(clusters == cluster), centres[cluster]


def _places(rows: Rows) -> Floats:
    """Rows as points whose distance says how much they differ."""
    axes: list[Floats] = []
    for name, column in zip(rows.names, rows.matrix.T, strict=True):
        if name in rows.texts:
            known, counts = np.unique(column[~np.isnan(column)], return_counts=True)
            often = known[np.argsort(-counts, kind="stable")[:_MOST_TEXTS]]
            axes += [(column == code) / np.sqrt(2) for code in often]
            continue
        known = np.where(np.isfinite(column), column, np.nan)
        if np.isnan(known).all():
            continue
        scaled = known / (np.nanmax(np.abs(known)) or 1.0)  # the sum of numbers near the largest is none
        away = np.nan_to_num(scaled - np.nanmean(scaled))
        axes.append(away / (np.nanstd(scaled) or 1.0))
    return np.column_stack(axes).round(_DIGITS) if axes else np.empty((len(rows), 0))


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    return None if np.isnan(value) else float(value)
