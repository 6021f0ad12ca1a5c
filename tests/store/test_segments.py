"""Segments: parts of the rows with states, statistics and violations of their own, ranked by how far they drifted."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hourglass.errors import InputError, SettingsError
from hourglass.segments import MOST_SEGMENTS, capped, parse_segmentations
from tests.engine import capture_line, read, run, write_hour

HOUR = "2026/11/21/09"
NAMES = ("answer", "age", "sex", "city")


def write_rows(root: Path, rows: list[tuple[Any, ...]], hour: str = HOUR) -> Path:
    """Captured records of one hour: the answer, then the features."""
    lines = []
    for number, (answer, *features) in enumerate(rows):
        time = f"{hour.replace('/', '-', 2).replace('/', 'T')}:10:00Z"
        record = json.loads(capture_line(str(answer), ",".join(map(str, features)), time=time))
        record["eventMetadata"]["eventId"] = f"{hour}-{number}"
        lines.append(json.dumps(record))
    write_hour(root, hour, lines)
    return root


def people(seed: int, count: int = 1200, shift: float = 0.0, cities: int = 3) -> list[tuple[Any, ...]]:
    """Rows of people; the women are older by `shift`."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        sex = draw.choice(["Male", "Female"])
        age = round(draw.gauss(40, 10) + (shift if sex == "Female" else 0))
        rows.append((draw.randint(0, 1), age, sex, f"city-{draw.randrange(cities)}"))
    return rows


def baseline(tmp_path: Path, segments: str, **more: Any) -> dict[str, Any]:
    """A baseline with segments, as the settings of the run that is held against it."""
    run(tmp_path / "baseline", dataset_source=write_rows(tmp_path / "training", people(1, **more)), segments=segments)
    return {
        "baseline_constraints": tmp_path / "baseline" / "constraints.json",
        "baseline_statistics": tmp_path / "baseline" / "statistics.json",
        "segments": segments,
    }


def test_a_drift_in_one_segment_is_found_there_with_rows_that_show_it(tmp_path: Path) -> None:
    """Women are 12 years older: their segment comes first, the feature is age, and the rows shown are old women's."""
    flags = baseline(tmp_path, "_c2")
    run(tmp_path / "out", dataset_source=write_rows(tmp_path / "capture", people(2, shift=12)), **flags)
    found = read(tmp_path / "out" / "segments.json")["segments"]
    first, second = found
    assert (first["segment"], first["feature"], first["verdict"]) == ("_c2=Female", "_c1", "violation")
    assert first["effect"] > 0.2 > second["effect"]
    assert "larger" in first["finding"]
    assert len(first["examples"]) == 5
    assert {row["_c2"] for row in first["examples"]} == {"Female"}
    assert all(float(row["_c1"]) > 40 for row in first["examples"])
    folder = tmp_path / "out" / first["folder"]
    assert read(folder / "statistics.json")["dataset"]["item_count"] == first["rows"]
    assert [violation["feature_name"] for violation in read(folder / "constraint_violations.json")["violations"]] == ["_c1"]


def test_clean_segments_do_not_drift(tmp_path: Path) -> None:
    """Rows of the same kind, in 2 × 3 segments: no effect beyond chance and no violation in any."""
    flags = baseline(tmp_path, "_c2, _c3")
    run(tmp_path / "out", dataset_source=write_rows(tmp_path / "capture", people(2)), **flags)
    found = read(tmp_path / "out" / "segments.json")["segments"]
    assert len(found) == 6
    assert {segment["verdict"] for segment in found} == {"pass"}
    assert {segment["effect"] for segment in found} == {0.0}


def test_a_named_condition_is_a_segment(tmp_path: Path) -> None:
    """Only rows that meet all of its clauses belong to it; numbers compare as numbers."""
    flags = baseline(tmp_path, "old women: _c1 >= 50 and _c2 = Female")
    rows = people(2)
    run(tmp_path / "out", dataset_source=write_rows(tmp_path / "capture", rows), **flags)
    (segment,) = read(tmp_path / "out" / "segments.json")["segments"]
    assert segment["segment"] == "old women"
    assert segment["rows"] == sum(age >= 50 and sex == "Female" for _, age, sex, _ in rows)


