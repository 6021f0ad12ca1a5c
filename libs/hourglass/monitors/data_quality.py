"""The data-quality monitor: suggest a baseline from data, or hold a window of captures against one.

list the files of the window's hours        capture
one pass: their states by hour               scan (handed out by an engine)
a data set a window, from merged states      dataset
statistics; suggest or evaluate              statistics, constraints
write everything at once                     outputs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
import pyarrow as pa

from hourglass import storage
from hourglass.capture.detect import detect_format
from hourglass.capture.files import Listing, list_files
from hourglass.capture.hooks import POSTPROCESS, PREPROCESS, Script, postprocess
from hourglass.capture.manifests import expand_manifests
from hourglass.capture.reader import WRONG_WIDTH, ReadPlan
from hourglass.capture.slices import Task, cut_tasks
from hourglass.capture.window import Window, format_time, hour_name, hour_start
from hourglass.constraints import Baseline, Evaluation, SuggestionOptions, Verdict, evaluate, parse_baseline, suggest
from hourglass.dataset import Dataset, dataset_of
from hourglass.errors import InputError, did_you_mean
from hourglass.hours import Gathered, HourStates, gather
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.message import completed
from hourglass.scan import ScanPlan
from hourglass.settings import Settings
from hourglass.states import COLUMN_STATES

T = TypeVar("T")
Engine = Callable[[Sequence[Task], ScanPlan], pa.Table]
_SHOWN_PREFIXES = 3


@dataclass(frozen=True)
class Report:
    """What a run says of one window."""

    window: Window | None
    dataset: Dataset
    evaluations: tuple[Evaluation, ...]
    constraints: dict[str, Any] | None = None

    @property
    def violations(self) -> tuple[Evaluation, ...]:
        """The evaluations that violate their constraint."""
        return tuple(found for found in self.evaluations if found.verdict is Verdict.VIOLATION)

    @property
    def verdict(self) -> str:
        """The worst of the window: no data, violation, or pass; "suggested" where there was nothing to hold it against."""
        if self.dataset.rows == 0:
            return Verdict.NO_DATA
        if self.constraints is not None:
            return "suggested"
        return Verdict.VIOLATION if self.violations else Verdict.PASS


@dataclass(frozen=True)
class Outcome:
    """What a run did: its reports in the order of their windows, and the sentence for the message file."""

    reports: tuple[Report, ...]
    message: str

    @property
    def violations(self) -> int:
        """How many violations all windows have."""
        return sum(len(report.violations) for report in self.reports)


def run(settings: Settings, engine: Engine, parallelism: int = 2) -> Outcome:
    """Runs the job: everything is computed before anything is written, and each file appears whole or not at all."""
    baseline = None if settings.suggests else read_baseline(settings)
    hooks = read_hooks(settings)
    listing = list_files(settings.dataset_source, settings.span)
    plan, tasks = plan_pass(settings, listing, baseline, hooks.get(PREPROCESS), parallelism)
    gathered = gather([engine(tasks, plan)])
    reports = tuple(report_windows(settings, gathered, baseline))
    need_sound_input(settings, reports, gathered, listing)
    write_reports(settings, reports, baseline, gathered, listing)
    if POSTPROCESS in hooks:
        postprocess(hooks[POSTPROCESS])
    return Outcome(reports, message(reports, listing, settings))


def read_baseline(settings: Settings) -> Baseline:
    """The baseline that the settings name."""
    return parse_baseline(
        _file_or_in(settings.baseline_constraints, documents.CONSTRAINTS_JSON),
        _file_or_in(settings.baseline_statistics, documents.STATISTICS_JSON),
        settings.categorical_drift_method,
    )


def _file_or_in(path: str | None, name: str) -> bytes | None:
    if path is None:
        return None
    return storage.read_bytes(path if path.endswith(".json") else storage.join(path, name))


def read_hooks(settings: Settings) -> dict[str, Script]:
    """The user's scripts by their handler; one that does not load ends the job before any data are read."""
    paths = {PREPROCESS: settings.record_preprocessor_script, POSTPROCESS: settings.post_analytics_processor_script}
    hooks = {handler: Script.read(path) for handler, path in paths.items() if path is not None}
    for handler, script in hooks.items():
        script.handler(handler)
    return hooks


