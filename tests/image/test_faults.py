"""What goes wrong in a container: one sentence in the message file, the exit code as designed, and nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.image.containers import Ended, Host, disk, is_entry, is_worker, memory_group, processes_of

INPUT, OUTPUT = "/opt/ml/processing/input_data", "/opt/ml/processing/output"
HOUR = f"{INPUT}/shop/AllTraffic/2026/11/21/09/a.jsonl"
WINDOW = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
SLEEPS = "import time\ndef preprocess_handler(inference_record):\n    time.sleep(600)\n"
# 5 GB at the most: without its limit the job must end well, and leave the machine its memory
GREEDY = "KEPT = []\ndef preprocess_handler(inference_record):\n    KEPT.append(bytearray(b'x' * 10_000_000))\n    return {'a': 1}\n"
MEMORY_LIMIT = 2_500_000_000


def capture(number: int) -> str:
    sides = {"endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": f"{number},a", "encoding": "CSV"}}
    return json.dumps(
        {
            "captureData": sides,
            "eventMetadata": {"eventId": str(number), "inferenceTime": "2026-11-21T09:10:00Z"},
            "eventVersion": "0",
        }
    )


def job(host: Host, hook: str | None = None, **said: str) -> Host:
    """A baseline of an hour of captures, with a hook if there is one."""
    if hook is not None:
        said["record_preprocessor_script"] = "/opt/ml/processing/code/hook.py"
        host.write(said["record_preprocessor_script"], hook)
    host.request({"dataset_source": INPUT, "output_path": OUTPUT, **WINDOW, **said})
    host.write(HOUR, "".join(capture(number) + "\n" for number in range(500)))
    return host


def failed(host: Host, ended: Ended, sentence: str, code: int = 2) -> None:
    """The log's last line and the message say the same, and there are no outputs."""
    assert (ended.code, host.message) == (code, f"Failed: {sentence}")
    assert ended.log.rstrip().endswith(sentence)
    assert host.left(OUTPUT) == []


@pytest.mark.parametrize("engine", ["spark", "local"])
def test_sigterm_ends_a_job_at_once_and_the_message_says_so(host: Callable[..., Host], engine: str) -> None:
    """While it reads: nothing is written, no process is left."""
    made = job(host(), SLEEPS, engine=engine)
    with made.running() as running:
        running.wait_for(is_worker if engine == "spark" else is_entry)
        os.kill(running.begun(), signal.SIGTERM)
        ended = running.end()
        assert (ended.code, made.message) == (143, "Failed: stopped by SIGTERM before its end")
        assert made.left(OUTPUT) == []
        running.wait_for_none()


def test_what_a_killed_job_leaves_says_that_it_was_killed(host: Callable[..., Host]) -> None:
    """Nobody can say anything after SIGKILL, so it is said before."""
    made = job(host(), SLEEPS, engine="local")
    with made.running() as running:
        os.kill(running.begun(), signal.SIGKILL)
        assert running.end().code != 0
    assert made.message.startswith("Failed: hourglass was killed before its end.")
    assert made.left(OUTPUT) == []


def test_out_of_memory_is_said(host: Callable[..., Host]) -> None:
    """A hook that takes all there is: the system kills a worker, and not the process that can say so."""
    made = job(host(), GREEDY)
    with memory_group(MEMORY_LIMIT) as group, made.running() as running:
        running.begun()
        if group is None:  # a machine without groups: what the system would do
            os.kill(running.wait_for(is_worker), signal.SIGKILL)
        else:
            # one that is born of a process outside of the group meanwhile is outside too
            while outside := {*processes_of(made.root)} - {int(number) for number in (group / "cgroup.procs").read_text().split()}:
                for member in outside:
                    with suppress(ProcessLookupError):
                        (group / "cgroup.procs").write_text(str(member))
        ended = running.end()
        running.wait_for_none()
    failed(
        made, ended, "memory: found a Python worker that was killed; expected more of it. Hint: give the container or instance more memory"
    )


def test_a_heap_that_is_too_small_is_said(host: Callable[..., Host]) -> None:
    """Java's memory is a setting of its own."""
    made = job(host(environment={"SPARK_DRIVER_MEMORY": "64m"}))
    sentence = (
        "memory: found a heap of Java that is too small for Spark; expected more of it. Hint: raise SPARK_DRIVER_MEMORY to 512m or more"
    )
    failed(made, made.run(), sentence)


def test_a_full_disk_is_said_though_the_message_lies_on_it(host: Callable[..., Host]) -> None:
    """The message takes the place that it took when the job began."""
    made = host()
    with disk(made.root, "128k"):
        job(made, engine="local")
        filler = made.path("/opt/ml/filler")
        hook = "import os\ndef preprocess_handler(inference_record):\n    fill()\n    return {'a': 1}\n" + FILL
        made.write("/opt/ml/processing/code/hook.py", hook)
        made.request(
            {"dataset_source": INPUT, "output_path": OUTPUT, **WINDOW, "engine": "local"}
            | {"record_preprocessor_script": "/opt/ml/processing/code/hook.py"}
        )
        ended = made.run()
        assert filler.exists()
        sentence = "output /opt/ml/processing/output: found No space left on device; expected a place that can be written to. "
        failed(made, ended, f"{sentence}Hint: make room, or choose another place")


FILL = """
def fill():
    with open("/opt/ml/filler", "ab") as stream:
        try:
            while True:
                os.write(stream.fileno(), b"x" * 512)
        except OSError:
            pass
"""


