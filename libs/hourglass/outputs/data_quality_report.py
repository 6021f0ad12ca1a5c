"""The report for people of a window's columns: which are not as the baseline has them, what was found, and how it was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from hourglass.constraints import Evaluation, Verdict
from hourglass.outputs.data_quality_charts import NUMBERS, class_bars, largest_difference, value_bars
from hourglass.outputs.data_quality_columns import FoundColumn, found_columns, of_no_column
from hourglass.outputs.data_quality_decisions import how_decided, past
from hourglass.outputs.numbers import counted, number, percent
from hourglass.outputs.page import Block, Cell, Heading, Page, Paragraph, Picture, Table, Tone, brief, in_words
from hourglass.outputs.report import COMPARISONS, SUGGESTED, DataQualityPage, Report
from hourglass.outputs.report_files import report_files
from hourglass.outputs.share_chart import Bar, share_chart, shares_in_words
from hourglass.states import Categories
from hourglass.statistics.distinct_count import distinct_count
from hourglass.statistics.inferred_type import inferred_type
from hourglass.statistics.mean import mean
from hourglass.undefined import Undefined

_DRAWN, _SENTENCES, _LINES, _SEGMENTS = 12, 60, 60, 30
_NAMED, _NAMED_OTHERS = 5, 30  # columns that the first sentence names; columns that are missing or new
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_SENTENCE = 40, 300, 2000
_OF_SHARES = frozenset({"completeness_check", "data_type_check"})
_NOTABLE = 0.02  # a difference between shares that is to be seen
_LEGEND = (
    "In the pictures coloured is the window (orange: the largest differences), grey what {} had. A range is above its first number and "
    "up to its second, unless that has a bar of its own."
)
_TONES = {Verdict.VIOLATION: Tone.ALARM, Verdict.PASS: Tone.GOOD}


def data_quality_files(report: Report) -> dict[str, bytes]:
    """`report.html`, one file without scripts and network for a browser or a mail; and `report.pdf`, the same on sheets of A4.

    Only the last window and those in violation have one. Pictures, and the same on paper, are only of a last window in violation:
    neither a run in which nothing is wrong nor one of many windows is to wait for what is drawn.
    """
    page, found = report.data_quality_page, report.all_violations > 0
    if page is None or not (page.latest or found):
        return {}
    return report_files(as_page(report, page), on_paper=found and page.latest)


def as_page(report: Report, page: DataQualityPage) -> Page:
    """A report as blocks: the verdict, what was found, all columns, segments, and how it was decided."""
    columns = found_columns(report, page.baseline)
    others = of_no_column(report, page.baseline)
    tone, headline = _verdict(report, columns, others)
    return Page(
        f"Data quality of {brief(page.subject, _LONGEST_TEXT)}",
        in_words(report.window),
        (
            Paragraph(headline, tone, large=True),
            *_beside_it(report, columns),
            *_findings(report, columns, others, drawn=page.latest),
            *_all_columns(columns, compared=page.baseline is not None),
            *_segments(report),
            *how_decided(report, page.baseline),
        ),
    )


def _verdict(report: Report, columns: Sequence[FoundColumn], others: Sequence[Evaluation]) -> tuple[Tone, str]:
    """The one line that says it all."""
    if not report.dataset.rows:
        return Tone.QUIET, "No data: the window has no rows."
    if report.verdict == SUGGESTED:
        return Tone.PLAIN, "A baseline is suggested: this is what its columns hold, and nothing was held against an earlier time."
    if said := _violated(report, columns, others):
        return Tone.ALARM, said
    if report.verdict == Verdict.INSUFFICIENT:
        return Tone.QUIET, f"No verdict: {_lacking(columns, others)}."
    many, judged = counted(len(columns), "column", "columns"), sum(found.verdict is Verdict.PASS for found in _standing(columns))
    if not judged:
        return Tone.QUIET, f"Nothing was checked of {many}."
    which = f"{judged:,} of" if judged < len(columns) else "The" if judged == 1 else "All"
    return Tone.GOOD, f"{which} {many} {_are(judged)} as {_had(report, judged)}."


def _violated(report: Report, columns: Sequence[FoundColumn], others: Sequence[Evaluation]) -> str:
    """What is in violation: columns, or else the window as a whole, or else segments."""
    if bad := [column.name for column in columns if column.violations]:
        of = f"{len(bad):,} of {counted(len(columns), 'column', 'columns')}"
        return f"{of} {_are(len(bad))} not as {_had(report, len(columns))}: {_listed(bad, _NAMED)}."
    if failed := [found.feature or found.check for found in others if found.verdict is Verdict.VIOLATION]:
        return f"{counted(len(failed), 'check', 'checks')} of the whole window found a violation: {_listed(failed, _NAMED)}."
    if bad := _bad_segments(report):
        return f"No violation in the window as a whole, but {_of_segments(report, len(bad))} some: {_listed(bad, _NAMED)}."
    return ""


def _lacking(columns: Sequence[FoundColumn], others: Sequence[Evaluation]) -> str:
    """Why nothing can be said: the most frequent reason."""
    found = [one for one in (*others, *_standing(columns)) if one.check in COMPARISONS and one.verdict is not Verdict.PASS]
    reasons = Counter(one.description for one in found if one.description)
    return brief(reasons.most_common(1)[0][0], _LONGEST_TEXT) if reasons else "no comparison could be made"


def _bad_segments(report: Report) -> list[str]:
    return [segment.name for segment in report.segments if segment.violations]


def _of_segments(report: Report, bad: int) -> str:
    return f"{bad:,} of {counted(len(report.segments), 'segment', 'segments')} {'has' if bad == 1 else 'have'}"


def _had(report: Report, count: int) -> str:
    return f"{past(report)} {'has' if report.reference.kind == 'baseline' else 'had'} {'it' if count == 1 else 'them'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _standing(columns: Sequence[FoundColumn]) -> list[Evaluation]:
    return [found for column in columns if (found := column.standing) is not None]


def _listed(names: Sequence[str], most: int) -> str:
    """Some names, and how many more there are."""
    left = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(brief(name, _LONGEST_NAME) for name in names[:most])}{left}"


def _beside_it(report: Report, columns: Sequence[FoundColumn]) -> Iterator[Block]:
    """What a reader of the first line should know too."""
    said = [f"The window has {counted(report.dataset.rows, 'row', 'rows')}."]
    unjudged = [found for found in _standing(columns) if found.verdict not in {Verdict.PASS, Verdict.VIOLATION}]
    if unjudged and report.verdict != Verdict.INSUFFICIENT:
        said.append(f"{counted(len(unjudged), 'column', 'columns')} could not be judged; the table says why.")
    segments = len(_bad_segments(report))
    if segments and report.violations:
        said.append(f"{_of_segments(report, segments)} violations too.")
    intake = report.dataset.intake
    if intake.bad_lines:
        said.append(f"{counted(intake.bad_lines, 'line', 'lines')} could not be used ({percent(intake.bad_share)}).")
    if report.dataset.rows:
        yield Paragraph(" ".join(said))


def _findings(report: Report, columns: Sequence[FoundColumn], others: Sequence[Evaluation], *, drawn: bool) -> Iterator[Block]:
    """Each violation's own sentence, with a picture of the column where they are `drawn`; first what is of no column, or of all of one."""
    bad = [column for column in columns if column.violations]
    failed = [found for found in others if found.verdict is Verdict.VIOLATION]
    if not bad and not failed:
        return
    yield Heading("What was found")
    whole: dict[str, list[str]] = {}
    for found in failed:
        whole.setdefault(found.description, []).append(found.feature)
    for column in bad:
        for found in column.violations if column.is_other else ():
            whole.setdefault(found.description, []).append(column.name)
    for sentence, names in whole.items():
        named = _listed([name for name in names if name], _NAMED_OTHERS)
        yield Paragraph(f"{named}: {_sentence(sentence)}" if named else _sentence(sentence))
    inside = [column for column in bad if not column.is_other]
    if inside and drawn:
        yield Paragraph(_LEGEND.format(past(report)), Tone.QUIET)
    for place, column in enumerate(inside[:_DRAWN]):
        yield from _section(column, _anchor(place), drawn=drawn)
    yield from _more(inside[_DRAWN:])


