"""The store of hours' states: what is read again and what is not, and what happens to files that are no good."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hourglass.capture.slices import Task
from hourglass.dataset import dataset_of
from hourglass.errors import InputError
from hourglass.monitors import data_quality
from hourglass.outputs.documents import statistics_document
from hourglass.scan import ScanPlan
from hourglass.settings import load_settings
from hourglass.states import Moments
from hourglass.store import StateError, StateStore, read_states, states_bytes
from tests.engine import capture_line, plain_engine, read, run, write_hour

DAY = "2026/11/21"
HOURS = tuple(f"{DAY}/{hour:02d}" for hour in range(24))
SPAN = {"start_time": "2026-11-21T00:00:00Z", "end_time": "2026-11-22T00:00:00Z"}
MANY = 40


def lines(hour: str, count: int = MANY, shift: int = 0) -> list[str]:
    """Captured records of an hour, with ids of their own."""
    time = f"{hour[:10].replace('/', '-')}T{hour[11:]}:10:00Z"
    found = []
    for row in range(count):
        record = json.loads(capture_line(str(row % 2), f"{row * 7 % 50 + shift},{'red' if row % 3 else 'blue'}", time=time))
        record["eventMetadata"]["eventId"] = f"{hour}-{row}"
        found.append(json.dumps(record))
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A day of captures, an hour a file."""
    for number, hour in enumerate(HOURS):
        write_hour(tmp_path / "capture", hour, lines(hour, shift=number % 3))
    return tmp_path / "capture"


class CountingEngine:
    """The plain engine, which remembers what it was asked to read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, tasks: Sequence[Task], plan: ScanPlan) -> pa.Table:
        self.read += [piece.partition for task in tasks for piece in task]
        return plain_engine(tasks, plan)


def run_stored(tree: Path, output: Path, **flags: Any) -> tuple[list[str], Any]:
    """A run with a store beside the tree; the partitions that it read, and its outcome."""
    engine = CountingEngine()
    said = {"dataset_source": tree, "state_root": tree.parent / "states", "reference": "previous", **SPAN, **flags}
    settings = load_settings(
        {**{name: str(value) for name, value in said.items()}, "output_path": str(output), "container_root": str(output / "none")}, {}
    )
    return engine.read, data_quality.run(settings, engine)


def state_file(tree: Path, hour: str) -> Path:
    """Where an hour's states lie."""
    return tree.parent / "states" / "data-quality" / "endpoint" / "AllTraffic" / hour / "states.parquet"


def test_an_hour_whose_files_did_not_change_is_not_read_again(tree: Path, tmp_path: Path) -> None:
    """The second run of a day opens no capture file, and writes the same statistics to the byte."""
    first, _ = run_stored(tree, tmp_path / "first")
    second, _ = run_stored(tree, tmp_path / "second")
    assert sorted(first) == [f"endpoint/AllTraffic/{hour}" for hour in HOURS]
    assert second == []
    assert (tmp_path / "first" / "statistics.json").read_bytes() == (tmp_path / "second" / "statistics.json").read_bytes()


def test_a_late_file_makes_exactly_its_hour_stale(tree: Path, tmp_path: Path) -> None:
    """A file that arrives later is read with the other files of its hour, and no other hour is."""
    run_stored(tree, tmp_path / "first")
    write_hour(tree, HOURS[5], lines(HOURS[5], 7), name="59-59-999-late.jsonl")
    found, outcome = run_stored(tree, tmp_path / "second")
    assert set(found) == {f"endpoint/AllTraffic/{HOURS[5]}"}
    assert outcome.reports[0].dataset.rows == 24 * MANY + 7


def test_a_changed_file_makes_exactly_its_hour_stale(tree: Path, tmp_path: Path) -> None:
    """A file that was written again, with another size or time, is read again."""
    run_stored(tree, tmp_path / "first")
    write_hour(tree, HOURS[9], lines(HOURS[9], MANY - 3))
    found, outcome = run_stored(tree, tmp_path / "second")
    assert found == [f"endpoint/AllTraffic/{HOURS[9]}"]
    assert outcome.reports[0].dataset.rows == 24 * MANY - 3


