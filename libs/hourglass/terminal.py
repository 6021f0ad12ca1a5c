"""What a person sees in a terminal: progress while a job runs, a table at its end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hourglass.bias import CHECK as BIAS_CHECK
from hourglass.capture.window import HOUR, Window, duration_name, format_time, hour_of
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.errors import shorten
from hourglass.logs import LOGGER, are_on
from hourglass.monitors.refresh import Refreshed
from hourglass.outputs import documents
from hourglass.outputs.numbers import counted, percent
from hourglass.outputs.report import Outcome, Report, SegmentReport
from hourglass.quality import FIRST_METRICS, OPERATORS, QualityReport
from hourglass.settings import Settings
from hourglass.undefined import Undefined

_STYLES = {"pass": "green", "violation": "bold red", "no data": "yellow", "insufficient data": "yellow", "suggested": "cyan"}
_SHOWN, _SHOWN_SEGMENTS, _SHOWN_NAMES, _SHOWN_FINDINGS = 40, 10, 5, 5
_LONGEST_WHOLE = 1e15
_WITHOUT_VALUE = {Verdict.INSUFFICIENT, Verdict.NOT_COMPUTABLE}


@contextmanager
def progress(*, quiet: bool, logs: bool = False) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done; off a terminal nothing, or with `logs` a line for each step."""
    stderr = Console(stderr=True)
    if are_on():
        yield LOGGER.info
    elif quiet or not (stderr.is_terminal or logs):
        yield lambda _: None
    elif not stderr.is_terminal:
        yield lambda sentence: click.echo(sentence, err=True)
    else:
        with stderr.status("") as status:
            yield lambda sentence: status.update(escape(sentence))


def console() -> Console:
    """A console as wide as the terminal; a log has no width of its own."""
    return Console(width=None if Console().is_terminal else 160)


def plain(text: str) -> str:
    r"""A text without the signs that move a terminal's cursor or change its colours: names come from data.

    >>> plain("a\x1b[31mb")
    'a�[31mb'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Collection[int] = ()) -> None:
    """Prints rows under headings; columns whose place is in `right` are numbers."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(plain(cell)) if isinstance(cell, str) else cell for cell in row))
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
    worst = [report for report in outcome.reports if any(segment.violations for segment in report.segments)]
    for report in (worst or [report for report in outcome.reports if report.segments])[-1:]:
        _show_segments(report, len(worst) - 1)
    for sentence in _notes(outcome.reports):
        console().print(Text(sentence, "dim"), soft_wrap=True)
    warnings(outcome.reports)
    _warn(outcome.warnings)
    console().print(escape(outcome.message), style="bold")
    console().print(f"reports in {escape(settings.output_path)}", soft_wrap=True)


def _row(report: Report) -> list[str | Text]:
    intake = report.dataset.intake
    window = _span(report.window) if report.window else "all"
    if report.coverage.found < report.coverage.expected and report.window and report.length and report.length > HOUR:
        window += f" ({report.coverage.found} of {report.coverage.expected} hours)"
    bad = f"{intake.bad_lines:,}" if intake.bad_lines else ""
    return [window, f"{report.dataset.rows:,}", bad, verdict(str(report.verdict)), findings(report)]


def warnings(reports: Sequence[Report]) -> None:
    """Prints what could not be used, each sentence once, with the windows that it is about where it is not about all."""
    windows: dict[str, list[str]] = {}
    for report in reports:
        for warning in dict.fromkeys(report.coverage.warnings):
            windows.setdefault(warning, []).append(_span(report.window) if report.window else "all")
    for warning, spans in windows.items():
        more = f" and {counted(len(spans) - 1, 'more window', 'more windows')}" if len(spans) > 1 else ""
        _warn([warning if len(spans) == len(reports) else f"{spans[0]}{more}: {warning}"])


def _warn(sentences: Iterable[str]) -> None:
    for warning in dict.fromkeys(sentences):
        console().print(Text(f"warning: {plain(warning)}", "yellow"), soft_wrap=True)