def test_a_column_with_too_many_values_keeps_fifty_segments_and_the_others(tmp_path: Path) -> None:
    """What has no segment of its own is counted under "other", so that the segments add up to all rows."""
    rows = people(1, cities=200)
    run(tmp_path / "out", dataset_source=write_rows(tmp_path / "capture", rows), segments="_c3", reference="baseline")
    flags = {"baseline_constraints": tmp_path / "out" / "constraints.json", "baseline_statistics": tmp_path / "out" / "statistics.json"}
    run(tmp_path / "again", dataset_source=tmp_path / "capture", segments="_c3", **flags)
    found = {segment["segment"]: segment["rows"] for segment in read(tmp_path / "again" / "segments.json")["segments"]}
    assert len(found) == MOST_SEGMENTS + 1
    assert sum(found.values()) == len(rows)
    assert found["_c3=(other)"] > 600
    exact = {f"_c3={city}": sum(row[3] == city for row in rows) for city in {row[3] for row in rows}}
    assert all(found[name] == exact[name] for name in found if name != "_c3=(other)")


def test_the_segments_that_are_kept_do_not_depend_on_the_order_of_merging() -> None:
    """Dropping by hash commutes with merging: half of the names first, or all at once, keeps the same fifty."""
    names = [f"city={number}" for number in range(300)]
    kept = {name for name, own in capped(names).items() if own == name}
    halves = [name for half in (names[::2], names[1::2]) for name, own in capped(half).items() if own == name]
    assert {name for name, own in capped(halves).items() if own == name} == kept
    assert len(kept) == MOST_SEGMENTS


def test_a_segment_that_is_gone_is_reported(tmp_path: Path) -> None:
    """No row from a city any more: its segment is there, with the verdict "no data"."""
    flags = baseline(tmp_path, "_c3")
    rows = [row for row in people(2) if row[3] != "city-1"]
    run(tmp_path / "out", dataset_source=write_rows(tmp_path / "capture", rows), **flags)
    found = {segment["segment"]: segment["verdict"] for segment in read(tmp_path / "out" / "segments.json")["segments"]}
    assert found["_c3=city-1"] == "no data"


def test_a_segment_without_a_past_is_insufficient_data(tmp_path: Path) -> None:
    """A city that the baseline never had has nothing to be compared with, which is neither a pass nor an alarm."""
    flags = baseline(tmp_path, "_c3")
    rows = [*people(2), *((1, 40, "Male", "Atlantis") for _ in range(200))]
    run(tmp_path / "out", dataset_source=write_rows(tmp_path / "capture", rows), **flags)
    found = {segment["segment"]: segment["verdict"] for segment in read(tmp_path / "out" / "segments.json")["segments"]}
    assert found["_c3=Atlantis"] == "insufficient data"


def test_segments_of_stored_hours_add_up_over_windows(tmp_path: Path) -> None:
    """A segment's rows in a window of two hours are those of both hours."""
    write_rows(tmp_path / "capture", people(1, 300), "2026/11/21/00")
    write_rows(tmp_path / "capture", people(2, 200), "2026/11/21/01")
    flags = {"start_time": "2026-11-21T00:00:00Z", "end_time": "2026-11-21T02:00:00Z", "state_root": tmp_path / "states"}
    run(tmp_path / "out", dataset_source=tmp_path / "capture", segments="_c2", window="1h,2h", reference="previous", **flags)
    rows = {}
    for length in ("1h", "2h"):
        for path in sorted((tmp_path / "out" / length).rglob("segments.json")):
            rows[length, path.parent.name] = {s["segment"]: s["rows"] for s in read(path)["segments"]}
    assert rows["2h", "00"] == {name: rows["1h", "00"][name] + rows["1h", "01"][name] for name in rows["2h", "00"]}


def test_what_the_sample_may_not_hold_is_left_out_or_hashed(tmp_path: Path) -> None:
    """Kept rows are raw data: a column can be left out or hashed, and the sample switched off."""
    from hourglass.store import read_states

    source = write_rows(tmp_path / "capture", people(1, 50))
    flags = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z", "reference": "previous", "dataset_source": source}
    name = "data-quality/endpoint/AllTraffic/2026/11/21/09/states.parquet"
    run(tmp_path / "a", state_root=tmp_path / "s1", sample_rows=20, sample_without="_c3", sample_hashed="_c2", **flags)
    run(tmp_path / "b", state_root=tmp_path / "s2", sample_rows=0, **flags)
    file = read_states(str(tmp_path / "s1" / name))
    assert file is not None
    sample = file.states().sample
    assert sample is not None
    rows = [row.values for row in sample.rows()]
    assert len(rows) == 20
    assert sample.seen == 50
    assert all("_c3" not in row and row["_c2"].startswith("#") for row in rows)
    assert len({row["_c2"] for row in rows}) == 2
    without = read_states(str(tmp_path / "s2" / name))
    assert without is not None
    assert without.states().sample is None


SLIPS = [
    *("age >= 50", "age >", "a: ", "sex,,city", "sex, sex", "sex; sex", "a=b: sex = Male", "x: sex ~ Male"),
    *("x: age >= 65 or sex = Male", "x: age >> 65", "x: age >= old", "x: not sex = Male"),
]


