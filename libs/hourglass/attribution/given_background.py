"""The background that a configuration gives, as rows or as a file, or that lies beside a baseline."""

from __future__ import annotations

import pyarrow.csv
from pyarrow import BufferReader

from hourglass import storage
from hourglass.attribution.background import GivenBackground, read_background
from hourglass.attribution.config import AttributionConfig
from hourglass.errors import InputError
from hourglass.models import open_model


def given_background(config: AttributionConfig, kept: str | None) -> GivenBackground | None:
    """The background that the configuration has, or else the file that a baseline kept; None where there is neither."""
    if isinstance(config.baseline, tuple):
        return GivenBackground.alike(_named(config, len(config.baseline[0])), config.baseline)
    if isinstance(config.baseline, str):
        return _from_file(storage.normalise(config.baseline), config)
    data = storage.read_if_there(kept) if kept is not None else None
    return None if kept is None or data is None else read_background(data, kept)


def _named(config: AttributionConfig, count: int) -> tuple[str, ...]:
    """The names of so many features."""
    names = config.feature_names
    if not names and config.predictor is not None:
        names = open_model(config.predictor).names or ()
    names = names or tuple(f"_c{place}" for place in range(count))
    if len(names) != count:
        raise InputError("methods.shap.baseline", found=f"{count} values a row", expected=f"{len(names)}, one of each feature")
    return names


def _from_file(path: str, config: AttributionConfig) -> GivenBackground:
    """Rows of a file: a background.json, or CSV with or without a line of names."""
    data = storage.read_bytes(path)
    if path.endswith(".json"):
        return read_background(data, path)
    first = data.split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(",")
    headed = set(config.feature_names) <= set(first) and bool(config.feature_names)
    options = pyarrow.csv.ReadOptions(autogenerate_column_names=not headed)
    try:
        table = pyarrow.csv.read_csv(BufferReader(data), options)
    except pyarrow.ArrowInvalid as fault:
        raise InputError(path, found=str(fault), expected="CSV, a value of each feature a line") from fault
    names = config.feature_names if headed else _named(config, table.num_columns)
    table = table.select(names) if headed else table
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    plain = [tuple(float(value) if isinstance(value, int | float) else value for value in row) for row in rows]
    if not plain:
        raise InputError(path, found="no rows", expected="rows of the background")
    return GivenBackground.alike(names, plain)
