"""A monitor's run, whatever it watches.

list the files of the window's hours        capture
read the hours that are new or changed       refresh: scan (handed out by an engine), store
a report a window, from its hours' sum       history, the monitor's own part
write everything at once                     outputs
tell who asked to be told of violations      notify

Each of these is a stage (`hourglass.stages`), which whoever watches the run sees begin and end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from itertools import islice
from typing import Any, ClassVar, Protocol

import numpy as np

from hourglass import storage
from hourglass.capture.attributes import find_attribute
from hourglass.capture.batches import Batch, ReadPlan
from hourglass.capture.detect import detect_format
from hourglass.capture.documents import load
from hourglass.capture.files import InputFile, Listing, list_files
from hourglass.capture.hooks import POSTPROCESS, PREPROCESS, Script, postprocess
from hourglass.capture.manifests import expand_manifests
from hourglass.capture.payloads import Column
from hourglass.capture.reader import read_batches
from hourglass.capture.slices import Task, cut_tasks
from hourglass.capture.tally import Tally
from hourglass.capture.window import Window, hour_of, source_of
from hourglass.constraints import Evaluation
from hourglass.dataset import Dataset
from hourglass.errors import InputError, did_you_mean
from hourglass.history import History, Summed
from hourglass.hours import HourStates
from hourglass.monitors.refresh import Engine, Progress, Refreshed, refresh
from hourglass.monitors.windows import Plan, days_over, message, need_sound_input, no_data
from hourglass.outputs.documents import ANALYSIS_JSON, CONSTRAINTS_JSON
from hourglass.outputs.notified import tell
from hourglass.outputs.report import Coverage, Outcome, Report
from hourglass.outputs.write import Outputs, write_reports
from hourglass.scan import ScanPlan
from hourglass.segments import MISSING, Segmentation, segmentation_of
from hourglass.settings import Settings
from hourglass.stages import stage
from hourglass.store import StateStore

_BASELINES = ANALYSIS_JSON, CONSTRAINTS_JSON
_FIRST_BATCHES, _FIRST_ROWS = 8, 1000  # of each

RowChecks = Callable[[Sequence[Task], ReadPlan, Dataset], tuple[Sequence[Evaluation], Sequence[dict[str, Any]]]]


@dataclass(frozen=True)
class FirstRows:
    """Some of the first rows of the data; the very first records may be errors, or unlabelled.

    Records have sides, an input and an answer, and may have labels that were `merged` into them.
    """

    batches: tuple[Batch, ...] = ()
    has_sides: bool = False
    merged: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns."""
        return _names(batch.columns for batch in self.batches)

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of those in which a prediction is looked for."""
        return _names(batch.columns if batch.answers is None else batch.answers for batch in self.batches)

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The names of merged labels; None where labels are not merged."""
        return _names(batch.labels or {} for batch in self.batches) if self.merged else None


@dataclass(frozen=True)
class Asked:
    """A window that is to be reported: its states, and the rows of each endpoint and variant in it.

    `sum` gives the states of other windows of the same data, `first` the first rows, from the files, and `parts` the
    window in parts of consecutive rows: its hours, or runs of rows where these are few. `latest` is the last
    window of its length.
    """

    window: Window | None
    length: timedelta | None
    states: HourStates
    traffic: Mapping[str, int]
    sum: Callable[[Window], Summed]
    first: Callable[[], FirstRows]
    parts: Callable[[], Sequence[HourStates]]
    latest: bool = True


class Monitor(Protocol):
    """What is particular to a monitor: which states it needs of the rows, and what it says of a window by them."""

    name: ClassVar[str]

    @property
    def outputs(self) -> Outputs:
        """What its files and metrics are."""
        ...

    def plan(self, read: ReadPlan) -> ScanPlan:
        """What a pass is to find out; `read` says how the files are read, as far as every monitor has it."""
        ...

    def report(self, asked: Asked) -> Report:
        """What there is to say of a window."""
        ...


@dataclass(frozen=True)
class Job:
    """What can be known, and be wrong, before any data are read: the settings, the hooks by handler, files, and the store."""

    settings: Settings
    monitor: Monitor
    hooks: Mapping[str, Script]
    listing: Listing
    store: StateStore | None


