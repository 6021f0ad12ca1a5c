"""The report for people of what drives a model: whether that has changed, by which features, and how it was found out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from hourglass.attribution.config import Aggregation
from hourglass.attribution.digest import ANSWER, LOG_ODDS, kept_as
from hourglass.attribution.how_explained import HowExplained
from hourglass.attribution.metric import ATTRIBUTION_METRICS
from hourglass.attribution.report import AttributionReport, Comparison, FeatureChange, LabelReport, finding
from hourglass.capture.window import Window
from hourglass.constraints import Verdict
from hourglass.outputs.attribution_charts import Course, Swarm, course_chart, swarm_chart
from hourglass.outputs.numbers import counted, number, percent
from hourglass.outputs.page import Block, Cell, Heading, Page, Paragraph, Picture, Table, Tone, brief, explained, in_words
from hourglass.outputs.report_files import report_files
from hourglass.outputs.share_chart import Bar, share_chart, shares_in_words
from hourglass.undefined import Undefined
from hourglass.values import Floats, as_floats

_FINDINGS, _BARS, _TOP, _LINES, _SECTIONS, _OVERVIEW = 8, 15, 10, 60, 6, 60
_DOTS, _FEWEST_DOTS = 400, 60  # of a feature, where one label is shown
_LONGEST_NAME, _LONGEST_TEXT = 40, 300
_NAMED = 3  # features or labels that the first sentence names
_NDCG, _MOVED = "ndcg", "share_moved"
_UNJUDGED = (Verdict.INSUFFICIENT, Verdict.NOT_COMPUTABLE)
_TONES = {Verdict.VIOLATION: Tone.ALARM, Verdict.PASS: Tone.GOOD}

Shares = Mapping[str, Mapping[str, float]]  # label → feature → share
History = Sequence[tuple[datetime, Shares]]


@dataclass(frozen=True)
class AttributionPage:
    """The report of a window: `subject` is what was watched, such as an endpoint, and `window` its time in words.

    Each point of the course is of a `step`.
    """

    subject: str
    window: str
    report: AttributionReport
    history: tuple[tuple[datetime, Shares], ...]
    step: timedelta
    how: HowExplained


def attribution_page(
    subject: str, window: Window | None, report: AttributionReport, history: History, step: timedelta, how: HowExplained
) -> AttributionPage:
    """What was found, as a reader is told it. `history` has the shares of stored hours, a gap where an hour has none."""
    filled = [place for place, (_, shares) in enumerate(history) if shares]
    course = history[filled[0] : filled[-1] + 1] if filled else ()
    return AttributionPage(subject, in_words(window), report, tuple(course), step, how)


def attribution_files(page: AttributionPage) -> dict[str, bytes]:
    """`report.html`, one file without scripts and network for a browser or a mail, and `report.pdf`, the same on sheets of A4."""
    return report_files(as_page(page))


def as_page(page: AttributionPage) -> Page:
    """A report as blocks: the verdict, what changed, each answer of the model, and how it was computed."""
    labels = page.report.labels
    absent = {found.label: found for found in page.report.lacking}
    tone, headline, more = _verdict((*labels, *(LabelReport(label, math.nan, (), (found,)) for label, found in absent.items())))
    drawn = _drawn(labels)
    several = len(labels) > 1
    return Page(
        f"What drives the model of {brief(page.subject, _LONGEST_TEXT)}",
        page.window,
        (
            Paragraph(headline, tone, large=True),
            *([Paragraph(more)] if more else []),
            *_findings(labels, page.report.rows),
            *(_overview(labels, drawn) if several else []),
            *(block for place in drawn for block in _section(page, labels[place], _anchor(place), len(drawn))),
            *_computed(page),
        ),
    )


def _comparison(label: LabelReport, metric: str) -> Comparison | None:
    return next((found for found in label.comparisons if found.metric == metric), None)


def _beyond(label: LabelReport) -> list[Comparison]:
    return [found for found in label.comparisons if found.verdict is Verdict.VIOLATION]


def _standing(label: LabelReport) -> Verdict | None:
    """The worst of a label's comparisons that have a limit; None without any."""
    verdicts = [found.verdict for found in label.comparisons if found.threshold is not None]
    order = (Verdict.VIOLATION, *_UNJUDGED, Verdict.PASS)
    return min(verdicts, key=order.index, default=None)


