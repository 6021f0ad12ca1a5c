"""The report for people of what drives a model: what it says, that data cannot break out of it, and how large it is."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from pypdf import PdfReader

from hourglass.attribution.config import Aggregation
from hourglass.attribution.digest import ANSWER, kept_as
from hourglass.attribution.how_explained import HowExplained
from hourglass.attribution.report import AttributionReport, GlobalAttributions, LabelReport, compared
from hourglass.outputs.attribution_charts import Course, Swarm, course_chart, swarm_chart
from hourglass.outputs.attribution_report import AttributionPage, as_page, attribution_files, attribution_page
from hourglass.outputs.html_page import html_page
from hourglass.outputs.page import Heading, Paragraph, Picture, Table, Tone
from hourglass.outputs.share_chart import Bar, share_chart
from tests.unit.outputs.pages import paragraphs_of, pictures_of, table_under
from tests.unit.outputs.test_bias_report import NASTY, WINDOW, on_paper, words

HOUR = timedelta(hours=1)
HOW = HowExplained("model.json", "0" * 64, (), {}, "kernel", 500, Aggregation.MEAN_ABS, ANSWER, 1, "0" * 64, 10)
BEFORE = {"age": 0.5, "hours": 0.3, "sex": 0.1, "gain": 0.06, "loss": 0.04}
AFTER = {"age": 0.5, "hours": 0.05, "sex": 0.12, "gain": 0.3, "loss": 0.03}
TURNED = {"age": 0.05, "hours": 0.02, "sex": 0.3, "gain": 0.5, "loss": 0.9}


def attributions(values: Mapping[str, float], label: str = "label0", noise: float = 0.02) -> GlobalAttributions:
    """Numbers with draws that are a little off them."""
    names = sorted(values)
    numbers = np.array([values[name] for name in names])
    seed = sum(map(ord, label + "".join(names)))
    draws = numbers * np.random.default_rng(seed).normal(1, noise, (100, len(names)))
    return GlobalAttributions(label, tuple(names), numbers, draws, 0.25)


def label_report(
    now: Mapping[str, float], before: Mapping[str, float] | None, label: str = "label0", rows: int = 400, noise: float = 0.02
) -> LabelReport:
    baseline = None if before is None else attributions(before, label, 0.0)
    return compared(replace(attributions(now, label, noise), rows=rows), baseline, {})


def kept(names: Sequence[str], count: int, labels: Sequence[str] = ("label0",)) -> list[dict[str, object]]:
    """Kept rows with the features' values and their attributions."""
    random = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        values = random.normal(size=len(names)).round(3)
        row: dict[str, object] = dict(zip(names, values.tolist(), strict=True))
        for label in labels:
            row |= {kept_as(label, name): float(value) * 0.1 for name, value in zip(names, values, strict=True)}
        rows.append(row)
    return rows


def page(
    *labels: LabelReport,
    hours: int = 0,
    rows: int = 400,
    local: Sequence[Mapping[str, object]] = (),
    subject: str = "churn/AllTraffic",
    scale: str | None = ANSWER,
) -> AttributionPage:
    """A report, with a course of hours in which the shares go from the baseline's to those of now."""
    course = []
    for hour in range(hours):
        part = (hour + 1) / hours
        shares = {
            label.label: {
                f.feature: part * f.share + (1 - part) * (f.baseline_share if f.baseline_share is not None else f.share)
                for f in label.features
            }
            for label in labels
        }
        course.append((WINDOW.end - timedelta(hours=hours - hour), {} if hour == 1 else shares))
    report = AttributionReport(labels, rows, 4000, local=tuple(local))
    return attribution_page(subject, WINDOW, report, course, HOUR, replace(HOW, scale=scale))


def paragraphs(found: AttributionPage) -> list[Paragraph]:
    return paragraphs_of(as_page(found))


def pictures(found: AttributionPage) -> list[Picture]:
    return pictures_of(as_page(found))


def table(found: AttributionPage, heading: str) -> Table:
    """The table that follows a heading."""
    return table_under(as_page(found), heading)


