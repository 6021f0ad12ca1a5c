"""Which windows a run reports, and what each must hold to be worth a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from hourglass import storage
from hourglass.capture.files import Listing
from hourglass.capture.reader import WRONG_WIDTH
from hourglass.capture.window import HOUR, Window, hour_start
from hourglass.errors import InputError
from hourglass.hours import Gathered, HourStates
from hourglass.outputs import documents
from hourglass.outputs.message import completed
from hourglass.outputs.report import Report
from hourglass.outputs.write import quarantine
from hourglass.settings import Settings

_SHOWN_PREFIXES = 3


def windows(span: Window | None, length: timedelta | None, gathered: Gathered) -> Iterator[tuple[Window | None, list[HourStates]]]:
    """The windows to report with their hours: the whole span, or consecutive pieces of `length`.

    Without a span the pieces cover the hours that were found, from the last midnight or multiple of `length` before.
    """
    if length is None:
        yield span, list(gathered.hours.values())
        return
    if "" in gathered.hours:
        raise InputError(
            "window", found="data outside of yyyy/mm/dd/hh folders", expected="data in folders of their hours", hint="leave --window out"
        )
    if span is None:
        times = [hour_start(hour) for hour in gathered.hours]
        if not times:
            yield None, []
            return
        midnight = min(times).replace(hour=0)
        span = Window(midnight + (min(times) - midnight) // length * length, max(times) + HOUR)
    start = span.start
    while start < span.end:
        window = Window(start, min(start + length, span.end))
        yield window, [gathered.hours[hour] for hour in window.hours() if hour in gathered.hours]
        start += length


def need_sound_input(settings: Settings, reports: Sequence[Report], gathered: Gathered, listing: Listing) -> None:
    """Ends the job when too many lines are unusable, or data are required and there are none.

    The lines are written to quarantine first, so that the reason can be looked into.
    """
    worst = max(reports, key=failing_share, default=None)
    if worst is not None and failing_share(worst) > settings.max_bad_lines:
        storage.write_files(settings.output_path, quarantine(gathered.bad_lines, reports))
        intake = worst.dataset.intake
        reasons = ", ".join(f"{count} {reason}" for reason, count in intake.bad.most_common())
        raise InputError(
            f"{settings.dataset_source}{f' in {worst.window}' if worst.window else ''}",
            found=f"{intake.bad_share:.1%} of {intake.lines} lines unusable ({reasons})",
            expected=f"at most {settings.max_bad_lines:.1%}",
            hint=f"see {documents.QUARANTINE} in {settings.output_path}, or set --max-bad-lines",
        )
    if settings.require_data or settings.suggests:
        empty = next((report for report in reports if report.dataset.rows == 0), None)
        if empty is not None:
            raise InputError(
                f"data in {empty.window}" if empty.window else "data",
                found=no_data(listing),
                expected="records to suggest a baseline from" if settings.suggests else "at least one record",
                hint="check --dataset-source, --start-time and --end-time",
            )


def failing_share(report: Report) -> float:
    """Share of lines that count against the limit; against a baseline the number of columns is a check, not a failure."""
    intake = report.dataset.intake
    columns = 0 if report.constraints is not None else intake.bad[WRONG_WIDTH]
    return (intake.bad_lines - columns) / intake.lines if intake.lines else 0.0


def no_data(listing: Listing) -> str:
    """Which prefixes were looked at in vain."""
    shown = ", ".join(listing.looked_at[:_SHOWN_PREFIXES])
    more = len(listing.looked_at) - _SHOWN_PREFIXES
    found = f"{len(listing.files)} files without records" if listing.files else "no files"
    return f"{found} under {shown}{f' and {more} more prefixes' if more > 0 else ''}"


def message(settings: Settings, reports: Sequence[Report], listing: Listing) -> str:
    """The sentence for the message file."""
    if all(report.dataset.rows == 0 for report in reports):
        prefix = settings.sagemaker_endpoint_datacapture_prefix
        captured = f" (captured to {prefix})" if prefix else ""
        return f"Completed: No data{f' from {settings.span}' if settings.span else ''}: {no_data(listing)}{captured}."
    return completed(sum(len(report.violations) for report in reports))
