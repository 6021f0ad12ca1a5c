"""The report for people of a window's bias: what is beyond its allowed range, who is worse off, and what the numbers mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from hourglass.bias import (
    ALL_OTHERS,
    BIAS_METRICS,
    MOST_COMPARED,
    BiasEvaluation,
    BiasMetric,
    BiasReport,
    Decision,
    MeasuredBias,
    Stage,
    ValueBias,
    by_facet,
)
from hourglass.capture.window import HOUR, Window
from hourglass.constraints import Verdict
from hourglass.outputs.bias_charts import LARGE, SMALL, Mark, Panel, Point, history_chart, interval_chart, standing
from hourglass.outputs.numbers import counted, number, span
from hourglass.outputs.page import Block, Cell, Heading, Page, Paragraph, Picture, Table, Tone, brief, in_words
from hourglass.outputs.report_files import report_files
from hourglass.undefined import Undefined

THE_REST = "the rest"
_LONGEST_NAME, _LONGEST_REASON = 30, 300
_NAMED = 3  # facet values that the first sentence names
_DRAWN = 20  # facet values that have a part of their own, with charts and all metrics
_STAGES = {Stage.PRE: "Labels, whatever a model says", Stage.POST: "Predictions"}
_UNJUDGED = (Verdict.INSUFFICIENT, Verdict.NOT_COMPUTABLE)

Key = tuple[str, str, str]  # facet, value, metric
History = Mapping[Key, Sequence[Point]]


@dataclass(frozen=True)
class BiasLine:
    """A metric of one value of a facet: all that a reader is told of it.

    `middle` is what the allowed range lies around: the metric's ideal, or 0 in strict mode; around 1 it is by |ln|. `verdict`
    is None where there is no constraint, and `reason` says why there is no verdict. `counts` are the rows on the sides d and a.
    `sentence` says what the value means and who is worse off, `worse` who that is: "d", "a" or "". `tells_sides` are metrics that
    know, `d_above` those of which more is worse for d.
    """

    metric: str
    name: str
    stage: Stage
    value: float | None
    interval: tuple[float, float] | None
    allowed: tuple[float, float] | None
    ideal: float
    middle: float
    verdict: Verdict | None
    reason: str
    counts: tuple[int, int]
    sentence: str
    worse: str
    tells_sides: bool
    d_above: bool
    history: tuple[Point, ...] = ()


@dataclass(frozen=True)
class BiasSection:
    """A value of a facet against all others, or against one value: its rows on both sides, and its metrics."""

    facet: str
    value: str
    against: str
    rows: tuple[int, int]
    lines: tuple[BiasLine, ...]

    @property
    def name(self) -> str:
        """What the section is about.

        >>> BiasSection("Sex", "0", "1", (0, 0), ()).name
        'Sex = 0 against Sex = 1'
        """
        return f"{self.facet} = {self.value}" + ("" if self.against == ALL_OTHERS else f" against {self.facet} = {self.against}")

    @property
    def sides(self) -> tuple[str, str]:
        """The names of d and a in sentences."""
        d, a = (f"{brief(self.facet, _LONGEST_NAME)} = {brief(value, _LONGEST_NAME)}" for value in (self.value, self.against))
        return d, THE_REST if self.against == ALL_OTHERS else a

    def having(self, verdict: Verdict) -> tuple[BiasLine, ...]:
        """The lines with a verdict."""
        return tuple(line for line in self.lines if line.verdict is verdict)


@dataclass(frozen=True)
class HowComputed:
    """What numbers and verdicts depend on: draws of a share of the rows, the decision, and the least rows for a verdict."""

    draws: int
    share: float
    decision: Decision
    least_count: int


@dataclass(frozen=True)
class BiasPage:
    """The report of a window: `subject` is what was watched, such as an endpoint, and `window` its time in words.

    `facets` are the reports as they were given. Each point of the history is `each` long.
    """

    subject: str
    window: str
    how: HowComputed
    facets: tuple[BiasReport, ...]
    sections: tuple[BiasSection, ...]
    each: timedelta = HOUR

    @property
    def drawn(self) -> list[int]:
        """The places of the sections that are shown with charts: those with most violations, then the first ones, in their order."""
        violations = [len(section.having(Verdict.VIOLATION)) for section in self.sections]
        return sorted(sorted(range(len(self.sections)), key=lambda place: -violations[place])[:_DRAWN])

    @property
    def judged(self) -> frozenset[Key]:
        """The metrics whose history is shown: those with a verdict, of the sections that are drawn."""
        sections = [self.sections[place] for place in self.drawn]
        return frozenset((section.facet, section.value, line.metric) for section in sections for line in section.lines if line.verdict)

    def with_history(self, history: History, each: timedelta = HOUR) -> BiasPage:
        """The same with the course of what is judged; each of its points is so long."""
        judged = self.judged

        def lines(section: BiasSection) -> Iterator[BiasLine]:
            for line in section.lines:
                key = (section.facet, section.value, line.metric)
                yield replace(line, history=tuple(history.get(key, ()))) if line.verdict is not None and key in judged else line

        return replace(self, sections=tuple(replace(section, lines=tuple(lines(section))) for section in self.sections), each=each)


def bias_page(
    subject: str,
    window: Window | None,
    reports: Sequence[BiasReport],
    evaluations: Iterable[BiasEvaluation],
    how: HowComputed,
    metrics: Collection[str] | None = None,
) -> BiasPage:
    """What was measured and judged, as a reader is told it: a section for each value, in the order of the reports.

    A constraint on a value that was not measured has a section too, after them. `metrics` are those that were asked for, all when
    absent; what has a constraint is shown as well.
    """
    judged = {(found.facet, found.measured, found.metric): found for found in evaluations}
    sections = []
    measured: set[Key] = set()
    for report in reports:
        for value in report.values:
            lines = []
            for key, found in value.metrics.items():
                at = (report.facet, value.value, key)
                if metrics is not None and key not in metrics and at not in judged:
                    continue
                judgement = judged.get(at) if value.against == ALL_OTHERS else None
                measured |= {at} if value.against == ALL_OTHERS else set()
                lines.append(_line(BIAS_METRICS[key], found, judgement, _sides(report, value), how.decision))
            sections.append(BiasSection(report.facet, value.value, value.against, value.rows, _ordered(lines)))
    absent = Undefined("not measured")
    lost: dict[tuple[str, str], list[Key]] = {}
    for missed in judged.keys() - measured:
        lost.setdefault(missed[:2], []).append(missed)
    for facet, name in sorted(lost):
        nothing = MeasuredBias(absent, absent, (0, 0), (0, 0))
        sides = BiasSection(facet, name, ALL_OTHERS, (0, 0), ()).sides
        lines = [_line(BIAS_METRICS[missed[2]], nothing, judged[missed], sides, how.decision) for missed in lost[facet, name]]
        sections.append(BiasSection(facet, name, ALL_OTHERS, (0, 0), _ordered(lines)))
    return BiasPage(subject, in_words(window), how, tuple(reports), tuple(sections))


def history_of(periods: Iterable[tuple[datetime, Sequence[BiasReport]]]) -> dict[Key, list[Point]]:
    """The course of every metric over the stored hours: a point for each period, without a value where it has none."""
    found: dict[Key, list[Point]] = {}
    for time, reports in periods:
        for report in reports:
            for value in report.values:
                if value.against == ALL_OTHERS:
                    for key, measured in value.metrics.items():
                        point = Point(time, _value(measured), _interval(measured))
                        found.setdefault((report.facet, value.value, key), []).append(point)
    return found


def bias_files(report: BiasPage) -> dict[str, bytes]:
    """`report.html`, one file without scripts and network for a browser or a mail, and `report.pdf`, the same on sheets of A4."""
    return report_files(as_page(report))


def _sides(report: BiasReport, value: ValueBias) -> tuple[str, str]:
    return BiasSection(report.facet, value.value, value.against, value.rows, ()).sides


def _value(measured: MeasuredBias) -> float | None:
    return None if isinstance(measured.value, Undefined) else measured.value


def _interval(measured: MeasuredBias) -> tuple[float, float] | None:
    return None if isinstance(measured.interval, Undefined) else (measured.interval.low, measured.interval.high)


def _ordered(lines: Iterable[BiasLine]) -> tuple[BiasLine, ...]:
    return tuple(sorted(lines, key=lambda line: (list(Stage).index(line.stage), line.metric)))


def _line(
    metric: BiasMetric,
    measured: MeasuredBias,
    judgement: BiasEvaluation | None,
    sides: tuple[str, str],
    decision: Decision,
) -> BiasLine:
    value, interval = _value(measured), _interval(measured)
    verdict = None if judgement is None else judgement.verdict
    reason = ""
    if isinstance(measured.value, Undefined):
        reason = measured.value.reason
    if judgement is not None and verdict in _UNJUDGED:
        reason = judgement.description
    if verdict is Verdict.INSUFFICIENT:
        reason = reason.replace("facet d", sides[0]).replace("facet a", sides[1])
    return BiasLine(
        metric.key,
        metric.name.removesuffix(f" ({metric.key})"),
        metric.stage,
        value,
        interval,
        None if judgement is None else judgement.allowed,
        metric.ideal,
        metric.ideal if decision is Decision.INTERVAL else 0.0,
        verdict,
        brief(reason, _LONGEST_REASON),
        measured.counts,
        _sentence(metric, value, interval, sides),
        "" if value is None else metric.worse_off(value),
        bool(metric.worse),
        metric.worse == "d",
    )


def _sentence(metric: BiasMetric, value: float | None, interval: tuple[float, float] | None, sides: tuple[str, str]) -> str:
    """What a value means, and that chance may have made it where its interval has the ideal inside."""
    if value is None:
        return ""
    said = metric.said(value, *sides)
    said = f"The{said[3:]}" if said.startswith(f"{THE_REST} ") else said
    if value != metric.ideal and interval is not None and interval[0] <= metric.ideal <= interval[1]:
        return f"{said} This may be chance: the interval has {metric.ideal:g} inside."
    return said


def as_page(report: BiasPage) -> Page:
    """A report as blocks: the verdict, all values at a glance, each value, how it was computed, and what the words mean."""
    tone, headline, more = _verdict(report)
    several = len(report.sections) > 1
    drawn = report.drawn
    return Page(
        f"Bias of {brief(report.subject, _LONGEST_REASON)}",
        report.window,
        (
            Paragraph(headline, tone, large=True),
            *([Paragraph(more)] if more else []),
            *(_overview(report, drawn) if several else []),
            *(block for place in drawn for block in _section(report.sections[place], _anchor(place), report.each, of_several=several)),
            *_computed(report),
            *_words(report.how),
        ),
    )


def _verdict(report: BiasPage) -> tuple[Tone, str, str]:
    """The one line that says it all, how it is meant, and what could not be judged."""
    if not any(facet.rows for facet in report.facets):
        return Tone.QUIET, "No data: the window has no rows.", ""
    if faults := dict.fromkeys(fault for facet in report.facets for fault in facet.outcome_faults):
        return Tone.QUIET, f"No verdict: {'; '.join(faults)}.", "Metrics that do not ask what is positive are shown."
    judged = [section for section in report.sections if any(line.verdict is not None for line in section.lines)]
    if not judged:
        return Tone.PLAIN, "No baseline: the metrics are shown, and nothing is held against an allowed range.", ""
    tone, headline = _headline(judged)
    counts = Counter(line.verdict for section in judged for line in section.lines)
    few, none = counts[Verdict.INSUFFICIENT], counts[Verdict.NOT_COMPUTABLE]
    without = [
        *([f"{counted(few, 'metric has', 'metrics have')} too few rows for a verdict"] if few else []),
        *([f"{counted(none, 'metric has', 'metrics have')} no value, here or in the baseline"] if none else []),
    ]
    return tone, headline, f"{' and '.join(without)}; the reason stands beside each." if without else ""


def _headline(judged: Sequence[BiasSection]) -> tuple[Tone, str]:
    beyond = [(section.sides[0], len(section.having(Verdict.VIOLATION)), _with_verdict(section)) for section in judged]
    found = sorted((entry for entry in beyond if entry[1]), key=lambda entry: -entry[1])
    total = sum(entry[2] for entry in beyond)
    passed = sum(len(section.having(Verdict.PASS)) for section in judged)
    facets = {section.facet for section in judged}
    of = (
        beyond[0][0]
        if len(judged) == 1
        else f"{len(judged)} {f'values of {brief(min(facets), _LONGEST_NAME)}' if len(facets) == 1 else 'facet values'}"
    )
    if found and len(judged) == 1:
        return Tone.ALARM, f"{found[0][1]} of {total} metrics of {of} {'is' if found[0][1] == 1 else 'are'} beyond their allowed range."
    if found:
        first = ", ".join(f"{name} ({bad} of {n} metrics)" for name, bad, n in found[:_NAMED])
        more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        verb = "has metrics" if len(found) == 1 else "have metrics"
        return Tone.ALARM, f"{len(found)} of {of} {verb} beyond the allowed range: {first}{more}."
    if passed:
        return Tone.GOOD, f"No metric of {of} is beyond its allowed range; {passed} of {total} could be judged."
    return Tone.QUIET, f"No metric of {of} could be judged."


def _with_verdict(section: BiasSection) -> int:
    return sum(line.verdict is not None for line in section.lines)


def _anchor(place: int) -> str:
    return f"value-{place}"


def _overview(report: BiasPage, drawn: Collection[int]) -> Iterator[Block]:
    """All values at a glance, and which of them have no part of their own, or are not compared with the best-off one."""
    yield _at_a_glance(report.sections, drawn)
    if len(drawn) < len(report.sections):
        yield Paragraph(
            f"Charts and all metrics follow for {len(drawn)} of these {len(report.sections)}: those with most metrics beyond, "
            "then the first. analysis.json has the metrics of all."
        )
    for facet in report.facets:
        if facet.not_compared:
            name, best = brief(facet.facet, _LONGEST_NAME), brief(facet.values[0].against, _LONGEST_NAME)
            yield Paragraph(
                f"{counted(facet.not_compared, f'value of {name} is', f'values of {name} are')} not compared with the best-off one, "
                f"{best}: fewer than {report.how.least_count} rows, or not among the {MOST_COMPARED} with most.",
                Tone.QUIET,
            )


def _at_a_glance(sections: Sequence[BiasSection], drawn: Collection[int]) -> Table:
    facets = {section.facet for section in sections}
    rows = []
    for place, section in enumerate(sections):
        counts = Counter(line.verdict for line in section.lines)
        bad = section.having(Verdict.VIOLATION)
        unjudged = sum(counts[verdict] for verdict in _UNJUDGED)
        against = "" if section.against == ALL_OTHERS else f"against {section.sides[1]}"
        rows.append(
            (
                Cell(
                    brief(section.value, 3 * _LONGEST_NAME) if len(facets) == 1 else section.sides[0],
                    against,
                    link=_anchor(place) if place in drawn else "",
                ),
                Cell(f"{section.rows[0]:,} of {sum(section.rows):,}"),
                Cell(str(len(bad)), tone=Tone.ALARM, strong=True) if bad else Cell("0" if _with_verdict(section) else "—"),
                Cell(f"{counts[Verdict.PASS]}" if _with_verdict(section) else "—"),
                Cell(f"{unjudged}" if _with_verdict(section) else "—"),
                Cell(_leaning(section)),
            )
        )
    head = (
        brief(min(facets), _LONGEST_NAME) if len(facets) == 1 else "Facet value",
        "Rows",
        "Beyond",
        "Within",
        "No verdict",
        "Worse off where it is beyond",
    )
    return Table(head, (0.34, 0.14, 0.09, 0.09, 0.1, 0.24), tuple(rows))


def _leaning(section: BiasSection) -> str:
    """Who is worse off in a value's violations."""
    sides = Counter(line.worse for line in section.having(Verdict.VIOLATION))
    names = {"d": "this value", "a": section.sides[1], "": "not said by the metric"}
    return ", ".join(f"{names[side]} ({n})" for side, n in sorted(sides.items(), key=lambda found: (not found[0], -found[1])))


