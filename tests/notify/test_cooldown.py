"""What is started once in a while by however many runs: in one process, in several at once, on disk and on S3."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hourglass import storage
from hourglass.errors import InputError
from hourglass.notify.cooldown import ABANDONED, ASKING, STARTED, start_once

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def started(place: str, at: datetime = NOON) -> bool:
    """Whether it is started at a time."""
    return start_once(place, DAY, lambda: "", {}, now=lambda: at, pause=lambda _: None).started


def test_it_is_started_again_when_the_cool_down_is_over(tmp_path: Path) -> None:
    """To the second."""
    place = str(tmp_path / "place")
    times = [0, 1, 24 * 3600 - 1, 24 * 3600, 24 * 3600 + 1]
    assert [started(place, NOON + timedelta(seconds=s)) for s in times] == [True, False, False, True, False]


def test_the_same_holds_on_s3(s3_path: str) -> None:
    """Where nothing can be renamed or locked."""
    assert [started(s3_path, NOON + timedelta(hours=h)) for h in (0, 23, 25)] == [True, False, True]


def test_a_clock_that_was_wrong_does_not_hold_back_for_ever(tmp_path: Path) -> None:
    """A start in the far future is no start."""
    storage.write_files(str(tmp_path), {STARTED: b'{"started": "2126-11-21T12:00:00Z"}'})
    assert started(str(tmp_path))


def test_a_file_that_says_no_date_is_an_error_and_no_start(tmp_path: Path) -> None:
    """It is named, so that somebody can remove it."""
    storage.write_files(str(tmp_path), {STARTED: b"{}"})
    with pytest.raises(InputError, match=r"started\.json: found no date of the last start"):
        started(str(tmp_path))


def test_who_asks_at_the_same_time_steps_back(tmp_path: Path) -> None:
    """Neither starts it while both ask; the one whose other has gone does."""
    place = str(tmp_path)
    storage.write_files(place, {f"{ASKING}/other.json": b"{}"})
    begun: list[str] = []
    held = start_once(place, DAY, lambda: begun.append("") or "", {}, pause=lambda _: None)
    assert (held.started, begun) == (False, [])
    assert "none was the first; the next run asks again" in held.note
    assert [path.name for path in (tmp_path / ASKING).iterdir()] == ["other.json"]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        storage.remove(storage.join(place, ASKING, "other.json"))

    assert start_once(place, DAY, lambda: "", {}, pause=pause).started
    assert len(pauses) == 1


def test_a_run_that_was_killed_holds_nobody_back_for_long(tmp_path: Path) -> None:
    """By the times of the files, which are of one clock."""
    storage.write_files(str(tmp_path), {f"{ASKING}/dead.json": b"{}"})
    dead = tmp_path / ASKING / "dead.json"
    before = dead.stat().st_mtime - ABANDONED.total_seconds() - 60
    import os

    os.utime(dead, (before, before))
    assert started(str(tmp_path))


def test_what_was_started_is_not_told_as_not_started(tmp_path: Path) -> None:
    """Where its date cannot be kept: here because a folder is in its place."""
    found = start_once(str(tmp_path / "other"), DAY, lambda: (tmp_path / "other" / STARTED).mkdir() or "", {})
    assert found.started
    assert "the next run starts it again" in found.note


def test_one_of_many_processes_starts_it(tmp_path: Path) -> None:
    """Six that begin at once: exactly one, or none on a machine that lets none be the first, and then all say so."""
    script = """
import sys, time, json
from datetime import timedelta
from hourglass.notify.cooldown import start_once
place, log, at = sys.argv[1:]
time.sleep(max(0.0, float(at) - time.time()))
def start():
    with open(log, "a") as stream:
        stream.write("started\\n")
    time.sleep(0.05)
    return ""
print(json.dumps(vars(start_once(place, timedelta(days=1), start, {}))))
"""
    at = str(datetime.now(UTC).timestamp() + 2.5)
    command = [sys.executable, "-c", script, str(tmp_path / "place"), str(tmp_path / "log"), at]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    answers = [json.loads(run.communicate(timeout=60)[0]) for run in runs]
    started = sum(answer["started"] for answer in answers)
    assert started <= 1
    assert ((tmp_path / "log").read_text() if started else "") == "started\n" * started
    told = "was started at" if started else "none was the first; the next run asks again"
    assert all(told in answer["note"] or "none was the first" in answer["note"] for answer in answers if not answer["started"])


def test_one_of_many_threads_starts_it_on_s3(s3_path: str) -> None:
    """Five clients of one bucket: never two, whoever asks when."""
    begun: list[int] = []
    notes: list[str] = []

    def ask() -> None:
        notes.append(start_once(s3_path, DAY, lambda: begun.append(1) or "", {}).note)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) <= 1
    assert sum(not note for note in notes) == len(begun)
    assert begun or all("the next run asks again" in note for note in notes)