def _notes(reports: Sequence[Report]) -> Iterator[str]:
    """What holds for all windows: said once, and not in each line."""
    sources = list(dict.fromkeys(source for report in reports for source in report.traffic if source))
    if len(sources) > 1:
        shown = ", ".join(sources[:_SHOWN_NAMES]) + (" …" if len(sources) > _SHOWN_NAMES else "")
        yield f"rows of {len(sources)} endpoints and variants are added up: {plain(shown)}; --variant chooses"
    lacking: Counter[str] = Counter()
    nothing: Counter[str] = Counter()
    for report in reports:
        without = [e for e in report.evaluations if e.verdict in _WITHOUT_VALUE]
        lacking.update({e.feature: 1 for e in without if e.feature})
        nothing.update({e.description: 1 for e in without if not e.feature and e.description not in report.coverage.warnings})
    for reason, windows in nothing.items():
        yield f"nothing to be judged in {windows} {'window' if windows == 1 else 'windows'}: {plain(reason)}"
    if lacking:
        shown = ", ".join(f"{shorten(name, _SHOWN)} in {count}" for name, count in list(lacking.items())[:_SHOWN_NAMES])
        more = f", and {len(lacking) - _SHOWN_NAMES} more" if len(lacking) > _SHOWN_NAMES else ""
        yield f"checks without enough data, by window: {plain(shown)}{more}; evaluation.json has the reasons"
    outside = sum(report.dataset.intake.outside for report in reports)
    if outside:
        records, they = counted(outside, "record has", "records have"), "it counts" if outside == 1 else "they count"
        yield f"{records} the time of another hour than their folder's; {they} in their folder's"


def _show_segments(report: Report, others: int) -> None:
    shown = [segment for segment in report.segments if segment.effect or segment.violations][:_SHOWN_SEGMENTS]
    without = sum(segment.verdict is Verdict.INSUFFICIENT for segment in report.segments)
    title = f"segments of {_span(report.window) if report.window else 'all'}, {report.ranking.order}"
    if shown:
        console().print(f"\n{title}", style="bold")
        table(["segment", "rows", "verdict", report.ranking.effect, "where"], [_segment_row(segment) for segment in shown], right=(1, 3))
    left = sum(bool(segment.violations) for segment in report.segments) - sum(bool(segment.violations) for segment in shown)
    for count, sentence in (
        (left, "more segments in violation"),
        (without, "segments with nothing to be compared with"),
        (others, "more windows with segments in violation: see their segments.json"),
    ):
        if count > 0:
            console().print(Text(f"{count} {sentence}", "dim"), soft_wrap=True)


def _segment_row(segment: SegmentReport) -> list[str | Text]:
    where = f"{segment.feature}: {segment.finding}" if segment.finding else segment.feature or ""
    if not where and segment.violations:
        where = violated(segment.violations[0])
    effect = "" if segment.effect is None else f"{segment.effect:.3f}"
    return [shorten(segment.name, _SHOWN), f"{segment.dataset.rows:,}", verdict(str(segment.verdict)), effect, where]


def verdict(word: str) -> Text:
    """A verdict in its colour."""
    return Text(word, _STYLES.get(word, ""))


def evaluations(found: Iterable[Evaluation]) -> None:
    """Prints checks with their measured values."""
    table(
        ["feature", "check", "value", "threshold", "verdict", ""],
        [
            [
                shorten(e.feature, _SHOWN),
                e.definition if e.check == "baseline_drift_check" else e.check.removesuffix("_check").replace("_", " "),
                number(e.value),
                number(e.threshold),
                verdict(str(e.verdict)),
                e.words or (shorten(e.description, 80) if e.verdict is not Verdict.VIOLATION else ""),
            ]
            for e in found
        ],
        right=(2, 3),
    )


def traffic(rows: Mapping[str, int]) -> None:
    """Prints who got how much of the traffic."""
    shares = documents.traffic_shares(rows)
    table(["endpoint/variant", "rows", "share"], [[name, f"{rows[name]:,}", f"{shares[name]:.1%}"] for name in rows], right=(1, 2))


def statistics(dataset: Dataset) -> None:
    """Prints the statistics of each column that fit into a line."""
    keys = ("mean", "std_dev", "min", "max", "distinct_count")
    lines = []
    for feature in documents.statistics_document(dataset)["features"]:
        part = feature.get("numerical_statistics") or feature["string_statistics"]
        common = part["common"]
        values = [number(part.get(key)) for key in keys]
        lines.append([feature["name"], feature["inferred_type"], number(common["num_present"]), number(common["num_missing"]), *values])
    table(["column", "type", "present", "missing", "mean", "deviation", "min", "max", "distinct"], lines, right=range(2, 9))


def number(value: object) -> str:
    """A number for a table: whole ones with separators, others in four digits; nothing for none.

    >>> number(1234567), number(0.123456), number(1e9), number(3.4e29), number(None)
    ('1,234,567', '0.1235', '1,000,000,000', '3.4e+29', '')
    """
    if isinstance(value, float) and (not value.is_integer() or abs(value) >= _LONGEST_WHOLE):
        return f"{value:.4g}"
    return f"{int(value):,}" if isinstance(value, int | float) else str(value or "")


def _span(window: Window) -> str:
    """The window in a person's words; the day of the end only if it is another."""
    same_day = window.end <= window.start.replace(hour=0, minute=0) + timedelta(days=1)
    end = f"{window.end:%H:%M}" if same_day and window.end - window.start < timedelta(days=1) else f"{window.end:%Y-%m-%d %H:%M}"
    return f"{window.start:%Y-%m-%d %H:%M} – {end}"


