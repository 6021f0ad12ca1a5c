"""The report for people of a window's bias: what it says, that data cannot break out of it, and that it comes out the same."""

import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
import vl_convert
from pypdf import PdfReader

from hourglass.bias import BIAS_METRICS, Decision, FacetValue, analysis_document, evaluate_bias, measure_bias, parse_bias_constraints
from hourglass.bias.report import BiasReport
from hourglass.capture.window import Window
from hourglass.constraints import Verdict
from hourglass.outputs.bias_charts import Mark, Point, history_chart, interval_chart, limits_away
from hourglass.outputs.bias_report import BiasPage, HowComputed, as_page, bias_files, bias_page, history_of
from hourglass.outputs.html_page import html_page
from hourglass.outputs.page import Cell, Heading, Page, Paragraph, Picture, Table
from hourglass.outputs.pdf_page import pdf_page, text_width, wrap
from hourglass.quality import Bootstrap
from hourglass.states import FacetCounts

HOW = HowComputed(200, 0.8, Decision.INTERVAL, 30)
DRAWS = Bootstrap(draws=200, share=0.8, least_rows=0)
WINDOW = Window(datetime(2026, 11, 21, 9, tzinfo=UTC), datetime(2026, 11, 21, 10, tzinfo=UTC))
NASTY = "<script>alert('1')</script> & \"Größe\" 文字"
Cells = Mapping[tuple[str | None, str | None, str | None], int]  # value, label, prediction → rows

FAIR = {("f", "1", "1"): 80, ("f", "0", "0"): 112, ("f", "0", "1"): 8, ("m", "1", "1"): 90, ("m", "0", "0"): 100, ("m", "0", "1"): 10}
AGAINST_F = FAIR | {("f", "1", "1"): 20, ("f", "1", "0"): 60, (None, "1", "1"): 7}


def measured(cells: Cells, values: Sequence[str] | None = ("f",), facet: str = "Sex", *, groups: bool = True) -> BiasReport:
    rows = [cell for cell, n in cells.items() for _ in range(n)]
    sexes, labels, predictions = (pa.array([row[place] for row in rows], pa.string()) for place in range(3))
    state = FacetCounts.empty()
    state.update({facet: sexes}, pa.array([str(n % 3) for n in range(len(rows))]) if groups else None, labels, predictions)
    return measure_bias(state, facet, None if values is None else [FacetValue.of(name) for name in values], {"1"}, DRAWS)


def page(now: BiasReport, baseline: BiasReport | None, hours: Sequence[BiasReport] = (), how: HowComputed = HOW) -> BiasPage:
    constraints = [] if baseline is None else parse_bias_constraints(analysis_document([baseline], "y", "1"))
    course = history_of((WINDOW.start - timedelta(hours=len(hours) - place), [found]) for place, found in enumerate(hours))
    found = bias_page("churn/AllTraffic", WINDOW, [now], evaluate_bias([now], constraints, decision=how.decision), how)
    return found.with_history(course)


def words(data: bytes) -> str:
    """The text of an HTML page."""
    body = data.decode().partition("</head>")[2]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", body).split()))


def on_paper(data: bytes) -> str:
    return " ".join(" ".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(data)).pages).split())


def first_words(report: BiasPage) -> str:
    """The line at the top."""
    (found, *_) = [block for block in as_page(report).blocks if isinstance(block, Paragraph) and block.large]
    return found.text


def pictures(report: BiasPage) -> list[Picture]:
    return [block for block in as_page(report).blocks if isinstance(block, Picture)]


@pytest.fixture(scope="module")
def turned() -> BiasPage:
    """A model that turned against f, over three stored hours."""
    return page(measured(AGAINST_F), measured(FAIR), [measured(FAIR), measured(FAIR), measured(AGAINST_F)])


def test_a_violation_is_told_first_and_says_who_is_worse_off(turned: BiasPage):
    files = bias_files(turned)
    assert set(files) == {"report.html", "report.pdf"}
    bad = [line for line in turned.sections[0].lines if line.verdict is Verdict.VIOLATION]
    assert {line.metric for line in bad} >= {"DPPL", "DI", "RD"}
    for text in (words(files["report.html"]), on_paper(files["report.pdf"])):
        assert f"{len(bad)} of 21 metrics of Sex = f are beyond their allowed range." in text
        assert "Sex = f has a smaller share of positive predictions than the rest: Sex = f is worse off." in text
        assert "21 November 2026, 09:00 to 10:00 UTC" in text
        assert "No value: no sampled rows: the flip test takes rows." in text


def test_paper_and_screen_say_the_same(turned: BiasPage):
    """Word by word: in another order only where a cell has several lines."""
    files = bias_files(turned)
    screen = words(files["report.html"]).split()
    paper = re.sub(r"Bias of churn/AllTraffic \d of \d", "", on_paper(files["report.pdf"])).split()
    assert set(screen) <= set(paper)