def test_states_outlive_the_captures(tree: Path, tmp_path: Path) -> None:
    """Captures are often kept for less time than their states: an hour whose files are gone is served from the store."""
    run_stored(tree, tmp_path / "first")
    for path in (tree / "endpoint" / "AllTraffic" / HOURS[3]).iterdir():
        path.unlink()
    found, outcome = run_stored(tree, tmp_path / "second")
    assert found == []
    assert outcome.reports[0].dataset.rows == 24 * MANY


def test_a_late_file_is_added_to_an_hour_whose_captures_are_gone(tree: Path, tmp_path: Path) -> None:
    """What was read and is there no more stays in the states; the new file's rows come to it."""
    write_hour(tree, HOURS[3], lines(HOURS[3], 9), name="30-00-000-b.jsonl")
    run_stored(tree, tmp_path / "first")
    (tree / "endpoint" / "AllTraffic" / HOURS[3] / "00-00-000-a.jsonl").unlink()
    write_hour(tree, HOURS[3], lines(HOURS[3], 5), name="59-59-999-late.jsonl")
    found, outcome = run_stored(tree, tmp_path / "second")
    assert found == [f"endpoint/AllTraffic/{HOURS[3]}"]
    assert outcome.reports[0].dataset.rows == 24 * MANY + 9 + 5
    assert run_stored(tree, tmp_path / "third")[0] == []


def test_an_hour_that_cannot_be_made_again_stays_as_it_is(tree: Path, tmp_path: Path) -> None:
    """Some of its captures are gone and another one has changed: nothing is lost, and the warning names the hour."""
    write_hour(tree, HOURS[3], lines(HOURS[3], 9), name="30-00-000-b.jsonl")
    run_stored(tree, tmp_path / "first")
    (tree / "endpoint" / "AllTraffic" / HOURS[3] / "00-00-000-a.jsonl").unlink()
    write_hour(tree, HOURS[3], lines(HOURS[3], 2), name="30-00-000-b.jsonl")
    found, outcome = run_stored(tree, tmp_path / "second")
    assert found == []
    assert outcome.reports[0].dataset.rows == 24 * MANY + 9
    assert HOURS[3] in outcome.reports[0].coverage.warnings[0]


def test_hours_that_were_read_in_another_way_are_not_added_up(tree: Path, tmp_path: Path) -> None:
    """Columns with positions only had no names yet when the day was filled: the window has the hours that have, and says so."""
    run_stored(tree, tmp_path / "day")
    run(tmp_path / "baseline", dataset_source=tree, **SPAN)
    constraints = read(tmp_path / "baseline" / "constraints.json")
    for feature, name in zip(constraints["features"], ("answer", "age", "colour"), strict=True):
        feature["name"] = name
    (tmp_path / "named.json").write_text(json.dumps(constraints))
    flags = {"window": "4h", "window_kind": "sliding", "reference": "baseline", "baseline_constraints": tmp_path / "named.json"}
    _, outcome = run_stored(tree, tmp_path / "out", start_time="2026-11-21T09:00:00Z", end_time="2026-11-21T10:00:00Z", **flags)
    (report,) = outcome.reports
    assert list(report.dataset.columns) == ["answer", "age", "colour"]
    assert (report.dataset.rows, report.coverage.found, report.coverage.expected) == (MANY, 1, 4)
    assert "3 stored hours" in report.coverage.warnings[0]


def test_an_hour_with_more_segments_than_are_asked_for_is_not_read_again(tree: Path, tmp_path: Path) -> None:
    """Runs with and without segments share a store without reading each other's hours anew."""
    run_stored(tree, tmp_path / "with", segments="_c2")
    assert run_stored(tree, tmp_path / "without")[0] == []
    again, outcome = run_stored(tree, tmp_path / "again", segments="_c2")
    assert again == []
    assert [segment.name for segment in outcome.reports[0].segments] == ["_c2=blue", "_c2=red"]