def _verdict(labels: Sequence[LabelReport]) -> tuple[Tone, str, str]:
    """The one line that says it all, and what to add to it."""
    if not labels:
        return Tone.QUIET, "No data: no row of the window could be explained.", ""
    compared = [label for label in labels if label.comparisons]
    if not compared:
        first = "No baseline: this is what drives the model, and nothing is held against an earlier time."
        return Tone.PLAIN, first, "" if len(labels) > 1 else _strongest(labels[0])
    tone, said, shown = _judged(compared)
    if len(labels) == 1:
        return tone, f"{said}: {_measured(shown[0])}.", ""
    left = f"; and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return tone, f"{said}.", "; ".join(f"{_brief(label.label)}: {_measured(label)}" for label in shown[:_NAMED]) + f"{left}."


def _judged(labels: Sequence[LabelReport]) -> tuple[Tone, str, Sequence[LabelReport]]:
    """The verdict on the labels that have a baseline, and those that it is about."""
    many = len(labels) > 1
    changed = [label for label in labels if _beyond(label)]
    if changed:
        return Tone.ALARM, "What drives the model has changed" + (f" for {len(changed)} of {len(labels)} labels" if many else ""), changed
    unjudged = [label for label in labels if _standing(label) in _UNJUDGED]
    if unjudged:
        reason = next(found.description for found in unjudged[0].comparisons if found.verdict in _UNJUDGED)
        of = f" for {len(unjudged)} of {len(labels)} labels" if many else ""
        return Tone.QUIET, f"No verdict{of} ({reason})", unjudged
    if all(_standing(label) is None for label in labels):
        return Tone.PLAIN, "No limit is set", labels
    of = f" for any of {len(labels)} labels" if many else ""
    return Tone.GOOD, f"What drives the model has not changed beyond the limit{of}", labels


def _measured(label: LabelReport) -> str:
    """NDCG with its limit, how much has moved, and whatever else is beyond its limit."""
    ndcg, moved = _comparison(label, _NDCG), _comparison(label, _MOVED)
    parts = []
    if ndcg is not None:
        nothing = ndcg.value is None and ndcg.verdict is Verdict.VIOLATION
        parts.append(ndcg.description if nothing else f"NDCG {_shown(ndcg, ndcg.value)}{_limit(ndcg)}")
    if moved is not None and moved.value is not None:
        between = "" if moved.interval is None else f"95 % interval {_between(moved.interval)}"
        parts.append(f"{percent(moved.value)} of the attribution moved to other features{_limit(moved, between)}")
    others = [found for found in _beyond(label) if found.metric not in {_NDCG, _MOVED}]
    parts += [f"{ATTRIBUTION_METRICS[found.metric].title.lower()} {_shown(found, found.value)}{_limit(found)}" for found in others]
    return "; ".join(parts)


def _limit(found: Comparison, more: str = "") -> str:
    limit = "" if found.threshold is None else f"limit {_shown(found, found.threshold)}"
    inside = ", ".join(filter(None, (limit, more)))
    return f" ({inside})" if inside else ""


def _strongest(label: LabelReport) -> str:
    """Which features have most of the attribution."""
    first = [feature for feature in label.features[:_NAMED] if feature.share > 0]
    if not first:
        return "No feature has any attribution."
    names = ", ".join(f"{_brief(feature.feature)} ({percent(feature.share)})" for feature in first)
    return f"{percent(sum(feature.share for feature in first))} of the attribution is with {names}."


def _brief(name: str) -> str:
    return brief(name, _LONGEST_NAME)


def _has_changed(feature: FeatureChange) -> bool:
    """Whether a share moved by more than chance makes it."""
    return feature.change_interval is not None and not feature.change_interval[0] <= 0.0 <= feature.change_interval[1]


