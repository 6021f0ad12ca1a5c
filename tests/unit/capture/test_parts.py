"""Parts: an hour's states are the same bytes in every run that reads the hour."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.capture import slices
from hourglass.capture.files import InputFile, list_files
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.reader import ReadPlan, read_batches
from hourglass.capture.slices import Slice, cut_parts, cut_tasks
from hourglass.capture.tally import Tally
from hourglass.scan import ScanPlan, scan
from hourglass.states import COLUMN_STATES

CAPTURE, CSV, PARQUET = DatasetFormat("capture"), DatasetFormat("csv", header=True), DatasetFormat("parquet")
HOURS = ("09", "10", "11")


def partition(hour: str) -> str:
    """An hour's partition."""
    return f"churn/AllTraffic/2026/11/21/{hour}"


def record(number: int, time: str) -> bytes:
    """A captured record of a number, a category and an integer; each hundredth is none."""
    if number % 100 == 99:
        return b"rubbish\n"
    data = f"{number * 0.7:.3f},{'red' if number % 3 else 'blue'},{number % 50}"
    side = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
    document = {
        "captureData": {"endpointInput": side},
        "eventMetadata": {"eventId": f"e-{number:06}", "inferenceTime": time},
        "eventVersion": "0",
    }
    return json.dumps(document).encode() + b"\n"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of kilobytes, so that little data has many."""
    monkeypatch.setattr(slices, "PART_BYTES", 4 << 10)
    monkeypatch.setattr(slices, "COLUMN_BYTES", 1 << 10)
    monkeypatch.setattr(slices, "SMALLEST_TASK_BYTES", 1 << 10)


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Three hours: one large file, two files of different sizes, and thirty small ones with one that is damaged."""
    at = 0
    for hour, sizes in zip(HOURS, ([3000], [700, 2500], [40] * 30), strict=True):
        folder = tmp_path / partition(hour)
        folder.mkdir(parents=True)
        for number, size in enumerate(sizes):
            time = f"2026-11-21T{hour}:59:59Z" if number != 1 else "2026-11-21T12:00:00Z"
            (folder / f"{number:02}.jsonl").write_bytes(b"".join(record(at + i, time) for i in range(size)))
            at += size
    (tmp_path / partition("11") / "05.jsonl").write_bytes(b"\x1f\x8b damaged")
    return tmp_path


def rows(root: Path, form: DatasetFormat, parallelism: int) -> dict[str, list[tuple[object, ...]]]:
    """The rows of a pass by partition, sorted."""
    plan = ScanPlan(ReadPlan(form), tuple(COLUMN_STATES))
    found: dict[str, list[tuple[object, ...]]] = {}
    tasks = cut_tasks(list_files(str(root), None).files, form, parallelism)
    for batch in (batch for task in tasks for batch in scan(task, plan)):
        for name, *row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            found.setdefault(name, []).append(tuple(row))
    return {name: sorted(found[name]) for name in sorted(found)}


@pytest.mark.usefixtures("small_parts")
def test_the_states_of_an_hour_are_the_same_bytes_in_every_run(captures: Path) -> None:
    """Neither the number of tasks nor the other hours of a run change a byte of an hour's rows."""
    expected = rows(captures, CAPTURE, 1)
    assert list(expected) == [partition(hour) for hour in HOURS]
    for parallelism in (2, 5):
        assert rows(captures, CAPTURE, parallelism) == expected
    for hour in HOURS:
        assert rows(captures / partition(hour), CAPTURE, 3) == {partition(hour): expected[partition(hour)]}