def test_the_same_report_is_the_same_bytes(turned: BiasPage):
    """The renderer lists fonts in another order from call to call; the file does not."""
    first = bias_files(turned)
    assert all(bias_files(turned) == first for _ in range(5))
    assert b"/CreationDate" not in first["report.pdf"]


def test_the_page_needs_nothing_but_itself(turned: BiasPage):
    text = bias_files(turned)["report.html"].decode()
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "default-src 'none'" in text


def test_names_from_data_cannot_break_out():
    """Of an endpoint, a facet and its values: as text on screen, and as text on paper."""
    cells = {(f"{NASTY} {value}", label, predicted): n for (value, label, predicted), n in FAIR.items()}
    now = measured(cells, None, facet=f'"{NASTY}')
    files = bias_files(bias_page(f"</title>{NASTY}", None, [now], [], HOW))
    text = files["report.html"].decode()
    assert "<script" not in text
    assert text.count("</title>") == 1
    assert "Bias of </title><script>alert('1')</script> & \"Größe\" 文字" in words(files["report.html"])
    assert "<script>alert('1')</script> & \"Größe\"" in on_paper(files["report.pdf"])


def test_signs_that_cannot_be_printed_are_replaced():
    r"""\x00 is no XML, half a surrogate is no UTF-8, and U+202E turns the sentence round."""
    found = Page("a\x00b", "\ud800", (Paragraph("x\u202ey"), Table(("h\x1b",), (1.0,), ((Cell("c\n\td", "\x07"),),))))
    assert "a�b" in words(html_page(found))
    assert "c d" in on_paper(pdf_page(found)).replace("  ", " ")


def test_a_metric_without_a_value_has_a_reason_and_no_place_in_the_chart():
    now = measured({("f", "1", None): 80, ("f", "0", None): 120, ("m", "1", None): 90, ("m", "0", None): 110})
    found = page(now, measured(FAIR))
    text = words(html_page(as_page(found)))
    assert "Not in the chart: CDDPL, DI, DPPL (no row has a prediction)." in text
    assert "No value: no row has a prediction." in text
    assert first_words(found) == "No metric of Sex = f is beyond its allowed range; 8 of 21 could be judged."


def test_infinite_values_are_shown():
    """DCR where nobody of f is rejected, in the table, at the edge of the chart, and in the course."""
    all_accepted = AGAINST_F | {("f", "1", "0"): 0, ("f", "0", "0"): 0, ("f", "0", "1"): 112}
    found = page(measured(all_accepted), measured(FAIR), [measured(FAIR), measured(all_accepted)])
    (line,) = [line for line in found.sections[0].lines if line.metric == "DCR"]
    assert line.value == math.inf
    text = words(html_page(as_page(found)))
    assert "DCR Difference in Conditional Rejection ∞" in text
    assert "∞" in pictures(found)[0].svg
    assert all("NaN" not in picture.svg and "Infinity" not in picture.svg for picture in pictures(found))


def test_an_infinite_limit_and_one_of_nothing_can_be_drawn():
    """A baseline of infinity allows everything, one of 0 nothing."""
    assert limits_away(5.0, (-math.inf, math.inf), 0.0) == 0.0
    assert limits_away(math.inf, (-math.inf, math.inf), 0.0) == 1.0
    assert limits_away(0.0, (0.0, 0.0), 0.0) == 0.0
    assert limits_away(0.0, (0.5, 2.0), 1.0) == -math.inf
    wide = [(-math.inf, math.inf), (0.0, 0.0), (0.0, math.inf), (0.5, 2.0)]
    cases = [(allowed, value) for allowed in wide for value in (0.0, 0.7, math.inf)]
    marks = [
        Mark(f"M{n}", value, (value, math.inf), allowed, 0.0 if n < 6 else 1.0, Verdict.PASS, n % 2 == 0, n % 3 == 0)
        for n, (allowed, value) in enumerate(cases)
    ]
    assert "NaN" not in interval_chart(marks, "d", "a")


@pytest.mark.parametrize("hours", [0, 1, 2, 100])
def test_the_course_over_no_hour_one_hour_and_many(hours: int):
    points = [Point(WINDOW.start + timedelta(hours=n), None if n == 1 else 0.1 * n, (0.1 * n - 0.1, 0.1 * n + 0.1)) for n in range(hours)]
    if hours:
        svg = history_chart([("DPL", points, (-0.2, 0.2), 0.5)])
        assert "NaN" not in svg
        assert ("21 November 2026, UTC" in svg) == (hours < 100)
    else:
        assert "No stored hour has a value of them." in words(html_page(as_page(page(measured(AGAINST_F), measured(FAIR)))))


