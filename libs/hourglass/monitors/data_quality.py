"""The data-quality monitor: suggest a baseline from data, or hold windows of captures against one.

a data set a window, from its hours' sum     dataset
what it is held against                      held_against: the baseline, or windows of its own past
statistics; suggest or evaluate              statistics, constraints; the same for each segment
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import orjson

from hourglass.capture.batches import ReadPlan
from hourglass.comparisons.calibrated import BUDGET
from hourglass.constraints import (
    Baseline,
    Calibration,
    Evaluation,
    Learnt,
    SuggestionOptions,
    Verdict,
    baseline_from,
    evaluate,
    learn_dispersions,
    parse_baseline,
    suggest,
    with_states,
)
from hourglass.constraints.baseline_drift_check import KEY as DRIFT
from hourglass.constraints.calibration import ALL
from hourglass.dataset import Dataset, dataset_of, without_columns
from hourglass.errors import InputError, did_you_mean
from hourglass.hours import HourStates
from hourglass.monitors.given_baseline import read_baseline, read_calibrated
from hourglass.monitors.job import Asked, asked_segments, complete, prepare, subject_of
from hourglass.monitors.refresh import Engine
from hourglass.monitors.segment_reports import segment_reports
from hourglass.monitors.traffic import retired_traffic
from hourglass.outputs.data_quality import DataQualityOutputs
from hourglass.outputs.report import Coverage, DataQualityPage, Outcome, ReferenceReport, Report
from hourglass.runs import RunPlan
from hourglass.scan import SamplePlan, ScanPlan
from hourglass.settings import Settings
from hourglass.small_tests import STATES
from hourglass.states import COLUMN_STATES
from hourglass.undefined import Undefined


def run(settings: Settings, engine: Engine, parallelism: int = 2) -> Outcome:
    """Runs the whole job on an engine that is up."""
    return complete(prepare(settings, DataQuality.prepared), engine, parallelism)


RUNS = 12  # of consecutive rows of a baseline, at least, and less than twice as many


@dataclass(frozen=True)
class DataQuality:
    """Columns held against a baseline: distributions, types, completeness, domains."""

    settings: Settings
    baseline: Baseline | None
    baseline_states: HourStates | None

    name: ClassVar[str] = "data-quality"

    @classmethod
    def prepared(cls, settings: Settings) -> DataQuality:
        """With the baseline that the settings name."""
        if settings.suggests:
            return cls(settings, None, None)
        baseline = read_baseline(settings)
        if not settings.segments and not baseline.budget_parts:
            return cls(settings, baseline, None)
        baseline, states = read_calibrated(settings, baseline)
        return cls(settings, baseline, states)

    @property
    def outputs(self) -> DataQualityOutputs:
        """What its files and metrics are."""
        return DataQualityOutputs(self.baseline)

    def plan(self, read: ReadPlan) -> ScanPlan:
        """Every state of every column, and some rows where segments or a store ask for them."""
        settings = self.settings
        keeps_rows = settings.sample_rows > 0 and bool(settings.segments or settings.state_root)
        names = self.baseline.names if self.baseline else ()
        sample = SamplePlan(settings.sample_rows, settings.sample_without, settings.sample_hashed) if keeps_rows else None
        read = replace(read, names=names, ids=keeps_rows, whole_rows=bool(settings.segments))
        runs = RunPlan(RUNS, STATES) if settings.suggests else None
        return ScanPlan(read, tuple(COLUMN_STATES), settings.segments, sample, runs=runs)

    def report(self, asked: Asked) -> Report:
        """Suggests constraints for a window, or holds it against its reference."""
        settings = self.settings
        dataset = dataset_of(asked.states)
        options = suggestion_options(settings)
        excluded = settings.exclude_features_attribute or ()
        page = DataQualityPage(subject_of(settings, asked), None, asked.latest)
        if settings.suggests and settings.reference.is_baseline:
            need_columns(settings, dataset, ())
            dataset = without_columns(dataset, named(excluded, dataset.columns))
            constraints = suggest(dataset, options)
            found = Report(asked.window, dataset, constraints=constraints, states=asked.states, traffic=asked.traffic)
            return replace(found, calibration=_calibration(constraints, dataset, asked.parts()), data_quality_page=page)
        past = held_against(self, asked)
        common: dict[str, Any] = {"reference": past.reference, "traffic": asked.traffic, "coverage": Coverage(warnings=past.warnings)}
        retired = tuple(retired_traffic(settings.retired_variants or (), asked.traffic))
        if isinstance(past.baseline, Undefined):
            left_out = named(excluded, dataset.columns)
            lacking = Evaluation("", DRIFT, f"distance from {settings.reference}", None, None, Verdict.INSUFFICIENT, past.baseline.reason)
            segments = segment_reports(settings.segments, asked.states, None, Baseline({}), left_out, options)
            return Report(
                asked.window, without_columns(dataset, left_out), (*retired, lacking), segments=segments, data_quality_page=page, **common
            )
        baseline = past.baseline
        need_columns(settings, dataset, baseline.features)
        if dataset.positional and not baseline.ordered:
            subject = settings.baseline_statistics or "baseline_statistics"
            hint = "set --baseline-constraints too: a constraints.json has the features in their order"
            raise InputError(
                subject, found="a profile, whose columns are in no order", expected="the order of the data's columns", hint=hint
            )
        left_out = named(excluded, baseline.features)
        dataset = without_columns(dataset, left_out)
        features = {name: feature for name, feature in baseline.features.items() if name not in left_out}
        data_sets = 1 + sum(1 for _ in asked_segments(settings.segments, asked.states))
        kept = replace(baseline, features=features, left_out=left_out, data_sets=data_sets)
        segments = segment_reports(settings.segments, asked.states, past.states, kept, left_out, options)
        evaluations = (*retired, *evaluate(dataset, kept))
        page = replace(page, baseline=kept)
        return Report(asked.window, dataset, evaluations, segments=segments, asked=kept.document, data_quality_page=page, **common)


def _calibration(constraints: Mapping[str, Any], dataset: Dataset, parts: Sequence[HourStates]) -> Calibration:
    """What the parts of a data set, from which these constraints are suggested, say of chance."""
    baseline = with_states(parse_baseline(orjson.dumps(constraints), None), dataset)
    dispersions = learn_dispersions([[dataset_of(part) for part in parts]], baseline)
    return Calibration({ALL: Learnt(len(parts), "the baseline, in parts of consecutive rows", dispersions)})


def suggestion_options(settings: Settings) -> SuggestionOptions:
    """How constraints are suggested, by the settings."""
    budget = BUDGET if settings.budget is None else settings.budget
    return SuggestionOptions(settings.completeness_interval, settings.integral_domains, budget)


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


@dataclass(frozen=True)
class Past:
    """What a window is compared with: as constraints and distributions, as states for its segments, and where it is from."""

    baseline: Baseline | Undefined
    states: HourStates | None
    reference: ReferenceReport
    warnings: tuple[str, ...] = ()


def held_against(monitor: DataQuality, asked: Asked) -> Past:
    """The fixed baseline, or the sum of the windows that the reference names."""
    settings = monitor.settings
    if settings.reference.is_baseline:
        if monitor.baseline is None:
            raise InputError("baseline", found="none", expected="a baseline", hint="set --baseline-constraints")
        return Past(monitor.baseline, monitor.baseline_states, ReferenceReport())
    if asked.window is None:
        raise InputError("reference", found=str(settings.reference), expected="a window", hint="set --start-time and --end-time")
    windows = tuple(settings.reference.windows(asked.window, asked.length))
    sums = [asked.sum(window) for window in windows]
    states = HourStates.merged([summed.states for summed in sums])
    options = suggestion_options(settings)
    baseline = baseline_from(dataset_of(states), monitor.baseline, options)
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