def test_segments_that_only_some_hours_have_are_not_added_up(tree: Path, tmp_path: Path) -> None:
    """A window whose earlier hours were read without segments has those of its own hour only, and a warning."""
    run_stored(tree, tmp_path / "day")
    flags = {"window": "3h", "window_kind": "sliding", "start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
    _, outcome = run_stored(tree, tmp_path / "out", segments="_c2", **flags)
    (report,) = outcome.reports
    assert sum(segment.dataset.rows for segment in report.segments) == report.dataset.rows == MANY
    assert "2 stored hours" in report.coverage.warnings[0]


def test_a_store_of_several_endpoints_gives_each_run_its_own(tmp_path: Path) -> None:
    """One state root for all is the usual deployment: a run on an endpoint's captures has its rows, and no others."""
    for endpoint, count in (("churn", 30), ("fraud", 50)):
        path = tmp_path / "capture" / endpoint / "AllTraffic" / HOURS[0] / "a.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("".join(line + "\n" for line in lines(HOURS[0], count)))
    flags = {"state_root": tmp_path / "states", "reference": "previous", **SPAN}
    both = run(tmp_path / "both", dataset_source=tmp_path / "capture", **flags)
    one = run(tmp_path / "one", dataset_source=tmp_path / "capture" / "fraud", **flags)
    named = run(tmp_path / "named", dataset_source=tmp_path / "capture", sagemaker_endpoint_name="churn", **flags)
    assert [outcome.reports[0].dataset.rows for outcome in (both, one, named)] == [80, 50, 30]
    with pytest.raises(InputError, match=r"churm.*did you mean churn"):
        run(tmp_path / "slip", dataset_source=tmp_path / "capture", sagemaker_endpoint_name="churm", **flags)


def test_a_damaged_hour_is_not_counted_among_a_windows_hours(tree: Path, tmp_path: Path) -> None:
    """With two variants damaged in the same hour, or one: the coverage says what is in the sum."""
    for hour in HOURS[:2]:
        path = tree / "endpoint" / "Canary" / hour / "a.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("".join(line + "\n" for line in lines(hour)))
    flags = {"end_time": "2026-11-21T02:00:00Z"}
    run_stored(tree, tmp_path / "first", **flags)
    for variant in ("AllTraffic", "Canary"):
        (tree / "endpoint" / variant / HOURS[0] / ("a.jsonl" if variant == "Canary" else "00-00-000-a.jsonl")).unlink()
        (tree.parent / "states/data-quality/endpoint" / variant / HOURS[0] / "states.parquet").write_bytes(b"PAR1")
    _, outcome = run_stored(tree, tmp_path / "second", **flags)
    assert outcome.reports[0].coverage.found == 1
    assert len(outcome.reports[0].coverage.warnings) == 2


def test_another_way_of_reading_makes_all_hours_stale(tree: Path, tmp_path: Path) -> None:
    """States with segments are other states: what was stored without them is read again."""
    run_stored(tree, tmp_path / "first")
    found, _ = run_stored(tree, tmp_path / "second", segments="_c1")
    assert len(found) == 24


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_damaged_file_is_made_again_from_the_captures(tree: Path, tmp_path: Path, cut: int) -> None:
    """A state file that was cut off is noticed, and its hour read again; the numbers are the same as before."""
    run_stored(tree, tmp_path / "first")
    path = state_file(tree, HOURS[7])
    path.write_bytes(path.read_bytes()[:cut])
    found, _ = run_stored(tree, tmp_path / "second")
    assert found == [f"endpoint/AllTraffic/{HOURS[7]}"]
    assert (tmp_path / "first" / "statistics.json").read_bytes() == (tmp_path / "second" / "statistics.json").read_bytes()


def test_a_changed_byte_is_noticed(tree: Path, tmp_path: Path) -> None:
    """Wherever a byte of the file rots, it is either noticed or changes nothing: no wrong state is merged into a month."""
    run_stored(tree, tmp_path / "first", end_time="2026-11-21T01:00:00Z")
    path = state_file(tree, HOURS[0])
    whole = path.read_bytes()
    rows = read_states(str(path)).rows  # type: ignore[union-attr]
    noticed = 0
    for place in range(0, len(whole), 97):
        changed = bytearray(whole)
        changed[place] ^= 0x40
        path.write_bytes(changed)
        try:
            found = read_states(str(path))
        except StateError:
            noticed += 1
        else:
            assert found is not None
            assert found.rows == rows, place
    assert noticed > 20


def test_a_damaged_hour_without_captures_is_said_and_the_others_are_served(tree: Path, tmp_path: Path) -> None:
    """What cannot be made again is counted and named; a window of 24 hours then has 23."""
    run_stored(tree, tmp_path / "first")
    (tree / "endpoint" / "AllTraffic" / HOURS[7] / "00-00-000-a.jsonl").unlink()
    state_file(tree, HOURS[7]).write_bytes(b"PAR1")
    _, outcome = run_stored(tree, tmp_path / "second")
    report = outcome.reports[0]
    assert report.dataset.rows == 23 * MANY
    assert (report.coverage.found, report.coverage.expected) == (23, 24)
    assert str(state_file(tree, HOURS[7])) in report.coverage.warnings[0]
    assert read(tmp_path / "second" / "evaluation.json")["hours"]["found"] == 23


def test_someone_elses_file_is_left_alone(tree: Path, tmp_path: Path) -> None:
    """A Parquet file that is not ours, in our place, is neither read as states nor written over."""
    path = state_file(tree, HOURS[2])
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"theirs": [1]}), path)
    before = path.read_bytes()
    _, outcome = run_stored(tree, tmp_path / "out")
    assert path.read_bytes() == before
    assert outcome.reports[0].dataset.rows == 24 * MANY
    assert "someone else" in outcome.reports[0].coverage.warnings[0]


