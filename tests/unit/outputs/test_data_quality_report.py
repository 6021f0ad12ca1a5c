"""The report for people of a window's columns: what it says, that data cannot break out of it, and which windows have one."""

import io
import json
import math
import random
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from pypdf import PdfReader

from hourglass.comparisons import distribution_of
from hourglass.constraints import Baseline, Evaluation, SuggestionOptions, Verdict, evaluate, parse_baseline, suggest, with_states
from hourglass.constraints.calibration import Learnt
from hourglass.dataset import Dataset
from hourglass.outputs.data_quality_charts import class_bars, value_bars
from hourglass.outputs.data_quality_report import as_page, data_quality_files
from hourglass.outputs.documents import statistics_document, to_json, violations_document
from hourglass.outputs.page import Heading, Page, Paragraph, Picture, Table, Tone
from hourglass.outputs.report import Coverage, DataQualityPage, ReferenceReport, Report, SegmentReport
from hourglass.outputs.share_chart import Bar
from hourglass.small_tests import Dispersion
from hourglass.states import Intake
from tests.engine import capture_line, run, write_hour
from tests.unit.constraints.columns import dataset
from tests.unit.outputs.pages import paragraphs_of, pictures_of, table_under
from tests.unit.outputs.test_bias_report import NASTY, WINDOW, on_paper, words

Columns = Mapping[str, Sequence[object]]
ROWS = 600


def usual(seed: int = 0, rows: int = ROWS) -> dict[str, list[object]]:
    """A number that spreads, whole numbers with a few gaps, and a text."""
    chance = random.Random(seed)
    return {
        "income": [round(chance.gauss(2000, 500), 2) for _ in range(rows)],
        "age": [chance.randint(18, 80) if chance.random() > 0.02 else None for _ in range(rows)],
        "city": [chance.choice(["Ulm", "Ulm", "Bonn", "Trier", "Jena"]) for _ in range(rows)],
    }


def baseline_of(columns: Columns, edit: Callable[[dict[str, Any]], object] = lambda _: None) -> Baseline:
    """What is suggested from these columns, with their states."""
    data = dataset(**columns)
    constraints = suggest(data, SuggestionOptions())
    edit(constraints)
    return with_states(parse_baseline(orjson.dumps(constraints), None), data)


def with_thresholds(constraints: dict[str, Any]) -> None:
    """As the stock analyzer's are."""
    constraints["monitoring_config"] = {
        "share_comparison_method": "Simple",
        "distribution_constraints": {"comparison_method": "Robust", "comparison_threshold": 0.1},
    }


def report_of(now: Columns, baseline: Baseline, **more: Any) -> Report:
    """A window that is held against a baseline."""
    data = dataset(**now)
    common: dict[str, Any] = {"data_quality_page": DataQualityPage("churn/AllTraffic", baseline), "coverage": Coverage(1, 1)} | more
    return Report(WINDOW, data, tuple(evaluate(data, baseline)), **common)


def page_of(report: Report) -> Page:
    assert report.data_quality_page is not None
    return as_page(report, report.data_quality_page)


def paragraphs(report: Report) -> list[Paragraph]:
    return paragraphs_of(page_of(report))


def first_words(report: Report) -> tuple[Tone, str]:
    """The line at the top."""
    (found,) = [paragraph for paragraph in paragraphs(report) if paragraph.large]
    return found.tone, found.text


def pictures(report: Report) -> list[Picture]:
    return pictures_of(page_of(report))


def table(report: Report, heading: str) -> Table:
    """The table that follows a heading."""
    return table_under(page_of(report), heading)


def decided(report: Report) -> dict[str, str]:
    """What is told of how it was decided."""
    return {row[0].text: row[1].text for row in table(report, "How it was decided").rows}


def with_faults(seed: int = 1) -> dict[str, list[object]]:
    """A sentinel in a tenth of the numbers, a third without an age, and a city that was never seen."""
    found = usual(seed)
    found["income"] = [-999 if place % 10 == 0 else value for place, value in enumerate(found["income"])]
    found["age"] = [None if place % 3 == 0 else value for place, value in enumerate(found["age"])]
    found["city"] = ["Mars" if place % 8 == 0 else value for place, value in enumerate(found["city"])]
    return found


