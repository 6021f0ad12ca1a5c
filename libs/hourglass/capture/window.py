"""Partitions, hours and windows of time, as paths spell them: `<endpoint>/<variant>/yyyy/mm/dd/hh`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Self

from hourglass.errors import InputError

HOUR = timedelta(hours=1)
_HOUR_FOLDER = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2}/\d{2})(?=/|$)")
_HOUR_LENGTH = len("yyyy/mm/dd/hh")
_NO_NAME = "-"  # the endpoint or the variant of a tree that lies too near to the root to have one


def parse_time(text: str) -> datetime:
    """A time in ISO 8601 as UTC; stray blanks, which the service's guide prints, are taken out.

    >>> parse_time("2019-12-01T16: 20: 00Z")
    datetime.datetime(2019, 12, 1, 16, 20, tzinfo=datetime.timezone.utc)
    """
    try:
        time = datetime.fromisoformat(re.sub(r"\s+", "", text.strip().replace(" ", "T", 1) if "T" not in text else text))
    except (ValueError, OverflowError) as fault:
        raise InputError("time", found=repr(text), expected="ISO 8601, such as 2026-11-21T09:00:00Z") from fault
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError as fault:  # the year 1 east of Greenwich
        raise InputError("time", found=repr(text), expected="a time that UTC has too") from fault


def format_time(time: datetime) -> str:
    """A time as the contract's files have it.

    >>> format_time(parse_time("2026-11-21T09:00:00+00:00"))
    '2026-11-21T09:00:00Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def partition_of(path: str) -> str:
    """Where a file belongs by its path: `endpoint/variant/yyyy/mm/dd/hh`, or "" outside of a tree of hours.

    The last hour in the path counts; endpoint and variant are the two folders above its year, "-" where there is none.
    A bucket is no folder.

    >>> partition_of("s3://bucket/capture/churn/AllTraffic/2026/11/21/09/12-01-003-a1b2.jsonl")
    'churn/AllTraffic/2026/11/21/09'
    >>> partition_of("s3://bucket/churn/2026/11/21/09/a.jsonl"), partition_of("/data/a.jsonl")
    ('-/churn/2026/11/21/09', '')
    """
    key = path.removeprefix("s3://").partition("/")[2] if path.startswith("s3://") else path
    for found in reversed(list(_HOUR_FOLDER.finditer(key))):
        try:
            hour_start(found[1])
        except ValueError:  # 2026/13/45/99 is no hour
            continue
        names = [name for name in key[: found.start()].split("/") if name not in {"", ".", ".."}]
        endpoint, variant = [_NO_NAME, _NO_NAME, *names][-2:]
        return f"{endpoint}/{variant}/{found[1]}"
    return ""


def hour_of(partition: str) -> str:
    """The hour of a partition, "" for files outside of a tree of hours.

    >>> hour_of("churn/AllTraffic/2026/11/21/09")
    '2026/11/21/09'
    """
    return partition[-_HOUR_LENGTH:]


def source_of(partition: str) -> str:
    """The endpoint and variant of a partition, "" for files outside of a tree of hours.

    >>> source_of("churn/AllTraffic/2026/11/21/09")
    'churn/AllTraffic'
    """
    return partition[: -_HOUR_LENGTH - 1]


def hour_name(time: datetime) -> str:
    """The hour that a time falls into, as folders spell it."""
    return time.strftime("%Y/%m/%d/%H")


@lru_cache(maxsize=4096)  # asked for each file, and thousands lie in an hour
def hour_start(hour: str) -> datetime:
    """When an hour begins."""
    return datetime.strptime(hour, "%Y/%m/%d/%H").replace(tzinfo=UTC)


def lag_facts(partitions: Iterable[str]) -> dict[str, float]:
    """For how many seconds the newest of some hours is over, as `lag_s`; nothing of none.

    >>> lag_facts([""]), lag_facts(["churn/AllTraffic/2026/11/21/09"])["lag_s"] > -1e12
    ({}, True)
    """
    hours = [hour_start(hour) for partition in partitions if (hour := hour_of(partition))]
    return {"lag_s": round((datetime.now(UTC) - max(hours) - HOUR).total_seconds(), 3)} if hours else {}


@dataclass(frozen=True)
class Window:
    """A half-open span of time, [start, end)."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise InputError(
                "window", found=f"start {format_time(self.start)}, end {format_time(self.end)}", expected="a start before the end"
            )

    @classmethod
    def of_hour(cls, hour: str) -> Self:
        """The window that an hour's folder stands for."""
        return cls(hour_start(hour), hour_start(hour) + HOUR)

    def hours(self) -> Iterator[str]:
        """The hours that the window touches."""
        time = self.start.replace(minute=0, second=0, microsecond=0)
        while time < self.end:
            yield hour_name(time)
            time += HOUR

    def cuts(self, hour: str) -> bool:
        """Whether only a part of this hour lies in the window, so that records need a look at their own time."""
        return not hour or hour_start(hour) < self.start or hour_start(hour) + HOUR > self.end

    def __str__(self) -> str:
        return f"{format_time(self.start)} to {format_time(self.end)}"


def parse_duration(text: str) -> timedelta:
    """A whole number of hours or days.

    >>> parse_duration("6h"), parse_duration("7d")
    (datetime.timedelta(seconds=21600), datetime.timedelta(days=7))
    """
    found = re.fullmatch(r"(\d{1,5})\s*([hd])", text.strip().lower())
    if not found or int(found[1]) == 0:
        raise InputError("window", found=repr(text), expected="a number of hours or days, such as 1h, 24h or 7d")
    return timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1))


def duration_name(length: timedelta) -> str:
    """A whole number of hours as the settings spell it: in days where it is several whole ones.

    >>> duration_name(timedelta(hours=24)), duration_name(timedelta(days=7))
    ('24h', '7d')
    """
    hours = length // HOUR
    return f"{hours // 24}d" if hours > 24 and hours % 24 == 0 else f"{hours}h"


def parse_span(text: str) -> Window:
    """A window as commands take it: an hour or a day as folders spell it, or `start..end`.

    >>> str(parse_span("2026/11/21/09"))
    '2026-11-21T09:00:00Z to 2026-11-21T10:00:00Z'
    """
    start, dots, end = text.partition("..")
    if dots:
        return Window(parse_time(start), parse_time(end))
    for form, length in (("%Y/%m/%d/%H", HOUR), ("%Y/%m/%d", 24 * HOUR)):
        try:
            begin = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return Window(begin, begin + length)
    expected = "an hour (2026/11/21/09), a day (2026/11/21), a span (2026-11-21T09:00:00Z..2026-11-22T00:00:00Z), or a .parquet file"
    raise InputError(f"window {text!r}", found="none of the forms", expected=expected)
