"""The data-quality monitor: suggest a baseline from data, or hold windows of captures against one.

list the files of the window's hours        capture
read the hours that are new or changed       refresh: scan (handed out by an engine), store
a data set a window, from its hours' sum     history, dataset
what it is held against                      held_against: the baseline, or windows of its own past
statistics; suggest or evaluate              statistics, constraints; the same for each segment
write everything at once                     outputs
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from hourglass import storage
from hourglass.capture.detect import detect_format
from hourglass.capture.files import InputFile, Listing, list_files
from hourglass.capture.hooks import POSTPROCESS, PREPROCESS, Script, postprocess
from hourglass.capture.manifests import expand_manifests
from hourglass.capture.reader import ReadPlan
from hourglass.capture.slices import Task, cut_tasks
from hourglass.capture.window import Window, hour_of, source_of
from hourglass.constraints import Baseline, Evaluation, SuggestionOptions, Verdict, baseline_from, evaluate, parse_baseline, suggest
from hourglass.constraints.baseline_drift_check import KEY as DRIFT
from hourglass.dataset import Dataset, dataset_of, without_columns
from hourglass.errors import InputError, did_you_mean
from hourglass.history import History
from hourglass.hours import HourStates
from hourglass.monitors.refresh import Engine, Progress, Refreshed, refresh
from hourglass.monitors.segment_reports import segment_reports
from hourglass.monitors.traffic import retired_traffic
from hourglass.monitors.windows import Plan, days_over, message, need_sound_input
from hourglass.outputs import documents
from hourglass.outputs.report import Coverage, Outcome, ReferenceReport, Report
from hourglass.outputs.write import write_reports
from hourglass.scan import SamplePlan, ScanPlan
from hourglass.settings import Settings
from hourglass.states import COLUMN_STATES
from hourglass.store import StateStore, read_states
from hourglass.undefined import Undefined

MONITOR = "data-quality"
RowChecks = Callable[[Sequence[Task], ReadPlan, Dataset], tuple[Sequence[Evaluation], Sequence[dict[str, Any]]]]


@dataclass(frozen=True)
class Prepared:
    """What can be known, and be wrong, before any data are read: the baseline, the hooks by handler, files, and the store."""

    baseline: Baseline | None
    baseline_states: HourStates | None
    hooks: Mapping[str, Script]
    listing: Listing
    store: StateStore | None


def run(settings: Settings, engine: Engine, parallelism: int = 2) -> Outcome:
    """Runs the whole job on an engine that is up."""
    return complete(settings, prepare(settings), engine, parallelism)


def prepare(settings: Settings) -> Prepared:
    """Reads the baseline and the hooks and lists the files, so that mistakes show before an engine is started."""
    storage.need_writable(settings.output_path, "--output-path")
    store = None
    if settings.state_root is not None:
        storage.need_writable(settings.state_root, "--state-root")
        store = StateStore(settings.state_root, MONITOR)
    listing = of_endpoint(list_files(settings.dataset_source, settings.span), settings.sagemaker_endpoint_name)
    need_variants(settings, listing.sources)
    wanted = tuple(file for file in listing.files if is_read(settings, source_of(file.partition)))
    return Prepared(
        None if settings.suggests else read_baseline(settings),
        read_baseline_states(settings),
        read_hooks(settings),
        replace(listing, files=wanted),
        store,
    )


def complete(
    settings: Settings,
    prepared: Prepared,
    engine: Engine,
    parallelism: int,
    progress: Progress = lambda _done, _all: None,
    own_checks: RowChecks | None = None,
) -> Outcome:
    """The pass and all that follows: everything is computed before anything is written but the hours' states."""
    history, refreshed = read_hours(settings, prepared, engine, parallelism, progress)
    reports = tuple(report_windows(settings, prepared, history, refreshed))
    if again := history.damaged & set(refreshed.current):  # their captures are there, so they are made again
        history, refreshed = read_hours(settings, prepared, engine, parallelism, progress, again)
        reports = tuple(report_windows(settings, prepared, history, refreshed))
    if own_checks is not None:
        reports = tuple(with_own_checks(settings, prepared, report, own_checks, parallelism) for report in reports)
    need_sound_input(settings, reports, prepared.listing)
    write_reports(settings, reports, prepared.baseline, prepared.listing.looked_at)
    if POSTPROCESS in prepared.hooks:
        postprocess(prepared.hooks[POSTPROCESS])
    return Outcome(reports, message(settings, reports, prepared.listing))