def test_states_of_a_newer_release_are_left_alone(tree: Path, tmp_path: Path) -> None:
    """An older release does not write over what a newer one has kept; it reads the hour for itself, and says so."""
    run_stored(tree, tmp_path / "first")
    path = state_file(tree, HOURS[2])
    file = read_states(str(path))
    assert file is not None
    states = file.states()
    with pytest.MonkeyPatch.context() as newer:
        newer.setattr(Moments, "version", 2)
        path.write_bytes(states_bytes(states))
    before = path.read_bytes()
    found, outcome = run_stored(tree, tmp_path / "second")
    assert path.read_bytes() == before
    assert found == [f"endpoint/AllTraffic/{HOURS[2]}"]
    assert outcome.reports[0].dataset.rows == 24 * MANY
    assert "not known to this release" in outcome.reports[0].coverage.warnings[0]


def test_an_hour_deleted_underneath_is_missing_and_not_an_error(tree: Path, tmp_path: Path) -> None:
    """Between the listing and the reading an hour may go: the window has one hour less."""
    run_stored(tree, tmp_path / "first")
    store = StateStore(str(tree.parent / "states"), "data-quality")
    assert store.read(f"endpoint/AllTraffic/{HOURS[4]}") is not None
    state_file(tree, HOURS[4]).unlink()
    assert store.read(f"endpoint/AllTraffic/{HOURS[4]}") is None