@pytest.fixture(scope="module")
def faulty() -> Report:
    """A window with a fault in every column."""
    return report_of(with_faults(), baseline_of(usual()))


def test_what_was_found_is_said_in_the_violations_own_sentences(faulty: Report) -> None:
    """Word by word, on screen and on paper."""
    files = data_quality_files(faulty)
    assert set(files) == {"report.html", "report.pdf"}
    sentences = [found["description"] for found in violations_document(faulty.evaluations)["violations"]]
    assert len(sentences) > 3
    assert any(
        sentence.startswith("10.0% of the numbers are exactly -999, in the baseline 0.0% (frequent_number: ") for sentence in sentences
    )
    for text in (words(files["report.html"]), on_paper(files["report.pdf"])):
        assert all(" ".join(sentence.split()) in text for sentence in sentences)
        assert "Data quality of churn/AllTraffic" in text
        assert "21 November 2026, 09:00 to 10:00 UTC" in text


def test_the_first_line_names_the_columns(faulty: Report) -> None:
    tone, text = first_words(faulty)
    assert tone is Tone.ALARM
    assert re.fullmatch(r"3 of 3 columns are not as the baseline has them: (\w+, ){2}\w+\.", text)
    one = report_of(usual(1) | {"city": with_faults()["city"]}, baseline_of(usual()))
    assert first_words(one) == (Tone.ALARM, "1 of 3 columns is not as the baseline has them: city.")


def test_a_clean_window_is_said_to_be_and_has_no_picture() -> None:
    clean = report_of(usual(1), baseline_of(usual()))
    assert first_words(clean) == (Tone.GOOD, "All 3 columns are as the baseline has them.")
    assert not pictures(clean)
    assert set(data_quality_files(clean)) == {"report.html"}


def test_a_column_that_could_not_be_judged_is_not_said_to_be_as_it_was() -> None:
    baseline = baseline_of(usual())
    few = [value if place < 5 else None for place, value in enumerate(usual(1)["city"])]
    lax = replace(baseline, features=baseline.features | {"city": replace(baseline.features["city"], completeness=None)})
    found = report_of(usual(1) | {"city": few}, lax)
    tone, text = first_words(found)
    assert (tone, text) == (Tone.GOOD, "2 of 3 columns are as the baseline has them.")
    assert "1 column could not be judged; the table says why." in paragraphs(found)[1].text
    (row,) = [row for row in table(found, "All columns").rows if row[0].text == "city"]
    assert (row[4].text, row[4].below) == ("insufficient data", "the window has 5 values, calibrated needs 20")


def test_too_few_rows_are_no_verdict_and_why_is_said() -> None:
    found = report_of(usual(1, rows=7), baseline_of(usual()))
    assert first_words(found) == (Tone.QUIET, "No verdict: the window has 7 values, calibrated needs 20.")


def test_no_rows_are_said() -> None:
    found = report_of({}, baseline_of(usual()))
    assert first_words(found) == (Tone.QUIET, "No data: the window has no rows.")
    assert set(data_quality_files(found)) == {"report.html"}


def test_where_nothing_is_asked_nothing_is_said_to_be_good() -> None:
    baseline = baseline_of(usual())
    features = {name: replace(one, config=replace(one.config, evaluate_constraints=False)) for name, one in baseline.features.items()}
    assert first_words(report_of(with_faults(), replace(baseline, features=features))) == (Tone.QUIET, "Nothing was checked of 3 columns.")


def test_a_suggested_baseline_shows_its_columns() -> None:
    data = dataset(**usual())
    found = Report(None, data, constraints=suggest(data, SuggestionOptions()), data_quality_page=DataQualityPage("train.csv", None))
    tone, text = first_words(found)
    assert tone is Tone.PLAIN
    assert text.startswith("A baseline is suggested: this is what its columns hold")
    assert [row[0].text for row in table(found, "All columns").rows] == ["income", "age", "city"]
    assert "Verdict" not in table(found, "All columns").head
    assert set(data_quality_files(found)) == {"report.html"}


