"""`hourglass merge`: join captured requests with the ground truth that came later."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import orjson
from rich.markup import escape
from rich.text import Text

from hourglass import terminal
from hourglass.capture.window import hour_of, source_of
from hourglass.commands.settings_flags import SettingsCommand, settings_flags
from hourglass.join.here import join_here
from hourglass.monitors.ground_truth_merge import JoinEngine, complete
from hourglass.monitors.merge_inputs import needs_join, prepare
from hourglass.outputs.merge_report import CURRENT, KEPT, MERGE_REPORT, UNCHANGED, WRITTEN, MergedHour, MergeOutcome, merge_document
from hourglass.outputs.message import failure_in_message, write_message
from hourglass.processes import processors
from hourglass.settings import Settings, load_settings
from hourglass.stages import RUN, stage
from hourglass.watching import watched

_FLAGS = (
    *("dataset_source", "ground_truth_source", "output_path", "start_time", "end_time", "label_wait", "variant"),
    *("dataset_format", "publish_cloudwatch_metrics", "publish", "metric_time", "sagemaker_endpoint_name"),
    *("sagemaker_monitoring_schedule_name", "sagemaker_endpoint_datacapture_prefix", "engine", "max_bad_lines"),
    *("require_data", "log_format", "otlp_endpoint", "lineage", "container_root"),
)
_SAYS = {  # what a setting that jobs share means here
    "dataset_source": "Directory or URI of the captures, by hour.",
    "output_path": "Directory or URI of the merged files, by hour, and of merge_report.json.",
    "start_time": "Begin of the window of capture hours, 2026-11-21T09:00:00Z; hours are merged whole.",
    "label_wait": "For how long after a capture's hour labels count, such as 24h.",
    "dataset_format": 'What a batch transform\'s files hold, as JSON: {"csv":{"header":false}}. Found out from the files when absent.',
    "engine": "Who runs the join: Spark, or this process, without Java, in its memory.",
    "metric_time": "Time of the metrics' points, for a run of one hour; otherwise each hour's start.",
}
_STYLES = {WRITTEN: "green", UNCHANGED: "", CURRENT: "dim", KEPT: "yellow"}
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


@click.command("merge", cls=SettingsCommand)
@settings_flags("Ground-truth merge", only=_FLAGS, says=_SAYS)
def merge_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Join captured requests with ground truth that came later.

    Labels are looked for in the folders of the hours after a capture's. An hour is written again only if its labels or
    captures changed. Every flag is also an environment variable (ground_truth_source) and a key in the YAML file.
    """
    run_merge(load_settings(flags, os.environ, config), as_json=as_json)


def run_merge(settings: Settings, *, as_json: bool) -> None:
    """The job from its settings to its end; whatever that is, the message file says it."""
    with failure_in_message(settings.container_root), watched(settings, "merge"):
        outcome = _outcome(settings, quiet=as_json)
    write_message(settings.container_root, outcome.message)
    if as_json:
        document = {**merge_document(outcome, settings), "output_path": settings.output_path}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        show(outcome, settings)


@stage(RUN)
def _outcome(settings: Settings, *, quiet: bool) -> MergeOutcome:
    with terminal.progress(quiet=quiet) as step:
        prepared = prepare(settings)
        idle = not needs_join(settings, prepared)  # Spark would take seconds to start
        with _engine(settings, step, idle=idle) as (engine, parallelism):
            step(f"joining {settings.dataset_source} with {settings.ground_truth_source}")
            return complete(settings, prepared, engine, parallelism)


@contextmanager
def _engine(settings: Settings, step: Callable[[str], None], *, idle: bool) -> Iterator[tuple[JoinEngine, int]]:
    """What runs the join, and how many tasks at a time; a session ends with the job."""
    if settings.engine == "local" or idle:
        yield join_here, processors()
        return
    from hourglass.spark.ground_truth_join import SETTINGS, spark_join
    from hourglass.spark.session import running_session

    step("starting Spark")
    with running_session("hourglass merge", SETTINGS) as session:
        yield spark_join(session)


def show(outcome: MergeOutcome, settings: Settings) -> None:
    """Prints the hours with what became of their captures."""
    if outcome.hours:
        several = len({source_of(report.partition) for report in outcome.reports}) > 1
        headings = ["hour", "captures", "matched", "coverage", "unmatched", "duplicates", "bad lines", "delay p50", "p90", "files"]
        rows = [[*([source_of(hour.report.partition)] if several else []), *_row(hour)] for hour in outcome.hours]
        terminal.table([*(["endpoint/variant"] if several else []), *headings], rows, right=range(1 + several, 9 + several))
    labels = [hour for hour in outcome.label_hours if hour.lines]
    if labels:
        totals = {name: sum(getattr(hour, name) for hour in labels) for name in ("lines", "used", "superseded", "unmatched")}
        bad = sum(sum(hour.bad.values()) for hour in labels)
        facts = f"{totals['used']:,} used, {totals['superseded']:,} superseded, {totals['unmatched']:,} without a capture, {bad:,} unusable"
        if not all(hour.complete for hour in labels):
            facts += " (as far as the hours of captures show that were read in this run)"
        terminal.console().print(Text(f"{totals['lines']:,} lines of ground truth in {len(labels)} hours: {facts}", "dim"), soft_wrap=True)
    for warning in outcome.warnings:
        terminal.console().print(Text(f"warning: {terminal.plain(warning)}", "yellow"), soft_wrap=True)
    terminal.console().print(escape(outcome.message), style="bold")
    terminal.console().print(f"merged files and {MERGE_REPORT} in {escape(settings.output_path)}", soft_wrap=True)


def _row(hour: MergedHour) -> list[str | Text]:
    report = hour.report
    delays = report.delays.document()["seconds"]
    return [
        hour_of(report.partition),
        f"{report.requests:,}",
        f"{report.matched:,}",
        "" if report.coverage is None else f"{report.coverage:.1%}",
        f"{report.unmatched + report.without_id:,}",
        f"{report.duplicated:,}" if report.duplicated else "",
        f"{report.bad_lines:,}" if report.bad_lines else "",
        duration(delays["p50"]),
        duration(delays["p90"]),
        Text(hour.status, _STYLES[hour.status]),
    ]


def duration(seconds: float | None) -> str:
    """Seconds in the unit that a person would take.

    >>> [duration(seconds) for seconds in (None, 42.0, 5400.0, 93600.0, 864000.0)]
    ['', '42s', '1.5h', '26h', '10d']
    """
    if seconds is None:
        return ""
    for unit, letter, upto in ((1.0, "s", _MINUTE * 2), (_MINUTE, "min", _HOUR), (_HOUR, "h", _DAY * 2)):
        if abs(seconds) < upto:
            return f"{seconds / unit:.3g}{letter}"
    return f"{seconds / _DAY:.3g}d"