@stage("prepare", facts=lambda job: {"files": len(job.listing.files)})
def prepare(settings: Settings, monitor: Callable[[Settings], Monitor]) -> Job:
    """Reads the baseline and the hooks and lists the files, so that mistakes show before an engine is started."""
    storage.need_writable(settings.output_path, "--output-path")
    made = monitor(settings)
    store = None
    if settings.state_root is not None:
        storage.need_writable(settings.state_root, "--state-root")
        store = StateStore(settings.state_root, made.name)
    listing = of_endpoint(list_files(settings.dataset_source, settings.span), settings.sagemaker_endpoint_name)
    need_variants(settings, listing.sources)
    wanted = tuple(file for file in listing.files if is_read(settings, source_of(file.partition)))
    return Job(settings, made, read_hooks(settings), replace(listing, files=wanted), store)


def complete(
    job: Job,
    engine: Engine,
    parallelism: int,
    progress: Progress = lambda _done, _all: None,
    own_checks: RowChecks | None = None,
) -> Outcome:
    """The pass and all that follows: everything is computed before anything is written but the hours' states."""
    history, refreshed = read_hours(job, engine, parallelism, progress)
    reports = report_windows(job, history, refreshed)
    if again := history.damaged & set(refreshed.current):  # their captures are there, so they are made again
        history, refreshed = read_hours(job, engine, parallelism, progress, again)
        reports = report_windows(job, history, refreshed)
    if own_checks is not None:
        reports = check_rows(job, reports, own_checks, parallelism)
    need_sound_input(job.settings, reports, job.listing)
    warnings = write_reports(job.settings, reports, job.monitor.outputs, job.listing.looked_at)
    told = tell(job.settings, job.monitor.name, reports)
    if POSTPROCESS in job.hooks:
        postprocess(job.hooks[POSTPROCESS])
    return Outcome(reports, message(job.settings, reports, job.listing), (*warnings, *told.warnings))


@stage("read", facts=lambda read: read[1].facts())
def read_hours(
    job: Job, engine: Engine, parallelism: int, progress: Progress = lambda _done, _all: None, again: Collection[str] = ()
) -> tuple[History, Refreshed]:
    """Reads the hours that are new or changed, and those in `again`, and gives access to them and to those in the store."""
    plan, files = plan_pass(job)
    span = job.settings.span
    refreshed = refresh(files, plan, job.store, engine, parallelism, progress, again)
    if job.store is not None and span is not None:
        for day, source in days_over(refreshed.read, span.end):
            # the sum is kept, so that no later window has to open the day's hours
            History(refreshed.fresh, job.store, reading=refreshed.reading).sum(day, source.__eq__)
    return History(refreshed.fresh, job.store, span, refreshed.reading), refreshed


def fill(job: Job, engine: Engine, parallelism: int, progress: Progress = lambda _done, _all: None) -> Refreshed:
    """Reads the hours that the store lacks, and again those whose stored states turn out to be damaged; no reports."""
    _, filled = read_hours(job, engine, parallelism, progress)
    if not job.listing.files:
        return replace(filled, warnings=(*filled.warnings, no_data(job.listing, job.settings.variant)))
    again = job.store.damaged(filled.current) if job.store is not None else set()
    if not again:
        return filled
    _, mended = read_hours(job, engine, parallelism, progress, again)
    return replace(mended, read=(*filled.read, *mended.read), current=tuple(set(filled.current) - again))


def of_endpoint(listing: Listing, name: str | None) -> Listing:
    """What was found of an endpoint.

    Where the only folder of an endpoint has another name, as the platform's mounts may, it is this endpoint's.
    """
    endpoints = sorted({source.partition("/")[0] for source in listing.sources})
    if name is None or not endpoints:
        return listing
    if name not in endpoints and len(endpoints) > 1:
        hint = did_you_mean(name, endpoints)
        raise InputError("sagemaker_endpoint_name", found=repr(name), expected=f"one of the folders {', '.join(endpoints)}", hint=hint)
    chosen = name if name in endpoints else endpoints[0]
    files = [
        replace(file, partition=f"{name}/{file.partition.partition('/')[2]}") if file.partition else file
        for file in listing.files
        if not file.partition or file.partition.partition("/")[0] == chosen
    ]
    sources = {f"{name}/{source.partition('/')[2]}" for source in listing.sources if source.partition("/")[0] == chosen}
    return replace(listing, files=tuple(files), sources=frozenset(sources))


