"""The ground-truth merge: captured requests joined with labels that come later, hour by hour.

list captures, labels and what is there      capture
which hours are new or changed               join.hour_report: made from the same files, and all of it there?
join them                                    join (handed out by an engine), which stages the merged files
too many bad lines? then nothing changes     here
put files in their places, reports last      storage, outputs
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pyarrow as pa

from hourglass import storage
from hourglass.capture.files import InputFile
from hourglass.capture.records import NO_CAPTURE
from hourglass.capture.window import HOUR, hour_of, hour_start, source_of
from hourglass.errors import HourglassError, InputError
from hourglass.join.hour_report import (
    EMPTY,
    HOUR_REPORT,
    Delays,
    HourReport,
    MergedFile,
    known_files,
)
from hourglass.join.joined import Joined
from hourglass.join.labels import NO_TRUTH
from hourglass.join.plan import EARLY_HOURS, JoinPlan, hour_number, plan_join
from hourglass.monitors.job import is_wanted
from hourglass.monitors.merge_inputs import Prepared, Task, asked, is_done, label_wait_hours, labels_of, prepare
from hourglass.monitors.windows import no_data
from hourglass.outputs import cloudwatch, documents
from hourglass.outputs.merge_report import (
    CURRENT,
    KEPT,
    MERGE_REPORT,
    UNCHANGED,
    WRITTEN,
    LabelHour,
    MergedHour,
    MergeOutcome,
    merge_document,
    merge_metrics,
)
from hourglass.outputs.message import completed
from hourglass.outputs.write import LOCAL_METRICS, PLATFORM_METRICS
from hourglass.settings import Settings
from hourglass.stages import stage
from hourglass.states import Quantiles

JoinEngine = Callable[[JoinPlan], pa.Table]

_THREADS = 16


def run(settings: Settings, engine: JoinEngine, parallelism: int = 2) -> MergeOutcome:
    """Runs the whole job on an engine that is up."""
    return complete(settings, prepare(settings), engine, parallelism)


def complete(settings: Settings, prepared: Prepared, engine: JoinEngine, parallelism: int) -> MergeOutcome:
    """The join and all that follows; nothing that is there changes before all is known to be sound."""
    for path in prepared.abandoned:
        storage.remove(path)
    _need_labels(settings, prepared)
    tasks = {task.partition: task for task in asked(settings, prepared)}
    stale = [partition for partition, task in tasks.items() if not is_done(settings, prepared, task)]
    labels = labels_of(settings, prepared, stale)
    joined = _join(settings, prepared, stale, labels, engine, parallelism)
    hours = _placed(settings, prepared, tasks, joined)
    earlier = _earlier_label_hours(settings.output_path)
    label_hours = tuple(_label_hours(settings, prepared, joined, labels, hours, earlier))
    before = {hour: found.settled for hour, found in earlier.items()}
    news = frozenset(found.hour for found in label_hours if found.settled != before.get(found.hour))
    warnings = tuple(_warnings(settings, prepared, hours))
    outcome = MergeOutcome(hours, label_hours, _message(settings, prepared, hours), warnings, news)
    _write(settings, outcome, _quarantined(settings, prepared, joined, labels))
    return outcome


@stage("join", facts=lambda joined: joined.facts())
def _join(
    settings: Settings, prepared: Prepared, stale: Collection[str], labels: Sequence[InputFile], engine: JoinEngine, parallelism: int
) -> Joined:
    """Runs the join of the hours that are to be made; when it ends badly, the files that it has staged are removed."""
    if not stale:
        return Joined()
    files = [file for partition in stale for file in prepared.captures[partition]]
    known = {(partition, name): file.sha256 for partition in stale for name, file in _known(prepared, partition).items()}
    plan = plan_join(
        [file for file in files if file.partition not in prepared.batch_partitions],
        [file for file in files if file.partition in prepared.batch_partitions],
        labels,
        known,
        parallelism,
        wait=label_wait_hours(settings),
        output=settings.output_path,
        token=secrets.token_hex(4),
        batch_form=prepared.batch_form,
    )
    joined = Joined(plan)
    with _unstaged_at_failure(plan):
        for payload in sorted(engine(plan)["payload"].to_pylist()):
            joined.take(orjson.loads(payload))
        _need_sound_input(settings, joined)
    return joined


@contextmanager
def _unstaged_at_failure(plan: JoinPlan | None) -> Iterator[None]:
    """Removes what a join has staged when the block ends badly, as on a full disk: what is not in its place by then never will be."""
    try:
        yield
    except BaseException:
        if plan is not None:
            with suppress(HourglassError):  # what made it fail is what is to be said; a later run removes what is left
                _remove_staged(plan)
        raise


def _known(prepared: Prepared, partition: str) -> dict[str, MergedFile]:
    return known_files(prepared.reports.get(partition), prepared.there.get(partition, {}))


def _remove_staged(plan: JoinPlan) -> None:
    """Removes what the workers of a run have staged, also those whose task was run once more."""
    folders = [storage.join(plan.output, partition) for partition in plan.partitions]
    with ThreadPoolExecutor(_THREADS) as threads:
        found = [info for infos in threads.map(lambda folder: storage.listing(folder, recursive=False), folders) for info in infos]
        names = [storage.spelled(info.path, plan.output) for info in found if f".{plan.token}-" in info.base_name]
        list(threads.map(storage.remove, names))


def _need_labels(settings: Settings, prepared: Prepared) -> None:
    """InputError where the labels' place is gone and earlier runs have matched some: a slip must not empty what they made."""
    matched = sum(report.matched for report in prepared.reports.values())
    if matched and not prepared.label_listing.files and not storage.is_directory(str(settings.ground_truth_source)):
        found = f"{no_data(prepared.label_listing)}, where earlier runs have matched {matched:,} captures"
        hint = "check the path; merged files that are to go can be deleted"
        raise InputError(f"ground_truth_source {settings.ground_truth_source}", found=found, expected="files of labels", hint=hint)


