"""Everything that a run writes, put together first and written at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from hourglass import storage
from hourglass.capture.window import hour_name
from hourglass.constraints import Baseline
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.report import Report
from hourglass.settings import Settings

LOCAL_METRICS = "cloudwatch_metrics.jsonl"


def write_reports(
    settings: Settings,
    reports: Sequence[Report],
    baseline: Baseline | None,
    bad_lines: Sequence[dict[str, Any]],
    looked_at: Sequence[str],
) -> None:
    """Writes the files of all windows, and publishes the metrics.

    On the platform the metrics go to its file, elsewhere among the reports. A quarantine of an earlier run is removed
    when this one has none.
    """
    contents: dict[str, bytes] = {}
    metrics: list[cloudwatch.Metric] = []
    for report in reports:
        folder = f"{hour_name(report.window.start)}/" if settings.window and report.window else ""
        files = report_files(report, baseline, looked_at)
        contents |= {folder + name: data for name, data in files.items()}
        metrics += report_metrics(settings, report, baseline)
    contents |= quarantine(bad_lines, reports)
    publishes = settings.publish_cloudwatch_metrics == "Enabled"
    if publishes and not settings.on_platform:
        contents[LOCAL_METRICS] = cloudwatch.metric_lines(metrics)
    storage.write_files(settings.output_path, contents, remove=tuple({documents.QUARANTINE, LOCAL_METRICS} - contents.keys()))
    if publishes and settings.on_platform:
        storage.write_files(settings.container_root, {cloudwatch.METRICS_FILE: cloudwatch.metric_lines(metrics)})
    if publishes and settings.publish == "put-metric-data":
        cloudwatch.put_metrics(metrics, endpoint=settings.sagemaker_endpoint_name is not None)


def report_files(report: Report, baseline: Baseline | None, looked_at: Sequence[str]) -> dict[str, bytes]:
    """The files of one window; constraints that were given are passed on as they are."""
    given = baseline.document if baseline is not None else None
    evaluation = documents.evaluation_document(report.window, report.dataset, report.evaluations, report.verdict, looked_at)
    return {
        documents.STATISTICS_JSON: documents.to_json(documents.statistics_document(report.dataset)),
        documents.CONSTRAINTS_JSON: given or documents.to_json(report.constraints or documents.NO_CONSTRAINTS),
        documents.VIOLATIONS_JSON: documents.to_json(documents.violations_document(report.evaluations)),
        documents.EVALUATION_JSON: documents.to_json(evaluation),
    }


def report_metrics(settings: Settings, report: Report, baseline: Baseline | None) -> list[cloudwatch.Metric]:
    """The metrics of one window, at the time that the settings state or at the window's start."""
    time = settings.metric_time if settings.window is None else None
    if time is None:
        time = report.window.start if report.window else datetime.now(UTC)
    dimensions = {"Endpoint": settings.sagemaker_endpoint_name, "MonitoringSchedule": settings.sagemaker_monitoring_schedule_name}
    return list(cloudwatch.data_metrics(report.dataset, baseline, report.evaluations, dimensions, time))


def quarantine(bad_lines: Sequence[dict[str, Any]], reports: Sequence[Report]) -> dict[str, bytes]:
    """The quarantine's file, one JSON a line, by file and line; nothing when no line was set aside.

    The workers cannot know which number of columns most rows of a window have; lines whose number turned out to be the
    window's own are none of them.
    """
    layouts = {hour: report.dataset.layout for report in reports if report.window for hour in report.window.hours()}
    whole = reports[0].dataset.layout if len(reports) == 1 else ""
    entries = [entry for entry in bad_lines if not entry["layout"] or entry["layout"] != layouts.get(entry["hour"], whole)]
    entries.sort(key=lambda entry: (entry["file"], entry["line"] or 0))
    return {documents.QUARANTINE: b"".join(orjson.dumps(entry) + b"\n" for entry in entries)} if entries else {}