def _section(section: BiasSection, anchor: str, each: timedelta, *, of_several: bool) -> Iterator[Block]:
    d, a = section.sides
    yield Heading(brief(section.name, _LONGEST_REASON), anchor=anchor)
    bad = section.having(Verdict.VIOLATION)
    rows = f"{section.rows[0]:,} rows have {d}; {section.rows[1]:,} are {'the others with a value' if a == THE_REST else f'of {a}'}."
    judged = _with_verdict(section)
    verdict = (
        f" {len(bad)} of {judged} metrics {'is' if len(bad) == 1 else 'are'} beyond their allowed range." if judged and of_several else ""
    )
    yield Paragraph(rows + verdict)
    drawn = [line for line in section.lines if line.value is not None and line.allowed is not None and line.ideal == line.middle]
    if drawn:
        marks = [_mark(line) for line in drawn]
        words = ", ".join(f"{line.metric} {number(line.value)} ({line.verdict})" for line in drawn)
        yield Picture(interval_chart(marks, d, a), f"Metrics of {d} against their allowed ranges: {words}")
    for reason, lines in _reasons(line for line in section.lines if line not in drawn and line.verdict is not None):
        yield Paragraph(f"Not in the chart: {', '.join(line.metric for line in lines)} ({reason}).", Tone.QUIET)
    if judged:
        yield from _histories(section, each)
    for stage, of_stage in groupby(section.lines, key=lambda line: line.stage):
        yield Heading(_STAGES[stage], level=3)
        yield _table(list(of_stage))