def read_hours(
    settings: Settings,
    prepared: Prepared,
    engine: Engine,
    parallelism: int,
    progress: Progress = lambda _done, _all: None,
    again: Collection[str] = (),
) -> tuple[History, Refreshed]:
    """Reads the hours that are new or changed, and those in `again`, and gives access to them and to those in the store."""
    plan, files = plan_pass(settings, prepared)
    refreshed = refresh(files, plan, prepared.store, engine, parallelism, progress, again)
    if prepared.store is not None and settings.span is not None:
        for day, source in days_over(refreshed.read, settings.span.end):
            # the sum is kept, so that no later window has to open the day's hours
            History(refreshed.fresh, prepared.store, reading=refreshed.reading).sum(day, source.__eq__)
    return History(refreshed.fresh, prepared.store, settings.span, refreshed.reading), refreshed


def fill(
    settings: Settings, prepared: Prepared, engine: Engine, parallelism: int, progress: Progress = lambda _done, _all: None
) -> Refreshed:
    """Reads the hours that the store lacks, and again those whose stored states turn out to be damaged; no reports."""
    _, filled = read_hours(settings, prepared, engine, parallelism, progress)
    again = prepared.store.damaged(filled.current) if prepared.store is not None else set()
    if not again:
        return filled
    _, mended = read_hours(settings, prepared, engine, parallelism, progress, again)
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


def read_baseline(settings: Settings) -> Baseline:
    """The baseline that the settings name."""
    return parse_baseline(
        _file_or_in(settings.baseline_constraints, documents.CONSTRAINTS_JSON),
        _file_or_in(settings.baseline_statistics, documents.STATISTICS_JSON),
        settings.categorical_drift_method,
        constraints_path=settings.baseline_constraints or documents.CONSTRAINTS_JSON,
        statistics_path=settings.baseline_statistics or documents.STATISTICS_JSON,
    )


def _file_or_in(path: str | None, name: str) -> bytes | None:
    if path is None:
        return None
    return storage.read_bytes(path if path.endswith(".json") else storage.join(path, name))


def read_baseline_states(settings: Settings) -> HourStates | None:
    """The states of the baseline, which segments are held against: where the settings say, or beside its statistics."""
    if not settings.segments or settings.suggests:
        return None
    if settings.baseline_states is not None:
        found = read_states(settings.baseline_states)
        if found is None:
            raise InputError("baseline_states", found=f"no file {settings.baseline_states}", expected=documents.BASELINE_STATES)
        return found.states()
    given = settings.baseline_statistics or settings.baseline_constraints or ""
    folder = given.rpartition("/")[0] if given.endswith(".json") else given
    found = read_states(storage.join(folder, documents.BASELINE_STATES))
    return found.states() if found is not None else None


def read_hooks(settings: Settings) -> dict[str, Script]:
    """The user's scripts by their handler; one that does not load ends the job before any data are read."""
    paths = {PREPROCESS: settings.record_preprocessor_script, POSTPROCESS: settings.post_analytics_processor_script}
    hooks = {handler: Script.read(path) for handler, path in paths.items() if path is not None}
    for handler, script in hooks.items():
        script.handler(handler)
    return hooks