def _need_sound_input(settings: Settings, joined: Joined) -> None:
    """Ends the job when too many lines of either side are unusable; they are written to quarantine first."""
    captures = sum(joined.bad.values(), Counter[str]()), sum(counts["lines"] for counts in joined.intake.values())
    labels = sum(joined.label_bad.values(), Counter[str]()), sum(joined.label_lines.values())
    swapped = captures[0][NO_CAPTURE] * 2 > captures[1] and labels[0][NO_TRUTH] * 2 >= labels[1]
    for source, (bad, lines) in ((settings.dataset_source, captures), (str(settings.ground_truth_source), labels)):
        share = sum(bad.values()) / lines if lines else 0.0
        if share > settings.max_bad_lines:
            storage.write_files(settings.output_path, {documents.QUARANTINE: _lines(joined.bad_lines)})
            reasons = ", ".join(f"{count} {reason}" for reason, count in bad.most_common())
            see = f"see {documents.QUARANTINE} in {settings.output_path}, or set --max-bad-lines"
            raise InputError(
                source,
                found=f"{share:.1%} of {lines} lines unusable ({reasons})",
                expected=f"at most {settings.max_bad_lines:.1%}",
                hint="dataset_source and ground_truth_source may be swapped" if swapped else see,
            )


@stage("place", facts=lambda hours: {"hours": len(hours)})
def _placed(settings: Settings, prepared: Prepared, tasks: Mapping[str, Task], joined: Joined) -> tuple[MergedHour, ...]:
    with _unstaged_at_failure(joined.plan):
        return tuple(_hours(settings, prepared, tasks, joined))


def _hours(settings: Settings, prepared: Prepared, tasks: Mapping[str, Task], joined: Joined) -> Iterator[MergedHour]:
    """Every hour of the run in order; those that were made are put in their places."""
    made = {partition for partition, task in tasks.items() if partition in joined.intake}
    files = joined.merged_files()
    reports = [_report(settings, tasks[partition], joined, files[partition]) for partition in sorted(made)]
    with ThreadPoolExecutor(_THREADS) as threads:
        published = {hour.report.partition: hour for hour in threads.map(partial(_publish, settings, prepared, joined), reports)}
    for partition in sorted({*tasks, *_gone(settings, prepared, tasks)}, key=lambda place: (hour_of(place), place)):
        if partition in made:
            yield published[partition]
        elif partition in prepared.reports:
            yield MergedHour(prepared.reports[partition], CURRENT if partition in tasks else KEPT)


def _gone(settings: Settings, prepared: Prepared, tasks: Collection[str]) -> Iterator[str]:
    """Hours that an earlier run has merged and whose captures are gone; what was made of them stays."""
    inside = set(settings.span.hours()) if settings.span else None
    for partition in prepared.reports:
        wanted = is_wanted(settings, source_of(partition)) and settings.sagemaker_endpoint_name in {None, partition.partition("/")[0]}
        if partition not in tasks and wanted and (inside is None or hour_of(partition) in inside):
            yield partition