def test_a_reference_without_rows_is_no_verdict() -> None:
    lacking = Evaluation("", "baseline_drift_check", "distance from previous", None, None, Verdict.INSUFFICIENT, "previous: no rows")
    found = Report(WINDOW, dataset(**usual()), (lacking,), data_quality_page=DataQualityPage("e", None))
    assert first_words(found) == (Tone.QUIET, "No verdict: previous: no rows.")
    assert data_quality_files(found)


def test_columns_that_are_missing_or_new_are_told_with_the_window_as_a_whole() -> None:
    now = {name: values for name, values in usual(1).items() if name != "age"} | {"channel": ["web"] * ROWS}
    found = report_of(now, baseline_of(usual()))
    texts = [paragraph.text for paragraph in paragraphs(found)]
    assert any(text.startswith("age: There are missing columns in current dataset.") for text in texts)
    assert any(text.startswith("channel: There are extra columns in current dataset.") for text in texts)
    assert not pictures(found)
    assert first_words(found)[1] == "2 of 4 columns are not as the baseline has them: age, channel."


def test_columns_that_can_only_be_counted_are_told_with_the_window_as_a_whole() -> None:
    """Where columns have positions only, nobody knows which one is missing."""
    before = baseline_of({str(place): values for place, values in enumerate(usual().values())})
    now = dataset("2", **{"0": usual(1)["income"], "1": usual(1)["age"]})
    found = Report(WINDOW, now, tuple(evaluate(now, before)), data_quality_page=DataQualityPage("e", before))
    assert first_words(found) == (Tone.ALARM, "1 check of the whole window found a violation: Missing columns.")
    assert any(paragraph.text.startswith("Missing columns: There are missing columns") for paragraph in paragraphs(found))
    assert data_quality_files(found)["report.pdf"].startswith(b"%PDF")


def test_many_new_columns_are_one_sentence() -> None:
    now = usual(1) | {f"extra {place}": ["x"] * ROWS for place in range(50)}
    texts = [paragraph.text for paragraph in paragraphs(report_of(now, baseline_of(usual())))]
    (said,) = [text for text in texts if "There are extra columns" in text]
    assert "extra 29 and 20 more: There are" in said


def test_those_that_are_surest_stand_first_and_then_those_that_moved_most() -> None:
    before = {name: usual(seed)["income"] for seed, name in enumerate("abc")}
    moved = {
        name: [float(str(value)) + by for value in usual(seed + 7)["income"]]
        for seed, (name, by) in enumerate({"a": 900, "b": 200, "c": 4000}.items())
    }
    found = report_of(moved, baseline_of(before))
    assert first_words(found)[1].endswith("them: c, a, b.")
    assert [row[0].text for row in table(found, "All columns").rows] == ["c", "a", "b"]


def test_a_sentinel_far_below_zero_is_not_worse_than_what_is_surer() -> None:
    """Units of a column's own do not rank it: each of both is certain, and all rows of the second are in violation."""
    before = {name: usual(seed)["income"] for seed, name in enumerate("ab")}
    now = {"a": [-999.0] * 30 + list(before["a"][30:]), "b": [1.0] * len(before["b"])}
    assert first_words(report_of(now, baseline_of(before)))[1].endswith("them: b, a.")


def test_a_violation_that_no_budget_decides_has_none_in_the_table_and_stands_after_those_that_one_decides() -> None:
    before = {name: usual(seed)["income"] for seed, name in enumerate("ab")}
    now = {"a": [-1.0, *before["a"][1:]], "b": [1.0] * len(before["b"])}
    found = report_of(now, baseline_of(before))
    rows = {row[0].text: row[3].text for row in table(found, "All columns").rows}
    assert list(rows) == ["b", "a"]
    assert rows == {"b": "<0.1%", "a": "—"}