@pytest.fixture(scope="module")
def turned() -> AttributionPage:
    """A model that goes by other features now, over four stored hours, with kept rows."""
    return page(label_report(TURNED, BEFORE), hours=4, local=kept(list(BEFORE), 60))


def test_a_change_is_told_first_and_by_feature(turned: AttributionPage):
    files = attribution_files(turned)
    assert set(files) == {"report.html", "report.pdf"}
    assert paragraphs(turned)[0].tone is Tone.ALARM
    for text in (words(files["report.html"]), on_paper(files["report.pdf"])):
        assert "What drives the model has changed: NDCG 0.5883" in text
        assert "(limit 0.9); 76.0% of the attribution moved to other features (95 % interval 75." in text
        assert "age lost 94% of its weight, from rank 1 to 4." in text
        assert "21 November 2026, 09:00 to 10:00 UTC" in text
        assert "400 of 4,000" in text


def test_findings_are_in_order_of_what_moved(turned: AttributionPage):
    """By the change of the share, up or down."""
    label = turned.report.labels[0]
    order = [feature.feature for feature in sorted(label.features, key=lambda feature: -abs(feature.change or 0.0))]
    said = [paragraph.text.split(" ", 1)[0] for paragraph in paragraphs(turned)[1:6]]
    assert said == order


def test_what_chance_makes_is_no_finding():
    found = page(label_report({name: value * 1.0001 for name, value in BEFORE.items()}, BEFORE, noise=0.3))
    texts = [paragraph.text for paragraph in paragraphs(found)]
    assert texts[0].startswith("What drives the model has not changed beyond the limit: NDCG 1 (limit 0.9); ")
    assert "None of 5 shares moved by more than chance makes of 400 rows." in texts


def test_more_findings_than_eight_are_counted():
    before = {f"f{n:02d}": 1.0 + n for n in range(12)}
    after = {name: 13.0 - value for name, value in before.items()}
    texts = [paragraph.text for paragraph in paragraphs(page(label_report(after, before, noise=0.001)))]
    assert sum(" its weight, " in text or " in weight, " in text for text in texts) == 8
    assert "4 more changed by less; the tables have them." in texts


def test_few_rows_are_no_verdict_and_no_findings():
    found = page(label_report(TURNED, BEFORE, rows=12), rows=12)
    assert paragraphs(found)[0].text.startswith("No verdict (12 explained rows; a verdict takes 30): NDCG 0.5883")
    assert paragraphs(found)[0].tone is Tone.QUIET
    assert "What has changed" not in words(html_page(as_page(found)))


def test_without_a_baseline_nothing_is_compared():
    found = page(label_report(BEFORE, None), hours=3, local=kept(list(BEFORE), 40))
    text = words(attribution_files(found)["report.html"])
    assert text.count("No baseline: this is what drives the model") == 1
    assert "90.0% of the attribution is with age (50.0%), hours (30.0%), sex (10.0%)." in text
    assert not re.search(r"NDCG|Verdict|\bwas \d|grey the baseline|dashed", text)
    assert len(pictures(found)) == 3


def test_no_rows_are_said():
    found = attribution_page("e", None, AttributionReport(), (), HOUR, HOW)
    assert paragraphs(found)[0].text == "No data: no row of the window could be explained."
    assert attribution_files(found)["report.pdf"].startswith(b"%PDF")


def test_no_attribution_at_all_is_said():
    """Of a model that says the same of every row there are no shares."""
    nothing = dict.fromkeys(BEFORE, 0.0)
    found = page(label_report(nothing, BEFORE), hours=3)
    text = words(attribution_files(found)["report.html"])
    assert "What drives the model has changed: no feature has any attribution now: the model says the same of all rows." in text
    assert "nan" not in text
    assert all("NaN" not in picture.svg for picture in pictures(found))
    assert "No feature has any attribution" in words(html_page(as_page(page(label_report(nothing, None)))))