def plan_pass(settings: Settings, prepared: Prepared) -> tuple[ScanPlan, list[InputFile]]:
    """How the files are read, and which they are."""
    ordinary, batch = expand_manifests(prepared.listing.files)
    files = [*ordinary, *(part.file for part in batch)]
    form = settings.dataset_format or detect_format(files)
    keeps_rows = settings.sample_rows > 0 and bool(settings.segments or settings.state_root)
    read = ReadPlan(
        form,
        names=prepared.baseline.names if prepared.baseline else (),
        window=settings.span,
        preprocessor=prepared.hooks.get(PREPROCESS),
        inputs=tuple((part.file.path, part.input_path) for part in batch if part.input_path),
        batch_paths=frozenset(part.file.path for part in batch),
        ids=keeps_rows,
        whole_rows=bool(settings.segments),
    )
    sample = SamplePlan(settings.sample_rows, settings.sample_without, settings.sample_hashed) if keeps_rows else None
    return ScanPlan(read, tuple(COLUMN_STATES), settings.segments, sample), files


def report_windows(settings: Settings, prepared: Prepared, history: History, refreshed: Refreshed) -> Iterator[Report]:
    """A report for each window of the run."""
    plan = Plan(settings.window or (), settings.window_kind, prepared.store is not None)
    partitions = {*refreshed.read, *refreshed.current}
    for length, window in plan.windows(settings.span, partitions):
        summed = history.sum(window, partial(_is_ours, settings, prepared), partitions if window is None else None)
        traffic = summed.traffic
        if settings.variant is not None and settings.retired_variants:
            traffic = history.sum(window, lambda source: source in prepared.listing.sources and is_read(settings, source)).traffic
        expected = sum(1 for _ in window.hours()) if window else len(summed.hours)
        report = _report(settings, prepared, history, Asked(window, length, summed.states, traffic))
        warnings = (*refreshed.warnings, *summed.warnings, *report.coverage.warnings)
        yield replace(report, length=length, coverage=Coverage(expected, len(summed.hours), warnings), **_kept(summed.states))


def _is_ours(settings: Settings, prepared: Prepared, source: str) -> bool:
    """Whether stored hours belong to this run's data set; a store may have those of many."""
    return not source or (source in prepared.listing.sources and is_wanted(settings, source))


@dataclass(frozen=True)
class Asked:
    """A window that is to be reported: its states, and the rows of each endpoint and variant in it."""

    window: Window | None
    length: timedelta | None
    states: HourStates
    traffic: Mapping[str, int]


def _report(settings: Settings, prepared: Prepared, history: History, asked: Asked) -> Report:
    dataset = dataset_of(asked.states)
    options = SuggestionOptions(settings.completeness_interval, settings.integral_domains)
    excluded = settings.exclude_features_attribute or ()
    if settings.suggests and settings.reference.is_baseline:
        need_columns(settings, dataset, ())
        dataset = without_columns(dataset, named(excluded, dataset.columns))
        return Report(asked.window, dataset, constraints=suggest(dataset, options), states=asked.states, traffic=asked.traffic)
    past = held_against(settings, prepared, history, asked)
    common: dict[str, Any] = {"reference": past.reference, "traffic": asked.traffic, "coverage": Coverage(warnings=past.warnings)}
    retired = tuple(retired_traffic(settings.retired_variants or (), asked.traffic))
    if isinstance(past.baseline, Undefined):
        left_out = named(excluded, dataset.columns)
        lacking = Evaluation("", DRIFT, f"distance from {settings.reference}", None, None, Verdict.INSUFFICIENT, past.baseline.reason)
        segments = segment_reports(settings.segments, asked.states, None, Baseline({}), left_out, options)
        return Report(asked.window, without_columns(dataset, left_out), (*retired, lacking), segments=segments, **common)
    baseline = past.baseline
    need_columns(settings, dataset, baseline.features)
    if dataset.positional and not baseline.ordered:
        subject = settings.baseline_statistics or "baseline_statistics"
        hint = "set --baseline-constraints too: a constraints.json has the features in their order"
        raise InputError(subject, found="a profile, whose columns are in no order", expected="the order of the data's columns", hint=hint)
    left_out = named(excluded, baseline.features)
    dataset = without_columns(dataset, left_out)
    features = {name: feature for name, feature in baseline.features.items() if name not in left_out}
    kept = replace(baseline, features=features, left_out=left_out)
    segments = segment_reports(settings.segments, asked.states, past.states, kept, left_out, options)
    evaluations = (*retired, *evaluate(dataset, kept))
    return Report(asked.window, dataset, evaluations, segments=segments, asked=kept.document, **common)


