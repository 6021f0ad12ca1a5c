"""The profile that Deequ's tooling writes, taken as a baseline's statistics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from hourglass.errors import HourglassError, InputError, SettingsError
from hourglass.states import ColumnProfile, Quantiles
from hourglass.statistics.kll import kll

NULL = "NullValue"
_TYPES = {"Integral": "Integral", "Fractional": "Fractional", "Unknown": "Unknown"}  # all others are text


def is_deequ_profile(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a profile of Deequ's and no `statistics.json`: its list is `columns`, not `features`."""
    return "columns" in document and "features" not in document


def statistics_from_deequ(document: Mapping[str, Any], place: str = "the profile") -> dict[str, Any]:
    """`statistics.json` of what `ColumnProfiles.toJson` writes; SettingsError with every fault and its place.

    The distribution of numbers is the KLL sketch's items, whose data come as nested lists or as their text. Deequ's
    buckets are made anew from them: its lowest and highest value start at the ends of Java's `int`, so that those of
    times in milliseconds are wrong; minimum and maximum are the profile's own. Its count of `NullValue` is that of the
    missing values, and of texts that are spelled so. A text column without a histogram, which
    Deequ leaves out above 120 values, has no distribution.

    The number of rows is not in the profile: it is the sum of a histogram, else that of the sketch's weights, over the
    completeness.
    """
    faults: list[HourglassError] = []
    columns = document.get("columns")
    if not isinstance(columns, list) or not all(isinstance(column, Mapping) for column in columns):
        raise InputError(f"{place}.columns", found=_kind(columns), expected="a list of objects")
    rows = max((_rows(column) for column in columns), default=0)
    features = []
    for index, column in enumerate(columns):
        where = f"{place}.columns[{column.get('column', index)}]"
        try:
            features.append(_feature(column, rows, where))
        except InputError as fault:
            faults.append(fault)
    if faults:
        raise SettingsError(faults)
    return {"version": 0.0, "dataset": {"item_count": rows}, "features": features}


def _feature(column: Mapping[str, Any], rows: int, where: str) -> dict[str, Any]:
    name = column.get("column")
    if not isinstance(name, str) or not name:
        raise InputError(f"{where}.column", found=_kind(name), expected="the column's name")
    present = round(rows * _number(column, "completeness", where, 1.0))
    common = {"num_present": present, "num_missing": rows - present}
    kind = _TYPES.get(str(column.get("dataType", "Unknown")), "String")
    if kind in {"String", "Unknown"}:
        texts: dict[str, Any] = {"common": common, "distinct_count": _number(column, "approximateNumDistinctValues", where, 0.0)}
        counts = Counter(dict(_histogram(column, where)))
        counts[NULL] -= rows - present
        if +counts:
            buckets = [{"value": value, "count": count} for value, count in (+counts).most_common()]
            texts["distribution"] = {"categorical": {"buckets": buckets}}
        return {"name": name, "inferred_type": kind, "string_statistics": texts}
    numbers: dict[str, Any] = {"common": common}
    for ours, theirs in (("mean", "mean"), ("sum", "sum"), ("std_dev", "stdDev"), ("min", "minimum"), ("max", "maximum")):
        if column.get(theirs) is not None:
            numbers[ours] = _number(column, theirs, where, 0.0)
    sketch = _sketch(column, where)
    if sketch is not None:
        numbers["distribution"] = {"kll": _distribution(sketch, column["kll"]["sketch"], numbers)}
    return {"name": name, "inferred_type": kind, "numerical_statistics": numbers}


def _distribution(levels: Sequence[Sequence[float]], sketch: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
    items = [item for level in levels for item in level]
    low, high = (float(numbers.get(end, found)) for end, found in (("min", min(items)), ("max", max(items))))
    state = Quantiles.from_levels(levels, low, high)
    ours = kll(ColumnProfile({Quantiles.kind: state}))
    assert isinstance(ours, dict)  # noqa: S101 a sketch with items has a distribution
    return {"buckets": ours["buckets"], "sketch": {"parameters": sketch.get("parameters", {}), "data": ours["sketch"]["data"]}}


def _sketch(column: Mapping[str, Any], where: str) -> list[list[float]] | None:
    """The sketch's items, those of list i standing for 2^i values each; None where the profile has none."""
    found = column.get("kll")
    if found is None:
        return None
    place = f"{where}.kll.sketch.data"
    sketch = found.get("sketch") if isinstance(found, Mapping) else None
    data = sketch.get("data") if isinstance(sketch, Mapping) else None
    if isinstance(data, str):
        try:
            data = orjson.loads(data)
        except ValueError as fault:
            raise InputError(place, found=f"a text that is no JSON: {fault}", expected="lists of numbers") from fault
    if not isinstance(data, list) or not all(isinstance(level, list) and all(map(_is_finite, level)) for level in data):
        raise InputError(place, found=_kind(data), expected="lists of numbers, those of list i standing for 2^i values each")
    levels = [[float(item) for item in level] for level in data]
    return levels if any(levels) else None


def _histogram(column: Mapping[str, Any], where: str) -> Iterator[tuple[str, int]]:
    bars = column.get("histogram") or []
    for bar in bars if isinstance(bars, list) else [bars]:
        if not isinstance(bar, Mapping) or not isinstance(bar.get("value"), str) or not _is_finite(bar.get("count")):
            raise InputError(f"{where}.histogram", found=_kind(bar), expected="objects with value and count")
        if bar["count"]:
            yield bar["value"], int(bar["count"])


def _rows(column: Mapping[str, Any]) -> int:
    """How many rows a column says that there are; 0 where it does not say."""
    try:
        if column.get("histogram"):
            return sum(count for _, count in _histogram(column, ""))
        levels = _sketch(column, "") or []
        weight = sum(len(level) << number for number, level in enumerate(levels))
        return round(weight / (_number(column, "completeness", "", 1.0) or 1.0))
    except InputError:  # told with its place when the column is read
        return 0


def _number(column: Mapping[str, Any], name: str, where: str, default: float) -> float:
    value = column.get(name, default)
    if not _is_finite(value):
        raise InputError(f"{where}.{name}", found=_kind(value), expected="a finite number")
    return float(value)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _kind(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