@pytest.mark.parametrize(
    ("scale", "here", "axis"),
    [
        ("answer", "of the answer", "adds to the answer"),
        ("log-odds", "of the log-odds", "adds to the log-odds"),
        (None, "—", "as captured"),
    ],
)
def test_what_attributions_add_up_to_is_told(scale: str | None, here: str, axis: str):
    found = page(label_report(TURNED, BEFORE), local=kept(list(BEFORE), 40), scale=scale)
    (row,) = (row for row in table(found, "How it was computed").rows if row[0].text == "Attribution (φ)")
    assert row[1].text == here
    assert any(axis in picture.svg for picture in pictures(found))


def test_kept_values_that_are_written_as_texts_have_colours():
    """As those of CSV captures are."""
    local = kept(list(BEFORE), 40)
    written = [{name: str(value) if name in BEFORE else value for name, value in row.items()} for row in local]
    numbers, texts = ([p.svg for p in pictures(page(label_report(TURNED, BEFORE), local=rows))] for rows in (local, written))
    assert texts == numbers


def test_the_same_report_is_the_same_bytes(turned: AttributionPage):
    first = attribution_files(turned)
    assert all(attribution_files(turned) == first for _ in range(3))


def test_names_from_data_cannot_break_out():
    """Of an endpoint, a label, features and a model: as text on screen, in a chart, and as text on paper."""
    names = ["<script>", "a & b", "\"q\" 's'", "datum['x']", "{expr: 1}"]
    now, before = ({f"{name}{NASTY}": value for name, value in zip(names, of.values(), strict=True)} for of in (TURNED, BEFORE))
    found = page(label_report(now, before, f"l{NASTY}"), hours=3, local=kept(list(now), 30, [f"l{NASTY}"]), subject=f"</title>{NASTY}")
    found = replace(found, how=replace(HOW, model=NASTY))
    files = attribution_files(found)
    text = files["report.html"].decode()
    assert "<script" not in text
    assert text.count("</title>") == 1
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    for said in (words(files["report.html"]), on_paper(files["report.pdf"])):
        assert "<script><script>alert('1')</script> & \"Größe\"" in said
        assert "a & b<script>" in said
    for picture in pictures(found):
        assert "<script" not in picture.svg
        assert "a &amp; b&lt;script&gt;" in picture.svg


def test_long_names_and_control_signs_are_cut_and_replaced():
    names = ["x" * 500, "x" * 499 + "y", "a\x00b\u202e", "n\nl", "t\tu"]
    now, before = (dict(zip(names, of.values(), strict=True)) for of in (TURNED, BEFORE))
    found = page(label_report(now, before, "l" * 900), hours=3, local=kept(names, 10, ["l" * 900]))
    files = attribution_files(found)
    assert f"{'x' * 39}… lost" in words(files["report.html"])
    assert len(PdfReader(io.BytesIO(files["report.pdf"])).pages) < 6
    assert all("\x00" not in picture.svg for picture in pictures(found))


def test_thirty_features_are_small_files():
    names = [f"feature {n}" for n in range(30)]
    now, before = ({name: 1 / (1 + (n + shift) % 30) for n, name in enumerate(names)} for shift in (0, 3))
    found = page(label_report(now, before), hours=24, local=kept(names, 500))
    files = attribution_files(found)
    assert len(files["report.html"]) < 400_000
    assert len(files["report.pdf"]) < 1_000_000
    assert "15 others" in pictures(found)[0].svg


def test_a_feature_that_led_in_the_baseline_is_among_the_bars():
    """Even where it is the last one now."""
    before = {f"f{n:02d}": 1.0 for n in range(30)} | {"gone": 50.0}
    now = {f"f{n:02d}": 1.0 + n / 100 for n in range(30)} | {"gone": 0.0}
    assert "gone" in pictures(page(label_report(now, before)))[0].svg


def test_features_beyond_sixty_are_counted():
    names = {f"f{n}": 1.0 + n for n in range(75)}
    found = page(label_report(names, names))
    assert len(table(found, "All features").rows) == 60
    assert any("15 more features are in attribution_data.csv, with 4.2% of" in paragraph.text for paragraph in paragraphs(found))