@pytest.mark.usefixtures("small_parts")
def test_the_states_of_a_table_are_the_same_bytes_in_every_run(tmp_path: Path) -> None:
    """Row groups are parted in the same way however many tasks there are."""
    (tmp_path / "0.parquet").write_bytes(b"PAR1 not really")
    for number, size in enumerate((3000, 100, 5000), 1):
        table = pa.table({"a": [i * 0.1 for i in range(size)], "b": ["x", "y"] * (size // 2)})
        pq.write_table(table, tmp_path / f"{number}.parquet", row_group_size=400)
    assert len(cut_parts(list_files(str(tmp_path), None).files, PARQUET)) > 2
    assert rows(tmp_path, PARQUET, 1) == rows(tmp_path, PARQUET, 4)


def test_a_wide_table_has_fewer_parts(tmp_path: Path) -> None:
    """Each part has states of every column, so a part holds some of every column worth having."""
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    for path in paths:
        pq.write_table(pa.table({f"c{i}": [i] for i in range(500)}), path)
    files = [InputFile(str(path), 200 << 20, "") for path in paths]
    assert len(cut_parts(files, CAPTURE)) == 7
    assert {piece.part for part in cut_parts(files, PARQUET) for piece in part} == {0}


@pytest.mark.usefixtures("small_parts")
def test_counts_of_a_part_do_not_depend_on_the_task(captures: Path) -> None:
    """Lines, bad lines with their numbers, records of another hour and ids are the same for each part."""
    files = list_files(str(captures), None).files
    found = []
    for parallelism in (1, 5):
        counts: dict[tuple[str, int], tuple[Any, ...]] = {}
        for task in cut_tasks(files, CAPTURE, parallelism):
            tally = Tally()
            ids: dict[object, list[int]] = {}
            for batch in read_batches(task, ReadPlan(CAPTURE, ids=True), tally):
                assert batch.ids is not None
                ids.setdefault((batch.partition, batch.part), []).extend(batch.ids.tolist())
            for part, rows_ids in ids.items():
                bad = tally.bad.counts.get(part), tally.bad.kept.get(part)
                counts[part] = tally.lines[part], bad, tally.outside.get(part), rows_ids
        found.append(counts)
    assert found[0] == found[1]
    assert sum(lines for lines, *_ in found[0].values()) == 3000 + 3200 + 29 * 40 + 1
    assert sum(outside.count for _, _, outside, _ in found[0].values() if outside) == 2475 + 40
    every = [number for *_, rows_ids in found[0].values() for number in rows_ids]
    assert len(set(every)) == len(every)


@given(sizes=st.lists(st.integers(0, 5 << 30), min_size=1, max_size=30), kind=st.sampled_from(["capture", "csv"]))
@settings(deadline=None)
def test_parts_hold_every_byte_once_and_in_order(sizes: list[int], kind: str) -> None:
    """A partition's files are laid end to end and cut; a part is never much over its share, unless a file cannot be cut."""
    files = [InputFile(f"/{number:03}", size, "e/v/2026/11/21/09") for number, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_is_packed", lambda _: False)
        parts = cut_parts(files, DatasetFormat(kind))
    pieces = [piece for part in parts for piece in part]
    assert [part[0].part for part in parts] == sorted({piece.part for piece in pieces})
    covered: Counter[str] = Counter()
    for piece in pieces:
        assert piece.start == covered[piece.path]
        covered[piece.path] += piece.size
    assert [(file.path, covered[file.path]) for file in files] == [(file.path, file.size) for file in files]
    if kind == "capture":
        assert max(sum(piece.size for piece in part) for part in parts) <= 1.5 * (1 << 30)


@pytest.mark.parametrize(("mega", "parts"), [(0, 1), (1, 1), (8, 1), (32, 2), (475, 8), (800, 10), (2 << 20, 2048)])
def test_ten_times_the_parts_need_a_hundred_times_the_bytes(mega: int, parts: int) -> None:
    """√(bytes / 8 MB) parts, and one a gigabyte where that is more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_is_packed", lambda _: False)
        assert len(cut_parts([InputFile("/a", mega << 20, "")], CAPTURE)) == parts


@pytest.mark.usefixtures("small_parts")
def test_what_cannot_be_cut_is_a_whole_file(tmp_path: Path) -> None:
    """CSV and packed files are read by one task each, whatever their size."""
    packed = tmp_path / "a.jsonl"
    packed.write_bytes(b"\x1f\x8b" + b"x" * 100_000)
    for form, path in ((CSV, "/a.csv"), (CAPTURE, str(packed))):
        ((piece,),) = cut_parts([InputFile(path, 100_002, "")], form)
        assert piece == Slice(path, "", piece.part, 0, 100_002, whole=True)
