"""Row ids: the same in every run, different for different rows, a record's own wherever it has one."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hourglass.capture import blocks, parquet_files
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.hooks import Script
from hourglass.capture.reader import ReadPlan, read_batches
from hourglass.capture.slices import Slice, Task
from hourglass.capture.tally import Tally
from hourglass.hashing import hash_ids, hash_places

CAPTURE, JSON = DatasetFormat("capture"), DatasetFormat("json")


def ids(task: Task, plan: ReadPlan) -> list[int]:
    """The ids of a task's rows, in order."""
    found: list[int] = []
    for batch in read_batches(task, plan, Tally()):
        assert batch.ids is not None
        assert batch.ids.dtype == np.uint64
        if batch.first == 0:
            assert len(batch.ids) == batch.count
            found += batch.ids.tolist()
    return found


def whole(path: Path) -> Task:
    """The file in one slice."""
    return (Slice(str(path), "", 0, 0, path.stat().st_size, whole=True),)


def record(data: str, **metadata: object) -> bytes:
    """A captured record."""
    side = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
    return json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": metadata, "eventVersion": "0"}).encode() + b"\n"


def hashed(*names: str) -> list[int]:
    """The hashes of some ids."""
    return hash_ids(pa.array(names)).tolist()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines to a file."""

    def _write(*lines: bytes) -> Path:
        path = tmp_path / "a.jsonl"
        path.write_bytes(b"".join(lines))
        return path

    return _write


@pytest.mark.parametrize("hook", [None, Script("/hook.py", "def preprocess_handler(r): return {'x': 1}")])
@pytest.mark.parametrize("count", [3, 40])
def test_a_captured_record_has_the_hash_of_its_event_id(write: Callable[..., Path], count: int, hook: Script | None) -> None:
    """Whichever way its lines are parsed, and whatever a hook makes of it."""
    path = write(*(record("1,2", eventId=f"e-{i}", inferenceId="x") for i in range(count)))
    assert ids(whole(path), ReadPlan(CAPTURE, ids=True, preprocessor=hook)) == hashed(*(f"e-{i}" for i in range(count)))


@pytest.mark.parametrize("hook", [None, Script("/hook.py", "def preprocess_handler(r): return {'x': 1}")])
def test_without_an_event_id_the_inference_id_counts_and_then_the_place(write: Callable[..., Path], hook: Script | None) -> None:
    """Null and empty ids are none."""
    lines = [
        record("1", eventId="a", inferenceId="b"),
        record("1", eventId=None, inferenceId="b"),
        record("1", eventId="", inferenceId="c"),
        record("1"),
        record("1", eventId="", inferenceId=""),
    ]
    path = write(*lines)
    places = [sum(map(len, lines[:number])) for number in (3, 4)]
    expected = [*hashed("a", "b", "c"), *(int(hash_places(str(path), place, 1)[0]) for place in places)]
    assert ids(whole(path), ReadPlan(CAPTURE, ids=True, preprocessor=hook)) == expected


@pytest.mark.parametrize("hook", [None, Script("/hook.py", "def preprocess_handler(r): return [{'x': 1}] * 3")])
def test_the_rows_of_one_record_have_different_ids(write: Callable[..., Path], hook: Script | None) -> None:
    """The first has the record's own."""
    data = "1,2" if hook else "1,2\n3,4\n5,6"
    found = ids(whole(write(record(data, eventId="a"), record(data, eventId="b"))), ReadPlan(CAPTURE, ids=True, preprocessor=hook))
    assert len(set(found)) == 6
    assert found[::3] == hashed("a", "b")


def test_ids_are_only_made_when_they_are_wanted(write: Callable[..., Path]) -> None:
    """They cost time."""
    (batch,) = read_batches(whole(write(record("1", eventId="a"))), ReadPlan(CAPTURE), Tally())
    assert batch.ids is None


def test_the_rows_of_a_json_file_have_their_place(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """However the file is cut and read in blocks; a document of several rows numbers them."""
    lines = [json.dumps([{"a": i}, {"a": -i}] if i % 5 == 0 else {"a": i}).encode() + b"\n" for i in range(50)]
    path = write(*lines)
    plan = ReadPlan(JSON, ids=True)
    expected = ids(whole(path), plan)
    assert len(set(expected)) == 60
    size = path.stat().st_size
    cut = tuple(Slice(str(path), "", i, start, end, whole=False) for i, (start, end) in enumerate(pairwise([0, 77, 78, 300, size])))
    assert ids(cut, plan) == expected
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    assert ids(cut, plan) == expected


@pytest.mark.parametrize(
    ("text", "rows"),
    [(b"1,2\n" * 100, 100), (b'1,"x\ny"\n' * 100, 100), (b"1,2\n\xff\n" * 50, 50), (b'"1\n2",3\n\n4,5\n', 2)],
)
def test_the_rows_of_csv_have_different_ids(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, text: bytes, rows: int) -> None:
    """Line breaks within quotes, blank lines and lines that are no text do not make two rows alike."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 128)
    path = write(b"a,b\n", text)
    found = ids(whole(path), ReadPlan(DatasetFormat("csv", header=True), ids=True))
    assert len(set(found)) == len(found) == rows
    assert found == ids(whole(path), ReadPlan(DatasetFormat("csv", header=True), ids=True))


def test_the_rows_of_a_table_are_numbered_in_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever row groups a slice has; the batches of further columns have the ids of the same rows."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({name: list(range(100)) for name in "abc"}), path, row_group_size=30)
    monkeypatch.setattr(parquet_files, "_BATCH_BYTES", 8 * parquet_files._ROWS * 2)
    task = (Slice(str(path), "", 0, 0, 9, whole=False, row_groups=(0,)), Slice(str(path), "", 1, 9, 30, whole=False, row_groups=(1, 2, 3)))
    batches = list(read_batches(task, ReadPlan(DatasetFormat("parquet"), ids=True), Tally()))
    for first in (0, 2):
        found = np.concatenate([batch.ids for batch in batches if batch.first == first and batch.ids is not None])
        assert found.tolist() == hash_places(str(path), 0, 100).tolist()