def test_distances_are_shown_where_only_shares_of_rows_have_a_budget() -> None:
    document = suggest(dataset(**usual()), SuggestionOptions())
    document["monitoring_config"]["distribution_constraints"] |= {"comparison_method": "Robust", "categorical_drift_method": "LInfinity"}
    baseline = with_states(parse_baseline(json.dumps(document).encode(), None), dataset(**usual()))
    found = report_of(with_faults(), baseline)
    columns = table(found, "All columns")
    assert columns.head[3] == "Distance"
    assert {row[3].below for row in columns.rows} == {"threshold 0.100"}
    told = decided(found)
    assert told["Parts of the budget"] == f"a share of rows {0.01 / baseline.budget_parts:.2g}"
    assert not {"z", "Effect", "Moved together"} & set(told)


def test_a_picture_says_in_words_what_it_shows(faulty: Report) -> None:
    said = {picture.words.partition(":")[0]: picture for picture in pictures(faulty)}
    of_age = {"What the rows hold of age", "Shares of the numbers of age"}
    assert set(said) == {"Shares of the numbers of income", "Shares of the values of city", *of_age}
    assert "exactly −999 10.0% (was 0%)" in said["Shares of the numbers of income"].words
    assert re.search(r"no value 3\d\.\d% \(was \d\.\d%\)", said["What the rows hold of age"].words)
    assert "Mars 12.5% (was 0%)" in said["Shares of the values of city"].words
    assert all("NaN" not in picture.svg for picture in said.values())


def numbers(of: Sequence[object], before: Sequence[object]) -> list[Bar]:
    sides = [distribution_of(dataset(a=values).columns["a"]) for values in (of, before)]
    return value_bars(sides[0], sides[1])


def test_shares_of_numbers_are_of_all_of_them() -> None:
    """Whatever the numbers are: both sides add up to 1."""
    chance = random.Random(3)
    skewed = [0] * 500 + [chance.paretovariate(1) * 100 for _ in range(60)]
    cases: list[tuple[Sequence[object], Sequence[object]]] = [
        (usual(1)["income"], usual(2)["income"]),
        (skewed, [*skewed, 1e300, -1e300]),
        ([7], [7]),
        ([1, 2, 3], [4, 5, 6]),
        ([1e-12, 2e-12] * 9, [1e12] * 5),
        (range(100), [value + 0.5 for value in range(5000)]),
        (range(20_000), range(20_000)),
        ([1_764_000_000_000 + 60_000 * minute for minute in range(600)], [1_763_000_000_000 + 60_000 * minute for minute in range(600)]),
        ([1e12 + value / 8 for value in range(500)], [1e12 + value / 4 for value in range(500)]),
    ]
    for now, before in cases:
        bars = numbers(now, before)
        assert sum(bar.share for bar in bars) == pytest.approx(1)
        assert sum(bar.before or 0 for bar in bars) == pytest.approx(1)
        assert len({bar.name for bar in bars}) == len(bars) < 30


def test_a_number_that_is_stuck_has_a_bar_of_its_own() -> None:
    """Also in the middle of the others, and where it is one in fifty."""
    usual_ones = usual(0, 3000)["income"]
    stuck = [1999.5 if place % 50 == 0 else value for place, value in enumerate(usual(1, 3000)["income"])]
    (bar,) = [bar for bar in numbers(stuck, usual_ones) if bar.name == "exactly 1999.5"]
    assert bar.share == pytest.approx(0.02, abs=0.001)
    assert bar.changed


def test_few_numbers_have_a_bar_each() -> None:
    bars = numbers([1, 1, 2, 3], [1, 2, 2, 4])
    assert [(bar.name, bar.share, bar.before) for bar in bars] == [
        ("exactly 1", 0.5, 0.25),
        ("exactly 2", 0.25, 0.5),
        ("exactly 3", 0.25, 0.0),
        ("exactly 4", 0.0, 0.25),
    ]


def test_of_a_million_categories_those_that_changed_most_are_shown() -> None:
    """Of ids that never repeat, beside one that does."""
    ids = [f"id-{place}" for place in range(5000)]
    bars = numbers([*ids[:4000], *["stuck"] * 1000], [f"old-{name}" for name in ids])
    assert len(bars) == 11
    assert bars[-1].name == "all others"
    assert sum(bar.share for bar in bars) == pytest.approx(1)