def _reasons(lines: Iterable[BiasLine]) -> list[tuple[str, list[BiasLine]]]:
    found: dict[str, list[BiasLine]] = {}
    for line in lines:
        plainly = "strict mode holds it against its baseline, not against its distance from 1"
        found.setdefault(line.reason or (plainly if line.ideal != line.middle else "no allowed range"), []).append(line)
    return list(found.items())


def _mark(line: BiasLine) -> Mark:
    if line.value is None or line.allowed is None or line.verdict is None:
        raise ValueError(f"{line.metric} cannot be drawn")
    return Mark(line.metric, line.value, line.interval, line.allowed, line.middle, line.verdict, line.tells_sides, line.d_above)


def _histories(section: BiasSection, each: timedelta) -> Iterator[Block]:
    """The course of what is judged: of what is beyond in large, then of the rest in small, where a trend can be seen as well."""
    known = [line for line in section.lines if any(point.value is not None for point in line.history)]
    yield Heading("Their course over the stored hours", level=3)
    if not known:
        yield Paragraph("No stored hour has a value of them.", Tone.QUIET)
        return
    yield Paragraph(f"Each point is {_long(each)}. The band is what is allowed, the shade where the value lies by chance.", Tone.QUIET)
    beyond = [line for line in known if line.verdict is Verdict.VIOLATION]
    for look, lines in ((LARGE, beyond), (SMALL, [line for line in known if line not in beyond])):
        for start in range(0, len(lines), look.beside):
            row = lines[start : start + look.beside]
            words = "; ".join(f"{line.metric}: {counted(len(line.history), 'point', 'points')}" for line in row)
            yield Picture(history_chart([_panel(line) for line in row], look), f"History. {words}")


