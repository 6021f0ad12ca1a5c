"""Signals, and what is left when a run is told to end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hourglass import processes
from hourglass.errors import InputError, OutOfMemory
from hourglass.outputs.message import KILLED, failure_in_message, write_message
from hourglass.processes import in_processes, killed_first
from hourglass.spark.exhausted import exhausted
from hourglass.stopping import Stopped, stop_on_sigterm, stopped_before, undisturbed


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of the tests' own process, put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stop_on_sigterm()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_sigterm_is_an_exception_once() -> None:
    """A second one must not disturb what the first one has begun."""
    with pytest.raises(Stopped, match="SIGTERM"):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)


def test_what_cancels_a_persons_job_cancels_a_platforms() -> None:
    """Spark's handler of SIGINT is asked first."""
    asked: list[int] = []

    def cancel(number: int, _: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, cancel)
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)
    assert asked == [signal.SIGINT]


def test_a_session_that_is_over_is_no_obstacle() -> None:
    """Pyspark leaves its handler, which then asks a Java that is gone."""

    def cancel(_number: int, _frame: object) -> None:
        raise RuntimeError("no gateway")

    signal.signal(signal.SIGINT, cancel)
    with pytest.raises(Stopped, match="SIGTERM"):
        signal.raise_signal(signal.SIGTERM)


def test_files_are_put_in_their_places_before_a_signal_is_heard() -> None:
    """All of the block, then the signal; in other threads there are none."""
    done: list[str] = []
    with pytest.raises(Stopped):
        _put_in_places(done)
    assert done == ["all of it"]
    thread = threading.Thread(target=undisturbed().__enter__)
    thread.start()
    thread.join()


def _put_in_places(done: list[str]) -> None:
    with undisturbed():
        signal.raise_signal(signal.SIGTERM)
        done.append("all of it")


def test_the_failure_of_a_job_that_was_cancelled_is_the_signals() -> None:
    """Pyspark raises the job's own failure over it."""
    stop = Stopped("SIGTERM")
    fault = RuntimeError("Job 0 cancelled")
    fault.__context__ = ValueError()
    fault.__context__.__context__ = stop
    assert stopped_before(fault) is stop
    assert stopped_before(RuntimeError()) is None


def test_the_message_says_how_a_run_was_stopped(tmp_path: Path) -> None:
    with pytest.raises(Stopped), failure_in_message(str(tmp_path)):
        raise Stopped("SIGTERM")
    assert (tmp_path / "output/message").read_text() == "Failed: stopped by SIGTERM before its end"
    with pytest.raises(KeyboardInterrupt), failure_in_message(str(tmp_path)):
        raise KeyboardInterrupt
    assert (tmp_path / "output/message").read_text() == "Failed: stopped by SIGINT before its end"


def test_memory_that_runs_out_here_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory), failure_in_message(str(tmp_path)):
        raise MemoryError
    assert (tmp_path / "output/message").read_text().startswith("Failed: memory: found none left for this process; expected more of it.")


def test_the_message_is_written_over_where_no_file_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk; a longer message leaves nothing behind it."""
    write_message(str(tmp_path), KILLED)

    def full(*_: object) -> None:
        raise InputError("output", found="No space left on device")

    monkeypatch.setattr("hourglass.storage.write_files", full)
    write_message(str(tmp_path), "Failed: short")
    assert (tmp_path / "output/message").read_text() == "Failed: short"
    (tmp_path / "output/message").unlink()
    with pytest.raises(InputError):
        write_message(str(tmp_path), "Failed: short")


def test_a_failure_is_not_replaced_by_that_of_its_message(tmp_path: Path) -> None:
    """It gets a note of it."""

    def lose_the_folder() -> None:
        (tmp_path / "output").rename(tmp_path / "elsewhere")
        (tmp_path / "output").write_text("a file in the place of the folder")
        raise Stopped("SIGTERM")

    with pytest.raises(Stopped) as failure, failure_in_message(str(tmp_path)):
        lose_the_folder()
    [note] = failure.value.__notes__
    assert note.startswith("hourglass: the message file could not be written either: output")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", "Java at the end of its heap"),
        ("SparkException: Python worker exited unexpectedly (crashed)", "a Python worker that was killed"),
        ("pyarrow.lib.ArrowMemoryError: malloc of size 9 failed", "none left for a Python worker"),
        ("java.io.IOException: No space left on device", "disk: found No space left on device"),
    ],
)
def test_sparks_words_for_what_has_run_out_are_told_in_ours(said: str, sentence: str) -> None:
    assert sentence in str(exhausted(RuntimeError(said)))


def test_other_failures_are_none_of_it() -> None:
    """A hook's own MemoryError comes with its traceback."""
    assert exhausted(RuntimeError("Job aborted")) is None
    assert exhausted(InputError("hook", found="MemoryError")) is None


def test_a_process_that_the_system_kills_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "processors", lambda: 2)
    with pytest.raises(OutOfMemory, match="memory"):
        in_processes(_killed, [9, 9])


def _killed(number: int) -> None:
    os.kill(os.getpid(), number)


def test_processes_that_are_started_are_killed_before_this_one() -> None:
    """Linux's score, and as it was afterwards."""
    score = Path("/proc/self/oom_score_adj")
    before = int(score.read_text())
    with killed_first():
        assert int(score.read_text()) == min(1000, before + 500)
    assert int(score.read_text()) == before
