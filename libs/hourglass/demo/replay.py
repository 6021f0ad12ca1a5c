"""The test part as a day of captured traffic: rows in random order, faults planted, files as an endpoint writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any
from uuid import UUID

import orjson

from hourglass.capture.window import Window, format_time, hour_name
from hourglass.demo.census import LABELS, Row
from hourglass.demo.faults import BAD_LINES, BROKEN_LINES_AN_HOUR, break_line, faults_of

HOURS = 24
DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
ENDPOINT, VARIANT = "adult-income", "AllTraffic"
SEED = 1996  # the year of the data; any other would do
UNFAIR_HOURS, UNFAIR = (20,), "women are answered no"
FLUSH = timedelta(minutes=12)  # an endpoint closes its file after some time, so an hour has several

Score = Callable[[Sequence[Row]], list[dict[str, Any]]]


@dataclass(frozen=True)
class CaptureFile:
    """One file of captured records: its path below the capture's directory, and its lines."""

    path: str
    lines: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return b"".join(line + b"\n" for line in self.lines)


def replay(rows: Sequence[Row], score: Score, seed: int = SEED) -> Iterator[CaptureFile]:
    """The capture files of the day. Each row is sent once; an hour has a 24th of them; the same seed gives the same bytes.

    The model scores what was sent, faults included, as a served model would.
    """
    random = Random(seed)  # noqa: S311 a replay has to be repeatable, not secret
    for hour, places in enumerate(sent_by_hour(len(rows), random)):
        chosen = [rows[place] for place in places]
        for fault in faults_of(hour):
            if fault.spoil is not None:
                chosen = [fault.spoil(row, random) for row in chosen]
        answers = score(chosen)
        if hour in UNFAIR_HOURS:
            unfair = {"prediction": LABELS[0]}
            answers = [answer | unfair if row.get("sex") == "Female" else answer for row, answer in zip(chosen, answers, strict=True)]
        yield from _files(hour, chosen, answers, random)


def sent_by_hour(count: int, random: Random) -> list[list[int]]:
    """Which rows are sent in each hour, in the order of their requests."""
    order = random.sample(range(count), count)
    return [order[hour * count // HOURS : (hour + 1) * count // HOURS] for hour in range(HOURS)]


def _files(hour: int, sent: Sequence[Row], answers: Sequence[dict[str, Any]], random: Random) -> Iterator[CaptureFile]:
    begin = DAY.start + timedelta(hours=hour)
    times = sorted(begin + timedelta(milliseconds=random.randrange(3_600_000)) for _ in sent)
    lines = [_line(row, answer, time, _uuid(random)) for row, answer, time in zip(sent, answers, times, strict=True)]
    if any(fault.check == BAD_LINES for fault in faults_of(hour)):
        for way, place in enumerate(random.sample(range(len(lines)), BROKEN_LINES_AN_HOUR)):
            lines[place] = break_line(lines[place], way)
    for _, places in groupby(range(len(lines)), lambda place: (times[place] - begin) // FLUSH):
        first, *_ = inside = list(places)
        name = f"{times[first]:%M-%S}-{times[first].microsecond // 1000:03}-{_uuid(random)}.jsonl"
        yield CaptureFile(f"{ENDPOINT}/{VARIANT}/{hour_name(begin)}/{name}", tuple(lines[place] for place in inside))


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


def _line(sent: Row, answer: dict[str, Any], time: datetime, event: UUID) -> bytes:
    return orjson.dumps(
        {
            "captureData": {"endpointInput": _side("INPUT", sent), "endpointOutput": _side("OUTPUT", answer)},
            "eventMetadata": {"eventId": str(event), "inferenceTime": format_time(time)},
            "eventVersion": "0",
        }
    )


def _side(mode: str, document: object) -> dict[str, str]:
    return {"observedContentType": "application/json", "mode": mode, "data": orjson.dumps(document).decode(), "encoding": "JSON"}