def _panel(line: BiasLine) -> Panel:
    return line.metric, line.history, line.allowed or (0.0, 0.0), line.value


def _long(each: timedelta) -> str:
    """How long a period is.

    >>> _long(HOUR), _long(3 * HOUR), _long(48 * HOUR)
    ('an hour', '3 hours', '2 days')
    """
    hours = each // HOUR
    if hours % 24 == 0:
        return "a day" if hours == 24 else f"{hours // 24} days"
    return "an hour" if hours == 1 else f"{hours} hours"


def _table(lines: Sequence[BiasLine]) -> Table:
    head = ("Metric", "Value", "Allowed", "Verdict", "Rows", "What it means")
    return Table(head, (0.17, 0.13, 0.13, 0.11, 0.1, 0.36), tuple(_row(line) for line in lines))


def _row(line: BiasLine) -> tuple[Cell, ...]:
    word, tone = standing(line.verdict)
    reason = f"No {'value' if line.value is None else 'verdict'}: {line.reason}." if line.reason else ""
    return (
        Cell(line.metric, line.name, strong=True),
        Cell(number(line.value), "" if line.interval is None else span(line.interval), strong=line.verdict is Verdict.VIOLATION),
        Cell("—" if line.allowed is None else span(line.allowed)),
        Cell(word, tone=tone, strong=line.verdict is Verdict.VIOLATION),
        Cell(f"{line.counts[0]:,}", f"against {line.counts[1]:,}"),
        Cell(line.sentence, reason) if line.sentence else Cell(reason, tone=Tone.QUIET),
    )