def _sentences(labels: Sequence[LabelReport]) -> list[str]:
    """What happened to each feature that changed, the largest change first."""
    found = []
    for label in labels:
        for feature in filter(_has_changed, label.features):
            sentence = finding(replace(feature, feature=_brief(feature.feature)))
            if not isinstance(sentence, Undefined):
                found.append((-abs(feature.change or 0.0), f"{_brief(label.label)}: {sentence}" if len(labels) > 1 else sentence))
    return [sentence for _, sentence in sorted(found, key=lambda entry: entry[0])]


def _findings(labels: Sequence[LabelReport], rows: int) -> Iterator[Block]:
    judged = [label for label in labels if label.comparisons and _standing(label) is not Verdict.INSUFFICIENT]
    if not judged:
        return
    yield Heading("What has changed")
    sentences = _sentences(judged)
    for sentence in sentences[:_FINDINGS]:
        yield Paragraph(sentence)
    if len(sentences) > _FINDINGS:
        yield Paragraph(f"{len(sentences) - _FINDINGS} more changed by less; the tables have them.")
    of = sum(len(label.features) for label in judged)
    if not sentences:
        yield Paragraph(f"None of {counted(of, 'share', 'shares')} moved by more than chance makes of {counted(rows, 'row', 'rows')}.")
    elif of > 1:
        yield Paragraph(
            f"{len(sentences)} of {of} shares moved by more than chance: their 95 % intervals exclude 0. "
            "Where nothing has changed that happens to about 1 share in 20.",
            Tone.QUIET,
        )


def _drawn(labels: Sequence[LabelReport]) -> list[int]:
    """The places of the labels that are shown with charts: those with violations, then the first ones, in their order."""
    return sorted(sorted(range(len(labels)), key=lambda place: not _beyond(labels[place]))[:_SECTIONS])


def _anchor(place: int) -> str:
    return f"label-{place}"


def _overview(labels: Sequence[LabelReport], drawn: Sequence[int]) -> Iterator[Block]:
    """All labels at a glance."""
    yield Heading("All labels")
    compared = any(label.comparisons for label in labels)
    rows = []
    for place, label in enumerate(labels[:_OVERVIEW]):
        name = Cell(_brief(label.label), link=_anchor(place) if place in drawn else "")
        strongest = ", ".join(f"{_brief(feature.feature)} {percent(feature.share)}" for feature in label.features[:_NAMED])
        row = (name, *_compared_cells(label), Cell(strongest)) if compared else (name, Cell(number(label.expected)), Cell(strongest))
        rows.append(row)
    head: tuple[str, ...] = ("Label", "Expected value", "Strongest features")
    widths: tuple[float, ...] = (0.25, 0.15, 0.6)
    if compared:
        head, widths = ("Label", "NDCG", "Attribution moved", "Verdict", "Strongest features"), (0.2, 0.13, 0.17, 0.14, 0.36)
    yield Table(head, widths, tuple(rows))
    if len(labels) > _OVERVIEW:
        yield Paragraph(f"{counted(len(labels) - _OVERVIEW, 'more label is', 'more labels are')} in analysis.json.", Tone.QUIET)
    if len(drawn) < len(labels):
        yield Paragraph(f"Charts follow for {len(drawn)} of {len(labels)}: those beyond a limit, then the first.", Tone.QUIET)


def _compared_cells(label: LabelReport) -> tuple[Cell, Cell, Cell]:
    ndcg, moved = _comparison(label, _NDCG), _comparison(label, _MOVED)
    return (
        Cell("—") if ndcg is None else Cell(_shown(ndcg, ndcg.value), _limit(ndcg).strip(" ()")),
        Cell("—") if moved is None else Cell(_shown(moved, moved.value), _between(moved.interval)),
        _standing_cell(_standing(label)),
    )


def _standing_cell(standing: Verdict | None, without: str = "no baseline") -> Cell:
    words = {Verdict.VIOLATION: "beyond", Verdict.PASS: "within", None: without}
    tone = Tone.QUIET if standing is None else _TONES.get(standing, Tone.QUIET)
    return Cell(words.get(standing, str(standing)), tone=tone, strong=standing is Verdict.VIOLATION)