def findings(report: Report) -> str:
    """The violations of a window in short: feature and check with its measured value, one a line; of many the furthest beyond."""
    found = [_quality(report.quality)] if report.quality is not None and report.dataset.rows else []
    if report.constraints is not None:
        return "\n".join([*found, _suggested(report.constraints)])
    if report.attribution is not None and (moved := [one.value for one in report.attribution.comparisons if one.metric == "share_moved"]):
        found.append(f"{percent(max(value or 0.0 for value in moved))} of the attribution moved")
    shown = _furthest(report.violations, _SHOWN_FINDINGS)
    found += [violated(violation) for violation in shown]
    if len(report.violations) > len(shown):
        found.append(f"{len(report.violations) - len(shown)} more")
    segments = sum(bool(segment.violations) for segment in report.segments)
    if segments:
        found.append(f"{segments} of {len(report.segments)} segments in violation")
    past = report.reference.hours
    if past.found < past.expected:
        found.append(f"(compared with {past.found} of {past.expected} hours of {report.reference.kind})")
    return "\n".join(found)


def _furthest(violations: Sequence[Evaluation], most: int) -> list[Evaluation]:
    """Those that are the furthest beyond their thresholds, in their order."""
    ranked = sorted(range(len(violations)), key=lambda place: -_times(violations[place]))
    return [violations[place] for place in sorted(ranked[:most])]


def _times(found: Evaluation) -> float:
    """How many times its threshold a value is, or the threshold the value; infinite where one is 0, or none is measured.

    >>> from hourglass.constraints.check import Verdict
    >>> [_times(Evaluation("age", "a_check", "", value, -0.1, Verdict.VIOLATION)) for value in (0.2, -0.025, 0.0, None)]
    [2.0, 4.0, inf, inf]
    """
    if not isinstance(found.value, float) or not isinstance(found.threshold, float) or not found.value or not found.threshold:
        return math.inf
    times = abs(found.value / found.threshold)
    return max(times, 1 / times) if times else math.inf


def _suggested(constraints: Mapping[str, Any]) -> str:
    """How much a suggestion asks.

    >>> _suggested({"version": 0.0, "regression_constraints": {"mae": {}, "mse": {}}})
    '2 thresholds'
    """
    if "features" in constraints:
        return counted(len(constraints["features"]), "feature", "features")
    return counted(sum(len(part) for part in constraints.values() if isinstance(part, dict)), "threshold", "thresholds")


def violated(e: Evaluation) -> str:
    """A violation in short: what was found in words, or the check with its measured value."""
    if e.words:
        return f"{shorten(e.feature, _SHOWN)}: {e.words}"
    check = "" if e.check in OPERATORS else f": {e.check.removesuffix('_check').replace('_', ' ')}"
    return f"{shorten(e.feature, _SHOWN)}{check}{_value(e)}"


def _quality(found: QualityReport) -> str:
    """The rows with a label, and the metrics that a person asks for first."""
    parts = [f"{found.counted:,} with label and prediction"] if found.counted < found.rows else []
    for key in FIRST_METRICS[found.problem]:
        value, spread = found.metrics[key].value, found.metrics[key].deviation
        if not isinstance(value, Undefined):
            parts.append(f"{key} {value:.4g}" + ("" if isinstance(spread, Undefined) else f" ± {spread:.2g}"))
    first = found.metrics[FIRST_METRICS[found.problem][0]].value
    if isinstance(first, Undefined):
        parts.append(first.reason)
    return ", ".join(parts)


def _value(found: Evaluation) -> str:
    """The measured value and its threshold; that a column is not there needs no number."""
    if not isinstance(found.value, float) or not isinstance(found.threshold, float) or found.check.endswith("column_check"):
        return ""
    if found.check == BIAS_CHECK:  # whose sign says who is worse off, not how far from the baseline it is
        return f" {found.value:.4g}, baseline {found.threshold:.4g}"
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
                "reference": report.reference.kind,
                "hours": {"expected": report.coverage.expected, "found": report.coverage.found},
                "rows": report.dataset.rows,
                **({"evaluated_rows": report.quality.counted} if report.quality is not None else {}),
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
    document["warnings"] = sorted({*outcome.warnings, *(warning for report in outcome.reports for warning in report.coverage.warnings)})
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
        console().print(Text(f"warning: {plain(warning)}", "yellow"), soft_wrap=True)
    span = f" ({hours[0]} to {hours[-1]})" if hours else ""
    done = f"{len(refreshed.read)} hours read{span}, {len(refreshed.current)} were up to date"
    console().print(f"{done}; states in {escape(str(settings.state_root))}", soft_wrap=True)
