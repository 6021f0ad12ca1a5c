"""The merge against a join by hand, on trees that Hypothesis makes: duplicates, late labels, missing ids, all forms of labels."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.capture import slices
from hourglass.join import match
from tests.join.trees import SOURCE, at, capture, contents, hour, key_of, label, label_fates, merge, merged, naive, write

HOURS = 4
IDS = st.sampled_from(["a", "b", "c", "Ünï", 'quo"te', "7"])
PAYLOADS = st.sampled_from([("0.5", "CSV"), ("1,2\n3,4", "CSV"), ('{"p": [1, 2]}', "JSON"), ("MC41", "BASE64")])
TIMES = st.one_of(st.none(), st.just("{%s}"), st.builds(at, st.integers(0, HOURS), st.integers(0, 59)))
BAD = st.sampled_from(['{"x', "[]", '{"eventMetadata": {"eventId": "a"}}', "", '"text"'])


@st.composite
def captures_of(draw: Any) -> str:
    """A captured line, now and then a bad one, now and then with a label already."""
    data, encoding = draw(PAYLOADS)
    line = capture(
        draw(st.one_of(IDS, st.none(), st.just(""))),
        draw(st.one_of(st.none(), st.none(), IDS, st.just(""))),
        time=draw(TIMES),
        data=data,
        encoding=encoding,
    )
    if draw(st.integers(0, 9)) == 0:
        line = json.dumps({**json.loads(line), "groundTruthData": {"data": "old", "encoding": "CSV"}})
    return line


@st.composite
def labels_of(draw: Any) -> str:
    """A line of ground truth in one of its forms."""
    key = draw(IDS)
    if draw(st.integers(0, 3)) == 0:
        return json.dumps({"inferenceId": key, "actualLabel": draw(st.sampled_from([0, 1.5, "yes", [1, 0], {"label": 1}, True]))})
    data, encoding = draw(PAYLOADS)
    metadata = {name: time for name in ("eventTime", "inferenceTime") if (time := draw(TIMES)) is not None}
    return label(key, data, encoding, **metadata)


def trees_of(lines: st.SearchStrategy[str], folder: str, hours: int) -> st.SearchStrategy[dict[str, list[str]]]:
    """Some files in some hours."""
    names = st.builds(lambda number, name: f"{folder}{hour(number)}/{name}.jsonl", st.integers(0, hours), st.sampled_from("ab"))
    return st.dictionaries(names, st.lists(st.one_of(lines, lines, lines, lines, lines, BAD), min_size=1, max_size=8), max_size=6)


CAPTURES = st.one_of(trees_of(captures_of(), f"{SOURCE}/", HOURS - 1), trees_of(captures_of(), "shop/Canary/", HOURS - 1))
LABELS = trees_of(labels_of(), "", HOURS + 1)


@pytest.mark.parametrize(("part_bytes", "rows"), [(8 << 20, 1 << 15), (600, 1), (600, 3)])
@settings(max_examples=60)
@given(captures=CAPTURES, labels=LABELS, wait=st.integers(1, 3))
def test_the_merge_is_the_join_by_hand(
    captures: dict[str, list[str]], labels: dict[str, list[str]], wait: int, part_bytes: int, rows: int
) -> None:
    """The same records in the same order, whatever the parts and the batches of rows; and no line of either side is lost."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "PART_BYTES", part_bytes)
        patch.setattr(match, "ROWS_AT_A_TIME", rows)
        root = Path(folder)
        write(root / "captures", captures)
        write(root / "labels", labels)
        outcome = merge(root, label_wait=f"{wait}h", max_bad_lines=1)
        expected, counts = naive(captures, labels, wait)
        assert merged(root / "merged") == expected
        fates, passed_over = label_fates(captures, labels, wait)
        for hour_ in outcome.hours:
            report, count = hour_.report, counts[hour_.report.partition]
            assert (
                report.lines
                == count["lines"]
                == report.matched + report.unmatched + report.duplicated + report.without_id + report.bad_lines
            )
            assert (report.matched, report.unmatched, report.duplicated) == (count["matched"], count["unmatched"], count["duplicated"])
            assert (report.without_id, report.bad_lines) == (count["without id"], count["bad"])
            keys = {key_of(record) for record in expected.get(report.partition, [])}
            assert sum(report.labels_used.values()) == len(keys)  # a key's captures of an hour share a label
            assert report.labels_passed_over == passed_over.get(report.partition, 0)
            assert report.delays.from_times + report.delays.from_hours == report.delays.state.n == report.matched
        for found in outcome.label_hours:
            assert found.lines == found.used + found.superseded + found.unmatched + sum(found.bad.values())
            fate = fates.get(found.hour, Counter())
            assert (found.used, found.superseded, found.unmatched) == (fate["used"], fate["superseded"], fate["unmatched"])
            lines = [line for path, lines in labels.items() if path.startswith(found.hour) for line in lines if line.strip()]
            assert found.lines == len(lines)


@settings(max_examples=40)
@given(captures=CAPTURES, labels=LABELS, data=st.data())
def test_the_result_does_not_depend_on_the_runs_before_it(captures: dict[str, list[str]], labels: dict[str, list[str]], data: Any) -> None:
    """Files that come in any order, with runs over any windows between them: at the end all is as one run would have made it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "captures").mkdir()
        (root / "labels").mkdir()
        files = [("captures", path, lines) for path, lines in captures.items()] + [
            ("labels", path, lines) for path, lines in labels.items()
        ]
        for place, path, lines in data.draw(st.permutations(files)):
            write(root / place, {path: lines})
            if data.draw(st.booleans()):
                first = data.draw(st.integers(0, HOURS - 1))
                last = data.draw(st.integers(first + 1, HOURS))
                merge(root, label_wait="2h", max_bad_lines=1, start_time=at(first), end_time=at(last))
        outcome = merge(root, label_wait="2h", max_bad_lines=1)
        at_once = merge(root, label_wait="2h", max_bad_lines=1, output_path=root / "at-once")
        expected = {found.hour: found for found in at_once.label_hours}
        assert all(found.complete for found in at_once.label_hours)
        assert [found for found in outcome.label_hours if found.complete and found != expected[found.hour]] == []
        assert contents(root / "merged") == contents(root / "at-once")
