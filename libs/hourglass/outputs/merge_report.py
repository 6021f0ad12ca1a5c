"""What a merge reports beside the merged files: the document of a run, and the metrics of its hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hourglass.capture.window import HOUR, format_time, hour_of, hour_start, source_of
from hourglass.join.hour_report import HourReport, summed_delays
from hourglass.outputs.cloudwatch import Metric
from hourglass.settings import Settings

MERGE_REPORT = "merge_report.json"
WRITTEN, UNCHANGED, CURRENT, KEPT = "written", "unchanged", "not read again", "captures gone"


@dataclass(frozen=True)
class LabelHour:
    """What became of the lines of ground truth of one hour: lines = used + superseded + unmatched + the bad ones.

    A superseded label has a capture that took a later one. The hour is `complete` when the run has read all hours of
    captures in its reach; otherwise the counts are what the run could tell, by what earlier runs have left. `settled` is
    how many were unmatched when the hour was complete last.
    """

    hour: str
    lines: int = 0
    used: int = 0
    superseded: int = 0
    unmatched: int = 0
    bad: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    settled: int | None = None

    def document(self) -> dict[str, Any]:
        """As the report has it."""
        return {**vars(self), "bad": dict(sorted(self.bad.items()))}


@dataclass(frozen=True)
class MergedHour:
    """An hour of the run: its report, whether its files were written, and whether the report says anything new."""

    report: HourReport
    status: str
    changed: bool = False


@dataclass(frozen=True)
class MergeOutcome:
    """A run: its hours in order, the hours of the ground truth, what it says, and what to know beside it.

    `label_news` are the hours of the ground truth whose number of unmatched labels was settled anew.
    """

    hours: tuple[MergedHour, ...]
    label_hours: tuple[LabelHour, ...]
    message: str
    warnings: tuple[str, ...] = ()
    label_news: frozenset[str] = frozenset()

    @property
    def reports(self) -> tuple[HourReport, ...]:
        """The reports of the hours."""
        return tuple(hour.report for hour in self.hours)


def merge_document(outcome: MergeOutcome, settings: Settings) -> dict[str, Any]:
    """The document of a run."""
    window = settings.span
    return {
        "version": 1,
        "window": {"start": format_time(window.start), "end": format_time(window.end)} if window else None,
        "label_wait_hours": settings.label_wait // HOUR,
        "message": outcome.message,
        "warnings": list(outcome.warnings),
        "totals": _totals(outcome.reports),
        "labels": _label_totals(outcome.label_hours),
        "hours": [
            {
                "source": source_of(hour.report.partition),
                "hour": hour_of(hour.report.partition),
                "status": hour.status,
                **hour.report.counts(),
            }
            for hour in outcome.hours
        ],
        "label_hours": [hour.document() for hour in outcome.label_hours],
    }


def _totals(reports: Sequence[HourReport]) -> dict[str, Any]:
    requests, matched = (sum(getattr(report, name) for report in reports) for name in ("requests", "matched"))
    return {
        "lines": sum(report.lines for report in reports),
        "captures": requests,
        "matched": matched,
        "unmatched_captures": sum(report.unmatched for report in reports),
        "captures_without_id": sum(report.without_id for report in reports),
        "duplicated_captures": sum(report.duplicated for report in reports),
        "bad_lines": sum(report.bad_lines for report in reports),
        "label_coverage": matched / requests if requests else None,
        "delay": summed_delays(reports).document(),
    }


def _label_totals(hours: Sequence[LabelHour]) -> dict[str, int]:
    totals = {name: sum(getattr(hour, name) for hour in hours) for name in ("lines", "used", "superseded", "unmatched")}
    return {**totals, "bad": sum(sum(hour.bad.values()) for hour in hours)}


def merge_metrics(outcome: MergeOutcome, dimensions: Mapping[str, str | None], time: datetime | None) -> Iterator[Metric]:
    """Five metrics an hour, over all endpoints and variants of the run, at the hour's begin or, of a single hour, at `time`.

    Only what is new of an hour, for a point that is published twice counts twice. Labels count as unmatched only where
    the run has read all captures that could be theirs.
    """
    changed = {hour_of(hour.report.partition) for hour in outcome.hours if hour.changed}
    by_hour: dict[str, list[HourReport]] = {hour: [] for hour in changed}
    for report in outcome.reports:
        if hour_of(report.partition) in changed:
            by_hour[hour_of(report.partition)].append(report)
    labels = {hour.hour: hour for hour in outcome.label_hours if hour.complete and hour.hour in outcome.label_news}
    hours = sorted(changed | labels.keys())
    for hour in hours:
        at = time if time is not None and len(hours) == 1 else hour_start(hour)
        named = [{"Name": name, "Value": value} for name, value in dimensions.items() if value]
        for name, value, unit in _values(by_hour.get(hour), labels.get(hour)):
            if value is not None:
                yield {"MetricName": name, "Timestamp": format_time(at), "Dimensions": named, "Value": float(value), "Unit": unit}


def _values(reports: Sequence[HourReport] | None, labels: LabelHour | None) -> Iterator[tuple[str, float | None, str]]:
    if reports is not None:
        totals = _totals(reports)
        yield "hourglass_label_coverage", totals["label_coverage"], "None"
        yield "hourglass_matched", totals["matched"], "Count"
        yield "hourglass_unmatched_captures", totals["unmatched_captures"] + totals["captures_without_id"], "Count"
        yield "hourglass_label_delay_p50", totals["delay"]["seconds"]["p50"], "Seconds"
    yield "hourglass_unmatched_labels", labels.unmatched if labels else None, "Count"
