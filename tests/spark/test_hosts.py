"""Several hosts as the platform starts them: processes with addresses of their own, each with its /opt/ml.

They look the same on both Spark lines, so one line runs these tests.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hourglass.commands.hosts import need_whole_inputs, reason_to_stay
from hourglass.errors import EnvironmentFault, InputError
from hourglass.spark import hosts as module
from hourglass.spark.hosts import ENDED, LINE_PORT, Hosts, follow, lead, read_hosts
from tests.engine import capture_line, settings_of, write_hour
from tests.standalone import SHORT_LIVED

HOURGLASS = [sys.executable, "-c", "from hourglass.cli import main; main()"]
FIRST, SECOND, THIRD = NAMES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
PATIENCE = 150.0


@dataclass
class Platform:
    """Starts hosts, and sees to it that none is left."""

    root: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, current: str, names: tuple[str, ...], **settings: object) -> subprocess.Popen[str]:
        """`hourglass run` on one host, with an environment of its own."""
        ml = self.root / current
        (ml / "config").mkdir(parents=True)
        (ml / "config/resourceconfig.json").write_text(json.dumps({"current_host": current, "hosts": names}))
        base = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
        said = {"container_root": ml, "output_path": ml / "reports", "host_wait": 120, **settings}
        process = subprocess.Popen(
            [*HOURGLASS, "run"],
            env={
                **base,
                **SHORT_LIVED,
                "PYSPARK_PYTHON": sys.executable,
                "SPARK_WORKER_CORES": "1",
                **{name: str(value) for name, value in said.items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def message(self, host: str) -> str | None:
        """The message file of a host."""
        path = self.root / host / "output/message"
        return path.read_text() if path.exists() else None


WORKED = f"Completed: {SECOND} has worked for {FIRST}, whose message tells of the job."


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, out


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def wait_until(fact: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := fact()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def java_below(process: subprocess.Popen[str], main: str) -> list[int]:
    """The processes of a Java class in the session that a host has; what starts them names the class too, and is none."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            program, *words = (path / "cmdline").read_bytes().split(b"\0")
            started = program.endswith(b"/java") and main.encode() in words and b"org.apache.spark.launcher.Main" not in words
            if started and os.getsid(int(path.name)) == process.pid:
                found.append(int(path.name))
        except OSError:  # it has just ended
            continue
    return found


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path)
    yield made
    for process in made.started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


WORKER = "org.apache.spark.deploy.worker.Worker"


def capture(root: Path, count: int = 20) -> Path:
    draws = random.Random(0)
    for hour in ("08", "09"):
        lines = [capture_line(f"{draws.random():.3f}", f"{draws.randint(1, 90)},{draws.choice('abc')}") for _ in range(count)]
        write_hour(root, f"2026/11/21/{hour}", lines)
    return root


def test_hosts_do_a_job_together_and_one_that_is_lost_takes_no_row_with_it(platform: Platform, tmp_path: Path) -> None:
    """The second host is killed, with all that it runs, while it reads: the same files to the byte, which only the first has written."""
    source = capture(tmp_path / "capture", 7_000)
    (tmp_path / "seen").mkdir()
    hook = tmp_path / "hook.py"
    hook.write_text(
        "import os, pathlib, time\n"
        "HOST = os.environ.get('SPARK_LOCAL_IP', 'none')\n"
        f"SEEN = pathlib.Path({str(tmp_path / 'seen')!r})\n"
        "def preprocess_handler(record):\n"
        "    if not (SEEN / HOST).exists():\n"
        "        (SEEN / HOST).touch()\n"
        f"        if HOST == {SECOND!r}:\n"
        "            time.sleep(60)\n"
        "    age, grade = record.endpoint_input.data.split(',')\n"
        "    return {'age': age, 'grade': grade}\n"
    )
    said = {"dataset_source": source, "record_preprocessor_script": hook}
    second = platform.start(SECOND, NAMES[:2], **said)
    first = platform.start(FIRST, NAMES[:2], **said)
    wait_until((tmp_path / "seen" / SECOND).exists, "the second host reads")
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate()
    code, out = finish(first)
    assert code == 0, out
    assert (tmp_path / "seen" / FIRST).exists()
    assert platform.message(FIRST) == "Completed: Job completed successfully with no violations."
    assert (platform.message(SECOND) or "").startswith("Failed: hourglass was killed before its end.")
    assert not (platform.root / SECOND / "reports").exists()
    (platform.root / "by-itself/config").mkdir(parents=True)
    alone = platform.start("by-itself/one", ("by-itself/one",), **said, engine="local")
    assert finish(alone)[0] == 0
    assert files(platform.root / FIRST / "reports") == files(platform.root / "by-itself/one/reports")