def need_columns(settings: Settings, dataset: Dataset, known: Collection[str]) -> None:
    """InputError when the settings name a column that neither the data nor the baseline has: a slip, not a lost column."""
    columns = {*dataset.columns, *known}
    named = [(f"segments: {by.name}", column) for by in settings.segments for column in by.columns]
    named += [("sample_without", column) for column in settings.sample_without]
    named += [("sample_hashed", column) for column in settings.sample_hashed]
    for subject, column in named if dataset.rows else ():
        if column not in columns:
            hint = did_you_mean(column, columns)
            raise InputError(subject, found=f"no column {column!r}", expected="a column of the data", hint=hint)


def with_own_checks(settings: Settings, prepared: Prepared, report: Report, checks: RowChecks, parallelism: int) -> Report:
    """The report with what the user's own checks say of the window's rows, whose files are read once more for it."""
    plan, files = plan_pass(settings, prepared)
    hours = {"", *report.window.hours()} if report.window else None
    tasks = cut_tasks([file for file in files if hours is None or hour_of(file.partition) in hours], plan.read.form, parallelism)
    if report.dataset.rows == 0 or not tasks:
        return report
    evaluations, metrics = checks(tasks, plan.read, report.dataset)
    return replace(report, evaluations=(*report.evaluations, *evaluations), deequ_metrics=tuple(metrics))


def _kept(states: HourStates) -> dict[str, Any]:
    return {"bad_lines": tuple(states.bad_lines), "kept_rows": len(states.sample) if states.sample is not None else 0}


@dataclass(frozen=True)
class Past:
    """What a window is compared with: as constraints and distributions, as states for its segments, and where it is from."""

    baseline: Baseline | Undefined
    states: HourStates | None
    reference: ReferenceReport
    warnings: tuple[str, ...] = ()


def held_against(settings: Settings, prepared: Prepared, history: History, asked: Asked) -> Past:
    """The fixed baseline, or the sum of the windows that the reference names."""
    if settings.reference.is_baseline:
        if prepared.baseline is None:
            raise InputError("baseline", found="none", expected="a baseline", hint="set --baseline-constraints")
        return Past(prepared.baseline, prepared.baseline_states, ReferenceReport())
    if asked.window is None:
        raise InputError("reference", found=str(settings.reference), expected="a window", hint="set --start-time and --end-time")
    windows = tuple(settings.reference.windows(asked.window, asked.length))
    sums = [history.sum(window, partial(_is_ours, settings, prepared)) for window in windows]
    states = HourStates.merged([summed.states for summed in sums])
    options = SuggestionOptions(settings.completeness_interval, settings.integral_domains)
    baseline = baseline_from(dataset_of(states), prepared.baseline, options)
    hours = sum(1 for window in windows for _ in window.hours())
    reference = ReferenceReport(str(settings.reference), windows, Coverage(hours, sum(len(summed.hours) for summed in sums)))
    return Past(baseline, states, reference, tuple(warning for summed in sums for warning in summed.warnings))


def named(excluded: Sequence[str], columns: Mapping[str, object]) -> frozenset[str]:
    """The columns that are excluded by name or, where none is called so, by number from 0; InputError for others.

    >>> sorted(named(["1", "zip"], {"age": 1, "sex": 2, "zip": 3}))
    ['sex', 'zip']
    """
    names = list(columns)
    found = {names[int(name)] if name not in columns and name.isdigit() and int(name) < len(names) else name for name in excluded}
    unknown = sorted(found - columns.keys())
    if unknown and names:
        raise InputError("exclude_features_attribute", found=repr(unknown[0]), expected="a column", hint=did_you_mean(unknown[0], names))
    return frozenset(found)