def need_variants(settings: Settings, sources: Collection[str]) -> None:
    """InputError when a variant that the settings name is not there, but one with nearly its name is."""
    known = {*sources, *(source.partition("/")[2] for source in sources)}
    for setting, names in (("variant", settings.variant), ("retired_variants", settings.retired_variants)):
        for name in names or ():
            if name not in known and (hint := did_you_mean(name, known)):
                raise InputError(setting, found=repr(name), expected=f"one of {', '.join(sorted(sources))}", hint=hint)


def is_wanted(settings: Settings, source: str) -> bool:
    """Whether the rows of an `endpoint/variant` are to be in the statistics."""
    return not source or settings.variant is None or _is_among(settings.variant, source)


def is_read(settings: Settings, source: str) -> bool:
    """Whether the files of an `endpoint/variant` are to be read: also of one that should get no traffic any more."""
    return is_wanted(settings, source) or _is_among(settings.retired_variants or (), source)


def _is_among(names: Collection[str], source: str) -> bool:
    return source in names or source.partition("/")[2] in names


def read_hooks(settings: Settings) -> dict[str, Script]:
    """The user's scripts by their handler; one that does not load ends the job before any data are read."""
    paths = {PREPROCESS: settings.record_preprocessor_script, POSTPROCESS: settings.post_analytics_processor_script}
    hooks = {handler: Script.read(path) for handler, path in paths.items() if path is not None}
    for handler, script in hooks.items():
        script.handler(handler)
    return hooks


def read_document(path: str | None, name: str) -> bytes | None:
    """A baseline's document, by its own path or its folder's; None where none is set."""
    if path is None:
        return None
    if path.endswith(".json"):
        return storage.read_bytes(path)
    found = storage.read_if_there(storage.join(path, name))
    if found is None:
        others = [other for other in _BASELINES if name in _BASELINES and storage.file_info(storage.join(path, other)).is_file]
        hint = f"it has {', '.join(others)}: is it the baseline of another monitor?" if others else None
        raise InputError(path, found=f"no {name}", expected="a baseline of this monitor", hint=hint)
    return found


def json_object(data: bytes, path: str) -> Mapping[str, Any]:
    """The object in a JSON file's bytes; InputError that names the path when it holds anything else."""
    try:
        document = load(data)
    except ValueError as fault:
        raise InputError(path, found=str(fault), expected="JSON") from fault
    if not isinstance(document, dict):
        raise InputError(path, found=type(document).__name__, expected="a JSON object")
    return document


def plan_pass(job: Job) -> tuple[ScanPlan, list[InputFile]]:
    """How the files are read, and which they are."""
    ordinary, batch = expand_manifests(job.listing.files)
    files = [*ordinary, *(part.file for part in batch)]
    read = ReadPlan(
        job.settings.dataset_format or detect_format(files),
        window=job.settings.span,
        preprocessor=job.hooks.get(PREPROCESS),
        inputs=tuple((part.file.path, part.input_path) for part in batch if part.input_path),
        batch_paths=frozenset(part.file.path for part in batch),
    )
    return job.monitor.plan(read), files


def read_first(plan: ScanPlan, files: Sequence[InputFile]) -> Iterator[Batch]:
    """The rows of the data from the first on, as far as somebody asks for them."""
    for task in cut_tasks(files, plan.read.form, 1):
        yield from read_batches(task, plan.read, Tally())


def first_rows(job: Job) -> FirstRows:
    """Rows of the first batches of the data."""
    plan, files = plan_pass(job)
    batches = tuple(batch.take(np.arange(min(batch.count, _FIRST_ROWS))) for batch in islice(read_first(plan, files), _FIRST_BATCHES))
    of_a_model = plan.read.form.captured or bool(plan.read.batch_paths)
    return FirstRows(batches, of_a_model and plan.read.preprocessor is None, plan.read.labels)


def need_names(subjects: Iterable[tuple[str, str | None]], names: Iterable[str]) -> None:
    """InputError for the first attribute that is not among the columns of the data, if it has any: a slip."""
    columns = dict.fromkeys(names, ())
    for subject, attribute in subjects:
        if not columns or attribute is None or find_attribute(attribute, columns) is not None:
            continue
        if parts := [name for name in columns if name.startswith(f"{attribute}.")]:
            raise InputError(subject, found=f"an object, {attribute!r}", expected="a value", hint=f"name one of {', '.join(parts)}")
        hint = did_you_mean(attribute, columns)
        raise InputError(subject, found=f"no column {attribute!r}", expected=f"one of {', '.join(columns)}", hint=hint)


