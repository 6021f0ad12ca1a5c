"""`hourglass states`: look into the store, add hours up, and hold one window against another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import orjson

from hourglass import storage, terminal
from hourglass.capture.window import Window, format_time, hour_of, source_of
from hourglass.commands.stored import AS_JSON, MONITOR, OWN_METRICS, SOURCES, STATE_ROOT, only, options, whole_hours
from hourglass.constraints import Evaluation, SuggestionOptions, Verdict, baseline_from, evaluate
from hourglass.constraints.baseline_drift_check import KEY
from hourglass.dataset import Dataset, dataset_of
from hourglass.errors import InputError
from hourglass.history import History, Summed
from hourglass.hours import HourStates
from hourglass.outputs import documents
from hourglass.store import StateError, StateStore, read_states, states_bytes
from hourglass.undefined import Undefined

SHOWN = {KEY, "missing_column_check", "extra_column_check"}
_where = options(STATE_ROOT, MONITOR, SOURCES, OWN_METRICS, AS_JSON)


@click.group("states")
def states_group() -> None:
    """Look into the store of the hours' states.

    WINDOW is an hour (2026/11/21/09), a day (2026/11/21), a span (2026-11-21T09:00:00Z..2026-11-22T00:00:00Z), or a
    Parquet file that `states merge` or a baseline has written.
    """


@states_group.command("list")
@_where
@click.argument("window", required=False)
def list_command(state_root: str, monitor: str, sources: tuple[str, ...], as_json: bool, window: str | None) -> None:  # noqa: FBT001 click passes by keyword
    """List the stored hours: rows, bad lines, kept rows, files, bytes."""
    store = StateStore(state_root, monitor)
    hours = list(_hours(store, sources, whole_hours(window) if window else None))
    if as_json:
        click.echo(orjson.dumps(hours, option=orjson.OPT_INDENT_2).decode())
        return
    terminal.table(
        ["hour", "endpoint/variant", "rows", "bad lines", "columns", "segments", "kept rows", "files", "bytes", "fault"],
        [
            [hour["hour"], hour["source"], *map(terminal.number, list(hour.values())[2:9]), "see below" if hour["fault"] else ""]
            for hour in hours
        ],
        right=range(2, 9),
    )
    for hour in hours:
        if hour["fault"]:
            click.echo(hour["fault"])
    click.echo(f"{len(hours)} hours in {store.folder}")


def _hours(store: StateStore, sources: tuple[str, ...], window: Window | None) -> Iterator[dict[str, Any]]:
    for partition, stored in History({}, store).hours(window, only(store, sources)).items():
        fault = None
        states = HourStates()
        files = 0
        try:
            file = store.read(partition)
            if file is not None:
                states, files = file.states(), len(file.header.inputs)
        except StateError as problem:
            fault = str(problem)
        yield {
            "hour": hour_of(partition),
            "source": source_of(partition),
            "rows": sum(states.intake.rows.values()),
            "bad_lines": states.intake.bad_lines,
            "columns": max(map(len, states.layouts.values()), default=0),
            "segments": len(states.segments),
            "kept_rows": len(states.sample) if states.sample else 0,
            "files": files,
            "bytes": stored.size if stored else 0,
            "fault": fault,
        }


@states_group.command("show")
@_where
@click.argument("window")
def show_command(state_root: str, monitor: str, sources: tuple[str, ...], as_json: bool, window: str) -> None:  # noqa: FBT001 click passes by keyword
    """Show the statistics of a window, from the sum of its hours."""
    summed, span = _summed(StateStore(state_root, monitor), window, sources)
    dataset = dataset_of(summed.states)
    if as_json:
        click.echo(documents.to_json(documents.statistics_document(dataset)).decode(), nl=False)
        return
    if dataset.columns:
        terminal.statistics(dataset)
    if summed.states.of_rows:
        kinds = ", ".join(summed.states.of_rows)
        click.echo(f"states of whole rows: {kinds}; hourglass {monitor} with this --state-root reports what they say")
    click.echo(_says(window, span, summed, dataset))


@states_group.command("merge")
@_where
@click.argument("window")
@click.option("--output", required=True, metavar="FILE", help="Parquet file to write.")
def merge_command(state_root: str, monitor: str, sources: tuple[str, ...], as_json: bool, window: str, output: str) -> None:  # noqa: FBT001 click passes by keyword
    """Write the sum of a window's hours into one file; rows that were kept of the hours are in it."""
    summed, span = _summed(StateStore(state_root, monitor), window, sources)
    folder, _, name = storage.normalise(output).rpartition("/")
    if not name.endswith(".parquet"):
        raise InputError(
            f"--output {output}", found="another ending", expected="a .parquet file", hint="the other commands know it by that"
        )
    storage.write_files(folder, {name: states_bytes(summed.states)})
    dataset = dataset_of(summed.states)
    if as_json:
        click.echo(orjson.dumps({"output": output, "hours": len(summed.hours), "rows": dataset.rows}).decode())
    else:
        click.echo(f"{_says(window, span, summed, dataset)}: {output}")