def test_a_host_that_never_comes_is_named_and_a_worker_that_died_is_back(platform: Platform, tmp_path: Path) -> None:
    """The first host says who is missing, and ends with 2; the other one, whose worker was killed meanwhile, with 0."""
    said = {"dataset_source": capture(tmp_path / "capture"), "host_wait": 40}
    first = platform.start(FIRST, NAMES, **said)
    second = platform.start(SECOND, NAMES, **said)
    (victim,) = wait_until(lambda: java_below(second, WORKER), "the second host has a worker")
    os.kill(victim, signal.SIGKILL)
    code, out = finish(first)
    assert code == 2, out
    expected = f"host {THIRD}: found no Spark worker from there when host_wait was over; expected a worker on each of {', '.join(NAMES)}"
    assert expected in out
    assert (platform.message(FIRST) or "").startswith(f"Failed: {expected}. Hint: hosts must reach each other")
    code, out = finish(second)
    assert code == 0, out
    assert f"the worker of {SECOND} has ended with code -9 and is started again" in out
    assert platform.message(SECOND) == WORKED
    assert java_below(first, WORKER) == java_below(second, WORKER) == []


def test_a_job_that_needs_no_other_host_runs_on_the_first_and_the_others_end_when_it_does(platform: Platform, tmp_path: Path) -> None:
    """With 0, however the job ends: its result is the first host's."""
    said = {"dataset_source": capture(tmp_path / "capture"), "engine": "local"}
    first, second = (platform.start(name, NAMES[:2], **said) for name in NAMES[:2])
    (code, out), (other_code, other_out) = finish(first), finish(second)
    assert (code, other_code) == (0, 0), out + other_out
    assert f"{FIRST} runs the job by itself: engine is local" in out
    assert other_out == ""
    assert (platform.root / FIRST / "reports/statistics.json").exists()
    assert not (platform.root / SECOND / "reports").exists()


def test_the_others_end_with_zero_when_the_job_fails(platform: Platform, tmp_path: Path) -> None:
    """The platform takes the first host's exit code and message."""
    said = {"dataset_source": capture(tmp_path / "capture"), "engine": "local", "baseline_constraints": tmp_path / "none.json"}
    first, second = (platform.start(name, NAMES[:2], **said) for name in NAMES[:2])
    assert finish(first)[0] == 2
    assert finish(second) == (0, "")
    assert (platform.message(FIRST) or "").startswith("Failed: ")
    assert platform.message(SECOND) == WORKED


def test_a_host_whose_first_never_comes_says_so(platform: Platform, tmp_path: Path) -> None:
    """After its own patience, in its message file too."""
    code, out = finish(platform.start(SECOND, NAMES[:2], dataset_source=tmp_path / "capture", host_wait=1))
    expected = f"first host {FIRST}: found no answer on port {LINE_PORT} within 1 s: [Errno 111] Connection refused; expected that it says"
    assert code == 2
    assert expected in out
    assert (platform.message(SECOND) or "").startswith(f"Failed: {expected}")


def test_names_that_no_host_knows_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The own one by the first host, the first one's by the others."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(module.socket, "gethostbyname", unknown)
    monkeypatch.setattr(module.socket, "create_connection", unknown)
    names = ("algo-1", "algo-2")
    with (
        pytest.raises(EnvironmentFault, match=r"host algo-1: found no address: \[Errno -2\] Name or service not known; expected a name"),
        lead(Hosts("algo-1", names), 0, alone=True),
    ):
        pass
    with pytest.raises(EnvironmentFault, match=r"first host algo-1: found no answer on port 7078 within 0 s: \[Errno -2\] Name or service"):
        follow(Hosts("algo-2", names), 0)


def test_a_master_that_does_not_come_up_is_said() -> None:
    """Here because somebody else has its port."""
    with (
        socket.create_server((FIRST, module.MASTER_PORT)),
        pytest.raises(
            EnvironmentFault, match=r"Spark's master: found ended with code \d+; expected that it runs. Hint: .*ports 7077 and 8080"
        ),
        lead(Hosts(FIRST, (FIRST,)), 60, alone=False),
    ):
        pass


def test_a_host_that_is_told_to_stop_leaves_no_worker_behind(platform: Platform, tmp_path: Path) -> None:
    """SIGTERM is how the platform stops a job."""
    with module._Line(FIRST) as line:
        line.say(f"spark://{FIRST}:7077")
        second = platform.start(SECOND, NAMES[:2], dataset_source=tmp_path / "capture")
        wait_until(lambda: java_below(second, WORKER), "the second host has a worker")
        second.terminate()
        assert finish(second)[0] == 128 + signal.SIGTERM
    assert java_below(second, WORKER) == []