def _computed(report: BiasPage) -> Iterator[Block]:
    how = report.how
    yield Heading("How it was computed")
    decision = (
        "A metric is beyond when its value and its whole interval lie outside of the allowed range"
        if how.decision is Decision.INTERVAL
        else "A metric is beyond when its value is further from 0 than the baseline's"
    )
    yield Paragraph(
        f"Intervals: {how.draws:,} draws of {how.share:.0%} of the rows. {decision} (decision: {how.decision}). "
        f"With fewer than {how.least_count} rows on a side there is no verdict."
    )
    head = ("Facet", "Positive", "Rows", "With a label", "With a prediction", "Without a value", "Flip test")
    rows = []
    for facet in by_facet(report.facets).values():
        flip = f"{facet.sampled:,} sampled rows" if facet.sampled else "no rows"
        below = f"{facet.left_out:,} more lack a feature" if facet.left_out else ""
        kept = "more values than can be kept" if facet.truncated else ""
        numbers = (f"{n:,}" for n in (facet.rows, facet.labelled, facet.predicted, facet.missing))
        positive = brief(", ".join(facet.positive), _LONGEST_NAME)
        rows.append((Cell(brief(facet.facet, _LONGEST_REASON), kept), Cell(positive), *map(Cell, numbers), Cell(flip, below)))
    yield Table(head, (0.22, 0.14, 0.1, 0.12, 0.14, 0.12, 0.16), tuple(rows))


