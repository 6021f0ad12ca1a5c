"""Something that is started at most once in a while, by however many runs: a lock and a date, kept where runs can see them.

    <place>/started.json               when it was started last, and by what
    <place>/asking/<token>.json        a run that is about to start it

Whoever wants to start it writes that it is asking, then looks who else asks. Alone, it reads the date once more, starts,
writes the date, and takes its file away. Of two that ask at once each sees the other, since a file is there before its
writer looks: both step back, and ask again after a time of their own. So two runs never both start it; that neither does is
possible, and then it is said, and the next run asks again. A file of a run that was killed is not heeded after ten minutes.
What is asked of the place: that a file which was written is in every listing from then on, as on disks and S3.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from hourglass import storage
from hourglass.capture.window import format_time, parse_time
from hourglass.errors import HourglassError, InputError

STARTED, ASKING = "started.json", "asking"
ABANDONED = timedelta(minutes=10)  # far more than a start with all its attempts takes
_ATTEMPTS, _STEP_BACK_S = 6, 0.2


@dataclass(frozen=True)
class Start:
    """Whether it was started now, and what a person should know of that."""

    started: bool
    note: str = ""


def start_once(
    place: str,
    cooldown: timedelta,
    start: Callable[[], str],
    because: dict[str, Any],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
) -> Start:
    """Calls `start` unless it was called within `cooldown` by this or any other run with the same `place`.

    When `start` raises, nothing is kept, and the next run asks again. `because` is kept with the date.
    """
    held = _held_back(place, cooldown, now())
    if held is not None:
        return held
    token = secrets.token_hex(8)
    for attempt in range(_ATTEMPTS):
        asking = {"asked": format_time(now()), **because}
        storage.write_files(place, {f"{ASKING}/{token}.json": orjson.dumps(asking)})
        try:
            if _is_alone(place, token):
                held = _held_back(place, cooldown, now())  # somebody may have started it, and gone, since the first look
                if held is not None:
                    return held
                note = start()
                kept = {"started": format_time(now()), **because}
                try:
                    storage.write_files(place, {STARTED: orjson.dumps(kept, option=orjson.OPT_INDENT_2)})
                except HourglassError as fault:
                    note = f"was started, but when could not be kept, so that the next run starts it again: {fault}"
                return Start(started=True, note=note)
        finally:
            with suppress(HourglassError):  # after a while nobody heeds it
                storage.remove(storage.join(place, ASKING, f"{token}.json"))
        pause(_STEP_BACK_S * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 so that two do not step in time
        held = _held_back(place, cooldown, now())
        if held is not None:
            return held
    return Start(started=False, note="other runs asked at the same time, and none was the first; the next run asks again")


def _held_back(place: str, cooldown: timedelta, now: datetime) -> Start | None:
    data = storage.read_if_there(storage.join(place, STARTED))
    if data is None:
        return None
    try:
        last = parse_time(orjson.loads(data)["started"])
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as fault:
        path = storage.join(place, STARTED)
        raise InputError(
            path, found="no date of the last start", expected='{"started": "2026-11-21T09:00:00Z"}', hint="remove it"
        ) from fault
    until = last + cooldown
    # a date in the future is another machine's clock, or a slip: it holds back for no longer than the cool-down
    if now >= until or last - now > cooldown:
        return None
    return Start(started=False, note=f"was started at {format_time(last)}; not again before {format_time(until)}")


def _is_alone(place: str, token: str) -> bool:
    """Whether nobody else is asking, by the times that the place itself gives to files."""
    files = {info.base_name: info.mtime_ns or 0 for info in storage.listing(storage.join(place, ASKING), recursive=False) if info.is_file}
    own = files.pop(f"{token}.json", None)
    if own is None:  # a place that does not show what was written cannot keep two runs apart
        return False
    wait = int(ABANDONED.total_seconds() * 1e9)
    return not any(own - written < wait for name, written in files.items() if name.endswith(".json"))
