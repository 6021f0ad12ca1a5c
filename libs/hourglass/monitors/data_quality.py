"""The data-quality monitor: suggest a baseline from data, or hold a window of captures against one.

list the files of the window's hours        capture
one pass: their states by hour               scan (handed out by an engine)
a data set a window, from merged states      dataset
statistics; suggest or evaluate              statistics, constraints
write everything at once                     outputs
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import pyarrow as pa

from hourglass import storage
from hourglass.capture.detect import detect_format
from hourglass.capture.files import Listing, list_files
from hourglass.capture.hooks import POSTPROCESS, PREPROCESS, Script, postprocess
from hourglass.capture.manifests import expand_manifests
from hourglass.capture.reader import ReadPlan
from hourglass.capture.slices import Task, cut_tasks
from hourglass.constraints import Baseline, SuggestionOptions, evaluate, parse_baseline, suggest
from hourglass.dataset import dataset_of
from hourglass.errors import InputError, did_you_mean
from hourglass.hours import Gathered, gather
from hourglass.monitors.windows import message, need_sound_input, windows
from hourglass.outputs import documents
from hourglass.outputs.report import Outcome, Report
from hourglass.outputs.write import write_reports
from hourglass.scan import ScanPlan
from hourglass.settings import Settings
from hourglass.states import COLUMN_STATES

T = TypeVar("T")
Engine = Callable[[Sequence[Task], ScanPlan], pa.Table]


@dataclass(frozen=True)
class Prepared:
    """What can be known, and be wrong, before any data are read: the baseline, the hooks by handler, and the files."""

    baseline: Baseline | None
    hooks: Mapping[str, Script]
    listing: Listing


def run(settings: Settings, engine: Engine, parallelism: int = 2) -> Outcome:
    """Runs the whole job on an engine that is up."""
    return complete(settings, prepare(settings), engine, parallelism)


def prepare(settings: Settings) -> Prepared:
    """Reads the baseline and the hooks and lists the files, so that mistakes show before an engine is started."""
    storage.need_writable(settings.output_path)
    baseline = None if settings.suggests else read_baseline(settings)
    return Prepared(baseline, read_hooks(settings), list_files(settings.dataset_source, settings.span))


def complete(settings: Settings, prepared: Prepared, engine: Engine, parallelism: int) -> Outcome:
    """The pass and all that follows: everything is computed before anything is written."""
    baseline, hooks, listing = prepared.baseline, prepared.hooks, prepared.listing
    plan, tasks = plan_pass(settings, listing, baseline, hooks.get(PREPROCESS), parallelism)
    gathered = gather([engine(tasks, plan)])
    reports = tuple(report_windows(settings, gathered, baseline))
    need_sound_input(settings, reports, gathered, listing)
    write_reports(settings, reports, baseline, gathered.bad_lines, listing.looked_at)
    if POSTPROCESS in hooks:
        postprocess(hooks[POSTPROCESS])
    return Outcome(reports, message(settings, reports, listing))


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
    for window, hours in windows(settings.span, settings.window, gathered):
        dataset = dataset_of(hours)
        if baseline is None:
            left_out = named(excluded, dataset.columns)
            dataset = replace(dataset, columns=without(dataset.columns, left_out))
            yield Report(window, dataset, constraints=suggest(dataset, options))
        else:
            left_out = named(excluded, baseline.features)
            dataset = replace(dataset, columns=without(dataset.columns, left_out))
            kept = replace(baseline, features=without(baseline.features, left_out), left_out=left_out)
            yield Report(window, dataset, tuple(evaluate(dataset, kept)))


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


def without(columns: Mapping[str, T], left_out: Iterable[str]) -> dict[str, T]:
    """The columns but those left out."""
    return {name: column for name, column in columns.items() if name not in left_out}