def test_of_forty_values_twenty_have_a_part_of_their_own():
    """All are in the overview; those in violation come first, wherever they stand."""
    cells = {(f"v{n}", label, predicted): 9 + n % 5 for n in range(40) for label in "01" for predicted in "01"}
    now = measured(cells, None)
    found = page(now, now)
    assert first_words(found).startswith("No metric of 40 values of Sex is beyond its allowed range;")
    assert linked(found) == [section.value for section in found.sections[:20]]
    turned = page(measured(cells | {("v39", "1", "0"): 400}, None), now)
    bad = {section.value: len(section.having(Verdict.VIOLATION)) for section in turned.sections}
    shown = linked(turned)
    assert "v39" in shown
    assert min(bad[value] for value in shown) >= max(bad[value] for value in bad.keys() - set(shown))
    assert "Charts and all metrics follow for 20 of these 40: " in words(html_page(as_page(turned)))


def linked(found: BiasPage) -> list[str]:
    """The values in the overview, which has all, that lead to a part of their own."""
    blocks = as_page(found).blocks
    overview = next(block for block in blocks if isinstance(block, Table))
    anchors = [block.anchor for block in blocks if isinstance(block, Heading) and block.anchor]
    assert len(overview.rows) == len(found.sections)
    assert [row[0].link for row in overview.rows if row[0].link] == anchors
    return [row[0].text for row in overview.rows if row[0].link]


def test_several_facets_are_named_with_their_values():
    """Two at once, and the three that are worst in the first line."""
    now = [measured(AGAINST_F, ["f", "m"]), measured(AGAINST_F, ["f", "m"], "Gender")]
    constraints = parse_bias_constraints(analysis_document([measured(FAIR, ["f", "m"]), measured(FAIR, ["f", "m"], "Gender")], "y", "1"))
    text = first_words(bias_page("e", WINDOW, now, evaluate_bias(now, constraints), HOW))
    assert re.fullmatch(r"4 of 4 facet values have .*: (\w+ = [fm] \(\d+ of 21 metrics\), ){3}and 1 more\.", text)


def test_long_names_are_short_in_sentences_and_stay_on_the_sheet():
    """A value of 5,000 letters, as a column of free text has it."""
    cells = {("f" * 5000 if value == "f" else value, label, predicted): n for (value, label, predicted), n in FAIR.items()}
    found = page(measured(cells, None, facet="Sex" * 200), None)
    assert f"{('Sex' * 10)[:29]}… = {'f' * 29}… has a" in found.sections[0].lines[0].sentence
    assert len(PdfReader(io.BytesIO(pdf_page(as_page(found)))).pages) < 8


def test_few_rows_are_no_verdict():
    now = measured({cell: min(n, 3) for cell, n in FAIR.items()})
    found = page(now, measured(FAIR))
    assert first_words(found) == "No metric of Sex = f could be judged."
    assert "No verdict: 9 rows of Sex = f have a label; a verdict takes 30." in words(html_page(as_page(found)))


def test_no_baseline_and_no_rows_are_said():
    assert first_words(page(measured(FAIR), None)).startswith("No baseline:")
    nothing = page(measured({}), measured(FAIR))
    assert first_words(nothing) == "No data: the window has no rows."
    assert bias_files(nothing)["report.pdf"].startswith(b"%PDF")


def test_a_constraint_on_a_value_that_was_not_measured_is_not_lost():
    found = page(measured(FAIR, ["m"]), measured(FAIR, ["f", "m"]))
    assert [section.name for section in found.sections] == ["Sex = m", "Sex = f"]
    assert "Sex = f was not measured, but Sex = m" in words(html_page(as_page(found)))
    both = page(measured(FAIR, ["m"]), measured(FAIR | {("x", "1", "1"): 50, ("x", "0", "0"): 50}, ["f", "m", "x"]))
    assert [(section.name, len(section.lines)) for section in both.sections] == [("Sex = m", 21), ("Sex = f", 21), ("Sex = x", 21)]


def test_above_a_threshold_the_stock_analyzers_name_is_the_same_value():
    """It writes the largest value of its data as the end."""
    cells = {("(40, inf)" if value == "f" else "(-inf, 40]", label, predicted): n for (value, label, predicted), n in FAIR.items()}
    now = measured(cells, ["(40, inf)"], facet="Age")
    baseline = analysis_document([now], "y", "1")
    for stage in ("pre", "post"):
        baseline[f"{stage}_training_bias_metrics"]["facets"]["Age"][0]["value_or_threshold"] = "(40.0, 79.0]"
    (section,) = bias_page("e", WINDOW, [now], evaluate_bias([now], parse_bias_constraints(baseline)), HOW).sections
    assert section.name == "Age = (40, inf)"
    assert {line.verdict for line in section.lines} == {Verdict.PASS, Verdict.INSUFFICIENT, Verdict.NOT_COMPUTABLE}


