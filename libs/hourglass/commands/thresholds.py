"""`hourglass thresholds`: learn from the past how far a quiet hour may be from the others."""

from __future__ import annotations

from functools import partial

import click
import orjson

from hourglass import storage, terminal
from hourglass.capture.window import Window, hour_of, parse_time
from hourglass.constraints import learnt_thresholds, parse_baseline, with_thresholds
from hourglass.dataset import dataset_of
from hourglass.errors import InputError
from hourglass.history import History
from hourglass.outputs import documents
from hourglass.store import StateStore
from hourglass.undefined import Undefined


@click.command("thresholds")
@click.option("--state-root", required=True, metavar="PATH", help="Where the hours' states are kept.")
@click.option("--monitor", default="data-quality", show_default=True, help="Whose states.")
@click.option("--source", "sources", multiple=True, metavar="ENDPOINT/VARIANT", help="Only this endpoint and variant; may be repeated.")
@click.option("--start-time", required=True, metavar="TIME", help="Begin of the history; leave known incidents out of it.")
@click.option("--end-time", required=True, metavar="TIME", help="End of the history, itself outside.")
@click.option("--baseline-constraints", required=True, metavar="FILE", help="constraints.json, whose methods are used.")
@click.option("--quantile", default=0.99, show_default=True, type=click.FloatRange(0, 1), help="Share of the past hours that is to pass.")
@click.option("--output", required=True, metavar="FILE", help="constraints.json to write, with the learnt thresholds.")
def thresholds_command(
    state_root: str,
    monitor: str,
    sources: tuple[str, ...],
    start_time: str,
    end_time: str,
    baseline_constraints: str,
    quantile: float,
    output: str,
) -> None:
    """Set each feature's drift threshold to a quantile of the distances of past hours, each from all the others.

    Nothing is updated by itself: look at the table, and use the file that is written as the next baseline's constraints.
    """
    window = Window(parse_time(start_time), parse_time(end_time))
    history = History({}, StateStore(state_root, monitor))
    wanted = partial(_is_one_of, sources)
    names = dict.fromkeys(hour_of(partition) for partition in history.hours(window, wanted))
    if not names:
        raise InputError(
            "history", found=f"no stored hours in {window}", expected="some days of hours", hint="hourglass backfill fills them"
        )
    hours = [dataset_of(history.sum(Window.of_hour(name), wanted).states) for name in names]
    text = storage.read_bytes(storage.normalise(baseline_constraints))
    baseline = parse_baseline(text, None, constraints_path=baseline_constraints)
    found = learnt_thresholds(hours, baseline, quantile)
    folder, _, name = storage.normalise(output).rpartition("/")
    storage.write_files(folder, {name: documents.to_json(with_thresholds(orjson.loads(text), found))})
    terminal.table(
        ["feature", "threshold"],
        [[feature, found_.reason if isinstance(found_, Undefined) else f"{found_:.4g}"] for feature, found_ in found.items()],
    )
    click.echo(f"learnt from {len(hours)} hours: {output}")


def _is_one_of(sources: tuple[str, ...], source: str) -> bool:
    return not sources or source in sources
