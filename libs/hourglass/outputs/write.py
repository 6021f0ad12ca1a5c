"""Everything that a run writes, put together first and written at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Protocol

import orjson

from hourglass import storage
from hourglass.capture.window import duration_name, hour_name
from hourglass.constraints import Verdict
from hourglass.errors import EnvironmentFault
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.report import Report, SegmentReport
from hourglass.settings import Settings
from hourglass.stages import stage
from hourglass.store import states_bytes

LOCAL_METRICS = "cloudwatch_metrics.jsonl"
PLATFORM_METRICS = "data-metrics"  # the only ones that the platform publishes from its file
_JUDGED = {Verdict.PASS, Verdict.VIOLATION}


class Outputs(Protocol):
    """What is particular to a monitor's files and metrics."""

    metrics_name: ClassVar[str]
    sometimes: ClassVar[tuple[str, ...]]  # files that a window may be without; those of an earlier run are removed then

    def files(self, report: Report) -> dict[str, bytes]:
        """The monitor's own files of a window."""
        ...

    def segment_files(self, segment: SegmentReport) -> dict[str, bytes]:
        """The same of a segment."""
        ...

    def metrics(self, report: Report) -> Iterable[cloudwatch.Metric]:
        """Its metrics of a window, without time and dimensions."""
        ...


@stage("write")
def write_reports(settings: Settings, reports: Sequence[Report], outputs: Outputs, looked_at: Sequence[str]) -> tuple[str, ...]:
    """Writes the files of all windows, and publishes the metrics; returns warnings.

    On the platform the metrics go to its file, elsewhere among the reports. A quarantine of an earlier run is removed
    when this one has none.
    """
    contents: dict[str, bytes] = {}
    metrics: list[cloudwatch.Metric] = []
    for report in reports:
        folder = report_folder(settings, report)
        contents |= {folder + name: data for name, data in report_files(report, outputs, looked_at).items()}
        if not settings.window or report.length == min(settings.window):  # those of other lengths would have the same names
            metrics += report_metrics(settings, report, outputs)
    contents |= quarantine(reports)
    if settings.publish_cloudwatch_metrics == "Enabled" and not settings.on_platform:
        contents[LOCAL_METRICS] = cloudwatch.metric_lines(metrics)
    earlier = {documents.QUARANTINE, LOCAL_METRICS, *_segments_of_earlier_runs(settings, reports)}
    earlier |= {report_folder(settings, report) + name for report in reports for name in outputs.sometimes}
    storage.write_files(settings.output_path, contents, remove=tuple(sorted(earlier - contents.keys())))
    return _publish(settings, metrics, outputs.metrics_name) if settings.publish_cloudwatch_metrics == "Enabled" else ()


def _publish(settings: Settings, metrics: Sequence[cloudwatch.Metric], name: str) -> tuple[str, ...]:
    """Hands metrics to the platform, or to CloudWatch itself: the platform's file is for the metrics of data quality only.

    Where nobody asked for CloudWatch's own call, its failure is a warning and the metrics are in the file.
    """
    asked = settings.publish == "put-metric-data"
    fault = ""
    if asked or (settings.publish is None and settings.on_platform and name != PLATFORM_METRICS and _has_aws()):
        try:
            cloudwatch.put_metrics(metrics, name, endpoint=settings.sagemaker_endpoint_name is not None)
        except EnvironmentFault as problem:
            if asked:
                raise
            fault = f"{problem}. They are in the platform's file"
        else:
            if not asked:
                return ()
    if settings.on_platform:
        storage.write_files(settings.container_root, {cloudwatch.METRICS_FILE: cloudwatch.metric_lines(metrics)})
    return (fault,) if fault else ()


def _has_aws() -> bool:
    """Whether the platform gave this container a role and a region."""
    return any(name in os.environ for name in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"))


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


def report_files(report: Report, outputs: Outputs, looked_at: Sequence[str]) -> dict[str, bytes]:
    """The files of one window and of its segments."""
    files = outputs.files(report)
    if report.segments:
        files[documents.SEGMENTS_JSON] = documents.to_json(documents.segments_document(report))
    for segment in report.segments:
        folder = documents.segment_folder(segment.name)
        files |= {f"{folder}/{name}": data for name, data in outputs.segment_files(segment).items()}
    if report.states is not None:
        files[documents.BASELINE_STATES] = states_bytes(replace(report.states, sample=None, bad_lines=[]))
    # last, so that a reader who finds it finds all that it speaks of
    return {**files, documents.EVALUATION_JSON: documents.to_json(documents.evaluation_document(report, looked_at))}


def report_metrics(settings: Settings, report: Report, outputs: Outputs) -> Iterator[cloudwatch.Metric]:
    """The metrics of one window, at the time that the settings state or at the window's start."""
    time = settings.metric_time if settings.window is None else None
    if time is None:
        time = report.window.start if report.window else datetime.now(UTC)
    dimensions = cloudwatch.monitor_dimensions(settings.sagemaker_endpoint_name, settings.sagemaker_monitoring_schedule_name)
    common = cloudwatch.common_parts(dimensions, time)
    violations = report.all_violations if report.verdict in _JUDGED else None
    for metric in (*cloudwatch.window_metrics(report.dataset, violations), *outputs.metrics(report)):
        own = [*common["Dimensions"], *metric.get("Dimensions", ())]
        yield {"MetricName": metric["MetricName"], **common, **metric, "Dimensions": own}


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