def test_strict_mode_does_not_draw_di_as_if_it_were_compared_with_1():
    found = page(measured(AGAINST_F), measured(FAIR), how=HowComputed(200, 0.8, Decision.STRICT, 30))
    assert "Not in the chart: DI (strict mode" in words(html_page(as_page(found)))


def test_the_chart_puts_what_is_bad_for_d_on_the_right():
    """DPPL above 0 and DI below 1 are the same news."""
    marks = [
        Mark("DPPL", 0.4, None, (-0.2, 0.2), 0.0, Verdict.VIOLATION, tells_sides=True, d_above=True),
        Mark("DI", 0.25, None, (0.5, 2.0), 1.0, Verdict.VIOLATION, tells_sides=True, d_above=False),
    ]
    places = re.findall(r'aria-roledescription="point"[^>]*transform="translate\(([\d.]+),', interval_chart(marks, "d", "a"))
    assert len(places) == 2
    assert places[0] == places[1]
    assert float(places[0]) > 270


def test_a_value_near_its_ideal_may_be_chance():
    now = measured(FAIR | {("f", "1", "1"): 89, ("f", "0", "0"): 103})
    (line,) = [line for line in page(now, None).sections[0].lines if line.metric == "DPL"]
    assert line.sentence.endswith("This may be chance: the interval has 0 inside.")


@pytest.mark.parametrize("key", sorted(BIAS_METRICS))
def test_every_metric_says_it_with_names(key: str):
    """On both sides of its ideal; where it tells the sides apart the other one is worse off."""
    metric = BIAS_METRICS[key]
    above, below = metric.said(metric.ideal + 0.5, "D", "A"), metric.said(metric.ideal - 0.5, "D", "A")
    assert not re.search(r"[{}]|\bfacet\b", above + below)
    if metric.worse:
        assert {metric.worse_off(metric.ideal + 0.5), metric.worse_off(metric.ideal - 0.5)} == {"d", "a"}
        assert above.endswith(f"{metric.worse.upper()} is worse off.")
        assert re.sub(r"\b[DA]\b", lambda name: {"D": "A", "A": "D"}[name[0]], above) == below
    else:
        assert "does not say" in above
        assert above == below


def test_rows_of_a_table_are_whole_and_have_their_head_on_every_sheet():
    row = (Cell("a word " * 12, "and more " * 10), Cell("x" * 90, strong=True))
    found = PdfReader(io.BytesIO(pdf_page(Page("T", "", (Table(("First head", "Second"), (0.3, 0.7), (row,) * 60),)))))
    texts = [" ".join(sheet.extract_text().split()) for sheet in found.pages]
    assert len(texts) > 2
    assert all("First head" in text for text in texts)
    assert sum(text.count("a word") for text in texts) == 60 * 12


@pytest.mark.parametrize("text", ["plain words here", "x" * 300, "文字" * 40, "", "a" + "é" * 50])
def test_lines_fit(text: str):
    lines = wrap(text, 100.0, 9.0)
    assert all(text_width(line, 9.0) <= 100.0 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def drawn_widths(signs: str, weight: str) -> dict[str, float]:
    """The advance widths, in thousandths of the size, that the renderer writes into a file beside its font."""
    text = f'<text y="9" font-weight="{weight}" font-family="Liberation Sans">{html.escape(signs)}</text>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{text}</svg>'
    (sheet,) = PdfReader(io.BytesIO(vl_convert.svg_to_pdf(svg))).pages
    (font,) = (entry.get_object() for entry in sheet["/Resources"]["/Font"].values())
    left = list(font["/DescendantFonts"][0].get_object()["/W"])
    widths: dict[int, float] = {}
    while left:  # a first code and the widths from there on, or a first, a last and the width of all between
        first, following = left.pop(0), left.pop(0)
        each = following if isinstance(following, list) else [left.pop(0)] * (following - first + 1)
        widths |= {first + place: float(width) for place, width in enumerate(each)}
    letters = re.findall(r"<([0-9a-fA-F]{4})> <([0-9a-fA-F]{4})>", font["/ToUnicode"].get_object().get_data().decode())
    return {chr(int(letter, 16)): widths[int(code, 16)] for code, letter in letters if letter.lower() != "ffff"}


def test_the_width_of_a_line_is_that_of_the_font():
    """Of the plain face exactly, so that nothing runs out of a column; the bold one is taken for a little wider than it is."""
    signs = "".join(map(chr, range(33, 127))) + "−×±≤≥…—←→"
    plain, bold = drawn_widths(signs, "normal"), drawn_widths(signs, "bold")
    assert set(plain) == set(bold) == set(signs)
    assert {sign for sign in signs if abs(text_width(sign, 1000.0) - plain[sign]) > 1} == set()
    assert {sign for sign in signs if text_width(sign, 1000.0, bold=True) < bold[sign] - 1} == {'"', "^"}
