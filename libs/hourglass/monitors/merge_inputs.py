"""What a merge starts from: the captures and the labels, and what earlier runs have made of them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

from hourglass import storage
from hourglass.capture.detect import detect_format
from hourglass.capture.files import InputFile, Listing, list_files
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.manifests import expand_manifests
from hourglass.capture.window import HOUR, Window, hour_of, partition_of, source_of
from hourglass.errors import InputError
from hourglass.join.hour_report import (
    HOUR_REPORT,
    HourReport,
    Inputs,
    Stamp,
    is_current,
    report_path,
)
from hourglass.join.plan import LINES, hour_number, hour_spelled, reach
from hourglass.monitors.job import is_wanted, need_variants, of_endpoint
from hourglass.settings import Settings
from hourglass.stages import stage

_THREADS = 16
_ABANDONED_S = 6 * 3600  # a staged file that is older was left by a run that was killed


@dataclass(frozen=True)
class Prepared:
    """What can be known before anything is read: the files of both sides, and what earlier runs have left.

    `there` are the files of the output by partition, as they were listed; `reports` what earlier runs say of these hours.
    """

    listing: Listing
    label_listing: Listing
    captures: Mapping[str, Sequence[InputFile]]
    batch_partitions: frozenset[str]
    batch_form: DatasetFormat
    there: Mapping[str, Mapping[str, Stamp]]
    reports: Mapping[str, HourReport]
    abandoned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """An hour that is to be made: the files of both sides, as its report will name them."""

    partition: str
    captures: Inputs
    labels: Inputs


@stage("prepare", facts=lambda found: {"files": sum(map(len, found.captures.values()))})
def prepare(settings: Settings) -> Prepared:
    """Lists everything, so that mistakes show before an engine is started."""
    if settings.ground_truth_source is None:
        expected = "the directory or URI of the labels, yyyy/mm/dd/hh below it"
        raise InputError("ground_truth_source", found="nothing", expected=expected, hint="set --ground-truth-source")
    storage.need_writable(settings.output_path, "--output-path")
    listing = of_endpoint(list_files(settings.dataset_source, settings.span), settings.sagemaker_endpoint_name)
    need_variants(settings, listing.sources)
    ordinary, batch = expand_manifests(file for file in listing.files if is_wanted(settings, source_of(file.partition)))
    found = [replace(part.file, partition=_batch_partition(settings, part.file)) for part in batch]
    captures: dict[str, list[InputFile]] = {}
    for file in [*ordinary, *found]:
        captures.setdefault(file.partition, []).append(file)
    labels = list_files(settings.ground_truth_source, _reach(settings.span, label_wait_hours(settings)))
    _need_hours(settings.dataset_source, captures)
    _need_hours(settings.ground_truth_source, {file.partition for file in labels.files})
    there, abandoned = _what_is_there(settings)
    return Prepared(
        listing,
        labels,
        dict(sorted(captures.items())),
        frozenset(file.partition for file in found),
        (settings.dataset_format or detect_format(found)) if found else LINES,
        there,
        _reports(settings.output_path, [partition for partition, files in there.items() if HOUR_REPORT in files]),
        abandoned,
    )


def label_wait_hours(settings: Settings) -> int:
    """For how many hours after a capture's labels count."""
    return settings.label_wait // HOUR


def _reach(span: Window | None, wait: int) -> Window | None:
    """The hours whose labels count for the captures of a window."""
    if span is None:
        return None
    start = span.start.replace(minute=0, second=0, microsecond=0)
    return Window(start - HOUR, span.end + timedelta(hours=wait))


def _batch_partition(settings: Settings, file: InputFile) -> str:
    """Where the results of a batch transform go: under the schedule, or the folder above its `output` folder."""
    names = [name for name in source_of(file.partition).split("/") if name not in {"-", "output"}]
    folder = settings.sagemaker_monitoring_schedule_name or (names[-1] if names else "batch")
    return f"{folder}/{hour_of(file.partition)}" if file.partition else ""


def _need_hours(source: str, partitions: Collection[str]) -> None:
    if "" in partitions:
        hint = "labels and captures are joined by their hours: put the files into folders of the hours they came in"
        raise InputError(source, found="files outside of yyyy/mm/dd/hh folders", expected="a tree of hours", hint=hint)


def _what_is_there(settings: Settings) -> tuple[dict[str, dict[str, Stamp]], tuple[str, ...]]:
    """The files in the output's hours by partition, and staged files that killed runs have left."""
    output = settings.output_path
    prefixes = list_files(output, settings.span).looked_at
    with ThreadPoolExecutor(_THREADS) as threads:
        found = [info for infos in threads.map(lambda prefix: storage.listing(prefix, recursive=True), prefixes) for info in infos]
    there: dict[str, dict[str, Stamp]] = {}
    abandoned = []
    for info in found:
        path = storage.spelled(info.path, output)
        partition = path.removeprefix(f"{output}/").rpartition("/")[0]
        if not info.is_file or not partition_of(path):
            continue
        there.setdefault(partition, {})[info.base_name] = Stamp(info.size, info.mtime_ns or 0)
        if info.base_name.startswith(".part-") and time.time() - info.mtime_ns / 1e9 > _ABANDONED_S:
            abandoned.append(path)
    return there, tuple(abandoned)


def _reports(output: str, partitions: Sequence[str]) -> dict[str, HourReport]:
    with ThreadPoolExecutor(_THREADS) as threads:
        contents = dict(
            zip(partitions, threads.map(lambda place: storage.read_if_there(report_path(output, place)), partitions), strict=True)
        )
    found = {partition: HourReport.from_bytes(partition, data) for partition, data in contents.items() if data is not None}
    return {partition: report for partition, report in found.items() if report is not None}


def needs_join(settings: Settings, prepared: Prepared) -> bool:
    """Whether any hour is new or changed, so that an engine is needed."""
    return not all(is_done(settings, prepared, task) for task in asked(settings, prepared))


def asked(settings: Settings, prepared: Prepared) -> Iterator[Task]:
    """Every hour that has captures, with what its report would have to say of its files."""
    by_hour: dict[int, list[InputFile]] = {}
    for file in prepared.label_listing.files:
        by_hour.setdefault(hour_number(hour_of(file.partition)), []).append(file)
    root = str(settings.ground_truth_source)
    hours = {number: (hour_spelled(number), Inputs.of(files, root)) for number, files in by_hour.items()}
    reached: dict[str, Inputs] = {}
    for partition, files in prepared.captures.items():
        hour = hour_of(partition)
        if hour not in reached:
            reached[hour] = Inputs.together(hours[number] for number in reach(hour, label_wait_hours(settings)) if number in hours)
        form = f"{prepared.batch_form.kind} {prepared.batch_form.header}\n" if partition in prepared.batch_partitions else ""
        yield Task(partition, Inputs.of(files, settings.dataset_source, form), reached[hour])


def is_done(settings: Settings, prepared: Prepared, task: Task) -> bool:
    """Whether an earlier run has made the hour from just these files."""
    there = prepared.there.get(task.partition, {})
    return is_current(prepared.reports.get(task.partition), label_wait_hours(settings), task.captures, task.labels, there)


def labels_of(settings: Settings, prepared: Prepared, partitions: Collection[str]) -> list[InputFile]:
    """The label files that count for at least one of the hours."""
    hours = {hour_of(partition) for partition in partitions}
    numbers = {number for hour in hours for number in reach(hour, label_wait_hours(settings))}
    return [file for file in prepared.label_listing.files if hour_number(hour_of(file.partition)) in numbers]
