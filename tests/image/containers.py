"""Containers of the image, as a platform runs them: an /opt/ml tree mounted, and nothing else said."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUILDAH = ROOT / "docker" / "buildah"
PATIENCE = 240.0


def buildah(*arguments: str) -> str:
    """What buildah prints."""
    return subprocess.run([BUILDAH, *arguments], capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Ended:
    """How a container ended."""

    code: int
    log: str


@dataclass(frozen=True)
class Host:
    """A folder that is mounted as a container's /opt/ml, and what else is said to `buildah run`."""

    container: str
    root: Path
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def path(self, inside: str) -> Path:
        """Where a path of the container is."""
        return self.root / Path(inside).relative_to("/opt/ml")

    def write(self, inside: str, data: str) -> Path:
        """Puts a file into the tree."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data)
        return path

    def request(self, environment: Mapping[str, str], **more: Any) -> None:
        """Mounts a job's request, with the folders of its outputs, and the file of its hosts."""
        self.write("/opt/ml/config/processingjobconfig.json", json.dumps({"Environment": dict(environment), **more}))
        self.write("/opt/ml/config/resourceconfig.json", json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
        for folder in (self.root / "output", self.path(environment.get("output_path", "/opt/ml/processing/output"))):
            folder.mkdir(parents=True, exist_ok=True)

    def command(self, *arguments: str) -> list[str]:
        """The command that runs the image's entry point, or another."""
        said = [f"--env={name}={value}" for name, value in self.environment.items()]
        return [str(BUILDAH), "run", f"--volume={self.root}:/opt/ml", *said, *self.options, self.container, "--", *arguments]

    def run(self, *arguments: str) -> Ended:
        """Runs the entry point, or another command, to its end."""
        done = subprocess.run(
            self.command(*(arguments or ENTRY)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False
        )
        print(done.stdout)
        return Ended(done.returncode, without_buildahs(done.stdout))

    @contextmanager
    def running(self) -> Iterator[Running]:
        """The entry point at work."""
        log = self.root / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(self.command(*ENTRY), stdout=output, stderr=output)
        try:
            yield Running(process, log, self.root)
        finally:
            for member in processes_of(self.root):
                os.kill(member, signal.SIGKILL)
            process.kill()
            process.wait()

    @property
    def message(self) -> str:
        """The exit message."""
        return (self.root / "output" / "message").read_text()

    def left(self, inside: str) -> list[str]:
        """The files below a folder, hidden ones too."""
        folder = self.path(inside)
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


ENTRY = ("hourglass", "run")


@dataclass(frozen=True)
class Running:
    """A container at work."""

    process: subprocess.Popen[bytes]
    log: Path
    root: Path

    def wait_for(self, words: Callable[[list[str]], bool]) -> int:
        """Waits for a process in the container whose command fits; its number."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            for number in processes_of(self.root):
                if words(command_of(number)):
                    return number
            time.sleep(0.2)
        raise TimeoutError(self.log.read_text())

    def begun(self) -> int:
        """Waits until the job has begun, which its message shows; the number of its process."""
        while not (self.root / "output" / "message").exists():
            self.wait_for(is_entry)
            time.sleep(0.1)
        return self.wait_for(is_entry)

    def wait_for_none(self) -> None:
        """Waits until no process is left: a container's end would take them with it, and here there is no such end."""
        deadline = time.monotonic() + 15
        while left := processes_of(self.root):
            assert time.monotonic() < deadline, [command_of(number) for number in left]
            time.sleep(0.2)

    def end(self) -> Ended:
        """Waits for the end."""
        code = self.process.wait(PATIENCE)
        print(self.log.read_text())
        return Ended(code, without_buildahs(self.log.read_text()))


def without_buildahs(log: str) -> str:
    """A log without the lines in which buildah tells of the exit code."""
    return re.sub(r"(subprocess exited (with status \d+|on \w+)\n)+(Error: exit status \d+\n*)?\Z", "", log)


def is_worker(command: list[str]) -> bool:
    """Whether a command is that of a Python worker of Spark's."""
    return "pyspark.daemon" in command


def is_entry(command: list[str]) -> bool:
    """Whether a command is the job's own."""
    return command[0].startswith("/opt/hourglass/bin/python") and command[1:3] == ["/opt/hourglass/bin/hourglass", "run"]


def command_of(number: int) -> list[str]:
    try:
        return Path(f"/proc/{number}/cmdline").read_text().split("\0")
    except OSError:
        return [""]


def processes_of(root: Path) -> list[int]:
    """The processes in whose file system a folder is /opt/ml: the youngest last."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            here = (folder / "root" / "opt" / "ml").stat()
        except OSError:
            continue
        if (here.st_dev, here.st_ino) == (root.stat().st_dev, root.stat().st_ino):
            found.append(int(folder.name))
    return sorted(found)


@contextmanager
def disk(folder: Path, size: str, options: str = "rw") -> Iterator[None]:
    """A file system of a size in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},{options}", "hourglass-test", folder], check=True)  # noqa: S607 it is where the PATH says
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)  # noqa: S607 it is where the PATH says


@contextmanager
def memory_group(limit: int) -> Iterator[Path | None]:
    """A control group with a limit of memory, in bytes, that processes can be put into; None where this machine lets nobody make one."""
    group = _memory_group(limit)
    try:
        yield group
    finally:
        if group is not None:
            deadline = time.monotonic() + 30
            while left := (group / "cgroup.procs").read_text().split():  # one that was killed stays until it has given its memory back
                assert time.monotonic() < deadline, [command_of(int(number)) for number in left]
                time.sleep(0.1)
            group.rmdir()


def _memory_group(limit: int) -> Path | None:
    """Of version 1 or 2, whose files a new folder has by itself."""
    for parent, file in ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"), (Path("/sys/fs/cgroup"), "memory.max")):
        if (parent / "cgroup.procs").exists():
            group = parent / f"hourglass-test-{os.getpid()}"
            try:
                group.mkdir()
            except OSError:
                continue
            if (group / file).exists():
                (group / file).write_text(str(limit))
                return group
            group.rmdir()
    return None