def test_what_rows_hold_is_shown_alone_where_the_baseline_has_no_states() -> None:
    column = dataset(a=[1, None, "x", 2.5]).columns["a"]
    assert {bar.name: bar.share for bar in class_bars(column, None)} == dict.fromkeys(
        ["whole numbers", "numbers with a fraction", "texts", "no value"], 0.25
    )
    assert all(bar.before is None for bar in class_bars(column, None))


def test_a_column_that_became_another_type_shows_what_it_holds() -> None:
    found = report_of(usual(1) | {"income": ["a lot"] * ROWS}, baseline_of(usual()))
    (picture,) = pictures(found)
    assert "numbers with a fraction 0% (was " in picture.words
    assert "texts 100.0% (was 0%)" in picture.words
    (row,) = [row for row in table(found, "All columns").rows if row[0].text == "income"]
    assert row[0].below == "String, was Fractional"


def test_distances_stand_beside_their_thresholds_where_a_baseline_has_these() -> None:
    """There is no budget then, and nothing is said of it."""
    found = report_of(with_faults(), baseline_of(usual(), with_thresholds))
    assert table(found, "All columns").head[3] == "Distance"
    (row,) = [row for row in table(found, "All columns").rows if row[0].text == "city"]
    drift = next(e for e in found.evaluations if (e.feature, e.check) == ("city", "baseline_drift_check"))
    assert isinstance(drift.value, float)
    assert float(row[3].text) == pytest.approx(drift.value, rel=0.01)
    assert row[3].below == "threshold 0.100"
    assert decided(found).keys() == {"Rows", "Hours", "Comparison", "Threshold", "Shares of rows"}
    assert decided(found)["Shares of rows"] == "Simple: 3 columns"


def test_statistics_alone_are_enough(faulty: Report) -> None:
    """Of a baseline without states the missing values before are not known, and not made up."""
    data = dataset(**usual())
    before = parse_baseline(orjson.dumps(suggest(data, SuggestionOptions())), to_json(statistics_document(data)))
    found = report_of(with_faults(), before)
    files = data_quality_files(found)
    assert files["report.pdf"].startswith(b"%PDF")
    assert first_words(found)[1].startswith("3 of 3 columns are not as the baseline has them: ")
    (row,) = [row for row in table(found, "All columns").rows if row[0].text == "income"]
    assert (row[1].below, row[2].below) == (
        "0% missing",
        next(r for r in table(faulty, "All columns").rows if r[0].text == "income")[2].below,
    )
    assert any("exactly −999 10.0% (was 0%)" in picture.words for picture in pictures(found))


def test_the_budget_and_where_chance_was_learnt_from_are_told() -> None:
    baseline = baseline_of(usual())
    told = decided(report_of(with_faults(), baseline))
    assert told["Budget"] == "1%"
    assert told["Rows"] == "600 here, 600 in the baseline"
    assert baseline.budget_parts == pytest.approx(3 + 7 / 8)
    assert told["Parts of the budget"] == "a column 0.0026, a share of rows 0.00032"
    assert told["λ (over-dispersion)"] == "1: nothing is learnt"
    known = replace(
        baseline, dispersions={"age": {"rank_mean": Dispersion(2.5, math.inf)}}, learnt_from=str(Learnt(48, "stored hours a to b"))
    )
    assert decided(report_of(with_faults(), known))["λ (over-dispersion)"] == "up to 2.5 (age), learnt from stored hours a to b (48)"


def test_hours_warnings_and_lines_that_are_not_used_are_told() -> None:
    report = report_of(usual(1), baseline_of(usual()), coverage=Coverage(24, 20, ("4 hours are damaged",)))
    intake = Intake.empty()
    intake.lines, intake.bad["not JSON"] = 1000, 24
    report = replace(report, dataset=replace(report.dataset, intake=intake), reference=ReferenceReport("last:3", (), Coverage(3, 2)))
    assert "24 lines could not be used" in paragraphs(report)[1].text
    assert any(paragraph.text == "4 hours are damaged" for paragraph in paragraphs(report))
    told = decided(report)
    assert (told["Hours"], told["Held against"], told["Lines not used"]) == ("20 of 24", "last:3, 2 of 3 hours", "24 of 1,000")
    assert first_words(report)[1] == "All 3 columns are as the time before had them."


