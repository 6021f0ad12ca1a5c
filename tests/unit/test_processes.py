"""Work in other processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hourglass import processes
from hourglass.errors import InputError
from hourglass.processes import in_processes


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are other processes on a machine with one core too."""
    monkeypatch.setattr(processes, "processors", lambda: 2)


def test_results_come_in_the_order_of_their_items() -> None:
    """Items are dealt out in turn, and the results put back."""
    assert in_processes(abs, [-1, 2, -3, 4, -5]) == [1, 2, 3, 4, 5]
    assert in_processes(abs, []) == []


def test_what_a_function_prints_is_no_result() -> None:
    """A hook may print; the results go another way."""
    assert in_processes(print, ["one", "two"]) == [None, None]


def test_a_failure_there_is_raised_here() -> None:
    """With its own class and words, so that the command's last sentence is the right one."""
    with pytest.raises(InputError, match=r"a path: found nothing; expected a place\. Hint: look elsewhere"):
        in_processes(_fail, ["a path", "a path"])


def _fail(subject: str) -> None:
    raise InputError(subject, found="nothing", expected="a place", hint="look elsewhere")


def test_a_process_that_dies_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    """Out of memory is the usual reason."""
    with pytest.raises(ChildProcessError, match="ended with code 7"):
        in_processes(_die, [7, 7])
    capfd.readouterr()


def _die(code: int) -> None:
    import os

    os._exit(code)


def test_a_script_without_a_main_guard_is_not_run_twice(tmp_path: Path) -> None:
    """As users' scripts and notebooks are: multiprocessing would run the script again in each process."""
    script = tmp_path / "script.py"
    script.write_text(
        "from hourglass import processes\nprocesses.processors = lambda: 2\nprint('once')\nprint(processes.in_processes(abs, [-1, -2]))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "once\n[1, 2]\n"


def test_the_working_folder_is_no_place_to_import_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold data, or somebody's random.py."""
    (tmp_path / "random.py").write_text("raise SystemExit('imported')")
    (tmp_path / "numpy.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert in_processes(abs, [-1, -2]) == [1, 2]
