"""What a person sees in a terminal: progress while a job runs, a table at its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hourglass.capture.window import HOUR, Window, duration_name, format_time, hour_of
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.errors import shorten
from hourglass.monitors.refresh import Refreshed
from hourglass.outputs import documents
from hourglass.outputs.report import Outcome, Report
from hourglass.settings import Settings

_STYLES = {"pass": "green", "violation": "bold red", "no data": "yellow", "insufficient data": "yellow", "suggested": "cyan"}
_SHOWN, _SHOWN_SEGMENTS = 40, 10


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done, on a terminal only."""
    stderr = Console(stderr=True)
    if quiet or not stderr.is_terminal:
        yield lambda _: None
        return
    with stderr.status("") as status:
        yield lambda sentence: status.update(escape(sentence))


def console() -> Console:
    """A console as wide as the terminal; a log has no width of its own."""
    return Console(width=None if Console().is_terminal else 160)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[int] = ()) -> None:
    """Prints rows under headings; columns whose place is in `right` are numbers. A cell may be styled by rich's marks."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    console().print(made)


def show(outcome: Outcome, settings: Settings) -> None:
    """Prints the windows with what was found in each, and the segments that drifted."""
    lengths = {report.length for report in outcome.reports}
    several = len(lengths) > 1
    table(
        [*(["length"] if several else []), "window", "rows", "bad lines", "verdict", "found"],
        [[*([duration_name(report.length) if report.length else "all"] if several else []), *_row(report)] for report in outcome.reports],
        right=(2, 3) if several else (1, 2),
    )
    for report in outcome.reports:
        _show_segments(report)
    warnings = dict.fromkeys(warning for report in outcome.reports for warning in report.coverage.warnings)
    for warning in warnings:
        console().print(f"warning: {escape(warning)}", style="yellow", soft_wrap=True)
    console().print(escape(outcome.message), style="bold")
    console().print(f"reports in {escape(settings.output_path)}", soft_wrap=True)


def _row(report: Report) -> list[str]:
    intake = report.dataset.intake
    window = _span(report.window) if report.window else "all"
    if report.coverage.found < report.coverage.expected and report.window and report.length and report.length > HOUR:
        window += f" ({report.coverage.found} of {report.coverage.expected} hours)"
    bad = f"{intake.bad_lines:,}" if intake.bad_lines else ""
    return [window, f"{report.dataset.rows:,}", bad, verdict(str(report.verdict)), escape(findings(report))]


def _show_segments(report: Report) -> None:
    shown = [segment for segment in report.segments if segment.effect or segment.verdict is Verdict.VIOLATION][:_SHOWN_SEGMENTS]
    if not shown:
        return
    console().print(f"\nsegments of {_span(report.window) if report.window else 'all'}, most drifted first", style="bold")
    table(
        ["segment", "rows", "verdict", "drift", "where"],
        [
            [
                escape(shorten(segment.name, _SHOWN)),
                f"{segment.dataset.rows:,}",
                verdict(str(segment.verdict)),
                "" if segment.effect is None else f"{segment.effect:.3f}",
                escape(f"{segment.feature}: {segment.finding}" if segment.finding else segment.feature or ""),
            ]
            for segment in shown
        ],
        right=(1, 3),
    )


def verdict(word: str) -> str:
    """A verdict in its colour."""
    return f"[{_STYLES.get(word, '')}]{word}[/]" if word in _STYLES else word


def evaluations(found: Iterable[Evaluation]) -> None:
    """Prints checks with their measured values."""
    table(
        ["feature", "check", "value", "threshold", "verdict", ""],
        [
            [
                escape(shorten(e.feature, _SHOWN)),
                escape(e.definition if e.check == "baseline_drift_check" else e.check.removesuffix("_check").replace("_", " ")),
                number(e.value),
                number(e.threshold),
                verdict(str(e.verdict)),
                escape(shorten(e.description, 80)) if e.verdict is not Verdict.VIOLATION else "",
            ]
            for e in found
        ],
        right=(2, 3),
    )


def traffic(rows: Mapping[str, int]) -> None:
    """Prints who got how much of the traffic."""
    shares = documents.traffic_shares(rows)
    table(["endpoint/variant", "rows", "share"], [[escape(name), f"{rows[name]:,}", f"{shares[name]:.1%}"] for name in rows], right=(1, 2))


def statistics(dataset: Dataset) -> None:
    """Prints the statistics of each column that fit into a line."""
    keys = ("mean", "std_dev", "min", "max", "distinct_count")
    lines = []
    for feature in documents.statistics_document(dataset)["features"]:
        part = feature.get("numerical_statistics") or feature["string_statistics"]
        common = part["common"]
        values = [number(part.get(key)) for key in keys]
        lines.append(
            [escape(feature["name"]), feature["inferred_type"], number(common["num_present"]), number(common["num_missing"]), *values]
        )
    table(["column", "type", "present", "missing", "mean", "deviation", "min", "max", "distinct"], lines, right=range(2, 9))


def number(value: object) -> str:
    """A number for a table: whole ones with separators, others in four digits; nothing for none.

    >>> number(1234567), number(0.123456), number(1e9), number(None)
    ('1,234,567', '0.1235', '1,000,000,000', '')
    """
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    return f"{int(value):,}" if isinstance(value, int | float) else str(value or "")


def _span(window: Window) -> str:
    """The window in a person's words; the day of the end only if it is another."""
    end = f"{window.end:%H:%M}" if window.end - window.start < timedelta(days=1) else f"{window.end:%Y-%m-%d %H:%M}"
    return f"{window.start:%Y-%m-%d %H:%M} – {end}"