def _report(settings: Settings, task: Task, joined: Joined, files: Mapping[str, MergedFile]) -> HourReport:
    partition = task.partition
    intake, became = joined.intake[partition], joined.became.get(partition, Counter())
    delays = joined.delays.get(partition, [])
    return HourReport(
        partition,
        label_wait_hours(settings),
        task.captures,
        task.labels,
        intake["lines"],
        sum(file.records for file in files.values()),
        became["unmatched"],
        became["duplicated"],
        intake["without_id"],
        {reason: count for reason, count in joined.bad[partition].items() if count},
        intake["outside"],
        dict(joined.pairs.get(partition, {})),
        became["passed_over"],
        Delays(
            Quantiles.merged([found.state for found in delays]),
            sum(found.from_times for found in delays),
            sum(found.from_hours for found in delays),
        ),
        files,
    )


def _publish(settings: Settings, prepared: Prepared, joined: Joined, report: HourReport) -> MergedHour:
    """Puts the files of an hour in their places, removes those that it has no more, and writes its report last.

    A reader finds each file as it was or as it is now. From the first change until the last the hour has no report: a run
    that is killed between must not leave one behind that is about other files, for the next run would believe it.
    """
    folder = storage.join(settings.output_path, report.partition)
    known = _known(prepared, report.partition)
    staged = {name: token for name, (_, token) in joined.files.get(report.partition, {}).items() if token is not None}
    for name, file in report.files.items():
        if file is EMPTY and known.get(name) != EMPTY:  # no worker has had a line for it
            staged[name] = secrets.token_hex(6)
            with storage.staged(storage.join(folder, name), staged[name]) as stage:
                stage.write(b"")
    stale = [name for name in prepared.there.get(report.partition, {}) if name.startswith("part-") and name not in report.files]
    times = {name: file.modified for name, file in known.items()}
    if staged or stale:
        storage.remove(storage.join(folder, HOUR_REPORT))
        times |= storage.unstage(folder, staged)
        for name in stale:
            storage.remove(storage.join(folder, name))
    report = replace(report, files={name: replace(file, modified=times.get(name, 0)) for name, file in report.files.items()})
    earlier = prepared.reports.get(report.partition)
    data = report.to_bytes()
    if staged or stale or earlier is None or earlier.to_bytes() != data:
        storage.write_files(folder, {HOUR_REPORT: data})
    changed = earlier is None or not report.says_what(earlier)
    return MergedHour(report, WRITTEN if staged or stale else UNCHANGED, changed=changed)


def _label_hours(
    settings: Settings,
    prepared: Prepared,
    joined: Joined,
    labels: Iterable[InputFile],
    hours: Sequence[MergedHour],
    earlier: Mapping[str, LabelHour],
) -> Iterator[LabelHour]:
    """The hours of the labels that were read; of those that were not, what the last run found, if their files are there.

    Only where all captures in reach were read in this run is it known what became of each label. Elsewhere, of the labels
    that no capture took which was read now, as many count as used as captures of hours that were not read again took.
    """
    taken = Counter[str]()
    for done in hours:
        taken.update(done.report.labels_used if done.status == CURRENT else ())
    read = {hour_of(file.partition) for file in labels}
    unread = _unread_hours(settings, prepared, hours)
    for hour in sorted({hour_of(file.partition) for file in prepared.label_listing.files}):
        if hour in read:
            became = joined.label_became.get(hour, Counter())
            before = min(taken[hour], became["left"])
            bad = {reason: count for reason, count in joined.label_bad.get(hour, Counter()).items() if count}
            counts = joined.label_lines[hour], became["used"] + before, became["superseded"], became["left"] - before, bad
            complete = _looks_at_all(settings, hour) and not _is_in_reach(settings, hour, unread)
            settled = counts[3] if complete else earlier[hour].settled if hour in earlier else None
            yield LabelHour(hour, *counts, complete=complete, settled=settled)
        elif hour in earlier:
            yield replace(earlier[hour], complete=False)


def _unread_hours(settings: Settings, prepared: Prepared, hours: Iterable[MergedHour]) -> set[int]:
    """The hours of captures that this run has not read: those that were merged already, are gone, or of other variants."""
    places = {hour.report.partition for hour in hours if hour.status in {CURRENT, KEPT}}
    places |= {file.partition for file in prepared.listing.files if not is_wanted(settings, source_of(file.partition))}
    return {hour_number(hour_of(place)) for place in places}


def _is_in_reach(settings: Settings, hour: str, captured: Collection[int]) -> bool:
    """Whether an hour's labels count for any of some hours of captures."""
    first = hour_number(hour) - label_wait_hours(settings)
    return any(number in captured for number in range(first, hour_number(hour) + EARLY_HOURS + 1))


def _looks_at_all(settings: Settings, hour: str) -> bool:
    """Whether the window has all hours of captures for which an hour's labels count, so that the rest has no capture."""
    if settings.span is None:
        return True
    first = hour_start(hour) - settings.label_wait
    return settings.span.start < first + HOUR and hour_start(hour) < settings.span.end