def _sentence(text: str) -> str:
    return brief(text, _LONGEST_SENTENCE)


def _anchor(place: int) -> str:
    return f"column-{place}"


def _section(column: FoundColumn, anchor: str, *, drawn: bool) -> Iterator[Block]:
    yield Heading(brief(column.name, _LONGEST_NAME), level=3, anchor=anchor)
    for found in column.violations:
        yield Paragraph(_sentence(found.description))
    if drawn:
        yield from _pictures(column)


def _pictures(column: FoundColumn) -> Iterator[Block]:
    """What the rows of a column hold, where that is what changed, and the shares of its values, unless these are much the same."""
    classes = class_bars(column.column, column.reference.profile) if column.column is not None else []
    values = value_bars(column.distribution, column.reference)
    moved = largest_difference(bar for bar in classes if bar.name not in NUMBERS) >= _NOTABLE
    of_rows = bool(classes) and (not values or moved or any(found.check in _OF_SHARES for found in column.violations))
    if of_rows:
        yield _picture(column, classes, "share of the rows", "What the rows hold")
    if values and not (of_rows and largest_difference(values) < _NOTABLE):
        what = "numbers" if column.kind.numeric else "values"
        yield _picture(column, values, f"share of the {what}", f"Shares of the {what}")


def _picture(column: FoundColumn, bars: Sequence[Bar], axis: str, what: str) -> Picture:
    return Picture(share_chart(bars, axis), f"{what} of {brief(column.name, _LONGEST_NAME)}: {shares_in_words(bars)}")


