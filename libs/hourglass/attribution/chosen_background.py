"""A background of a few rows of the data that stand for all: which rows are looked at, and which of them are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2

from hourglass.attribution.background import GivenBackground, coded, is_text, values_of
from hourglass.capture.batches import Batch, ReadPlan
from hourglass.capture.files import InputFile
from hourglass.capture.payloads import Column
from hourglass.capture.reader import read_batches
from hourglass.capture.slices import Slice, slices_of
from hourglass.capture.tally import Tally
from hourglass.errors import InputError
from hourglass.models import Rows
from hourglass.values import Floats

_BLOCKS, _ROWS_OF_BLOCKS = 16, 2000
_MOST_TEXTS = 30  # of a feature that have a coordinate of their own
_ROUNDS = 25


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


def chosen_background(columns: Mapping[str, Column], names: Sequence[str], count: int, seed: int) -> GivenBackground:
    """Rows in the middle of the k-means clusters of some rows, weighted by the cluster's size: each is a row that there was.

    Distances are of numbers by their standard deviation, and of texts by whether they are the same.
    """
    values = {name: values_of(columns[name]) for name in names}
    texts = {name: () for name in names if is_text(values[name])}
    rows = coded(columns, names, texts)
    places = _places(rows)
    if len(places) == 0:
        raise InputError("background", found="no rows", expected="rows to choose a background from", hint="set methods.shap.baseline")
    centres, of_row = kmeans2(places, min(count, len(places)), iter=_ROUNDS, minit="++", seed=seed, missing="warn")
    nearest: dict[int, float] = {}
    for cluster in np.unique(of_row):
        members = np.flatnonzero(of_row == cluster)
        middle = int(members[((places[members] - centres[cluster]) ** 2).sum(axis=1).argmin()])
        nearest[middle] = len(members) / len(places)
    plain = {name: rows.column(name) for name in names}
    chosen = tuple(tuple(_plain(plain[name][row]) for name in names) for row in nearest)
    return GivenBackground(tuple(names), chosen, tuple(nearest.values()), tuple(texts))


def _places(rows: Rows) -> Floats:
    """Rows as points whose distance says how much they differ."""
    axes: list[Floats] = []
    for name, column in zip(rows.names, rows.matrix.T, strict=True):
        if name in rows.texts:
            known, counts = np.unique(column[~np.isnan(column)], return_counts=True)
            often = known[np.argsort(-counts, kind="stable")[:_MOST_TEXTS]]
            axes += [(column == code) / np.sqrt(2) for code in often]
            continue
        finite = column[np.isfinite(column)]
        spread = float(finite.std()) if len(finite) else 0.0
        middle = float(finite.mean()) if len(finite) else 0.0
        axes.append(np.where(np.isfinite(column), column - middle, 0.0) / (spread or 1.0))
    return np.column_stack(axes) if axes else np.empty((len(rows), 0))


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    return None if np.isnan(value) else float(value)
