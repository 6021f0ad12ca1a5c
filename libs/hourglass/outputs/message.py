"""The message file: the first kilobyte becomes the job's exit message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hourglass import storage
from hourglass.errors import HourglassError, shorten

MESSAGE_FILE = "output/message"
LONGEST = 1024


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
    """Writes the message file, where the platform's folder is."""
    if storage.is_directory(root):
        storage.write_files(root, {MESSAGE_FILE: to_message(sentence)})


@contextmanager
def failure_in_message(root: str) -> Iterator[None]:
    """Has the message file say why a job failed; the failure goes on."""
    try:
        yield
    except Exception as fault:
        write_failure(root, fault)
        raise


def write_failure(root: str, fault: Exception) -> None:
    """Has the message file say why a job failed; where that cannot be written, as on a full disk, the failure gets a note of it."""
    try:
        write_message(root, f"Failed: {fault if isinstance(fault, HourglassError) else unexpected(fault)}")
    except HourglassError as other:
        fault.add_note(f"hourglass: the message file could not be written either: {other}")


def unexpected(fault: Exception) -> str:
    """What is said of an error that nobody foresaw."""
    return f"unexpected {type(fault).__name__}: {shorten(' '.join(str(fault).split()), 600)}. Hint: please report it with the log"
