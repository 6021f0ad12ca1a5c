"""`hourglass alarms`: CloudWatch alarms and a dashboard from a constraints file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click
import orjson
from rich.text import Text

from hourglass import terminal
from hourglass.alarms import Alarms, Change, Place, dashboard, put_alarms, put_dashboard, wanted_alarms
from hourglass.alarms.dashboard import dashboard_name
from hourglass.alarms.put import SAME, client, unpublished
from hourglass.bias import Decision
from hourglass.capture.window import HOUR, parse_duration
from hourglass.commands.settings_flags import SettingsCommand, settings_flags
from hourglass.errors import EnvironmentFault, InputError, SettingsError
from hourglass.monitors.data_quality import named
from hourglass.monitors.given_baseline import read_baseline
from hourglass.monitors.job import json_object, read_document
from hourglass.outputs import documents
from hourglass.outputs.numbers import counted
from hourglass.settings import Settings, load_settings

_FLAGS = (
    *("baseline_constraints", "sagemaker_endpoint_name", "sagemaker_monitoring_schedule_name", "window", "decision"),
    *("categorical_drift_method", "exclude_features_attribute", "own_metrics"),
)
_SAYS = {
    "baseline_constraints": "constraints.json of the baseline, its folder or URI; of bias and attribution its analysis.json.",
    "sagemaker_endpoint_name": "Endpoint, as the job that publishes the metrics has it: a dimension of theirs.",
    "sagemaker_monitoring_schedule_name": "Schedule, as that job has it: a dimension too.",
    "window": "Length of that job's windows; 1h when absent.",
    "decision": "What a violation of bias is to that job, strict or interval: they allow other values of DI.",
    "exclude_features_attribute": "Columns that that job leaves out.",
}
_MOST_ACTIONS, _SHOWN = 5, 10


@click.command("alarms", cls=SettingsCommand)
@settings_flags(only=_FLAGS, says=_SAYS)
@click.option("--late", default="1h", show_default=True, metavar="LENGTH", help="How long after a window's end its metrics may come.")
@click.option("--bad-line-share", default=0.01, show_default=True, type=click.FloatRange(0, 1), help="Share of bad lines that alarms.")
@click.option("--alarm-action", "actions", multiple=True, metavar="ARN", help="Who is told of an alarm, such as an SNS topic; up to five.")
@click.option("--ok-action", "ok_actions", multiple=True, metavar="ARN", help="Who is told that it is over.")
@click.option("--dashboard/--no-dashboard", "with_dashboard", default=True, show_default=True, help="Whether a dashboard is put too.")
@click.option("--prune", is_flag=True, help="Delete this monitor's alarms that the constraints do not ask for any more.")
@click.option("--dry-run", is_flag=True, help="Print what would be put, as JSON, and call nobody.")
def alarms_command(
    config: str | None,
    as_json: bool,  # noqa: FBT001 click passes by keyword
    late: str,
    bad_line_share: float,
    actions: tuple[str, ...],
    ok_actions: tuple[str, ...],
    with_dashboard: bool,  # noqa: FBT001 as above
    prune: bool,  # noqa: FBT001 as above
    dry_run: bool,  # noqa: FBT001 as above
    **flags: Any,
) -> None:
    """Put CloudWatch alarms and a dashboard for the metrics that a monitor publishes.

    Give it the settings of the job, --config says them all. A second run puts only what has changed.
    """
    unused = {"dataset_source": "/unused/data", "output_path": "/unused/reports"}
    settings = load_settings(flags, os.environ, config, unused=unused)
    place = _place(settings, late, actions, ok_actions, bad_line_share)
    found = _wanted(settings, place)
    region = _region() if with_dashboard or not dry_run else ""
    body = dashboard(found, region) if with_dashboard else None
    name = dashboard_name(place, [alarms.monitor for alarms in found])
    if dry_run:
        boards = {"dashboard": {"DashboardName": name, "DashboardBody": body}} if body is not None else {}
        without = [sentence for alarms in found for sentence in alarms.without]
        document = {"alarms": [alarm for alarms in found for alarm in alarms.alarms], **boards, "without": without}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    cloudwatch = client(region)
    changes = [change for alarms in found for change in put_alarms(cloudwatch, alarms.alarms, alarms.prefix, prune=prune)]
    board = put_dashboard(cloudwatch, name, body) if body is not None else None
    lacking = unpublished(cloudwatch, [alarms.metric("hourglass_rows").document() for alarms in found])
    if as_json:
        answer: dict[str, Any] = {
            "alarms": [vars(change) for change in changes],
            "dashboard": vars(board) if board is not None else None,
            "without": [sentence for alarms in found for sentence in alarms.without],
            "unpublished": lacking,
        }
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(found, changes, board, lacking=bool(lacking))


def _place(settings: Settings, late: str, actions: tuple[str, ...], ok_actions: tuple[str, ...], bad_line_share: float) -> Place:
    if settings.sagemaker_endpoint_name is None and settings.sagemaker_monitoring_schedule_name is None:
        hint = "set --sagemaker-endpoint-name and --sagemaker-monitoring-schedule-name as the job has them"
        raise InputError("dimensions", found="neither endpoint nor schedule", expected="those of the metrics", hint=hint)
    for flag, arns in (("--alarm-action", actions), ("--ok-action", ok_actions)):
        if len(arns) > _MOST_ACTIONS or not all(arn.startswith("arn:") for arn in arns):
            raise InputError(
                flag, found=", ".join(arns), expected=f"at most {_MOST_ACTIONS} ARNs, such as arn:aws:sns:eu-west-1:123456789012:alarms"
            )
    period: timedelta = min(settings.window or (HOUR,))
    place = Place(
        settings.sagemaker_endpoint_name,
        settings.sagemaker_monitoring_schedule_name,
        period,
        parse_duration(late),
        actions,
        ok_actions,
        bad_line_share,
    )
    _ = place.periods  # which says whether CloudWatch can look back so far
    return place


def _wanted(settings: Settings, place: Place) -> list[Alarms]:
    path = settings.baseline_constraints
    if path is None:
        raise SettingsError([InputError("baseline_constraints", found="nothing", expected="a constraints.json, or an analysis.json")])
    if settings.decision not in {None, *Decision, "uncertainty"}:
        raise InputError("decision", found=repr(settings.decision), expected=" or ".join(Decision))
    document = json_object(_document(path), path)
    decision = Decision(settings.decision) if settings.decision in set(Decision) else Decision.INTERVAL
    return wanted_alarms(
        document,
        path,
        place,
        lambda: read_baseline(settings.model_copy(update={"baseline_statistics": None})),
        excluded=lambda baseline: named(settings.exclude_features_attribute or (), baseline.features),
        decision=decision,
    )


def _document(path: str) -> bytes:
    """The constraints at a path, or in a folder the one of the two that is there."""
    try:
        found = read_document(path, documents.CONSTRAINTS_JSON)
    except InputError:
        found = read_document(path, documents.ANALYSIS_JSON)
    return found or b"{}"


def _region() -> str:
    """The region of the environment or the profile, which each graph of a dashboard names too."""
    import boto3

    region = os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    if not region:
        hint = "set AWS_REGION; --dry-run --no-dashboard does without"
        raise EnvironmentFault("AWS region", found="none", expected="the region of the metrics", hint=hint)
    return str(region)


def _show(found: Sequence[Alarms], changes: Sequence[Change], board: Change | None, *, lacking: bool) -> None:
    """Prints what was done: the changes of each alarm where there are few, and their number."""
    rows = [[change.name, change.status] for change in changes if change.status != SAME]
    if rows:
        terminal.table(["alarm", ""], rows[:_SHOWN])
    if len(rows) > _SHOWN:
        terminal.console().print(Text(f"and {len(rows) - _SHOWN} more", "dim"))
    counts = Counter(change.status for change in changes)
    click.echo(f"{counted(len(changes), 'alarm', 'alarms')}: {', '.join(f'{count} {status}' for status, count in counts.items())}")
    if board is not None:
        click.echo(f"dashboard {board.name}: {board.status}")
    without = [sentence for alarms in found for sentence in alarms.without]
    for sentence in without[:_SHOWN]:
        terminal.console().print(Text(f"no alarm of its own: {terminal.plain(sentence)}", "dim"), soft_wrap=True)
    if len(without) > _SHOWN:
        terminal.console().print(Text(f"and {len(without) - _SHOWN} more; hourglass_violations counts them", "dim"), soft_wrap=True)
    if lacking:
        sentence = "warning: nobody has published metrics with these dimensions yet: the job must have the same endpoint and schedule"
        terminal.console().print(Text(sentence, "yellow"), soft_wrap=True)
