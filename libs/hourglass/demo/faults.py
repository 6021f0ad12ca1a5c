"""The faults that are planted into the replayed day: in which hours, what they do, and what has to find them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hourglass.demo.census import Row

BAD_LINES = "bad lines"
BROKEN_LINES_AN_HOUR = 24  # 3.5 % of an hour's records; above 5 % the job would, rightly, refuse to go on


@dataclass(frozen=True)
class Fault:
    """One planted fault: what it is, the hours of the day that have it, and the violation that it has to cause.

    `spoil` changes the features of one request. A fault of the lines themselves has none; its `check` is `BAD_LINES`,
    which is not a check of a feature but the count of lines that were set aside.
    """

    title: str
    hours: tuple[int, ...]
    feature: str
    check: str
    spoil: Callable[[Row, Random], Row] | None = None


def _older(row: Row, _: Random) -> Row:
    age = row["age"]
    return {**row, "age": age + 10 if isinstance(age, int) else age}


def _age_as_text(row: Row, _: Random) -> Row:
    return {**row, "age": f"{row['age']} years"}


def _without_some_workclass(row: Row, random: Random) -> Row:
    return {**row, "workclass": None} if random.random() < 0.25 else row


def _some_from_mars(row: Row, random: Random) -> Row:
    return {**row, "native_country": "Mars"} if random.random() < 0.02 else row


def _without_marital_status(row: Row, _: Random) -> Row:
    return {name: value for name, value in row.items() if name != "marital_status"}


def _with_channel(row: Row, random: Random) -> Row:
    return {**row, "channel": random.choice(("web", "phone", "branch"))}


FAULTS = (
    Fault("age is 10 years too high", (2, 3), "age", "baseline_drift_check", _older),
    Fault('age is a text, such as "39 years"', (6,), "age", "data_type_check", _age_as_text),
    Fault("a quarter of workclass is null", (9, 10), "workclass", "completeness_check", _without_some_workclass),
    Fault("2 % come from Mars", (13,), "native_country", "categorical_values_check", _some_from_mars),
    Fault("marital_status is not sent", (16,), "marital_status", "missing_column_check", _without_marital_status),
    Fault("channel, a new column, is sent", (19,), "channel", "extra_column_check", _with_channel),
    Fault(f"{BROKEN_LINES_AN_HOUR} lines are broken", (22,), "", BAD_LINES),
)


def faults_of(hour: int) -> tuple[Fault, ...]:
    """The faults that an hour of the day has; none in a clean hour."""
    return tuple(fault for fault in FAULTS if hour in fault.hours)


def break_line(line: bytes, way: int) -> bytes:
    """A captured line, spoilt in one of four ways that are met in the field; `way` counts round.

    >>> break_line(b'{"captureData":{}}', 0)
    b'{"captureD'
    """
    return (
        line[: len(line) * 3 // 5],  # the writer was killed
        b"upstream connect error or disconnect/reset before headers",  # a proxy's log among the records
        line.replace(b"INPUT", b"\xff\xfe", 1),  # another encoding
        b"{}",  # a record without data
    )[way % 4]