def _more(columns: Sequence[FoundColumn]) -> Iterator[Block]:
    """Columns in violation that have no picture."""
    if not columns:
        return
    yield Heading(f"{counted(len(columns), 'more column', 'more columns')}", level=3)
    rows = [
        (Cell(brief(column.name, _LONGEST_TEXT), strong=True), Cell(_sentence(" ".join(found.description for found in column.violations))))
        for column in columns[:_SENTENCES]
    ]
    yield Table(("Column", "What was found"), (0.25, 0.75), tuple(rows))
    if len(columns) > _SENTENCES:
        left = counted(len(columns) - _SENTENCES, "more is", "more are")
        yield Paragraph(f"{left} in constraint_violations.json.", Tone.QUIET)


def _all_columns(columns: Sequence[FoundColumn], *, compared: bool) -> Iterator[Block]:
    if not columns:
        return
    yield Heading("All columns")
    head: tuple[str, ...] = ("Column", "Rows with a value", "Mean, or most frequent")
    widths: tuple[float, ...] = (0.34, 0.3, 0.36)
    if compared:
        distances = any(column.distance is not None for column in columns)
        budgets = any(column.budget is not None and column.distance is None for column in columns)
        decided = "Least budget, or distance" if budgets and distances else "Least budget" if budgets else "Distance"
        head, widths = (*head, decided, "Verdict"), (0.23, 0.18, 0.23, 0.14, 0.22)
    drawn = [column.name for column in columns if column.violations and not column.is_other][:_DRAWN]
    anchors = {name: _anchor(place) for place, name in enumerate(drawn)}
    rows = []
    for column in columns[:_LINES]:
        cells = (_name(column, anchors.get(column.name, "")), _present(column), _most(column))
        rows.append((*cells, _decision(column), _standing_cell(column)) if compared else cells)
    yield Table(head, widths, tuple(rows))
    if len(columns) > _LINES:
        left = counted(len(columns) - _LINES, "more column is", "more columns are")
        yield Paragraph(f"{left} in statistics.json{', and what was found of each in evaluation.json' if compared else ''}.", Tone.QUIET)