def _words(how: HowComputed) -> Iterator[Block]:
    yield Heading("What these words mean")
    around = " For DI, whose ideal is 1, it is from 1/c to c, which is to compare |ln DI|." if how.decision is Decision.INTERVAL else ""
    words = {
        "Facet, facet value": "A column that people are told apart by, and one of its values, or several. The metrics compare the rows of "
        "that value (facet d) with the rest (facet a).",
        "The rest": "All other rows with a value of the facet. Rows without a value are on neither side.",
        "Positive": "The labels and predictions that are good for people. Negative are all others.",
        "Label, prediction": "What turned out to be right, and what the model said.",
        "Value": "What the metric is in this window. ∞: a division by zero, such as errors of one kind for each of another without any.",
        "Interval": "Where the value lies by chance: what it is in random draws of the same rows, mean ± 1 standard deviation.",
        "Allowed": "As far from the ideal, on either side, as the metric was in the baseline, or as the threshold beside it says." + around,
        "Beyond, within": "Whether the window is outside of what is allowed. Beyond is no reason; within is no proof of fairness.",
        "Insufficient data": "Too few rows for a verdict.",
        "Not computable": "There is no value, or the baseline had none.",
        "Limit": "The end of the allowed range. In the charts the distance is even up to the limit and shortened beyond it; an arrow is "
        "further away than the chart is wide.",
        "Worse off": "Whom the difference is bad for. Metrics that only measure how different the sides are do not say.",
    }
    rows = tuple((Cell(word, strong=True), Cell(meaning)) for word, meaning in words.items())
    yield Table(("Word", "Meaning"), (0.2, 0.8), rows)
