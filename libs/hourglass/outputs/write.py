"""Everything that a run writes, put together first and written at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import orjson

from hourglass import storage
from hourglass.capture.window import duration_name, hour_name
from hourglass.constraints import Baseline
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.report import Report
from hourglass.settings import Settings
from hourglass.store import states_bytes

LOCAL_METRICS = "cloudwatch_metrics.jsonl"


def write_reports(settings: Settings, reports: Sequence[Report], baseline: Baseline | None, looked_at: Sequence[str]) -> None:
    """Writes the files of all windows, and publishes the metrics.

    On the platform the metrics go to its file, elsewhere among the reports. A quarantine of an earlier run is removed
    when this one has none.
    """
    contents: dict[str, bytes] = {}
    metrics: list[cloudwatch.Metric] = []
    for report in reports:
        folder = report_folder(settings, report)
        contents |= {folder + name: data for name, data in report_files(report, baseline, looked_at).items()}
        if not settings.window or report.length == min(settings.window):  # those of other lengths would have the same names
            metrics += report_metrics(settings, report, baseline)
    contents |= quarantine(reports)
    publishes = settings.publish_cloudwatch_metrics == "Enabled"
    if publishes and not settings.on_platform:
        contents[LOCAL_METRICS] = cloudwatch.metric_lines(metrics)
    earlier = {documents.QUARANTINE, LOCAL_METRICS, *_segments_of_earlier_runs(settings, reports)}
    storage.write_files(settings.output_path, contents, remove=tuple(sorted(earlier - contents.keys())))
    if publishes and settings.on_platform:
        storage.write_files(settings.container_root, {cloudwatch.METRICS_FILE: cloudwatch.metric_lines(metrics)})
    if publishes and settings.publish == "put-metric-data":
        cloudwatch.put_metrics(metrics, endpoint=settings.sagemaker_endpoint_name is not None)


def _segments_of_earlier_runs(settings: Settings, reports: Sequence[Report]) -> Iterator[str]:
    """The files of segments that are where this run writes: a segment that is gone must not seem to be this window's."""
    for folder in {report_folder(settings, report) for report in reports}:
        yield folder + documents.SEGMENTS_JSON
        place = storage.join(settings.output_path, folder + "segments")
        start = len(storage.filesystem(settings.output_path)[1]) + 1
        for info in storage.listing(place, recursive=True):
            if info.base_name in {documents.STATISTICS_JSON, documents.VIOLATIONS_JSON}:
                yield info.path[start:]


def report_folder(settings: Settings, report: Report) -> str:
    """Where a window's files lie: by the hour of its start, under its length where a run has windows of several."""
    if not settings.window or report.window is None or report.length is None:
        return ""
    length = f"{duration_name(report.length)}/" if len(settings.window) > 1 else ""
    return f"{length}{hour_name(report.window.start)}/"


def report_files(report: Report, baseline: Baseline | None, looked_at: Sequence[str]) -> dict[str, bytes]:
    """The files of one window; constraints that were given are passed on as they are."""
    given = report.asked or (baseline.document if baseline is not None else None)
    files = {
        documents.STATISTICS_JSON: documents.to_json(documents.statistics_document(report.dataset, report.deequ_metrics)),
        documents.CONSTRAINTS_JSON: given or documents.to_json(report.constraints or documents.NO_CONSTRAINTS),
        documents.VIOLATIONS_JSON: documents.to_json(documents.violations_document(report.evaluations)),
    }
    if report.segments:
        files[documents.SEGMENTS_JSON] = documents.to_json(documents.segments_document(report))
    for segment in report.segments:
        folder = documents.segment_folder(segment.name)
        files[f"{folder}/{documents.STATISTICS_JSON}"] = documents.to_json(documents.statistics_document(segment.dataset))
        files[f"{folder}/{documents.VIOLATIONS_JSON}"] = documents.to_json(documents.violations_document(segment.evaluations))
    if report.states is not None:
        files[documents.BASELINE_STATES] = states_bytes(replace(report.states, sample=None, bad_lines=[]))
    # last, so that a reader who finds it finds all that it speaks of
    return {**files, documents.EVALUATION_JSON: documents.to_json(documents.evaluation_document(report, looked_at))}


def report_metrics(settings: Settings, report: Report, baseline: Baseline | None) -> list[cloudwatch.Metric]:
    """The metrics of one window, at the time that the settings state or at the window's start."""
    time = settings.metric_time if settings.window is None else None
    if time is None:
        time = report.window.start if report.window else datetime.now(UTC)
    dimensions = {"Endpoint": settings.sagemaker_endpoint_name, "MonitoringSchedule": settings.sagemaker_monitoring_schedule_name}
    return list(cloudwatch.data_metrics(report.dataset, baseline, report.evaluations, dimensions, time))


def quarantine(reports: Sequence[Report]) -> dict[str, bytes]:
    """The quarantine's file, one JSON a line, by file and line; nothing when no line was set aside.

    The workers cannot know which number of columns most rows of a window have; lines whose number turned out to be the
    window's own are none of them.
    """
    entries = {
        (entry["file"], entry["line"] or 0, entry["reason"]): entry
        for report in reports
        for entry in report.bad_lines
        if not entry["layout"] or entry["layout"] != report.dataset.layout
    }
    return {documents.QUARANTINE: b"".join(orjson.dumps(entry) + b"\n" for _, entry in sorted(entries.items()))} if entries else {}
