"""Texts of times as microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.event_times import moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
HOUR_MICROSECONDS = 3_600_000_000


def microseconds(times: pa.Array) -> pa.Int64Array:
    """Each time in microseconds since 1970; null for a time that is missing or cannot be read.

    >>> microseconds(pa.array(["1970-01-01T00:00:01Z", "{%s}", None])).to_pylist()
    [1000000, None, None]
    """
    if pa.types.is_dictionary(times.type):
        return microseconds(times.dictionary).take(times.indices)
    if times.null_count == len(times):
        return pa.nulls(len(times), pa.int64())
    try:
        return times.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    except pa.ArrowInvalid:  # not all of them are in the contract's form
        texts = times.dictionary_encode()
        return pa.array([_microseconds(text) for text in texts.dictionary.to_pylist()], pa.int64()).take(texts.indices)


def _microseconds(text: str) -> int | None:
    found = moment(text)
    return None if found is None else (found - _EPOCH) // _MICROSECOND


def filled(numbers: pa.Int64Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The numbers, 0 where they are null."""
    return np.asarray(pc.fill_null(numbers, 0))
