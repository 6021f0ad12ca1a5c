"""`hourglass compare`: two variants or endpoints side by side, from their stored hours."""

from __future__ import annotations

import sys
from typing import Any

import click

from hourglass import storage, terminal
from hourglass.capture.window import Window
from hourglass.commands.stored import AS_JSON, END, MONITOR, OWN_METRICS, START, STATE_ROOT, options, whole_hours
from hourglass.constraints import Baseline, SuggestionOptions, Verdict, baseline_from, evaluate, parse_baseline
from hourglass.dataset import dataset_of
from hourglass.errors import VIOLATIONS_EXIT, InputError, did_you_mean
from hourglass.history import History
from hourglass.monitors.traffic import retired_traffic
from hourglass.outputs import documents
from hourglass.outputs.data_quality import DataQualityOutputs
from hourglass.outputs.report import Coverage, ReferenceReport, Report
from hourglass.store import StateStore
from hourglass.undefined import Undefined


@click.command("compare")
@options(STATE_ROOT, MONITOR)
@click.option("--left", required=True, metavar="ENDPOINT/VARIANT", help="What is looked at.")
@click.option("--right", required=True, metavar="ENDPOINT/VARIANT", help="What it is held against.")
@options(START, END)
@click.option("--baseline-constraints", metavar="FILE", help="constraints.json with methods; suggested from the right side when absent.")
@click.option("--retired", multiple=True, metavar="VARIANT", help="A variant that should get no traffic any more; may be repeated.")
@click.option("--output-path", metavar="PATH", help="Where to write the reports' files; none when absent.")
@click.option("--fail-on-violations", is_flag=True, help=f"End with exit code {VIOLATIONS_EXIT} when there are violations.")
@options(OWN_METRICS, AS_JSON)
def compare_command(
    state_root: str,
    monitor: str,
    left: str,
    right: str,
    start_time: str,
    end_time: str,
    baseline_constraints: str | None,
    retired: tuple[str, ...],
    output_path: str | None,
    fail_on_violations: bool,  # noqa: FBT001 click passes by keyword
    as_json: bool,  # noqa: FBT001 click passes by keyword
) -> None:
    """Hold one variant or endpoint against another one: each column's drift, and who gets how much of the traffic."""
    window = whole_hours(f"{start_time}..{end_time}")
    given = None
    if baseline_constraints is not None:
        given = parse_baseline(storage.read_bytes(storage.normalise(baseline_constraints)), None, constraints_path=baseline_constraints)
    report, baseline = compare(StateStore(state_root, monitor), window, left, right, given, retired)
    if output_path is not None:
        from hourglass.outputs.write import report_files

        outputs = DataQualityOutputs(baseline)
        storage.write_files(storage.normalise(output_path), report_files(report, outputs, [left, right]))
    if as_json:
        click.echo(documents.to_json(documents.evaluation_document(report, [left, right])).decode(), nl=False)
    else:
        terminal.evaluations(sorted(report.evaluations, key=lambda e: e.verdict is not Verdict.VIOLATION))
        terminal.traffic(report.traffic)
        terminal.warnings([report])
        click.echo(f"{window}: {left} ({report.dataset.rows:,} rows) against {right}: {report.verdict}")
    if fail_on_violations and report.violations:
        sys.exit(VIOLATIONS_EXIT)


def compare(
    store: StateStore, window: Window, left: str, right: str, given: Baseline | None, retired: tuple[str, ...] = ()
) -> tuple[Report, Baseline]:
    """The report of one source of traffic against another one in the same window, and the baseline that the other makes."""
    history = History({}, store)
    known = store.sources()
    for name, source in (("left", left), ("right", right)):
        if source not in known:
            shown = ", ".join(known) or f"none in {store.folder}"
            raise InputError(f"--{name}", found=repr(source), expected=f"one of {shown}", hint=did_you_mean(source, known))
    endpoints = {source.partition("/")[0] for source in (left, right)}
    everything = history.sum(window, lambda source: source.partition("/")[0] in endpoints)
    mine, theirs = history.sum(window, left.__eq__), history.sum(window, right.__eq__)
    dataset = dataset_of(mine.states)
    baseline = baseline_from(dataset_of(theirs.states), given, SuggestionOptions())
    if isinstance(baseline, Undefined):
        raise InputError(
            f"--right {right}", found=f"no stored rows in {window}", expected="rows to compare with", hint="hourglass states list"
        )
    evaluations: tuple[Any, ...] = (*retired_traffic(retired, everything.traffic), *evaluate(dataset, baseline))
    hours = sum(1 for _ in window.hours())
    coverage = Coverage(hours, len(mine.hours), (*mine.warnings, *theirs.warnings))
    reference = ReferenceReport(right, (window,), Coverage(hours, len(theirs.hours)))
    return Report(window, dataset, evaluations, reference=reference, coverage=coverage, traffic=everything.traffic), baseline