def _earlier_label_hours(output: str) -> dict[str, LabelHour]:
    place = storage.join(output, MERGE_REPORT)
    try:
        found = orjson.loads(storage.read_bytes(place))["label_hours"] if storage.file_info(place).is_file else []
        return {entry["hour"]: LabelHour(**entry) for entry in found}
    except (ValueError, KeyError, TypeError):
        return {}


def _message(settings: Settings, prepared: Prepared, hours: Sequence[MergedHour]) -> str:
    """The sentence for the message file."""
    within = f" from {settings.span}" if settings.span else ""
    if not any(hour.report.lines for hour in hours):
        if settings.require_data:
            hint = "check --dataset-source, --start-time and --end-time"
            raise InputError(f"captures{within}", found=no_data(prepared.listing), expected="at least one record", hint=hint)
        prefix = settings.sagemaker_endpoint_datacapture_prefix
        captured = f" (captured to {prefix})" if prefix else ""
        return f"Completed: No data{within}: {no_data(prepared.listing)}{captured}."
    if not prepared.label_listing.files:
        count = sum(hour.report.requests for hour in hours)
        return f"Completed: No ground truth: {no_data(prepared.label_listing)}; 0 of {count} captures have a label."
    return completed(0)


def _warnings(settings: Settings, prepared: Prepared, hours: Sequence[MergedHour]) -> Iterator[str]:
    gone = [hour_of(hour.report.partition) for hour in hours if hour.status == KEPT]
    if gone:
        yield f"the captures of {len(gone)} merged hours are gone ({gone[0]} to {gone[-1]}); their merged files stay as they are"
    beyond = len(prepared.label_listing.files) - len(labels_of(settings, prepared, prepared.captures))
    if prepared.captures and beyond:
        yield f"{beyond} files of labels are of hours that count for no hour with captures; they were not read"
    outside = sum(hour.report.outside for hour in hours)
    if outside:
        yield f"{outside:,} captures have the time of another hour than their folder's; they count in their folder's"


def _quarantined(settings: Settings, prepared: Prepared, joined: Joined, labels: Iterable[InputFile]) -> bytes:
    """The bad lines of all files that are there: those of this run, and of files that were not read again those of earlier ones."""
    place = storage.join(settings.output_path, documents.QUARANTINE)
    read = {piece.path for part in (joined.plan.parts if joined.plan else ()) for piece in part.slices} | {file.path for file in labels}
    there = {file.path for files in (*prepared.captures.values(), prepared.label_listing.files) for file in files}
    earlier = storage.read_bytes(place).splitlines() if storage.file_info(place).is_file else []
    loaded = [entry for entry in map(_loaded, earlier) if entry is not None]
    kept = [entry for entry in loaded if entry["file"] in there and entry["file"] not in read]
    return _lines([*kept, *joined.bad_lines])


def _loaded(line: bytes) -> dict[str, Any] | None:
    try:
        return dict(orjson.loads(line))
    except (ValueError, TypeError):
        return None


def _lines(entries: Iterable[dict[str, Any]]) -> bytes:
    ordered = sorted(entries, key=lambda entry: (entry["file"], entry["line"] or 0, entry["reason"]))
    return b"".join(orjson.dumps(entry) + b"\n" for entry in ordered)


@stage("write")
def _write(settings: Settings, outcome: MergeOutcome, bad_lines: bytes) -> None:
    """Writes the report of the run, the bad lines, and the metrics."""
    document = merge_document(outcome, settings)
    contents = {documents.QUARANTINE: bad_lines} if bad_lines else {}
    metrics: list[cloudwatch.Metric] = []
    if settings.publish_cloudwatch_metrics == "Enabled":
        dimensions = cloudwatch.monitor_dimensions(settings.sagemaker_endpoint_name, settings.sagemaker_monitoring_schedule_name)
        metrics = list(merge_metrics(outcome, dimensions, settings.metric_time))
        if settings.on_platform:
            storage.write_files(settings.container_root, {cloudwatch.METRICS_FILE: cloudwatch.metric_lines(metrics)})
        else:
            contents[LOCAL_METRICS] = cloudwatch.metric_lines(metrics)
    contents[MERGE_REPORT] = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    removed = tuple(sorted({documents.QUARANTINE, LOCAL_METRICS} - contents.keys()))
    storage.write_files(settings.output_path, contents, remove=removed)
    if metrics and settings.publish == "put-metric-data":
        cloudwatch.put_metrics(metrics, PLATFORM_METRICS, endpoint=settings.sagemaker_endpoint_name is not None)