def _between(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def _section(page: AttributionPage, label: LabelReport, anchor: str, sections: int) -> Iterator[Block]:
    yield Heading(f"Features of {_brief(label.label)}", anchor=anchor)
    if label.comparisons:
        yield _comparisons(label)
        yield Paragraph(_in_all(label), Tone.QUIET)
    yield from _bars(label)
    yield from _courses(page, label)
    yield from _swarms(page, label, max(_FEWEST_DOTS, _DOTS // sections))
    yield from _features(label)


def _in_all(label: LabelReport) -> str:
    """How much attribution there is, of which shares say only how it is split."""
    now = sum(feature.value for feature in label.features)
    before = sum(feature.baseline or 0.0 for feature in label.features)
    return f"All attributions together are {number(now)}, and were {number(before)}: shares say how they are split, not how many they are."


def _comparisons(label: LabelReport) -> Table:
    rows = []
    for found in label.comparisons:
        standing = _standing_cell(None if found.threshold is None else found.verdict, "no limit")
        rows.append(
            (
                Cell(ATTRIBUTION_METRICS[found.metric].title, found.metric, strong=True),
                Cell(_shown(found, found.value)),
                Cell("—" if found.interval is None else f"{_shown(found, found.interval[0])} to {_shown(found, found.interval[1])}"),
                Cell("—" if found.threshold is None else _shown(found, found.threshold)),
                replace(standing, below=found.description if found.verdict in _UNJUDGED else ""),
            )
        )
    return Table(("Metric", "Now", "95 % interval", "Limit", "Verdict"), (0.3, 0.13, 0.2, 0.13, 0.24), tuple(rows))


def _shown(found: Comparison, value: float | None) -> str:
    """A value of a metric: shares in percent, others as they are."""
    if ATTRIBUTION_METRICS[found.metric].is_share:
        return percent(value)
    return "—" if value is None else f"{value:.4g}"


# a picture follows its heading at once, and is explained under it: so on paper no heading stays behind alone


def _bars(label: LabelReport) -> Iterator[Block]:
    """The features that have most, now or in the baseline, in the order of now, and what all others have."""
    most = {feature.feature for feature in sorted(label.features, key=_weight, reverse=True)[:_BARS]}
    shown = [feature for feature in label.features if feature.feature in most]
    rest = [feature for feature in label.features if feature.feature not in most]
    bars = [
        Bar(feature.feature, _known(feature.share), feature.share_interval, feature.baseline_share, _has_changed(feature))
        for feature in shown
    ]
    if rest:
        before = sum(_known(feature.baseline_share) for feature in rest) if label.comparisons else None
        bars.append(Bar(counted(len(rest), "other", "others"), sum(_known(feature.share) for feature in rest), None, before))
    if not any(bar.share or bar.before for bar in bars):
        yield Paragraph("No feature has any attribution: the answer was the same for all rows.", Tone.QUIET)
        return
    yield Heading("Share of each feature" + (", beside the baseline" if label.comparisons else ""), level=3)
    colours = "Coloured is the window (orange: changed by more than chance), grey the baseline. " if label.comparisons else ""
    yield Picture(share_chart(bars, "share of all attribution"), f"Shares of the attribution: {shares_in_words(bars)}")
    yield Paragraph(f"{colours}The thin line is the 95 % interval of a feature's share.", Tone.QUIET)


def _weight(feature: FeatureChange) -> float:
    return max(_known(feature.share), _known(feature.baseline_share))


def _known(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else value


def _courses(page: AttributionPage, label: LabelReport) -> Iterator[Block]:
    """The shares of the strongest features over the stored hours, and NDCG of all of them."""
    times = [time for time, _ in page.history]
    found = [shares.get(label.label) for _, shares in page.history]
    if sum(shares is not None for shares in found) < 2:
        return
    top = sorted(label.features, key=_weight, reverse=True)[:_TOP]
    top.sort(key=lambda feature: feature.rank)
    courses = [
        Course(
            feature.feature,
            tuple(None if shares is None else _known(shares.get(feature.feature, 0.0)) for shares in found),
            feature.baseline_share,
        )
        for feature in top
    ]
    ndcg = [None if shares is None else _ndcg_of(label, shares) for shares in found] if label.comparisons else []
    limit = _comparison(label, _NDCG)
    hours = page.step // timedelta(hours=1)
    yield Heading("Their course over the stored hours", level=3)
    each = "an hour" if hours == 1 else f"{hours} hours"
    dashed = " The dashed line is the baseline." if label.comparisons else ""
    words = f"Shares of {', '.join(_brief(course.name) for course in courses)} over {counted(len(times), 'point', 'points')} of time"
    yield Picture(course_chart(times, courses, ndcg, limit.threshold if limit else None), words)
    yield Paragraph(f"A point is {each}; all panels have one scale.{dashed}", Tone.QUIET)


def _ndcg_of(label: LabelReport, shares: Mapping[str, float]) -> float | None:
    """NDCG of an hour, which shares have as the attributions that they are of."""
    names = sorted({*(feature.feature for feature in label.features), *shares})
    before = {feature.feature: _known(feature.baseline_share) for feature in label.features}
    baseline, live = (np.array([[_known(of.get(name, 0.0)) for name in names]]) for of in (before, shares))
    value = float(ATTRIBUTION_METRICS[_NDCG].values(baseline, live)[0])
    return None if math.isnan(value) else value


def _swarms(page: AttributionPage, label: LabelReport, most: int) -> Iterator[Block]:
    """The kept rows one by one: which of the first features moved the answer, and where to."""
    swarms = []
    kept = 0
    for feature in label.features[:_TOP]:
        key = kept_as(label.label, feature.feature)
        rows = [row for row in page.report.local if _is_number(row.get(key))][:most]
        kept = max(kept, len(rows))
        levels = _levels(as_floats([row.get(feature.feature) for row in rows]))
        swarms.append(Swarm(feature.feature, tuple((float(str(row[key])), level) for row, level in zip(rows, levels, strict=True))))
    if not kept:
        return
    yield Heading("Row by row", level=3)
    unit = _ADDS_TO.get(page.how.scale or "", "as captured")
    words = f"Attributions of {', '.join(_brief(swarm.name) for swarm in swarms)} in single rows"
    yield Picture(swarm_chart(swarms, f"φ: {unit}"), words)
    yield Paragraph(
        f"A dot is a feature in one of {counted(kept, 'kept row', 'kept rows')}: to the right of 0 it raised the answer, to the left it "
        "lowered it. Grey: a text, a group of features, or no value.",
        Tone.QUIET,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _levels(numbers: Floats) -> list[float | None]:
    """The place of each number among the different ones, from 0 to 1, so that one huge value does not make all others alike.

    >>> _levels(np.array([3.0, 1.0, np.nan, 99.0, 1.0])), _levels(np.array([7.0, 7.0]))
    ([0.5, 0.0, None, 1.0, 0.0], [0.5, 0.5])
    """
    different = np.unique(numbers[np.isfinite(numbers)])
    last = len(different) - 1
    places = np.searchsorted(different, numbers).tolist()
    return [
        None if not math.isfinite(number) else place / last if last else 0.5 for number, place in zip(numbers.tolist(), places, strict=True)
    ]


def _features(label: LabelReport) -> Iterator[Block]:
    yield Heading("All features", level=3)
    compared = bool(label.comparisons)
    head: tuple[str, ...] = ("Rank", "Feature", "Attribution", "Share")
    widths: tuple[float, ...] = (0.1, 0.45, 0.25, 0.2)
    if compared:
        head = (*head, "Baseline", "Its share", "Change of share, points")
        widths = (0.1, 0.28, 0.17, 0.1, 0.1, 0.1, 0.15)
    yield Table(head, widths, tuple(_feature(feature, compared=compared) for feature in label.features[:_LINES]))
    if len(label.features) > _LINES:
        left = counted(len(label.features) - _LINES, "more feature is", "more features are")
        share = percent(sum(_known(feature.share) for feature in label.features[_LINES:]))
        yield Paragraph(f"{left} in attribution_data.csv, with {share} of the attribution together.", Tone.QUIET)


def _feature(feature: FeatureChange, *, compared: bool) -> tuple[Cell, ...]:
    name = brief(feature.feature, _LONGEST_TEXT)
    interval = "" if feature.interval is None else f"{number(feature.interval[0])} to {number(feature.interval[1])}"
    was = f"was {feature.baseline_rank}" if feature.baseline_rank not in {None, feature.rank} else ""
    cells = (Cell(str(feature.rank), was), Cell(name, strong=True), Cell(number(feature.value), interval), Cell(percent(feature.share)))
    if not compared:
        return cells
    changed = _has_changed(feature)
    between = "" if feature.change_interval is None else f"{_points(feature.change_interval[0])} to {_points(feature.change_interval[1])}"
    return (
        *cells,
        Cell(number(feature.baseline)),
        Cell(percent(feature.baseline_share)),
        Cell(_points(feature.change), between, Tone.ALARM if changed else Tone.PLAIN, strong=changed),
    )


def _points(change: float | None) -> str:
    """A change of a share in points of percent.

    >>> _points(-0.1234), _points(0.05), _points(-0.00001), _points(None)
    ('−12.3', '+5.0', '0', '—')
    """
    if change is None or math.isnan(change):
        return "—"
    points = f"{100 * change:+.1f}"
    return "0" if float(points) == 0.0 else points.replace("-", "−")


_EXPLAINERS = {
    "kernel": "KernelSHAP: the model is asked about rows in which some features are replaced by the background's.",
    "tree": "The exact Shapley values of the model's trees.",
    "linear": "The exact Shapley values of a weighted sum.",
    "native": "The booster's own contributions, which stand beside its training data instead of the background.",
    "captured": "They stood in the captured records.",
}
_ADDS_TO = {ANSWER: "what it adds to the answer", LOG_ODDS: "what it adds to the log-odds"}
_TRIED = "How many sets of features are tried for each row."
_AGGREGATIONS = {
    Aggregation.MEAN_ABS: "A feature's number is the mean of its attributions in the rows, without their signs.",
    Aggregation.MEDIAN: "A feature's number is the median of its attributions in the kept rows, without their signs.",
    Aggregation.MEAN_SQ: "A feature's number is the mean square of its attributions in the rows.",
}


def _computed(page: AttributionPage) -> Iterator[Block]:
    report, how = page.report, page.how
    of = "all" if report.rows == report.seen else "sampled" if report.rows else ""
    rows = [
        ("Model", brief(how.model or "—", _LONGEST_TEXT), "What was asked."),
        ("Attribution (φ)", f"of the {how.scale}" if how.scale else "—", "How far a feature moved the answer of a row."),
        ("Explainer", how.explainer or "—", _EXPLAINERS.get(how.explainer or "", "")),
        *([("Coalitions (num_samples)", f"up to {how.num_samples:,}", _TRIED)] if how.num_samples is not None else []),
        ("Background", counted(how.background_rows, "row", "rows"), "What the answer is compared with where a feature is not known."),
        ("Rows", f"{report.rows:,} of {report.seen:,}" + (f", {of}" if of else ""), "How many of the window's rows were explained."),
        ("Seed", str(how.seed), "The same seed and the same rows give the same numbers."),
        ("Aggregation", how.agg_method, _AGGREGATIONS[how.agg_method]),
        ("Expected value", _expected(report.labels), "The model's answer on the background."),
        ("Share", "", "A feature's part of the numbers of all features."),
        ("Interval", "95 %", "Where a value lies in draws of the same rows."),
        *(
            (metric.title, "", metric.meaning)
            for metric in ATTRIBUTION_METRICS.values()
            if any(label.comparisons for label in report.labels)
        ),
    ]
    yield Heading("How it was computed")
    yield from (Paragraph(note) for note in report.notes)
    yield explained(rows)


def _expected(labels: Sequence[LabelReport]) -> str:
    named = [
        number(label.expected) if len(labels) == 1 else f"{_brief(label.label)} {number(label.expected)}" for label in labels[:_SECTIONS]
    ]
    left = len(labels) - _SECTIONS
    return ", ".join(named) + (f" and {left} more" if left > 0 else "")