def plan_pass(
    settings: Settings, listing: Listing, baseline: Baseline | None, preprocessor: Script | None, parallelism: int
) -> tuple[ScanPlan, list[Task]]:
    """How the files are read, and the tasks they make."""
    ordinary, batch = expand_manifests(listing.files)
    files = [*ordinary, *(part.file for part in batch)]
    form = settings.dataset_format or detect_format(files)
    read = ReadPlan(
        form,
        names=baseline.names if baseline else (),
        window=settings.span,
        preprocessor=preprocessor,
        inputs=tuple((part.file.path, part.input_path) for part in batch if part.input_path),
        batch_paths=frozenset(part.file.path for part in batch),
    )
    return ScanPlan(read, tuple(COLUMN_STATES)), cut_tasks(files, form, parallelism)


def report_windows(settings: Settings, gathered: Gathered, baseline: Baseline | None) -> Iterator[Report]:
    """A report for each window of the run."""
    options = SuggestionOptions(settings.completeness_interval, settings.integral_domains)
    excluded = settings.exclude_features_attribute or ()
    if baseline is not None:
        kept = without(baseline.features, excluded)
        baseline = replace(baseline, features=kept, left_out=frozenset(baseline.features.keys() - kept.keys()))
    for window, hours in windows(settings, gathered):
        dataset = dataset_of(hours)
        dataset = replace(dataset, columns=without(dataset.columns, excluded))
        if baseline is None:
            yield Report(window, dataset, (), suggest(dataset, options))
        else:
            yield Report(window, dataset, tuple(evaluate(dataset, baseline)))


