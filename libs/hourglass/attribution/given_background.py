"""The background that a configuration gives, as rows or as a file, or that lies beside a baseline."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from hourglass import storage
from hourglass.attribution.background import MISSING, GivenBackground, features_fault, read_background
from hourglass.attribution.config import AttributionConfig
from hourglass.errors import InputError, did_you_mean
from hourglass.models import open_model
from hourglass.values import parse_number


def given_background(config: AttributionConfig, kept: str | None) -> GivenBackground | None:
    """The background that the configuration has, or else the file that a baseline kept; None where there is neither."""
    if isinstance(config.baseline, tuple):
        names = config.baseline_names or _known_names(config)
        return GivenBackground.alike(_named(names, len(config.baseline[0])), config.baseline)
    if isinstance(config.baseline, str):
        return _from_file(storage.normalise(config.baseline), config)
    data = storage.read_if_there(kept) if kept is not None else None
    return None if kept is None or data is None else _kept(data, kept, config)


def _kept(data: bytes, path: str, config: AttributionConfig) -> GivenBackground:
    """What a background.json holds, which is of the features that the configuration names, if it names some."""
    background = read_background(data, path)
    if config.feature_names and (fault := features_fault(config.feature_names, background.names, path)):
        raise fault
    return background


def _known_names(config: AttributionConfig) -> tuple[str, ...]:
    """The features' names by the headers, or by the model; none where neither says them."""
    if config.feature_names or config.predictor is None:
        return config.feature_names
    return open_model(config.predictor).names or ()


def _named(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The names of so many features."""
    names = names or tuple(f"_c{place}" for place in range(count))
    if len(names) != count:
        raise InputError("methods.shap.baseline", found=f"{count} values a row", expected=f"{len(names)}, one of each feature")
    return names


def _from_file(path: str, config: AttributionConfig) -> GivenBackground:
    """Rows of a file: a background.json, or CSV with or without a line of names."""
    data = storage.read_bytes(path)
    if path.endswith(".json"):
        return _kept(data, path, config)
    lines = _lines(data, path)
    known = _known_names(config)
    if not _is_header(lines, known):
        names = _named(known, len(lines[0]))
        return GivenBackground.alike(names, list(zip(*map(_column, zip(*lines, strict=True)), strict=True)))
    columns = dict(zip(lines[0], zip(*lines[1:], strict=True), strict=False))
    names = known or tuple(name for name in columns if name != config.label)
    if not columns:
        raise InputError(path, found="names and no rows", expected="rows of the background")
    if lacking := [name for name in names if name not in columns]:
        found, expected = f"columns {', '.join(columns)}", f"all features, {', '.join(lacking)} among them"
        raise InputError(path, found=found, expected=expected, hint=did_you_mean(lacking[0], columns))
    return GivenBackground.alike(names, list(zip(*(_column(columns[name]) for name in names), strict=True)))


def _lines(data: bytes, path: str) -> list[list[str]]:
    """The lines of a CSV file that have something in them, all of one width, without the blanks around values."""
    try:
        read = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), skipinitialspace=True, strict=True)
        lines = [[value.strip() for value in line] for line in read if line]
    except (UnicodeDecodeError, csv.Error) as fault:
        raise InputError(path, found=str(fault), expected="CSV in UTF-8, a value of each feature a line") from fault
    if not lines:
        raise InputError(path, found="no rows", expected="rows of the background")
    for number, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            raise InputError(f"{path}: row {number}", found=f"{len(line)} values", expected=f"{len(lines[0])}, as in the first row")
    return lines


def _is_header(lines: Sequence[Sequence[str]], known: Sequence[str]) -> bool:
    """Whether the first line has the known names, or has no number above columns of which one has only numbers."""
    if known and {*known} <= {*lines[0]}:
        return True
    if any(parse_number(value) is not None for value in lines[0]) or "" in lines[0]:
        return False
    return any(all(parse_number(value) is not None for value in column) for column in zip(*lines[1:], strict=True))


def _column(texts: Sequence[str]) -> list[float | str | None]:
    """A column as it is meant: numbers, or texts where anything in it is no number."""
    told = [None if text in MISSING else text for text in texts]
    numbers = [None if text is None else parse_number(text) for text in told]
    is_text = any(text is not None and number is None for text, number in zip(told, numbers, strict=True))
    return [*told] if is_text else [*numbers]
