"""Which windows a run reports, what each must hold to be worth a report, and the periods of a report's course."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

from hourglass import storage
from hourglass.capture.files import Listing
from hourglass.capture.reader import WRONG_WIDTH
from hourglass.capture.window import HOUR, Window, hour_of, hour_start, source_of
from hourglass.errors import InputError
from hourglass.outputs import documents
from hourglass.outputs.message import completed
from hourglass.outputs.numbers import counted
from hourglass.outputs.report import Report
from hourglass.outputs.write import quarantine
from hourglass.settings import Settings

_SHOWN_PREFIXES = 3
# how far a report's course reaches back at least, in how many points, and of how many hours before they are days
_COURSE, _POINTS, _HOURS = timedelta(days=1), 60, 3
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)  # where the calendar's windows are counted from


@dataclass(frozen=True)
class Plan:
    """How a run's span of time is cut into windows; `reaches_back` when there is a store with the hours before it."""

    lengths: tuple[timedelta, ...]
    kind: Literal["calendar", "sliding"]
    reaches_back: bool

    def windows(self, span: Window | None, partitions: Iterable[str]) -> Iterator[tuple[timedelta | None, Window | None]]:
        """Each window to report, with its length; the whole span where no length is set.

        Calendar windows begin at multiples of their length from a Monday's midnight, and the last one ends where the span
        does. Sliding ones end with every hour of the span. Without a store there is nothing from before the span: the
        first calendar window begins with it, and a sliding one that would begin before is left out.
        """
        if not self.lengths:
            yield None, span
            return
        hours = sorted({hour_of(partition) for partition in partitions})
        if "" in hours:
            raise InputError(
                "window",
                found="data outside of yyyy/mm/dd/hh folders",
                expected="data in folders of their hours",
                hint="leave --window out",
            )
        if span is None and not hours:
            yield None, None
            return
        for length in self.lengths:
            covered = span or Window(hour_start(hours[0]), hour_start(hours[-1]) + HOUR)
            cut = self._calendar if self.kind == "calendar" else self._sliding
            for window in cut(covered, length, begins_with_span=span is not None and not self.reaches_back):
                yield length, window

    @staticmethod
    def _calendar(span: Window, length: timedelta, *, begins_with_span: bool) -> Iterator[Window]:
        start = _MONDAY + (span.start - _MONDAY) // length * length
        while start < span.end:
            yield Window(max(start, span.start) if begins_with_span else start, min(start + length, span.end))
            start += length

    @staticmethod
    def _sliding(span: Window, length: timedelta, *, begins_with_span: bool) -> Iterator[Window]:
        end = span.start + HOUR
        while end <= span.end:
            if not begins_with_span or end - length >= span.start:
                yield Window(end - length, end)
            end += HOUR


def days_over(partitions: Iterable[str], end: datetime) -> Iterator[tuple[Window, str]]:
    """The days of some hours that are over at a time, with the `endpoint/variant` that they are of, in order."""
    named = [partition for partition in partitions if hour_of(partition)]
    for midnight, source in sorted({(hour_start(hour_of(partition)).replace(hour=0), source_of(partition)) for partition in named}):
        if midnight + timedelta(days=1) <= end:
            yield Window(midnight, midnight + timedelta(days=1)), source


def need_sound_input(settings: Settings, reports: Sequence[Report], listing: Listing) -> None:
    """Ends the job when too many lines are unusable, or data are required and there are none.

    The lines are written to quarantine first, so that the reason can be looked into.
    """
    worst = max(reports, key=failing_share, default=None)
    if worst is not None and failing_share(worst) > settings.max_bad_lines:
        storage.write_files(settings.output_path, quarantine(reports))
        intake = worst.dataset.intake
        reasons = ", ".join(f"{count} {reason}" for reason, count in intake.bad.most_common())
        raise InputError(
            f"{settings.dataset_source}{f' in {worst.window}' if worst.window else ''}",
            found=f"{intake.bad_share:.1%} of {intake.lines} lines unusable ({reasons})",
            expected=f"at most {settings.max_bad_lines:.1%}",
            hint=f"see {documents.QUARANTINE} in {settings.output_path}, or set --max-bad-lines",
        )
    suggests = settings.suggests and settings.reference.is_baseline
    if settings.require_data or suggests:
        empty = next((report for report in reports if report.dataset.rows == 0), None)
        if empty is not None:
            raise InputError(
                f"data in {empty.window}" if empty.window else "data",
                found=no_data(listing, settings.variant),
                expected="records to suggest a baseline from" if suggests else "at least one record",
                hint="check --dataset-source, --start-time and --end-time",
            )


def failing_share(report: Report) -> float:
    """Share of lines that count against the limit; against a baseline the number of columns is a check, not a failure."""
    intake = report.dataset.intake
    columns = 0 if report.constraints is not None else intake.bad[WRONG_WIDTH]
    return (intake.bad_lines - columns) / intake.lines if intake.lines else 0.0


def no_data(listing: Listing, variants: Sequence[str] | None = None) -> str:
    """Which prefixes were looked at in vain, and of which variants, where some are asked for."""
    shown = ", ".join(listing.looked_at[:_SHOWN_PREFIXES])
    more = len(listing.looked_at) - _SHOWN_PREFIXES
    found = f"{counted(len(listing.files), 'file', 'files')} without records" if listing.files else "no files"
    rest = f" and {counted(more, 'more prefix', 'more prefixes')}" if more > 0 else ""
    of = f" of {', '.join(variants)}" if variants else ""
    return f"{found}{of} under {shown}{rest}"


def message(settings: Settings, reports: Sequence[Report], listing: Listing) -> str:
    """The sentence for the message file."""
    if all(report.dataset.rows == 0 for report in reports):
        prefix = settings.sagemaker_endpoint_datacapture_prefix
        captured = f" (captured to {prefix})" if prefix else ""
        return f"Completed: No data{f' from {settings.span}' if settings.span else ''}: {no_data(listing, settings.variant)}{captured}."
    return completed(sum(report.all_violations for report in reports))


def course(window: Window) -> tuple[timedelta, list[Window]]:
    """The periods of a window, or of the day at whose end it is, in at most about 60 points; and how long they are.

    What would be more than three hours are whole days, whose sums are in the store: 720 hours are not read one by one.

    >>> end = datetime(2026, 11, 21)
    >>> [(str(each), len(periods)) for days in (1, 7, 30, 90) for each, periods in [course(Window(end - timedelta(days), end))]]
    [('1:00:00', 24), ('3:00:00', 56), ('1 day, 0:00:00', 30), ('2 days, 0:00:00', 45)]
    """
    start = min(window.start, window.end - _COURSE)
    hours = (window.end - start) // HOUR
    wide = -(-hours // _POINTS)
    each = (wide if wide <= _HOURS else -(-wide // 24) * 24) * HOUR
    first = start if each < timedelta(days=1) else start.replace(hour=0)
    edges = [start, *(first + n * each for n in range(1, hours + 1)), window.end]
    return each, [Window(left, min(right, window.end)) for left, right in pairwise(edges) if left < window.end]