def test_a_merge_on_a_full_disk_leaves_no_half_of_a_file(host: Callable[..., Host]) -> None:
    """Not even one with a hidden name, which the platform would upload."""
    made = host()
    made.request({"dataset_source": INPUT, "ground_truth_source": "/opt/ml/processing/labels", "output_path": OUTPUT, "engine": "local"})
    made.write(HOUR, "".join(capture(number) + "\n" for number in range(5000)))
    truth = {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventVersion": "0"}
    lines = "".join(json.dumps({**truth, "eventMetadata": {"eventId": str(number)}}) + "\n" for number in range(5000))
    made.write("/opt/ml/processing/labels/2026/11/21/10/a.jsonl", lines)
    with disk(made.path(OUTPUT), "256k"):
        ended = made.run()
        assert ended.code == 2
        assert "No space left on device" in made.message
        assert made.left(OUTPUT) == []


def test_an_output_that_is_mounted_read_only_is_said_before_any_work(host: Callable[..., Host]) -> None:
    """Also to root, to whom rights say nothing."""
    made = job(host(), engine="local")
    with disk(made.path(OUTPUT), "64k", "ro"):
        sentence = (
            f"--output-path {OUTPUT}: found a read-only file system; expected a folder that can be written to. "
            "Hint: choose another --output-path"
        )
        failed(made, made.run(), sentence)


def test_a_message_that_cannot_be_written_is_said_in_the_log(host: Callable[..., Host]) -> None:
    """Before any work: without it nobody learns how the job ended."""
    made = job(host(), engine="local")
    with disk(made.path("/opt/ml/output"), "64k", "ro"):
        ended = made.run()
    assert ended.code == 2
    assert "output /opt/ml: found Read-only file system; expected a place that can be written to" in ended.log
    assert made.left(OUTPUT) == []


UNKNOWN = (
    "1 fault in the settings\n  environment variable analysis_type: found 'DATA_QUALTY'; "
    "expected 'DATA_QUALITY', 'MODEL_QUALITY', 'BIAS' or 'ATTRIBUTION'"
)
NOT_MOUNTED = "/opt/ml/processing/baseline/constraints.json: found No such file or directory; expected a readable file or directory. "


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"analysis_type": "DATA_QUALTY"}, UNKNOWN),
        ({"baseline_constraints": "/opt/ml/processing/baseline/constraints.json"}, f"{NOT_MOUNTED}Hint: check the path"),
    ],
    ids=["an analysis that nobody knows", "a baseline that is not mounted"],
)
def test_a_request_that_cannot_be_met_is_said(host: Callable[..., Host], said: dict[str, str], sentence: str) -> None:
    made = job(host(), engine="local", **said)
    failed(made, made.run(), sentence)


@pytest.mark.parametrize(
    ("request_text", "fault"),
    [
        ("{", "found unexpected end of data: line 1 column 2 (char 1); expected JSON"),
        ("[]", "found list; expected a JSON object"),
        ('{"Environment": {"end_time": 3}}', 'Environment.end_time: found 3; expected a text. Hint: write "3"'),
        ('{"Environment": "x"}', "Environment: found str; expected an object of names and texts"),
    ],
    ids=["no JSON", "no object", "a number", "no names"],
)
def test_a_malformed_request_is_said(host: Callable[..., Host], request_text: str, fault: str) -> None:
    made = job(host())
    made.write("/opt/ml/config/processingjobconfig.json", request_text)
    ended = made.run()
    assert ended.code == 2
    assert made.message.startswith("Failed: 1 fault in the settings\n  /opt/ml/config/processingjobconfig.json: ")
    assert made.message.endswith(fault)
    assert made.left(OUTPUT) == []


def test_without_any_mount_the_settings_that_are_missing_are_named(container: str, tmp_path: Path) -> None:
    """The message lies in the container itself then, where nobody looks: the log says it."""
    ended = Host(container, tmp_path).run()
    assert ended.code == 2
    assert "dataset_source: found nothing; expected Directory or URI of the data" in ended.log


def test_a_wrong_argument_of_the_container_is_in_the_message_too(host: Callable[..., Host]) -> None:
    """ContainerArguments come after the entry point."""
    made = job(host())
    ended = made.run("hourglass", "run", "--ouput-path", "/opt/ml/x")
    assert ended.code == 2
    assert made.message == "Failed: --ouput-path: found an unknown flag; expected a flag of run. Hint: did you mean --output-path?"


def test_a_user_without_rights_runs_a_job(host: Callable[..., Host]) -> None:
    """Where the folders are its own; Spark, its workers, and the report's files are all it needs."""
    made = job(host(options=["--user", "hourglass"]))
    subprocess.run(["chown", "-R", "10001:10001", made.root], check=True)  # noqa: S607 it is where the PATH says
    for folder in made.root.parents:  # pytest's folders are for their owner only
        if folder.name.startswith("pytest-") or folder.name.startswith("test_"):
            folder.chmod(0o755)
    assert made.run().code == 0
    assert made.message == "Completed: Job completed successfully with no violations."
    assert made.path(f"{OUTPUT}/statistics.json").stat().st_uid == 10001


def test_a_user_without_rights_is_told_what_it_may_not_write(host: Callable[..., Host]) -> None:
    """As on SageMaker, whose mounts are root's."""
    made = job(host(options=["--user", "hourglass"]), engine="local")
    ended = made.run()
    assert ended.code == 2
    assert "output /opt/ml: found Permission denied; expected a place that can be written to" in ended.log