@states_group.command("diff")
@_where
@click.argument("window")
@click.argument("reference")
def diff_command(state_root: str, monitor: str, sources: tuple[str, ...], as_json: bool, window: str, reference: str) -> None:  # noqa: FBT001 click passes by keyword
    """Hold a window against another one: the distance of each column, the largest first."""
    store = StateStore(state_root, monitor)
    (mine, span), (theirs, other) = _summed(store, window, sources), _summed(store, reference, sources)
    first, second = dataset_of(mine.states), dataset_of(theirs.states)
    baseline = baseline_from(second, None, SuggestionOptions())
    if isinstance(baseline, Undefined):
        raise InputError(f"reference {reference}", found="no rows", expected="rows to compare with", hint="see hourglass states list")
    found = sorted((e for e in evaluate(first, baseline) if e.check in SHOWN), key=_order)
    if as_json:
        entries = [documents.evaluation_entry(evaluation) for evaluation in found]
        document = {"window": _as_json(window, span, first), "reference": _as_json(reference, other, second), "evaluations": entries}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    terminal.evaluations(found)
    click.echo(f"{_says(window, span, mine, first)}\nagainst {_says(reference, other, theirs, second)}")


def _order(found: Evaluation) -> tuple[bool, float]:
    """Columns that came or went first, then the largest distance; last what cannot be compared."""
    lost_or_new = found.check != KEY and found.verdict is Verdict.VIOLATION
    distance = found.value if found.distance is None else found.distance
    return not lost_or_new, -distance if isinstance(distance, float) else 1.0


def _summed(store: StateStore, window: str, sources: tuple[str, ...]) -> tuple[Summed, Window | None]:
    if window.endswith(".parquet"):
        file = read_states(storage.normalise(window))
        if file is None:
            raise InputError(window, found="no such file", expected="a file that hourglass states merge has written")
        return Summed(file.states()), None
    span = whole_hours(window)
    summed = History({}, store).sum(span, only(store, sources))
    for sentence in summed.warnings:
        click.echo(f"hourglass: {sentence}", err=True)
    if not summed.hours:
        known = ", ".join(store.sources()) or "none"
        hint = f"stored endpoints and variants: {known}; hourglass states list shows their hours"
        raise InputError(f"window {window}", found=f"no stored hours in {store.folder}", expected="at least one", hint=hint)
    return summed, span


def _says(text: str, span: Window | None, summed: Summed, dataset: Dataset) -> str:
    hours = f" from {len(summed.hours)} stored hours" if span else ""
    others = sum(dataset.other_layouts.values())
    left_out = f" ({others:,} rows with other numbers of columns left out)" if others else ""
    return f"{span or text}: {dataset.rows:,} rows{hours}{left_out}"


def _as_json(text: str, span: Window | None, dataset: Dataset) -> dict[str, Any]:
    place = {"start": format_time(span.start), "end": format_time(span.end)} if span else {"file": text}
    return {**place, "rows": dataset.rows}