def segment(name: str, now: Columns, baseline: Baseline, finding: str = "") -> SegmentReport:
    data = dataset(**now)
    return SegmentReport(name, data, tuple(evaluate(data, baseline)), 0.2, "city" if finding else None, finding)


def test_segments_in_violation_have_their_finding() -> None:
    baseline = baseline_of(usual())
    finding = "12.5 % of the values are 'Mars', the baseline has 0 %"
    segments = (segment("sex=f", with_faults(), baseline, finding), segment("sex=m", usual(2), baseline))
    found = report_of(usual(1), baseline, segments=segments)
    assert first_words(found) == (Tone.ALARM, "No violation in the window as a whole, but 1 of 2 segments has some: sex=f.")
    (row,) = table(found, "Segments").rows
    assert [cell.text for cell in row] == ["sex=f", "600", str(len(segments[0].violations)), "city", finding]
    both = report_of(with_faults(), baseline, segments=segments)
    assert "1 of 2 segments has violations too." in paragraphs(both)[1].text
    clean = report_of(usual(1), baseline, segments=segments[1:])
    assert "No violation in 1 segment." in [paragraph.text for paragraph in paragraphs(clean)]


def test_names_from_data_cannot_break_out() -> None:
    """Of an endpoint, a column, a category and a segment: as text on screen, in a chart, and as text on paper."""
    columns = {f"a & b{NASTY}": usual()["city"], "datum['x']": usual()["income"], "{expr: 1}": usual()["age"]}
    now = dict(zip(columns, [[f"c{NASTY}"] * ROWS, with_faults()["income"], with_faults()["age"]], strict=True))
    baseline = baseline_of(columns)
    report = report_of(now, baseline, segments=(segment(f"s={NASTY}", now, baseline, NASTY),))
    report = replace(report, data_quality_page=DataQualityPage(f"</title>{NASTY}", baseline))
    files = data_quality_files(report)
    text = files["report.html"].decode()
    assert "<script" not in text
    assert text.count("</title>") == 1
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    for said in (words(files["report.html"]), on_paper(files["report.pdf"])):
        assert "a & b<script>alert('1')</script> & \"Größe\"" in said
        assert "s=<script>" in said
    assert all("<script" not in picture.svg for picture in pictures(report))
    assert any("c&lt;script&gt;" in picture.svg for picture in pictures(report))


