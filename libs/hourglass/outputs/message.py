"""The message file: the first kilobyte becomes the job's exit message."""

from __future__ import annotations

MESSAGE_FILE = "output/message"
LONGEST = 1024


def completed(violations: int) -> str:
    """The stock images' own words; the prefix sets the execution's status.

    >>> completed(0)
    'Completed: Job completed successfully with no violations.'
    >>> completed(60)
    'CompletedWithViolations: Job completed successfully with 60 violations.'
    """
    if violations == 0:
        return "Completed: Job completed successfully with no violations."
    return f"CompletedWithViolations: Job completed successfully with {violations} violations."


def to_message(sentence: str) -> bytes:
    """A sentence as the message file holds it: UTF-8, cut at a kilobyte and never inside a character."""
    return sentence.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore").encode("utf-8")