def findings(report: Report) -> str:
    """The violations of a window in short: feature and check with its measured value, one a line."""
    if report.constraints is not None:
        return f"{len(report.constraints['features'])} features"
    found = [f"{shorten(e.feature, _SHOWN)}: {e.check.removesuffix('_check').replace('_', ' ')}{_value(e)}" for e in report.violations]
    lacking = sum(e.verdict in {Verdict.INSUFFICIENT, Verdict.NOT_COMPUTABLE} for e in report.evaluations)
    if lacking:
        found.append(f"({lacking} checks without enough data)")
    return "\n".join(found)


def _value(found: Evaluation) -> str:
    """The measured value and its threshold; that a column is not there needs no number."""
    if not isinstance(found.value, float) or not isinstance(found.threshold, float) or found.check.endswith("column_check"):
        return ""
    return f" {found.value:.4g} {'>' if found.value > found.threshold else '<'} {found.threshold:.4g}"


def as_json(outcome: Outcome, settings: Settings) -> str:
    """The outcome for machines."""
    document: dict[str, Any] = {
        "message": outcome.message,
        "output_path": settings.output_path,
        "violations": outcome.violations,
        "windows": [
            {
                "start": format_time(report.window.start) if report.window else None,
                "end": format_time(report.window.end) if report.window else None,
                "length": duration_name(report.length) if report.length else None,
                "reference": str(report.reference),
                "hours": {"expected": report.coverage.expected, "found": report.coverage.found},
                "rows": report.dataset.rows,
                "bad_lines": report.dataset.intake.bad_lines,
                "verdict": str(report.verdict),
                "violations": [_violation(e) for e in report.violations],
                "segments": [
                    {
                        "segment": segment.name,
                        "rows": segment.dataset.rows,
                        "verdict": str(segment.verdict),
                        "effect": segment.effect,
                        "feature": segment.feature,
                        "violations": [_violation(e) for e in segment.evaluations if e.verdict is Verdict.VIOLATION],
                    }
                    for segment in report.segments
                ],
            }
            for report in outcome.reports
        ],
    }
    document["warnings"] = sorted({warning for report in outcome.reports for warning in report.coverage.warnings})
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _violation(found: Evaluation) -> dict[str, Any]:
    return {"feature": found.feature, "check": found.check, "value": found.value, "description": found.description}


def show_refreshed(refreshed: Refreshed, settings: Settings, *, as_json: bool) -> None:
    """What a backfill has read."""
    hours = sorted(hour_of(partition) for partition in refreshed.read)
    facts = {"read": len(refreshed.read), "current": len(refreshed.current), "warnings": list(refreshed.warnings)}
    if as_json:
        click.echo(orjson.dumps({**facts, "state_root": settings.state_root}, option=orjson.OPT_INDENT_2).decode())
        return
    for warning in refreshed.warnings:
        console().print(f"warning: {escape(warning)}", style="yellow", soft_wrap=True)
    span = f" ({hours[0]} to {hours[-1]})" if hours else ""
    done = f"{len(refreshed.read)} hours read{span}, {len(refreshed.current)} were up to date"
    console().print(f"{done}; states in {escape(str(settings.state_root))}", soft_wrap=True)