def test_a_first_host_that_is_told_to_stop_tells_the_others_before() -> None:
    """Those too that have not come yet."""
    program = f"""
import time
from hourglass.spark.hosts import Hosts, lead
from hourglass.stopping import stop_on_sigterm
stop_on_sigterm()
with lead(Hosts({FIRST!r}, {NAMES[:2]!r}), 60, alone=True):
    print("leads", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "leads\n"
        first.terminate()
        follow(Hosts(SECOND, NAMES[:2]), 60)
        assert first.wait(PATIENCE) != 0


def test_a_first_host_that_goes_without_a_word_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut line alone is no end: only what is said is."""
    monkeypatch.setattr(module, "_LOST_S", 0.5)
    line = module._Line(FIRST)
    monkeypatch.setattr(module, "_words", lambda _: iter([""]))  # one second without a word, then the line is cut
    with line:
        hosts = Hosts(SECOND, NAMES[:2])
        monkeypatch.setattr(module.time, "sleep", lambda _: line.__exit__())
        with pytest.raises(EnvironmentFault, match=r"first host 127\.0\.0\.2: found no word for 0 s; expected that it says when"):
            follow(hosts, 60)


def test_a_host_that_comes_late_hears_what_was_said_before() -> None:
    """And it ends at once."""
    with module._Line(FIRST) as line:
        line.say(ENDED)
        started = time.monotonic()
        follow(Hosts(SECOND, NAMES[:2]), 60)
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("{", "no JSON: "),
        ("[]", "no current_host and no hosts"),
        ('{"hosts": ["a"]}', "no current_host"),
        ('{"current_host": "a", "hosts": "a"}', "hosts 'a'"),
        ('{"current_host": "c", "hosts": ["a", "b"]}', "current_host 'c' among hosts a, b"),
    ],
)
def test_a_list_of_hosts_that_cannot_be_is_refused(document: str, found: str, tmp_path: Path) -> None:
    """With the form that the platform gives it."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/resourceconfig.json").write_text(document)
    with pytest.raises(InputError, match=re.escape(f"resourceconfig.json: found {found}")):
        read_hosts(str(tmp_path))


def test_all_hosts_agree_on_the_first_whatever_their_order(tmp_path: Path) -> None:
    """One host, or none named, is no cluster."""
    (tmp_path / "config").mkdir()
    path = tmp_path / "config/resourceconfig.json"
    path.write_text('{"current_host": "algo-2", "hosts": ["algo-2", "algo-10", "algo-1"]}')
    found = read_hosts(str(tmp_path))
    assert found == Hosts("algo-2", ("algo-1", "algo-10", "algo-2"))
    assert not found.is_first
    path.write_text('{"current_host": "algo-1", "hosts": ["algo-1"]}')
    assert read_hosts(str(tmp_path)) is None
    assert read_hosts(str(tmp_path / "nowhere")) is None


def spread(name: str, folder: str) -> dict[str, Any]:
    return {"InputName": name, "S3Input": {"LocalPath": folder, "S3DataDistributionType": "ShardedByS3Key"}}


@pytest.mark.parametrize(
    "asked",
    [
        spread("endpoint_input_1", "/opt/ml/processing/input/shop/AllTraffic/2026/11/21/09"),
        spread("all", "/opt/ml/processing"),
        {"InputName": "athena", "DatasetDefinition": {"LocalPath": "/opt/ml/processing/input", "DataDistributionType": "ShardedByS3Key"}},
    ],
)
def test_an_input_of_which_each_host_has_another_part_is_refused(asked: dict[str, Any], tmp_path: Path) -> None:
    """Whichever way it holds the data; the job would read the first host's part, and call that all."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/processingjobconfig.json").write_text(json.dumps({"ProcessingInputs": [asked]}))
    settings = settings_of(tmp_path / "out", {"dataset_source": "/opt/ml/processing/input", "container_root": tmp_path})
    with pytest.raises(InputError, match="ShardedByS3Key among 2 hosts, which gives each another part of dataset_source; expected Fully"):
        need_whole_inputs(settings, Hosts(SECOND, NAMES[:2]))


def test_inputs_that_the_job_does_not_read_may_be_spread(tmp_path: Path) -> None:
    """And a request may be missing, or say nothing of it."""
    (tmp_path / "config").mkdir()
    inputs = [spread("other", "/opt/ml/processing/inputs"), {"InputName": "none"}]
    settings = settings_of(tmp_path / "out", {"dataset_source": "/opt/ml/processing/input", "container_root": tmp_path})
    need_whole_inputs(settings, Hosts(SECOND, NAMES[:2]))
    (tmp_path / "config/processingjobconfig.json").write_text(json.dumps({"ProcessingInputs": inputs}))
    need_whole_inputs(settings, Hosts(SECOND, NAMES[:2]))


def test_a_merge_into_a_local_folder_stays_on_the_first_host(tmp_path: Path) -> None:
    """Its workers write the merged files, and each host has a disk of its own; S3 is one place for all."""
    flags = {"dataset_source": tmp_path / "capture", "ground_truth_source": tmp_path / "labels"}
    assert "is another disk on each host" in (reason_to_stay(settings_of(tmp_path / "out", flags)) or "")
    remote = settings_of(tmp_path / "out", flags).model_copy(update={"output_path": "s3://bucket/merged"})
    assert reason_to_stay(remote) is None
    assert reason_to_stay(settings_of(tmp_path / "out", {"dataset_source": tmp_path / "capture"})) is None