@pytest.mark.parametrize("text", SLIPS)
def test_a_segmentation_that_cannot_be_read_says_how_one_is_written(text: str, tmp_path: Path) -> None:
    """Each mistake names itself and the form that was expected."""
    with pytest.raises(InputError, match="segments"):
        parse_segmentations(text)
    with pytest.raises(SettingsError, match="segments"):
        run(tmp_path, dataset_source=tmp_path, segments=text)


def test_conditions_take_and_in_any_case_and_quoted_words() -> None:
    """Names with signs of comparison, and values with words that would mean something, stand in quotes."""
    (found,) = parse_segmentations("x: age >= 65 AND city = 'this or that' and \"a=b\" != 3")
    assert [(clause.column, clause.sign, clause.value) for clause in found.condition] == [
        ("age", ">=", "65"),
        ("city", "=", "this or that"),
        ("a=b", "!=", "3"),
    ]
    (by,) = parse_segmentations("'a=b', c")
    assert by.columns == ("a=b", "c")


def test_a_column_that_nobody_has_is_a_slip(tmp_path: Path) -> None:
    """A segment, or a column that the sample is to leave out: the error names the nearest column."""
    source = write_rows(tmp_path / "capture", people(1, 50))
    for flag, value in (("segments", "_c22"), ("sample_without", "_c22"), ("sample_hashed", "_c22")):
        with pytest.raises(InputError, match="did you mean _c2"):
            run(tmp_path / "out", dataset_source=source, **{"segments": "_c2", flag: value})


def test_a_slip_in_a_hidden_column_keeps_no_row(tmp_path: Path) -> None:
    """Until the slip is mended the store holds none of the hour's rows, rather than the column that was meant."""
    from hourglass.store import read_states

    source = write_rows(tmp_path / "capture", people(1, 50))
    flags = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z", "state_root": tmp_path / "states"}
    with pytest.raises(InputError, match="sample_without"):
        run(tmp_path / "out", dataset_source=source, sample_without="_c22", **flags)
    file = read_states(str(tmp_path / "states/data-quality/endpoint/AllTraffic/2026/11/21/09/states.parquet"))
    assert file is not None
    assert file.states().sample is None


def test_a_drift_in_a_segment_is_an_alarm_of_the_whole_run(tmp_path: Path) -> None:
    """Verdict, message and number of violations say the same."""
    flags = baseline(tmp_path, "_c2")
    document = read(flags["baseline_constraints"])
    document["monitoring_config"]["distribution_constraints"] = {"comparison_method": "Robust"}
    flags["baseline_constraints"].write_text(json.dumps(document))
    outcome = run(tmp_path / "out", dataset_source=write_rows(tmp_path / "capture", people(2, shift=6)), **flags)
    assert outcome.reports[0].violations == ()
    assert outcome.violations == 1
    assert outcome.message.startswith("CompletedWithViolations: Job completed successfully with 1 violations.")
    assert read(tmp_path / "out" / "evaluation.json")["verdict"] == "violation"


def test_segments_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    """What a run without segments leaves in the folder is its own."""
    flags = baseline(tmp_path, "_c2")
    source = write_rows(tmp_path / "capture", people(2))
    run(tmp_path / "out", dataset_source=source, **flags)
    assert (tmp_path / "out" / "segments.json").exists()
    run(tmp_path / "out", dataset_source=source, **{**flags, "segments": ""})
    assert not (tmp_path / "out" / "segments.json").exists()
    assert not list((tmp_path / "out").rglob("segments/*/*.json"))


def test_names_of_several_values_are_unambiguous() -> None:
    """The values "1 & 2" and "3" are another segment than "1" and "2 & 3"."""
    (by,) = parse_segmentations("a, b")
    _, names = by.of({"a": ["1 & 2", "1"], "b": ["3", "2 & 3"]}, 2)
    assert len(set(names)) == 2


def test_values_are_told_apart_as_the_states_tell_them_apart() -> None:
    """3, 3.0 and "3" are one segment; null, NaN and the empty text are missing."""
    (by,) = parse_segmentations("a")
    places, names = by.of({"a": pa.array([3, None])}, 2)
    assert [names[place] for place in places] == ["a=3", "a=(missing)"]
    places, names = by.of({"a": ["3.0", "", float("nan"), True, 3]}, 5)
    assert [names[place] for place in places] == ["a=3", "a=(missing)", "a=(missing)", "a=true", "a=3"]
    places, names = by.of({}, 2)
    assert [names[place] for place in places] == ["a=(missing)"] * 2
