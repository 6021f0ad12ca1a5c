"""The data-quality monitor: suggest a baseline from data, or hold windows of captures against one.

list the files of the window's hours        capture
read the hours that are new or changed       refresh: scan (handed out by an engine), store
a data set a window, from its hours' sum     history, dataset
what it is held against                      held_against: the baseline, or windows of its own past
statistics; suggest or evaluate              statistics, constraints; the same for each segment
write everything at once                     outputs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from hourglass.dataset import Dataset, dataset_of, without_columns
from hourglass.errors import InputError, did_you_mean
from hourglass.history import History, Summed
from hourglass.hours import HourStates
from hourglass.monitors.refresh import Engine, Progress, Refreshed, refresh
from hourglass.monitors.segment_reports import segment_reports
from hourglass.monitors.traffic import retired_traffic
from hourglass.monitors.windows import Plan, days_over, message, need_sound_input
from hourglass.outputs import documents
from hourglass.outputs.report import Coverage, Outcome, Report
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
    storage.need_writable(settings.output_path)
    store = None
    if settings.state_root is not None:
        storage.need_writable(settings.state_root)
        store = StateStore(settings.state_root, MONITOR)
    listing = list_files(settings.dataset_source, settings.span)
    files = tuple(_of_endpoint(file, settings) for file in listing.files)
    wanted = tuple(file for file in files if is_wanted(settings, source_of(file.partition)))
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
    if own_checks is not None:
        reports = tuple(with_own_checks(settings, prepared, report, own_checks, parallelism) for report in reports)
    need_sound_input(settings, reports, prepared.listing)
    write_reports(settings, reports, prepared.baseline, prepared.listing.looked_at)
    if POSTPROCESS in prepared.hooks:
        postprocess(prepared.hooks[POSTPROCESS])
    return Outcome(reports, message(settings, reports, prepared.listing))


def read_hours(
    settings: Settings, prepared: Prepared, engine: Engine, parallelism: int, progress: Progress = lambda _done, _all: None
) -> tuple[History, Refreshed]:
    """Reads the hours that are new or changed, and gives access to them and to those in the store."""
    plan, files = plan_pass(settings, prepared)
    refreshed = refresh(files, plan, prepared.store, engine, parallelism, progress)
    history = History(refreshed.fresh, prepared.store, settings.span)
    if prepared.store is not None and settings.span is not None:
        for day in days_over(refreshed.read, settings.span.end):
            history.sum(day)  # which keeps it: no later window has to open the day's hours
    return history, refreshed


def _of_endpoint(file: InputFile, settings: Settings) -> InputFile:
    """The file under the endpoint's name that the platform states; its mounts do not always spell it."""
    endpoint, slash, rest = file.partition.partition("/")
    name = settings.sagemaker_endpoint_name
    return replace(file, partition=f"{name}/{rest}") if slash and name and name != endpoint else file


def is_wanted(settings: Settings, source: str) -> bool:
    """Whether an `endpoint/variant` is among those that the settings ask for."""
    endpoint, _, variant = source.partition("/")
    if source and settings.sagemaker_endpoint_name and settings.sagemaker_endpoint_name != endpoint:
        return False
    return not source or settings.variant is None or source in settings.variant or variant in settings.variant


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
        summed = history.sum(window, partial(is_wanted, settings), partitions if window is None else None)
        expected = sum(1 for _ in window.hours()) if window else summed.hours
        report = _report(settings, prepared, history, window, summed)
        coverage = Coverage(expected, summed.hours, (*refreshed.warnings, *summed.unreadable))
        yield replace(report, length=length, coverage=coverage, traffic=summed.traffic, **_kept(summed.states))


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


def _report(settings: Settings, prepared: Prepared, history: History, window: Window | None, summed: Summed) -> Report:
    dataset = dataset_of(summed.states)
    options = SuggestionOptions(settings.completeness_interval, settings.integral_domains)
    excluded = settings.exclude_features_attribute or ()
    if settings.suggests and settings.reference.is_baseline:
        dataset = without_columns(dataset, named(excluded, dataset.columns))
        return Report(window, dataset, constraints=suggest(dataset, options), states=summed.states)
    reference = tuple(settings.reference.windows(window)) if window and not settings.reference.is_baseline else ()
    found = held_against(settings, prepared, history, window, options)
    if isinstance(found, Undefined):
        lacking = Evaluation(
            "", "baseline_drift_check", f"distance from {settings.reference}", None, None, Verdict.INSUFFICIENT, found.reason
        )
        evaluations = (*retired_traffic(settings.retired_variants or (), summed.traffic), lacking)
        segments = segment_reports(summed.states, None, Baseline({}), frozenset(), options)
        return Report(window, dataset, evaluations, reference=settings.reference, held_against=reference, segments=segments)
    baseline, past = found
    if dataset.positional and not baseline.ordered:
        subject = settings.baseline_statistics or "baseline_statistics"
        hint = "set --baseline-constraints too: a constraints.json has the features in their order"
        raise InputError(subject, found="a profile, whose columns are in no order", expected="the order of the data's columns", hint=hint)
    left_out = named(excluded, baseline.features)
    dataset = without_columns(dataset, left_out)
    features = {name: feature for name, feature in baseline.features.items() if name not in left_out}
    kept = replace(baseline, features=features, left_out=left_out)
    evaluations = (*retired_traffic(settings.retired_variants or (), summed.traffic), *evaluate(dataset, kept))
    segments = segment_reports(summed.states, past, kept, left_out, options) if settings.segments else ()
    return Report(window, dataset, evaluations, reference=settings.reference, held_against=reference, segments=segments)


def held_against(
    settings: Settings, prepared: Prepared, history: History, window: Window | None, options: SuggestionOptions
) -> tuple[Baseline, HourStates | None] | Undefined:
    """What a window is compared with, as constraints and distributions, and as states for its segments."""
    if settings.reference.is_baseline:
        if prepared.baseline is None:
            raise InputError("baseline", found="none", expected="a baseline", hint="set --baseline-constraints")
        return prepared.baseline, prepared.baseline_states
    if window is None:
        raise InputError("reference", found=str(settings.reference), expected="a window", hint="set --start-time and --end-time")
    sums = [history.sum(past, partial(is_wanted, settings)).states for past in settings.reference.windows(window)]
    states = HourStates.merged(sums)
    baseline = baseline_from(dataset_of(states), prepared.baseline, options)
    return baseline if isinstance(baseline, Undefined) else (baseline, states)


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