def _name(column: FoundColumn, link: str) -> Cell:
    kind = inferred_type(column.column) if column.column is not None else None
    was = column.feature.inferred_type if column.feature is not None else kind
    below = f"was {was}" if kind is None else f"{kind}" if was in {None, kind} else f"{kind}, was {was}"
    return Cell(brief(column.name, _LONGEST_TEXT), below, strong=True, link=link)


def _present(column: FoundColumn) -> Cell:
    if column.column is None or column.missing_share is None:
        return Cell("—")
    was = f", was {percent(column.missing_before)}" if column.missing_before is not None else ""
    return Cell(percent(1 - column.missing_share), f"{percent(column.missing_share)} missing{was}")


def _most(column: FoundColumn) -> Cell:
    """The number that describes a column: the mean, the most frequent value, or how many there are where not all are kept."""
    if column.column is None:
        return Cell("—")
    reference = column.reference
    if column.kind.numeric:
        average = mean(column.column)
        known = reference.moments is not None and reference.moments.n > 0
        was = f"was {number(reference.moments.mean)}" if known and reference.moments is not None else ""
        return Cell("—" if isinstance(average, Undefined) else number(average), was)
    categories = column.column.get(Categories)
    if not categories.total:
        return Cell("—")
    if categories.truncated:
        return Cell(f"{distinct_count(column.column):,.0f} different values")
    value, count = next(iter(categories.table().items()))
    known = reference.counts is not None and reference.n > 0 and not reference.other
    was = f"was {percent((reference.counts or {}).get(value, 0) / reference.n)}" if known else ""
    return Cell(f"{brief(value, _LONGEST_NAME)}: {percent(count / categories.total)}", was)


def _decision(column: FoundColumn) -> Cell:
    """How near a violation a column is: its distance beside the threshold, or the least budget that would make it one."""
    found = column.distance
    if found is not None and isinstance(found.value, float):
        return Cell(number(found.value), f"threshold {number(found.threshold)}" if isinstance(found.threshold, float) else "")
    return Cell("—" if column.budget is None else percent(column.budget))


def _standing_cell(column: FoundColumn) -> Cell:
    found = column.standing
    if found is None:
        return Cell("not checked", tone=Tone.QUIET)
    if found.verdict is Verdict.VIOLATION:
        return Cell(str(found.verdict), counted(len(column.violations), "check", "checks"), Tone.ALARM, strong=True)
    reason = "" if found.verdict is Verdict.PASS else brief(found.description, _LONGEST_TEXT)
    return Cell(str(found.verdict), reason, _TONES.get(found.verdict, Tone.QUIET))


def _segments(report: Report) -> Iterator[Block]:
    if not report.segments:
        return
    bad = [segment for segment in report.segments if segment.violations]
    yield Heading("Segments")
    if not bad:
        yield Paragraph(f"No violation in {counted(len(report.segments), 'segment', 'segments')}.")
        return
    yield Paragraph(
        f"{_of_segments(report, len(bad))} violations. Each is held against its own past; the one that drifted most stands first. What was "
        "found is where it is worst."
    )
    rows = [
        (
            Cell(brief(segment.name, _LONGEST_TEXT), strong=True),
            Cell(f"{segment.dataset.rows:,}"),
            Cell(f"{len(segment.violations):,}", tone=Tone.ALARM),
            Cell(brief(segment.feature or "—", _LONGEST_TEXT)),
            Cell(segment.finding or "—"),
        )
        for segment in bad[:_SEGMENTS]
    ]
    yield Table(("Segment", "Rows", "Violations", "Column", "What was found"), (0.25, 0.1, 0.12, 0.18, 0.35), tuple(rows))
    if len(bad) > _SEGMENTS:
        yield Paragraph(f"{counted(len(bad) - _SEGMENTS, 'more is', 'more are')} in segments.json.", Tone.QUIET)
