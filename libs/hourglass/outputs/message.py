"""The message file: the first kilobyte becomes the job's exit message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hourglass import storage
from hourglass.errors import HourglassError, InputError, OutOfMemory, shorten

MESSAGE_FILE = "output/message"
LONGEST = 1024
# stands in the file while a job runs, since nobody who is killed can say so
KILLED = (
    "Failed: hourglass was killed before its end. The system does that where memory runs out, the platform where time does. "
    "Hint: see the log; give it more memory, or more time (MaxRuntimeInSeconds)"
)


def completed(violations: int) -> str:
    """The stock images' own words; the prefix sets the execution's status.

    >>> completed(0)
    'Completed: Job completed successfully with no violations.'
    >>> completed(60)
    'CompletedWithViolations: Job completed successfully with 60 violations.'
    >>> completed(1)
    'CompletedWithViolations: Job completed successfully with 1 violations.'
    """
    if violations == 0:
        return "Completed: Job completed successfully with no violations."
    return f"CompletedWithViolations: Job completed successfully with {violations} violations."  # of one too: scripts read it


def to_message(sentence: str) -> bytes:
    """A sentence as the message file holds it: UTF-8, cut at a kilobyte and never inside a character."""
    return sentence.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore").encode("utf-8")


def write_message(root: str, sentence: str) -> None:
    """Writes the message file, where the platform's folder is; into the file that is there if the disk is full."""
    if not storage.is_directory(root):
        return
    try:
        storage.write_files(root, {MESSAGE_FILE: to_message(sentence)})
    except InputError:
        if not _written_over(storage.join(root, MESSAGE_FILE), to_message(sentence)):
            raise


def _written_over(path: str, message: bytes) -> bool:
    """Whether the message could be written into a file that has its place on the disk already."""
    try:
        with Path(path).open("r+b") as stream:
            stream.write(message)
            stream.truncate()
    except OSError:
        return False
    return True


@contextmanager
def failure_in_message(root: str) -> Iterator[None]:
    """Has the message file say why a job failed; the failure goes on. Until its end the file says that it was killed."""
    write_message(root, KILLED)
    try:
        yield
    except MemoryError as fault:
        failure = OutOfMemory(f"none left for {shorten(str(fault)) or 'this process'}")
        write_failure(root, failure)
        raise failure from fault
    except (Exception, KeyboardInterrupt) as fault:
        write_failure(root, fault)
        raise


def write_failure(root: str, fault: Exception | KeyboardInterrupt) -> None:
    """Has the message file say why a job failed; where that cannot be written, as on a full disk, the failure gets a note of it."""
    try:
        write_message(root, f"Failed: {told(fault)}")
    except HourglassError as other:
        note = f"hourglass: the message file could not be written either: {other}"
        if note not in getattr(fault, "__notes__", ()):
            fault.add_note(note)


def told(fault: Exception | KeyboardInterrupt) -> str:
    """What is said of a failure."""
    if isinstance(fault, HourglassError):
        return str(fault)
    if isinstance(fault, click.ClickException):
        return fault.format_message()
    if isinstance(fault, KeyboardInterrupt):
        return f"stopped by {str(fault) or 'SIGINT'} before its end"
    return unexpected(fault)


def unexpected(fault: Exception) -> str:
    """What is said of an error that nobody foresaw."""
    return f"unexpected {type(fault).__name__}: {shorten(' '.join(str(fault).split()), 600)}. Hint: please report it with the log"
