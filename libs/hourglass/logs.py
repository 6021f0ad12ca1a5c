"""Log lines on standard error, as text or JSON; without them only what a person must know is said there."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from hourglass.errors import HourglassError

TEXT, JSON = "text", "json"
LOGGER = logging.getLogger("hourglass")


class _Lines(logging.StreamHandler[Any]):
    """The one handler of ours; `context` is in every line while a run lasts."""

    def __init__(self, form: str) -> None:
        super().__init__(sys.stderr)
        self.form = form
        self.context: dict[str, Any] = {}

    def format(self, record: logging.LogRecord) -> str:
        facts = {**self.context, **getattr(record, "facts", {})}
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        if self.form == JSON:
            line = {"time": time, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage(), **facts}
            return orjson.dumps({**line, **({"exception": trace} if trace else {})}, default=str).decode()
        # a name that came from data must not look like a line of its own
        sentence = record.getMessage().replace("\n", "\n  ")
        return f"{time} {record.levelname} {record.name}: {sentence}" + (f"\n{trace}" if trace else "")


def asked_format(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """The format that a command line or the environment asks for, before there are settings; None where neither does.

    >>> asked_format(["data-quality", "--log-format", "json"], {}), asked_format([], {"LOG_FORMAT": "text"}), asked_format([], {})
    ('json', 'text', None)
    """
    said = {name.lower(): value for name, value in environment.items()}.get("log_format", "")
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if word == "--log-format":
            said = following
        elif word.startswith("--log-format="):
            said = word.partition("=")[2]
    return said.strip().lower() if said.strip().lower() in {TEXT, JSON} else None


def install(form: str) -> None:
    """Has every log line of the process written in this form, ours from level info on, others' from warning on."""
    remove()
    logging.getLogger().addHandler(_Lines(form))
    LOGGER.setLevel(logging.INFO)


def remove() -> None:
    """Undoes `install`."""
    for handler in _installed():
        logging.getLogger().removeHandler(handler)
    LOGGER.setLevel(logging.NOTSET)


def are_on() -> bool:
    """Whether log lines are written."""
    return bool(_installed())


def bind(context: Mapping[str, Any]) -> None:
    """What every line says from now on; an empty context ends it."""
    for handler in _installed():
        handler.context = dict(context)


def _installed() -> list[_Lines]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, _Lines)]


def warn(sentence: str) -> None:
    """Says what went wrong beside the run: as a log line, or a line on standard error."""
    if are_on():
        LOGGER.warning(sentence)
    else:
        click.echo(f"hourglass: warning: {sentence}", err=True)


def failed(fault: Exception, sentence: str, exit_code: int) -> None:
    """Says why the process ends: as a log line with the parts of the error, or as a sentence on standard error."""
    if not are_on():
        click.echo(sentence if sentence.startswith("hourglass: ") else f"hourglass: {sentence}", err=True)
        return
    facts: dict[str, Any] = {"exit_code": exit_code, "error": type(fault).__name__}
    if isinstance(fault, HourglassError):
        parts = {"subject": fault.subject, "found": fault.found, "expected": fault.expected, "hint": fault.hint}
        facts |= {name: str(value) for name, value in parts.items() if value is not None}
    unforeseen = None if isinstance(fault, HourglassError | click.ClickException) else fault
    LOGGER.error(sentence, exc_info=unforeseen, extra={"facts": facts})
