"""A captured record's own time: whether it lies in a window, or outside of the hour of its folder."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.window import HOUR, Window, hour_start, parse_time
from hourglass.errors import InputError

_MILLISECONDS_FROM = 1e11  # as seconds this would be the year 5138
_SECONDS = r"^(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d(?:\.\d+)?"  # what follows is the zone


def moment(time: object) -> datetime | None:
    """When a record was answered, by its `inferenceTime`; None when that is missing or cannot be read.

    Numbers, also as text, are seconds or milliseconds since 1970.
    """
    try:
        number = float(time)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        try:
            return parse_time(time) if isinstance(time, str) else None
        except InputError:
            return None
    try:
        return datetime.fromtimestamp(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def inside(time: object, window: Window) -> bool:
    """Whether a record's own time lies in the window; a record whose time is missing or cannot be read does."""
    found = moment(time)
    return found is None or window.start <= found < window.end


def outside_hour(times: pa.Array, hour: str) -> npt.NDArray[np.int64]:
    """The numbers of the records whose time lies outside of an hour; those without a time do not.

    >>> outside_hour(pa.array(["2026-11-21T09:30:00Z", "2026-11-21T09:30:00+02:00", None, "noon"]), "2026/11/21/09")
    array([1])
    """
    if pa.types.is_dictionary(times.type):  # mostly one text for all of them
        strange = outside_hour(times.dictionary, hour)
        return np.flatnonzero(np.isin(pc.fill_null(times.indices, -1), strange)) if len(strange) else strange
    start = hour_start(hour)
    regular = pc.and_(pc.starts_with(times, f"{start:%Y-%m-%dT%H}"), pc.ends_with(times, "Z"))
    if regular.false_count == 0:
        return np.empty(0, np.int64)
    places = np.flatnonzero(~np.asarray(pc.fill_null(regular, fill_value=True)))
    # seconds cannot move a time to another hour; without them few texts differ, and each is read once
    texts = pc.replace_substring_regex(times.take(pa.array(places)), _SECONDS, r"\1").dictionary_encode()
    window = Window(start, start + HOUR)
    strange = np.array([not inside(text, window) for text in texts.dictionary.to_pylist()], np.bool_)
    return np.asarray(places[strange[np.asarray(texts.indices)]])