def need_segments(segments: Sequence[Segmentation], asked: Asked) -> None:
    """InputError where a segmentation of which no row has a value names a column that the data have not: a slip."""
    for by in segments:
        values = {name.partition("=")[2] for name in asked.states.segments if segmentation_of(name) == by.name}
        if not values if by.condition else values <= {MISSING}:
            need_names([(f"segments: {by.name}", column) for column in by.columns], asked.first().columns)


def asked_segments(segments: Sequence[Segmentation], states: HourStates) -> Iterator[tuple[str, HourStates]]:
    """The segments of some hours that are asked for now; stored hours may have others."""
    wanted = {by.name for by in segments}
    return ((name, segment) for name, segment in states.segments.items() if segmentation_of(name) in wanted)


def subject_of(settings: Settings, asked: Asked) -> str:
    """What a window's report is about: the endpoint, or where its rows came from."""
    return settings.sagemaker_endpoint_name or ", ".join(filter(None, asked.traffic)) or settings.dataset_source


def _names(batches: Iterable[Mapping[str, Column]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for columns in batches for name in columns))


@stage("report", facts=lambda reports: {"windows": len(reports)})
def report_windows(job: Job, history: History, refreshed: Refreshed) -> tuple[Report, ...]:
    """A report for each window of the run."""
    return tuple(_reports(job, history, refreshed))


def _reports(job: Job, history: History, refreshed: Refreshed) -> Iterator[Report]:
    settings = job.settings
    plan = Plan(settings.window or (), settings.window_kind, job.store is not None)
    partitions = {*refreshed.read, *refreshed.current}
    is_ours = partial(_is_ours, job)
    first = cache(partial(first_rows, job))
    windows = list(plan.windows(settings.span, partitions))
    latest = dict(windows)
    for length, window in windows:
        summed = history.sum(window, is_ours, partitions if window is None else None)
        traffic = summed.traffic
        if settings.variant is not None and settings.retired_variants:
            traffic = history.sum(window, lambda source: source in job.listing.sources and is_read(settings, source)).traffic
        expected = sum(1 for _ in window.hours()) if window else len(summed.hours)
        parts = partial(_parts, history, window, is_ours, refreshed)
        asked = Asked(window, length, summed.states, traffic, partial(history.sum, wanted=is_ours), first, parts, latest[length] == window)
        report = job.monitor.report(asked)
        warnings = (*refreshed.warnings, *summed.warnings, *report.coverage.warnings)
        yield replace(report, length=length, coverage=Coverage(expected, len(summed.hours), warnings), **_kept(summed.states))


def _parts(history: History, window: Window | None, wanted: Callable[[str], bool], refreshed: Refreshed) -> list[HourStates]:
    if refreshed.runs:
        return list(refreshed.runs)
    names = sorted({hour_of(partition) for partition in history.hours(window, wanted)} - {""})
    return [history.sum(Window.of_hour(name), wanted).states for name in names]


def _is_ours(job: Job, source: str) -> bool:
    """Whether stored hours belong to this run's data set; a store may have those of many."""
    return not source or (source in job.listing.sources and is_wanted(job.settings, source))


@stage("own checks")
def check_rows(job: Job, reports: Iterable[Report], checks: RowChecks, parallelism: int) -> tuple[Report, ...]:
    """The reports with what the user's own checks say."""
    return tuple(with_own_checks(job, report, checks, parallelism) for report in reports)


def with_own_checks(job: Job, report: Report, checks: RowChecks, parallelism: int) -> Report:
    """The report with what the user's own checks say of the window's rows, whose files are read once more for it."""
    plan, files = plan_pass(job)
    hours = {"", *report.window.hours()} if report.window else None
    tasks = cut_tasks([file for file in files if hours is None or hour_of(file.partition) in hours], plan.read.form, parallelism)
    if report.dataset.rows == 0 or not tasks:
        return report
    evaluations, metrics = checks(tasks, plan.read, report.dataset)
    return replace(report, evaluations=(*report.evaluations, *evaluations), deequ_metrics=tuple(metrics))


def _kept(states: HourStates) -> dict[str, Any]:
    return {"bad_lines": tuple(states.bad_lines), "kept_rows": len(states.sample) if states.sample is not None else 0}
