"""`hourglass thresholds`: learn from the past how far a quiet hour may be from the others."""

from __future__ import annotations

import click
import orjson

from hourglass import storage, terminal
from hourglass.capture.window import Window, hour_of
from hourglass.commands.stored import END, MONITOR, OWN_METRICS, SOURCES, START, STATE_ROOT, only, options, whole_hours
from hourglass.constraints import learnt_thresholds, parse_baseline, with_thresholds
from hourglass.dataset import dataset_of
from hourglass.errors import InputError
from hourglass.history import History
from hourglass.outputs import documents
from hourglass.store import StateStore
from hourglass.undefined import Undefined


@click.command("thresholds")
@options(STATE_ROOT, MONITOR, SOURCES, START, END)
@click.option("--baseline-constraints", required=True, metavar="FILE", help="constraints.json, whose methods are used.")
@click.option("--quantile", default=0.99, show_default=True, type=click.FloatRange(0, 1), help="Share of the past hours that is to pass.")
@click.option("--output", required=True, metavar="FILE", help="constraints.json to write, with the learnt thresholds.")
@options(OWN_METRICS)
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

    Leave known incidents out of the history. Nothing is updated by itself: look at the table, and use the file that is
    written as the next baseline's constraints.
    """
    window = whole_hours(f"{start_time}..{end_time}")
    store = StateStore(state_root, monitor)
    history, wanted = History({}, store), only(store, sources)
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
        ["feature", "comparison", "threshold"],
        [[name, baseline.features[name].comparison_label, _shown(threshold)] for name, threshold in found.items()],
    )
    learnt = sum(not isinstance(threshold, Undefined) for threshold in found.values())
    click.echo(f"{learnt} of {len(found)} thresholds learnt from {len(hours)} hours: {output}")


def _shown(threshold: float | Undefined) -> str:
    return threshold.reason if isinstance(threshold, Undefined) else f"{threshold:.4g}"
