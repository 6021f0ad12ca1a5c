"""What a person sees in a terminal: progress while a job runs, a table at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hourglass.capture.window import Window, format_time
from hourglass.constraints import Evaluation, Verdict
from hourglass.errors import shorten
from hourglass.outputs.report import Outcome, Report
from hourglass.settings import Settings

_STYLES = {"pass": "green", "violation": "bold red", "no data": "yellow", "insufficient data": "yellow", "suggested": "cyan"}
_SHOWN = 40


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done, on a terminal only."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda sentence: status.update(escape(sentence))


def show(outcome: Outcome, settings: Settings) -> None:
    """Prints the windows with what was found in each."""
    console = Console(width=None if Console().is_terminal else 160)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("window", "rows", "bad lines", "verdict", "found"):
        table.add_column(heading, justify="right" if heading in {"rows", "bad lines"} else "left", overflow="fold")
    for report in outcome.reports:
        table.add_row(*_row(report))
    console.print(table)
    console.print(escape(outcome.message), style="bold")
    console.print(f"reports in {escape(settings.output_path)}", soft_wrap=True)


def _row(report: Report) -> list[str]:
    intake = report.dataset.intake
    window = _span(report.window) if report.window else "all"
    style = _STYLES.get(str(report.verdict), "")
    return [
        window,
        f"{report.dataset.rows:,}",
        f"{intake.bad_lines:,}" if intake.bad_lines else "",
        f"[{style}]{report.verdict}[/]",
        escape(findings(report)),
    ]


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
    document = {
        "message": outcome.message,
        "output_path": settings.output_path,
        "violations": outcome.violations,
        "windows": [
            {
                "start": format_time(report.window.start) if report.window else None,
                "end": format_time(report.window.end) if report.window else None,
                "rows": report.dataset.rows,
                "bad_lines": report.dataset.intake.bad_lines,
                "verdict": str(report.verdict),
                "violations": [
                    {"feature": e.feature, "check": e.check, "value": e.value, "description": e.description} for e in report.violations
                ],
            }
            for report in outcome.reports
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