def test_several_labels_are_an_overview_and_six_with_charts():
    """Those that are beyond their limit first."""
    labels = [label_report(TURNED if n == 8 else BEFORE, BEFORE, f"class {n}") for n in range(9)]
    found = page(*labels, hours=3, local=kept(list(BEFORE), 100, [label.label for label in labels]))
    text = [paragraph.text for paragraph in paragraphs(found)]
    assert text[0] == "What drives the model has changed for 1 of 9 labels."
    assert text[1].startswith("class 8: NDCG 0.5883")
    anchors = {block.anchor for block in as_page(found).blocks if isinstance(block, Heading) and block.anchor}
    assert anchors == {f"label-{n}" for n in (0, 1, 2, 3, 4, 8)}
    overview = table(found, "All labels")
    assert len(overview.rows) == 9
    assert {row[0].link for row in overview.rows} - {""} == anchors
    assert "class 8: age lost 94% of its weight, from rank 1 to 4." in text
    assert len(attribution_files(found)["report.html"]) < 1_000_000


def test_limits_that_are_set_are_told():
    label = compared(replace(attributions(TURNED), rows=400), attributions(BEFORE, noise=0.0), {"share_moved": 0.2, "rank_change": 1.0})
    text = paragraphs(page(label))[0].text
    assert "moved to other features (limit 20.0%, 95 % interval" in text
    assert "largest change of a rank 4 (limit 1)" in text


@pytest.mark.parametrize("hours", [0, 1, 2, 48])
def test_the_course_is_of_two_hours_or_more(hours: int):
    found = page(label_report(TURNED, BEFORE), hours=hours)
    assert len(pictures(found)) == (2 if hours > 2 else 1)  # the second hour has no rows
    assert all("NaN" not in picture.svg for picture in pictures(found))


def test_hours_without_rows_at_the_ends_are_left_out():
    shares = {"label0": dict(BEFORE)}
    times = [WINDOW.start + timedelta(hours=n) for n in range(6)]
    history = [(time, shares if n in {2, 4} else {}) for n, time in enumerate(times)]
    found = attribution_page("e", WINDOW, AttributionReport((label_report(BEFORE, BEFORE),), 400, 400), history, HOUR, HOW)
    assert [time for time, _ in found.history] == times[2:5]


def test_dots_are_at_their_attributions():
    """In pixels from the left, whatever their number; one without a value is grey."""
    svg = swarm_chart([Swarm("a", ((-1.0, 0.0), (1.0, 1.0), (0.0, None)))], "φ")
    dots = re.findall(r'd="((?:M[\d.]+,[\d.]+Z?)+)" stroke="(#\w+)"', svg)
    places = {tone: float(path[1:].partition(",")[0]) for path, tone in dots}
    assert places["#0a5a9c"] == pytest.approx(540 * 0.04 / 2.08, abs=3.2)
    assert places["#666666"] == pytest.approx(270, abs=3.2)
    assert places["#b84600"] == pytest.approx(540 * 2.04 / 2.08, abs=3.2)


def test_dots_that_are_alike_stay_in_their_row():
    svg = swarm_chart([Swarm(name, ((0.5, 0.5),) * 400) for name in "ab"], "φ")
    heights = [float(y) for path in re.findall(r'd="((?:M[\d.]+,[\d.]+Z?){9,})"', svg) for y in re.findall(r",([\d.]+)", path)]
    assert len(heights) == 800
    assert len(set(heights)) > 100
    assert 0 <= min(heights) < 26 <= max(heights) <= 52


def test_charts_of_nothing_and_of_tiny_numbers_can_be_drawn():
    assert "NaN" not in share_chart([Bar("a", 0.0, (0.0, 0.0), 0.0), Bar("b", 1e-9)], "share")
    assert "NaN" not in swarm_chart([Swarm("a", ((0.0, None),) * 3), Swarm("b", ())], "φ")
    times = [WINDOW.start, WINDOW.end]
    assert "NaN" not in course_chart(times, [Course("a", (None, 0.0)), Course("b", (1.0, None), 0.5)], [None, 1.0], 0.9)
