"""The segments of a window: each held against its own past, those in violation within a budget first, then by drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hourglass.comparisons import Distribution, distribution_of
from hourglass.constraints import (
    Baseline,
    Evaluation,
    SegmentDrift,
    SuggestionOptions,
    Verdict,
    baseline_from,
    evaluate,
    rank_segments,
    where_it_shows,
    with_dispersions,
)
from hourglass.constraints.baseline import DEFAULT_DRIFT_METHOD, ROBUST, SIMPLE
from hourglass.constraints.baseline_drift_check import KEY
from hourglass.dataset import Dataset, dataset_of, without_columns
from hourglass.hours import HourStates
from hourglass.outputs.report import SegmentReport
from hourglass.segments import Segmentation, segmentation_of
from hourglass.states import RowSample
from hourglass.undefined import Undefined

MOST_EXAMPLES = 5


def segment_reports(
    asked: Sequence[Segmentation],
    states: HourStates,
    past: HourStates | None,
    baseline: Baseline,
    left_out: frozenset[str],
    options: SuggestionOptions,
) -> tuple[SegmentReport, ...]:
    """A report for each segment of a window that is asked for, and for those that it had in the `past` and has no more.

    A segment is held against itself: what is asked of it is suggested from its own past, and how features are compared
    is the baseline's. Without a past there is "insufficient data", since a segment is no sample of the whole.
    """
    past_segments = past.segments if past is not None else {}
    datasets: dict[str, Dataset] = {}
    baselines: dict[str, Baseline] = {}
    evaluations: dict[str, tuple[Evaluation, ...]] = {}
    names = {by.name for by in asked}
    conditions = [by.name for by in asked if by.condition]  # which may have no rows, and be in no state
    for name in dict.fromkeys([*states.segments, *past_segments, *conditions]):
        if segmentation_of(name) not in names:
            continue
        datasets[name] = without_columns(dataset_of(states.segments.get(name, HourStates())), left_out)
        own = past_of_segment(past_segments.get(name), baseline, left_out, options)
        if own is None:
            reason = (
                "the baseline has no such segment"
                if past is not None
                else "the baseline has no segments: baseline_states.parquet is missing"
            )
            evaluations[name] = (Evaluation("", KEY, "a segment against its own past", None, None, Verdict.INSUFFICIENT, reason),)
        else:
            baselines[name] = own
            evaluations[name] = tuple(evaluate(datasets[name], own))
    ranking = rank_segments({name: (datasets[name], own) for name, own in baselines.items()})
    reports = [_report(drift, datasets, baselines, evaluations, states.sample) for drift in ranking]
    reports.sort(key=lambda report: 1.0 if (worst := _surest(report.evaluations)) is None else worst.budget or 0.0)
    return (*reports, *(SegmentReport(name, datasets[name], evaluations[name]) for name in datasets if name not in baselines))


def past_of_segment(past: HourStates | None, baseline: Baseline, left_out: frozenset[str], options: SuggestionOptions) -> Baseline | None:
    """What a segment is held against; None where it has no past."""
    if past is None:
        return None
    own = baseline_from(without_columns(dataset_of(past), left_out), None, options)
    if isinstance(own, Undefined):
        return None
    features = {}
    for name, feature in own.features.items():
        config = feature.config
        if name in baseline.features:
            config = replace(
                baseline.features[name].config,
                datatype_check_threshold=config.datatype_check_threshold,
                domain_content_threshold=config.domain_content_threshold,
                share_comparison_method=_share_method(baseline.features[name].config.share_comparison_method),
                categorical_drift_method=_beyond_chance(baseline.features[name].config.categorical_drift_method),
            )
        # no number below 0 in the few rows of a segment says little where the whole has some
        whole = baseline.features[name].is_non_negative if name in baseline.features else None
        features[name] = replace(feature, config=config, is_non_negative=feature.is_non_negative and whole is not False)
    own = replace(own, features=features, config=baseline.config, left_out=left_out)
    return with_dispersions(replace(own, data_sets=baseline.data_sets), baseline.dispersions)


def _share_method(method: str) -> str:
    """The baseline's method for shares of rows; the plain threshold less what chance explains."""
    return ROBUST if method == SIMPLE else method


def _beyond_chance(method: str) -> str:
    """The baseline's method for texts; the plain distance, which alarms of itself in a hundred rows, less what chance explains."""
    return ROBUST if method == DEFAULT_DRIFT_METHOD else method


def _report(
    drift: SegmentDrift,
    datasets: Mapping[str, Dataset],
    baselines: Mapping[str, Baseline],
    evaluations: Mapping[str, tuple[Evaluation, ...]],
    sample: RowSample | None,
) -> SegmentReport:
    name, worst = drift.segment, _surest(evaluations[drift.segment])
    report = SegmentReport(name, datasets[name], evaluations[name], None if isinstance(drift.effect, Undefined) else drift.effect)
    if worst is not None:
        report = replace(report, effect=worst.distance, feature=worst.feature, finding=worst.words or worst.description)
    elif drift.feature:
        report = replace(report, feature=drift.feature)
    if report.feature is None:
        return report
    feature = baselines[name].features[report.feature]
    window = distribution_of(datasets[name].columns[report.feature], feature.inferred_type)
    excess = where_it_shows(window, baselines[name].distributions.get(report.feature, Distribution()))
    if isinstance(excess, Undefined):
        return report
    rows = (row.values for row in sample.rows() if name in row.segments) if sample is not None else ()
    examples = _first(row for row in rows if excess.holds(row.get(report.feature or "")))
    return replace(report, finding=report.finding or str(excess), examples=examples)


def _surest(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The violation with the least budget, of equals the one that moved most; None where no budget decides."""
    found = [one for one in evaluations if one.verdict is Verdict.VIOLATION and one.budget is not None]
    return min(found, key=lambda one: (one.budget or 0.0, -(one.distance or 0.0)), default=None)


def _first(rows: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(row for _, row in zip(range(MOST_EXAMPLES), rows, strict=False))
