"""What the commands that read the store have in common: where it is, of whom, and which hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import click

from hourglass.capture.window import Window, hour_name, parse_span
from hourglass.errors import InputError, did_you_mean
from hourglass.own_metrics import register_own_metrics
from hourglass.store import StateStore

Command = Callable[..., Any]
Wanted = Callable[[str], bool]

STATE_ROOT = click.option("--state-root", required=True, metavar="PATH", help="Where the hours' states are kept.")
MONITOR = click.option(
    "--monitor", default="data-quality", show_default=True, help="Whose states; model-quality, bias and attribution have their own."
)
SOURCES = click.option("--source", "sources", multiple=True, metavar="ENDPOINT/VARIANT", help="Only this one; may be repeated.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
OWN_METRICS = click.option(
    "--own-metrics",
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=lambda _context, _option, path: register_own_metrics(path) if path else None,
    help="Python file that registers statistics and comparisons of your own.",
)
START = click.option("--start-time", required=True, metavar="TIME", help="Begin of the window.")
END = click.option("--end-time", required=True, metavar="TIME", help="End of the window, itself outside.")


def options(*added: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """A decorator that adds options in the order in which they are given."""

    def decorate(command: Command) -> Command:
        for option in reversed(added):
            command = option(command)
        return command

    return decorate


def only(store: StateStore, sources: Iterable[str]) -> Wanted:
    """Whether an `endpoint/variant` is among those that were named; all are where none was. InputError for one without states."""
    known = store.sources()
    if not known:
        raise InputError(
            f"--state-root {store.root}",
            found=f"no states in {store.folder}",
            expected="a store that a run has written",
            hint="hourglass backfill makes one; each monitor has a folder of its own there",
        )
    for source in sources:
        if source not in known:
            raise InputError("--source", found=repr(source), expected=f"one of {', '.join(known)}", hint=did_you_mean(source, known))
    return partial(_is_one_of, frozenset(sources))


def _is_one_of(sources: frozenset[str], source: str) -> bool:
    return not sources or source in sources


def whole_hours(text: str) -> Window:
    """A window as `parse_span` takes it; InputError when it cuts an hour, whose states are kept as one."""
    window = parse_span(text)
    for time in (window.start, window.end):
        if time != time.replace(minute=0, second=0, microsecond=0):
            hint = f"states are kept by the hour: {hour_name(time)} as a whole, or none of it"
            raise InputError(f"window {text}", found="a start or end inside of an hour", expected="whole hours", hint=hint)
    return window