def windows(settings: Settings, gathered: Gathered) -> Iterator[tuple[Window | None, list[HourStates]]]:
    """The windows to report: the whole span, or pieces of the length that the settings ask for, with their hours."""
    span, length = settings.span, settings.window
    if length is None:
        yield span, list(gathered.hours.values())
        return
    if span is None:
        times = [hour_start(hour) for hour in gathered.hours]
        if not times:
            yield None, []
            return
        first = min(times)
        midnight = first.replace(hour=0)
        span = Window(midnight + (first - midnight) // length * length, max(times) + timedelta(hours=1))
    start = span.start
    while start < span.end:
        window = Window(start, min(start + length, span.end))
        yield window, [gathered.hours[hour] for hour in window.hours() if hour in gathered.hours]
        start += length


def without(columns: Mapping[str, T], excluded: Sequence[str]) -> dict[str, T]:
    """The columns but those excluded by name or, where no column is called so, by number from 0.

    >>> without({"age": 1, "sex": 2}, ["1"])
    {'age': 1}
    """
    names = list(columns)
    out = {names[int(name)] if name not in columns and name.isdigit() and int(name) < len(names) else name for name in excluded}
    unknown = sorted(out - columns.keys())
    if unknown and names:
        raise InputError("exclude_features_attribute", found=repr(unknown[0]), expected="a column", hint=did_you_mean(unknown[0], names))
    return {name: column for name, column in columns.items() if name not in out}


def need_sound_input(settings: Settings, reports: Sequence[Report], gathered: Gathered, listing: Listing) -> None:
    """Ends the job when too many lines are unusable, or data are required and there are none.

    The lines are written to quarantine first, so that the reason can be looked into.
    """
    rows = sum(report.dataset.rows for report in reports)
    worst = max(reports, key=lambda report: _failing_share(report), default=None)
    if worst is not None and _failing_share(worst) > settings.max_bad_lines:
        storage.write_files(settings.output_path, {documents.QUARANTINE: quarantine_lines(gathered, reports)})
        intake = worst.dataset.intake
        reasons = ", ".join(f"{count} {reason}" for reason, count in intake.bad.most_common())
        raise InputError(
            f"{settings.dataset_source}{f' in {worst.window}' if worst.window else ''}",
            found=f"{intake.bad_share:.1%} of {intake.lines} lines unusable ({reasons})",
            expected=f"at most {settings.max_bad_lines:.1%}",
            hint=f"see {documents.QUARANTINE} in {settings.output_path}, or set --max-bad-lines",
        )
    if rows == 0 and (settings.require_data or settings.suggests):
        raise InputError(
            "data",
            found=no_data(listing),
            expected="at least one record" if settings.require_data else "records to suggest a baseline from",
            hint="check --dataset-source, --start-time and --end-time",
        )


def _failing_share(report: Report) -> float:
    """Share of lines that count against the limit; against a baseline the number of columns is a check, not a failure."""
    intake = report.dataset.intake
    columns = 0 if report.constraints is not None else intake.bad[WRONG_WIDTH]
    return (intake.bad_lines - columns) / intake.lines if intake.lines else 0.0


def no_data(listing: Listing) -> str:
    """Which prefixes were looked at in vain."""
    shown = ", ".join(listing.looked_at[:_SHOWN_PREFIXES])
    more = len(listing.looked_at) - _SHOWN_PREFIXES
    found = f"{len(listing.files)} files without records" if listing.files else "no files"
    return f"{found} under {shown}{f' and {more} more prefixes' if more > 0 else ''}"


def write_reports(
    settings: Settings,
    reports: Sequence[Report],
    baseline: Baseline | None,
    gathered: Gathered,
    listing: Listing,
) -> None:
    """Writes the files of all windows, and publishes the metrics."""
    contents: dict[str, bytes] = {}
    metrics: list[cloudwatch.Metric] = []
    for report in reports:
        folder = f"{hour_name(report.window.start)}/" if settings.window and report.window else ""
        for name, document in report_documents(settings, report, listing).items():
            contents[folder + name] = document
        metrics += report_metrics(settings, report, baseline)
    stale: tuple[str, ...] = ()
    quarantine = quarantine_lines(gathered, reports)
    if quarantine:
        contents[documents.QUARANTINE] = quarantine
    else:
        stale = (documents.QUARANTINE,)
    lines = cloudwatch.metric_lines(metrics)
    platform = metrics_path(settings)
    if settings.publish_cloudwatch_metrics == "Enabled" and platform is None:
        contents["cloudwatch_metrics.jsonl"] = lines
    storage.write_files(settings.output_path, contents, remove=stale)
    if settings.publish_cloudwatch_metrics == "Enabled":
        if platform is not None:
            storage.write_files(settings.container_root, {cloudwatch.METRICS_FILE: lines})
        if settings.publish == "put-metric-data":
            cloudwatch.put_metrics(metrics, endpoint=settings.sagemaker_endpoint_name is not None)


def metrics_path(settings: Settings) -> str | None:
    """The platform's metrics file; None away from the platform."""
    root = storage.file_info(settings.container_root)
    return storage.join(settings.container_root, cloudwatch.METRICS_FILE) if root.type.name == "Directory" else None


def report_documents(settings: Settings, report: Report, listing: Listing) -> dict[str, bytes]:
    """The files of one window."""
    constraints = report.constraints
    if constraints is None and settings.baseline_constraints:
        constraints = orjson.loads(_file_or_in(settings.baseline_constraints, documents.CONSTRAINTS_JSON) or b"{}")
    evaluation = documents.evaluation_document(report.window, report.dataset, report.evaluations, report.verdict, listing.looked_at)
    return {
        documents.STATISTICS_JSON: documents.to_json(documents.statistics_document(report.dataset)),
        documents.CONSTRAINTS_JSON: documents.to_json(constraints or {}),
        documents.VIOLATIONS_JSON: documents.to_json(documents.violations_document(report.evaluations)),
        documents.EVALUATION_JSON: documents.to_json(evaluation),
    }


def report_metrics(settings: Settings, report: Report, baseline: Baseline | None) -> list[cloudwatch.Metric]:
    """The metrics of one window."""
    time = settings.metric_time if settings.metric_time and not settings.window else None
    if time is None:
        time = report.window.start if report.window else datetime.now(UTC)
    dimensions = {"Endpoint": settings.sagemaker_endpoint_name, "MonitoringSchedule": settings.sagemaker_monitoring_schedule_name}
    return list(cloudwatch.data_metrics(report.dataset, baseline, report.evaluations, dimensions, time))


def quarantine_lines(gathered: Gathered, reports: Sequence[Report]) -> bytes:
    """The lines that were set aside, one JSON a line, by file and line.

    The workers cannot know which number of columns most rows of a window have; lines whose number turned out to be the
    window's own are none of them.
    """
    layouts = {hour: report.dataset.layout for report in reports for hour in (report.window.hours() if report.window else ())}
    whole = reports[0].dataset.layout if len(reports) == 1 else ""
    entries = [e for e in gathered.bad_lines if not e["layout"] or e["layout"] != layouts.get(e["hour"], whole)]
    entries.sort(key=lambda entry: (entry["file"], entry["line"] or 0))
    return b"".join(orjson.dumps(entry) + b"\n" for entry in entries)


def message(reports: Sequence[Report], listing: Listing, settings: Settings) -> str:
    """The sentence for the message file."""
    violations = sum(len(report.violations) for report in reports)
    if violations == 0 and all(report.dataset.rows == 0 for report in reports):
        prefix = settings.sagemaker_endpoint_datacapture_prefix
        span = f" from {format_time(settings.span.start)} to {format_time(settings.span.end)}" if settings.span else ""
        return f"Completed: No data{span}: {no_data(listing)}{f' (captured to {prefix})' if prefix else ''}."
    return completed(violations)
