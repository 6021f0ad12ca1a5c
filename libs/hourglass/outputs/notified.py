"""Who is told of a run's violations, and what: the notice made of its reports, and its way to the targets of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from hourglass import storage
from hourglass.capture.window import format_time
from hourglass.constraints import Evaluation
from hourglass.errors import HourglassError, shorten
from hourglass.notify import Notice, deliver, start_once
from hourglass.notify.channel import label
from hourglass.notify.notice import fingerprint
from hourglass.outputs import documents
from hourglass.outputs.report import Report
from hourglass.outputs.report_files import REPORT_HTML
from hourglass.outputs.write import report_folder
from hourglass.settings import Settings
from hourglass.stages import stage

RETRAINING = "retraining"
_WINDOWS, _VIOLATIONS, _LONGEST_NAME, _LONGEST_SENTENCE = 20, 50, 200, 500  # EventBridge and SNS take 256 KB
_THREADS = 8


@dataclass(frozen=True)
class Told:
    """How many targets were told, how many starts of retraining the cool-down held back, and what went wrong."""

    delivered: int = 0
    held_back: int = 0
    warnings: tuple[str, ...] = ()


@stage("notify", facts=lambda told: {"delivered": told.delivered, "held_back": told.held_back})
def tell(settings: Settings, monitor: str, reports: Sequence[Report]) -> Told:
    """Tells the targets of the settings of a run with violations, and starts retraining outside of its cool-down.

    Nothing that goes wrong here is the run's fault: it is returned as warnings.
    """
    if not any(report.all_violations for report in reports) or not (settings.notify or settings.notify_retrain):
        return Told()
    try:
        notice = notice_of(settings, monitor, reports)
    except HourglassError as fault:
        return Told(warnings=(f"nobody was told of the violations: {fault}",))
    tasks = [*(partial(_tell, notice, target) for target in settings.notify)]
    tasks += [partial(_retrain, settings, notice, target) for target in settings.notify_retrain]
    with ThreadPoolExecutor(_THREADS) as threads:
        results = list(threads.map(lambda task: task(), tasks))
    return Told(
        sum(one.delivered for one in results), sum(one.held_back for one in results), tuple(w for one in results for w in one.warnings)
    )


def _tell(notice: Notice, target: str) -> Told:
    try:
        note = deliver(notice, target)
    except HourglassError as fault:
        return Told(warnings=(f"not told of the violations: {fault}",))
    return Told(1, warnings=(note,) if note else ())


def _retrain(settings: Settings, notice: Notice, target: str) -> Told:
    because = {"monitor": notice.monitor, "violations": notice.violations, "notice": notice.id, "report": notice.report}
    try:
        start = start_once(
            retraining_place(settings, target),
            settings.notify_cooldown,
            partial(deliver, notice, target),
            {"target": label(target), **because},
        )
    except HourglassError as fault:
        return Told(warnings=(f"retraining not started: {fault}",))
    note = (f"retraining: {label(target)} {start.note}",) if start.note and not start.started else (start.note,) if start.note else ()
    return Told(int(start.started), int(not start.started), note)


def retraining_place(settings: Settings, target: str) -> str:
    """Where the cool-down of a target is kept: one for all monitors of an endpoint that share a state root, or a report folder."""
    root = settings.state_root or settings.output_path
    subject = settings.sagemaker_endpoint_name or settings.sagemaker_monitoring_schedule_name or "data"
    return storage.join(root, RETRAINING, subject, fingerprint(target))


def notice_of(settings: Settings, monitor: str, reports: Sequence[Report]) -> Notice:
    """The notice of a run: its last windows in violation, with their violations as far as a message should go."""
    now = format_time(datetime.now(UTC))
    found = [report for report in reports if report.all_violations]
    windows = []
    left = _VIOLATIONS
    for report in reversed(found[-_WINDOWS:]):
        windows.append(_window(settings, report, left))
        left -= len(windows[-1]["violations"])
    windows.reverse()
    spans = [f"{report.window.start}/{report.window.end}" if report.window else now for report in found]
    names = settings.sagemaker_endpoint_name, settings.sagemaker_monitoring_schedule_name
    return Notice(
        fingerprint(monitor, names, settings.output_path, spans),
        now,
        monitor,
        *names,
        sum(report.all_violations for report in reports),
        windows[-1]["report"],
        settings.output_path,
        tuple(windows),
    )


def _window(settings: Settings, report: Report, most: int) -> Mapping[str, Any]:
    shown = [entry for _, entry in zip(range(max(0, most)), _violations(report), strict=False)]
    return {
        "start": format_time(report.window.start) if report.window else None,
        "end": format_time(report.window.end) if report.window else None,
        "rows": report.dataset.rows,
        "violation_count": report.all_violations,
        "violations": shown,
        "report": report_link(settings, report),
    }


def _violations(report: Report) -> Iterator[dict[str, Any]]:
    yield from map(_entry, report.violations)
    for segment in report.segments:
        yield from ({"segment": shorten(segment.name, _LONGEST_NAME), **_entry(found)} for found in segment.violations)


def _entry(found: Evaluation) -> dict[str, Any]:
    return {
        "feature": shorten(found.feature, _LONGEST_NAME),
        "check": found.check,
        "value": found.value if isinstance(found.value, float) else None,
        "threshold": found.threshold if isinstance(found.threshold, float) else None,
        "description": shorten(found.description, _LONGEST_SENTENCE),
    }


def report_link(settings: Settings, report: Report) -> str:
    """The address of a window's report for people, or of its violations where it has none.

    Under `notify_link` where that is set: in place of `{path}` in it, or after it.
    """
    folder = report_folder(settings, report)
    places: Iterable[str] = (folder + REPORT_HTML, folder + documents.VIOLATIONS_JSON, folder + documents.SEGMENTS_JSON)
    there = (place for place in places if storage.file_info(storage.join(settings.output_path, place)).is_file)
    path = next(there, folder + documents.EVALUATION_JSON)
    if settings.notify_link is None:
        return storage.join(settings.output_path, path)
    if "{path}" in settings.notify_link:
        return settings.notify_link.replace("{path}", quote(path, safe=""))
    return f"{settings.notify_link.rstrip('/')}/{quote(path)}"