def test_two_runs_of_the_same_hours_at_the_same_time_end_in_one_valid_result(tree: Path, tmp_path: Path) -> None:
    """Both write; whoever is last wins, no file is half of each, and nothing is left behind."""
    barrier = threading.Barrier(4)

    def one(number: int) -> None:
        barrier.wait()
        run_stored(tree, tmp_path / f"out{number}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found, _ = run_stored(tree, tmp_path / "after")
    assert found == []
    outputs = {(tmp_path / name / "statistics.json").read_bytes() for name in ("out0", "out1", "out2", "out3", "after")}
    assert len(outputs) == 1
    assert list((tree.parent / "states").rglob("*.part")) == []


def test_a_window_has_the_same_bytes_with_and_without_the_store(tree: Path, tmp_path: Path) -> None:
    """Whether a day was summed by this run, found as a day's sum, or never stored: the same statistics."""
    run_stored(tree, tmp_path / "first")
    run_stored(tree, tmp_path / "second")
    run(tmp_path / "plain", dataset_source=tree, reference="previous", **SPAN)
    texts = {(tmp_path / name / "statistics.json").read_bytes() for name in ("first", "second", "plain")}
    assert len(texts) == 1


def test_a_days_sum_is_made_again_when_one_of_its_hours_is_another(tree: Path, tmp_path: Path) -> None:
    """The sum names the hours that it was made of; one that is out of date is never served."""
    run_stored(tree, tmp_path / "first")
    day = state_file(tree, HOURS[0]).parent.parent / "day.parquet"
    assert day.exists()
    kept = day.read_bytes()
    write_hour(tree, HOURS[5], lines(HOURS[5], 7), name="59-59-999-late.jsonl")
    run_stored(tree, tmp_path / "second", start_time="2026-11-21T05:00:00Z", end_time="2026-11-21T06:00:00Z")
    day.write_bytes(kept)
    _, outcome = run_stored(tree, tmp_path / "third")
    assert outcome.reports[0].dataset.rows == 24 * MANY + 7


def test_a_day_is_summed_when_it_ends(tree: Path, tmp_path: Path) -> None:
    """Hourly runs that report hours only leave the sum of each day, so that the first month asked for opens thirty files."""
    day = state_file(tree, HOURS[0]).parent.parent / "day.parquet"
    run_stored(tree, tmp_path / "day", end_time="2026-11-21T23:00:00Z", window="1h")
    assert not day.exists()
    run_stored(tree, tmp_path / "last", start_time="2026-11-21T23:00:00Z", window="1h")
    file = read_states(str(day))
    assert file is not None
    assert sum(file.states().intake.rows.values()) == 24 * MANY


def test_records_outside_of_their_folders_hour_are_counted(tmp_path: Path) -> None:
    """A clock that is wrong, or a folder that is, shows in the evaluation; the records stay in the statistics."""
    write_hour(tmp_path / "capture", HOURS[9], [*lines(HOURS[9], 5), *lines(HOURS[10], 2)])
    run(tmp_path / "out", dataset_source=tmp_path / "capture")
    found = read(tmp_path / "out" / "evaluation.json")["input"]
    assert (found["rows"], found["records_outside_of_their_hour"]["count"]) == (7, 2)
    assert found["records_outside_of_their_hour"]["examples"][0].endswith("00-00-000-a.jsonl:6")


def test_the_store_works_on_s3(tree: Path, tmp_path: Path, s3_path: str) -> None:
    """States and reports in an object store: stored once, served from there, listed and merged by the same commands."""
    flags = {"state_root": f"{s3_path}/states", "window": "6h"}
    first, _ = run_stored(tree, tmp_path / "first", **flags)
    second, outcome = run_stored(tree, tmp_path / "second", **flags)
    assert len(first) == 24
    assert second == []
    assert [report.dataset.rows for report in outcome.reports] == [6 * MANY] * 4
    run_stored(tree, tmp_path / "day", state_root=f"{s3_path}/states")
    run_stored(tree, tmp_path / "local")
    assert (tmp_path / "day" / "statistics.json").read_bytes() == (tmp_path / "local" / "statistics.json").read_bytes()


FIXTURE = Path(__file__).parents[1] / "data" / "states" / "hour.format-1.parquet"


def test_an_hour_that_the_first_release_has_stored_is_readable(tmp_path: Path) -> None:
    """The file is kept as it was written in November 2026, segments, kept rows and a broken line in it; it never changes.

    A new format adds a file beside it. It was made by the run below, whose statistics it must still give.
    """
    file = read_states(str(FIXTURE))
    assert file is not None
    states = file.states()
    rows = [*lines(HOURS[9]), "{broken"]
    write_hour(tmp_path / "capture", HOURS[9], rows)
    flags = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z", "segments": "_c2", "sample_rows": "10"}
    run_stored(tmp_path / "capture", tmp_path / "out", max_bad_lines="1", **flags)
    made = read_states(str(state_file(tmp_path / "capture", HOURS[9])))
    assert made is not None
    assert len(states.sample or ()) == 10
    assert sorted(states.segments) == ["_c2=blue", "_c2=red"]
    assert [line["reason"] for line in states.bad_lines] == ["not JSON"]
    kept, new = (statistics_document(dataset_of(part)) for part in (states, made.states()))
    assert kept == new
