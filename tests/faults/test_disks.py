"""Disks that are full and folders that are read-only: a sentence, an exit code, and nothing half-written.

Each run has a mount namespace of its own, in which the disk is small or read-only; it ends with the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hourglass.cli import main
from tests.engine import capture_line, write_hour

AS_ROOT = [] if os.geteuid() == 0 else ["--map-root-user"]
NINE, TEN = "2026/11/21/09", "2026/11/21/10"


@dataclass
class Ended:
    """A command that ended: its code, what it said, and the files that were then on the small disk, with their bytes."""

    code: int
    said: str
    files: dict[str, int]


def run_on(disk: Path, mounts: str, *words: object) -> Ended:
    """Runs hourglass where `mounts`, commands of a shell, have been done, and looks at what it left on the disk."""
    script = f"""
{mounts}
"$@"
code=$?
echo ">>>"
find {disk} -type f -printf '%P %s\\n'
exit $code
"""
    command = [sys.executable, "-c", "from hourglass.cli import main; main()", *map(str, words)]
    own_mounts = ["unshare", "--mount", *AS_ROOT, "sh", "-c", script, "sh"]
    done = subprocess.run([*own_mounts, *command], capture_output=True, text=True, check=False)
    files = (line.rsplit(" ", 1) for line in done.stdout.rpartition(">>>\n")[2].splitlines())
    return Ended(done.returncode, done.stderr, {name: int(size) for name, size in files})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Captures of two hours, and a folder for a disk."""
    for hour in (NINE, TEN):
        time = f"{hour[:10].replace('/', '-')}T{hour[-2:]}:30:00Z"
        write_hour(tmp_path / "capture", hour, [capture_line(str(row % 2), f"{row},text-{row}", time=time) for row in range(300)])
    (tmp_path / "disk").mkdir()
    (tmp_path / "container").mkdir()
    return tmp_path


def job(tree: Path, **places: Path) -> list[str]:
    """A run over both hours."""
    said = {
        "dataset-source": tree / "capture",
        "output-path": tree / "out",
        "container-root": tree / "container",
        "start-time": "2026-11-21T09:00:00Z",
        "end-time": "2026-11-21T11:00:00Z",
        "window": "1h",
        "engine": "local",
        **{name.replace("_", "-"): place for name, place in places.items()},
    }
    return ["data-quality", *(f"--{name}={value}" for name, value in said.items())]


def test_a_full_disk_ends_the_job_and_leaves_no_report(tree: Path) -> None:
    """The reports of two windows are more than there is room for; none of them is there, and no part of one."""
    disk = tree / "disk"
    ended = run_on(disk, f"mount -t tmpfs -o size=24k tmpfs {disk}", *job(tree, output_path=disk / "out"))
    assert ended.code == 2
    assert (
        f"hourglass: output {disk}/out: found No space left on device; expected a place that can be written to. Hint: make room"
        in ended.said
    )
    assert ended.files == {}
    assert (tree / "container/output/message").read_text().startswith(f"Failed: output {disk}/out: found No space left on device")


def test_a_full_state_root_keeps_the_hours_that_had_room(tree: Path) -> None:
    """An hour's states are whole or not there; no report speaks of hours that could not be kept."""
    disk = tree / "disk"
    main(job(tree, state_root=tree / "sound", output_path=tree / "sound"))
    hours = {str(path.relative_to(tree / "sound")): path.stat().st_size for path in (tree / "sound").rglob("states.parquet")}
    assert len(hours) == 2
    room = min(hours.values()) // 1024 + 8  # a page of the disk is 4 KB, folders take none
    ended = run_on(disk, f"mount -t tmpfs -o size={room}k tmpfs {disk}", *job(tree, state_root=disk))
    assert ended.code == 2
    assert "No space left on device; expected a place that can be written to. Hint: make room" in ended.said
    assert ended.files.items() <= hours.items()
    assert len(ended.files) == 1
    assert not (tree / "out").exists()


def test_where_the_message_has_no_room_the_job_ends_before_anything_is_read(tree: Path) -> None:
    """Nobody would learn how it ended; standard error says why it did not begin."""
    disk = tree / "disk"
    mounts = f"mount -t tmpfs -o size=24k tmpfs {disk}; mkdir {disk}/container; head -c 24576 /dev/zero > {disk}/ballast"
    ended = run_on(disk, mounts, *job(tree, output_path=disk / "out", container_root=disk / "container"))
    assert ended.code == 2
    assert f"hourglass: output {disk}/container: found No space left on device" in ended.said
    assert "Traceback" not in ended.said
    assert ended.files == {"ballast": 24576}


@pytest.mark.parametrize(("place", "flag"), [("output_path", "--output-path"), ("state_root", "--state-root")])
def test_a_read_only_place_is_told_before_anything_is_read(tree: Path, place: str, flag: str) -> None:
    """Also to root, whom rights do not stop."""
    disk = tree / "disk"
    (disk / "earlier.json").write_text("{}")
    ended = run_on(disk, f"mount --bind {disk} {disk}; mount -o remount,ro,bind {disk}", *job(tree, **{place: disk / "new"}))
    assert ended.code == 2
    assert f"hourglass: {flag} {disk}/new: found a read-only file system; expected a folder that can be written to" in ended.said
    assert ended.files == {"earlier.json": 2}
    assert "found a read-only file system" in (tree / "container/output/message").read_text()


def test_a_merge_on_a_full_disk_leaves_no_merged_file(tree: Path) -> None:
    """Merged files are staged, and what was staged is removed."""
    disk = tree / "disk"
    write_hour(tree / "capture", NINE, [capture_line("1", "x" * 30_000, time="2026-11-21T09:45:00Z")], "long.jsonl")
    labels = tree / "labels" / TEN
    labels.mkdir(parents=True)
    ids = (f"id-2026-11-21T{time}:00Z" for time in ("09:30", "09:45", "10:30"))
    truth = '{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"%s"},"eventVersion":"0"}\n'
    (labels / "a.jsonl").write_text("".join(truth % name for name in ids))
    words = ["merge", "--engine=local", f"--dataset-source={tree}/capture", f"--ground-truth-source={tree}/labels"]
    mounts = f"mount -t tmpfs -o size=16k tmpfs {disk}"
    ended = run_on(disk, mounts, *words, f"--output-path={disk}/merged", f"--container-root={tree}/container")
    assert ended.code == 2
    assert f"output {disk}/merged/endpoint/AllTraffic/{NINE}/part-00000.jsonl: found No space left on device" in ended.said
    assert ended.files == {}
    assert "No space left on device" in (tree / "container/output/message").read_text()
