"""Hours and windows of time, as `yyyy/mm/dd/hh` partitions spell them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hourglass.errors import InputError

HOUR = timedelta(hours=1)
_PARTITION = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2}/\d{2})(?=/|$)")


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


def hour_of_path(path: str) -> str:
    """The last `yyyy/mm/dd/hh` in a path, or "" when it has none.

    >>> hour_of_path("capture/churn/AllTraffic/2026/11/21/09/12-01-003-a1b2.jsonl")
    '2026/11/21/09'
    """
    for hour in reversed(_PARTITION.findall(path)):
        try:
            hour_start(hour)
        except ValueError:  # 2026/13/45/99 is no hour
            continue
        return str(hour)
    return ""


def hour_name(time: datetime) -> str:
    """The partition that a time falls into."""
    return time.strftime("%Y/%m/%d/%H")


def hour_start(hour: str) -> datetime:
    """When a partition's hour begins."""
    return datetime.strptime(hour, "%Y/%m/%d/%H").replace(tzinfo=UTC)


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

    def hours(self) -> Iterator[str]:
        """The partitions that the window touches."""
        time = self.start.replace(minute=0, second=0, microsecond=0)
        while time < self.end:
            yield hour_name(time)
            time += HOUR

    def cuts(self, hour: str) -> bool:
        """Whether only a part of this partition lies in the window, so that records need a look at their own time."""
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