def test_long_names_and_control_signs_are_cut_and_replaced() -> None:
    names = ["x" * 900, "a\x00b\u202e", "n\nl"]
    columns = dict(zip(names, usual().values(), strict=True))
    now = dict(zip(names, [with_faults()["income"], with_faults()["age"], ["y" * 5000, "\x00"] * (ROWS // 2)], strict=True))
    report = report_of(now, baseline_of(columns))
    files = data_quality_files(report)
    assert f"{'x' * 39}…" in first_words(report)[1]
    assert "\x00" not in files["report.html"].decode()
    assert len(PdfReader(io.BytesIO(files["report.pdf"])).pages) < 9


def test_many_columns_in_violation_are_a_page_that_can_be_read() -> None:
    """Twelve have pictures, sixty more their sentences, and sixty a line in the table; the rest is counted, with where it is."""
    before = usual()["income"]
    baseline = baseline_of({f"f{place:03d}": before for place in range(140)})
    report = report_of({f"f{place:03d}": with_faults()["income"] for place in range(140)}, baseline)
    files = data_quality_files(report)
    texts = [paragraph.text for paragraph in paragraphs(report)]
    assert first_words(report)[1].endswith("f000, f001, f002, f003, f004 and 135 more.")
    assert len(pictures(report)) == 12
    assert len(table(report, "128 more columns").rows) == 60
    assert "68 more are in constraint_violations.json." in texts
    assert len(table(report, "All columns").rows) == 60
    assert "80 more columns are in statistics.json, and what was found of each in evaluation.json." in texts
    assert len(files["report.html"]) < 1_000_000
    assert len(files["report.pdf"]) < 2_000_000


def test_the_lines_of_columns_lead_to_their_pictures(faulty: Report) -> None:
    anchors = {block.anchor for block in page_of(faulty).blocks if isinstance(block, Heading) and block.anchor}
    assert {row[0].link for row in table(faulty, "All columns").rows} == anchors == {"column-0", "column-1", "column-2"}


def test_the_same_report_is_the_same_bytes(faulty: Report) -> None:
    first = data_quality_files(faulty)
    assert all(data_quality_files(faulty) == first for _ in range(2))


def test_a_window_that_is_neither_the_last_nor_in_violation_has_none(faulty: Report) -> None:
    """A month of clean hours would be 720 of them."""
    baseline = baseline_of(usual())
    clean = report_of(usual(1), baseline, data_quality_page=DataQualityPage("e", baseline, latest=False))
    assert not data_quality_files(clean)
    earlier = replace(faulty, data_quality_page=DataQualityPage("e", baseline, latest=False))
    assert set(data_quality_files(earlier)) == {"report.html"}
    assert not pictures(earlier)


def write_hours(root: Path, faults: Sequence[bool]) -> Path:
    """An hour of captures for each, with or without a fault."""
    for hour, fault in enumerate(faults):
        columns = with_faults(hour) if fault else usual(hour + 1)
        lines = [
            capture_line(None, json.dumps(dict(zip(columns, row, strict=True))), time=f"2026-11-21T{hour:02d}:10:00Z", encoding="JSON")
            for row in zip(*columns.values(), strict=True)
        ]
        write_hour(root, f"2026/11/21/{hour:02d}", lines)
    return root


def flags(root: Path, hours: int) -> dict[str, object]:
    end = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(hours=hours)
    return {"dataset_source": root, "start_time": "2026-11-21T00:00:00Z", "end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}"}


def test_a_run_writes_the_report_of_its_last_window_and_of_those_in_violation(tmp_path: Path) -> None:
    """And takes away what an earlier run left, where the same hours have no violation any more."""
    first = write_hours(tmp_path / "first", [False])
    run(tmp_path / "base", **flags(first, 1))
    assert (tmp_path / "base" / "report.html").exists()
    common = {"baseline_constraints": tmp_path / "base", "window": "1h"}
    out = tmp_path / "out"
    outcome = run(out, **flags(write_hours(tmp_path / "faulty", [False, True, False, True]), 4), **common)
    assert [report.verdict for report in outcome.reports] == ["pass", "violation", "pass", "violation"]
    assert sorted(path.parent.name for path in out.rglob("report.html")) == ["01", "03"]
    assert sorted(path.parent.name for path in out.rglob("report.pdf")) == ["03"]
    assert "Data quality of endpoint/AllTraffic" in words(next(out.rglob("01/report.html")).read_bytes())
    run(out, **flags(write_hours(tmp_path / "mended", [False] * 4), 4), **common)
    assert sorted(path.parent.name for path in out.rglob("report.*")) == ["03"]
    assert "All 3 columns are as the baseline has them." in words(next(out.rglob("report.html")).read_bytes())


def test_a_clean_run_loads_nothing_that_draws() -> None:
    """Which would take longer than all else that the report needs."""
    script = (
        "import sys\n"
        "import hourglass.outputs.data_quality\n"
        "assert not {'vl_convert', 'pypdf'} & set(sys.modules)\n"
        "from tests.unit.outputs import test_data_quality_report as t\n"
        "for name in [name for name in sys.modules if name.partition('.')[0] in {'vl_convert', 'pypdf'}]: del sys.modules[name]\n"
        "assert set(t.data_quality_files(t.report_of(t.usual(1), t.baseline_of(t.usual())))) == {'report.html'}\n"
        "assert not {'vl_convert', 'pypdf'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_window_of_no_data_set_at_all_can_be_told() -> None:
    """Such as of hours that nobody captured, with a baseline beside it."""
    baseline = baseline_of(usual())
    found = Report(WINDOW, Dataset(0, "", {}, Intake()), (), data_quality_page=DataQualityPage("e", baseline))
    assert first_words(found)[0] is Tone.QUIET
