"""A store that fails is no damaged file: nothing is set aside, nothing is replaced, nothing is lost; and waiting ends."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hourglass import storage
from hourglass.capture import blocks
from hourglass.capture.batches import ReadPlan
from hourglass.capture.detect import detect_format
from hourglass.capture.files import list_files
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.reader import read_batches
from hourglass.capture.slices import Slice, cut_tasks
from hourglass.capture.tally import Tally
from hourglass.errors import EnvironmentFault, InputError, StoreFault
from hourglass.outputs.cloudwatch import put_metrics
from hourglass.store import read_header, read_states
from tests import fault_proxy as faults
from tests.engine import capture_line, run, write_hour
from tests.fault_proxy import FaultProxy, fault_proxy

ROWS = 400


def parquet() -> bytes:
    """A table with two row groups."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": range(ROWS), "b": [f"text-{row}" for row in range(ROWS)]}), sink, row_group_size=ROWS // 2)
    return sink.getvalue()


LINES = "".join(capture_line(str(row), f"{row},{row}") + "\n" for row in range(ROWS)).encode()
FORMS: dict[str, tuple[DatasetFormat, bytes]] = {
    "captures": (DatasetFormat("capture"), LINES),
    "packed captures": (DatasetFormat("capture"), gzip.compress(LINES)),
    "csv": (DatasetFormat("csv", header=True), b"a,b\n" + b"1,2\n" * ROWS),
    "json": (DatasetFormat("json"), b'{"a": 1}\n' * ROWS),
    "parquet": (DatasetFormat("parquet"), parquet()),
}


def rows_of(files: str, form: DatasetFormat) -> tuple[int, Tally]:
    """The rows that are read of all files below a prefix, and what was set aside."""
    tally = Tally()
    tasks = cut_tasks(list_files(files, None).files, form, 1)
    return sum(batch.count for task in tasks for batch in read_batches(task, ReadPlan(form), tally)), tally


@pytest.mark.parametrize("name", FORMS)
def test_a_file_whose_body_is_cut_is_read_again_or_ends_the_job(proxy: FaultProxy, s3_path: str, name: str) -> None:
    """Once is not noticed; always is an error, and never a file that is set aside with the rest of the hour kept."""
    form, data = FORMS[name]
    storage.write_files(s3_path, {"file": data})
    proxy.fail(r"^GET .*/file", faults.cut(0.5), times=1)
    read, tally = rows_of(s3_path, form)
    assert (read, tally.bad.total) == (ROWS, 0)
    proxy.fail(r"^GET .*/file", faults.cut(0.5))
    with pytest.raises(StoreFault, match="a connection that is cut in the middle of an answer"):
        rows_of(s3_path, form)
    with pytest.raises(StoreFault):
        detect_format(list_files(s3_path, None).files)


def test_large_and_many_files_end_the_job_too(proxy: FaultProxy, s3_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is read ahead in chunks, many small ones by one request each; what is not begun is not waited for."""
    monkeypatch.setattr(blocks, "_MANY", 10)
    storage.write_files(s3_path, {f"small/{number:03}.jsonl": LINES[:2000] for number in range(200)})
    storage.write_files(s3_path, {"large/a.jsonl": LINES * 80})
    proxy.fail(r"^GET .*/(small|large)/", faults.SLOW_DOWN, after=12)
    begin = time.monotonic()
    with pytest.raises(StoreFault, match="a store that throttles"):
        rows_of(f"{s3_path}/small", DatasetFormat("capture"))
    assert time.monotonic() - begin < 3 * storage.Limits.said().longest_s
    asked = {line for line in proxy.seen if line.startswith("GET") and "/small/" in line}
    assert len(asked) < 12 + 1 + 2 * 64  # those that were read, and what had been begun
    proxy.mend()
    proxy.fail(r"^GET .*/large/", faults.cut(0.5), after=1)
    path, size = f"{s3_path}/large/a.jsonl", len(LINES) * 80
    with pytest.raises(StoreFault, match=r"large/a\.jsonl: found a connection that is cut"):
        list(blocks.read_blocks([Slice(path, "", 0, 0, size // 2, whole=False)], lambda *fault: pytest.fail(str(fault))))


def test_a_file_that_is_gone_or_damaged_is_still_set_aside(proxy: FaultProxy, s3_path: str) -> None:
    """Those are faults of the file, and one bad line."""
    storage.write_files(s3_path, {"a.parquet": parquet()[:-20], "b.parquet": parquet()})
    proxy.seen.clear()
    read, tally = rows_of(s3_path, DatasetFormat("parquet"))
    assert (read, tally.bad.total) == (ROWS, 1)
    gone: list[str] = []
    slices = [Slice(f"{s3_path}/none.jsonl", "", 0, 0, 5, whole=True)]
    assert list(blocks.read_blocks(slices, lambda piece, _: gone.append(piece.path))) == []
    assert gone == [f"{s3_path}/none.jsonl"]


def test_stored_hours_that_cannot_be_reached_are_not_damaged_ones(proxy: FaultProxy, s3_path: str, tmp_path: Path) -> None:
    """A damaged hour is read again and replaced; one whose store throttles must not be."""
    write_hour(tmp_path / "capture", "2026/11/21/09", [capture_line("1", "2")] * 40)
    flags = {"dataset_source": tmp_path / "capture", "state_root": f"{s3_path}/states", "window": "1h"}
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
    run(tmp_path / "out", **flags, **span)
    path = f"{s3_path}/states/data-quality/endpoint/AllTraffic/2026/11/21/09/states.parquet"
    before = storage.read_bytes(path)
    proxy.fail(r"/states\.parquet", faults.SLOW_DOWN)
    for asked in (read_header, read_states):
        with pytest.raises(StoreFault, match="a store that throttles"):
            asked(path)
    with pytest.raises(StoreFault):
        run(tmp_path / "out", **flags, **span)
    assert proxy.count("^PUT .*/states/") == 1
    proxy.mend()
    assert storage.read_bytes(path) == before


def test_reports_of_an_earlier_run_stay_where_new_ones_cannot_all_be_put_in_place(proxy: FaultProxy, s3_path: str) -> None:
    """The third of four copies fails: the first two are put back, and nothing is left beside them."""
    names = [f"{number}.json" for number in range(4)]
    storage.write_files(s3_path, dict.fromkeys(names[:3], b"old"))
    proxy.fail(r"^PUT .*/2\.json", faults.SLOW_DOWN)
    with pytest.raises(StoreFault, match=f"output {s3_path}: found a store that throttles"):
        storage.write_files(s3_path, dict.fromkeys(names, b"new"))
    proxy.mend()
    there = [info.path.rpartition("/")[2] for info in storage.listing(s3_path, recursive=True) if info.is_file]
    assert there == names[:3]
    assert {storage.read_bytes(f"{s3_path}/{name}") for name in there} == {b"old"}
    storage.write_files(s3_path, dict.fromkeys(names, b"new"))
    assert {storage.read_bytes(f"{s3_path}/{name}") for name in names} == {b"new"}


def test_what_a_store_that_died_has_kept_staged_is_swept_by_a_later_run(
    proxy: FaultProxy, s3_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is data to any reader meanwhile; what is younger than an hour may be another run's."""
    proxy.fail(r"^(PUT .*/\.1\.part|DELETE|POST|GET .*staging)", faults.hang_up)
    with pytest.raises(StoreFault):
        storage.write_files(s3_path, {"a.json": b"1", "b.json": b"2"})
    proxy.mend()
    assert [info.base_name for info in storage.listing(s3_path, recursive=True) if info.is_file] == [".0.part"]
    assert list_files(s3_path, None).files == ()
    storage.write_files(s3_path, {"a.json": b"1", "b.json": b"2"})
    assert len([info for info in storage.listing(s3_path, recursive=True) if info.is_file]) == 3
    monkeypatch.setattr(storage, "_LONGEST_WRITE_S", -1)
    storage.write_files(s3_path, {"a.json": b"1", "b.json": b"2"})
    assert [info.base_name for info in storage.listing(s3_path, recursive=True) if info.is_file] == ["a.json", "b.json"]


def test_a_large_object_of_which_a_part_fails_is_not_there(proxy: FaultProxy, s3_path: str) -> None:
    """It is uploaded in parts, and becomes visible with the last."""
    proxy.fail(r"^PUT .*partNumber=2", faults.SLOW_DOWN)
    with pytest.raises(StoreFault, match="a store that throttles"):
        storage.write_files(s3_path, {"large.bin": bytes(25 << 20)})
    proxy.mend()
    assert storage.listing(s3_path, recursive=True) == []


def test_a_bucket_that_is_not_there_is_told_wherever_it_is_named(proxy: FaultProxy, s3: str) -> None:
    """Arrow says of one that nothing is in it, as of an empty one."""
    for asked in (storage.file_info, storage.read_bytes, lambda path: storage.listing(path, recursive=True)):
        with pytest.raises(StoreFault, match="found no bucket hourglass-none; expected a bucket that exists"):
            asked("s3://hourglass-none/capture")
    proxy.fail("^PUT", faults.NO_BUCKET)  # seaweedfs would make it
    with pytest.raises(StoreFault, match="output s3://hourglass-none/out: found no bucket hourglass-none"):
        storage.write_files("s3://hourglass-none/out", {"a": b"1"})
    with pytest.raises(InputError, match="found no bucket; expected s3://bucket/prefix"):
        storage.file_info(storage.normalise("s3:///capture"))
    assert storage.listing(f"{s3}/none", recursive=True) == []


@pytest.mark.parametrize(("answer", "longest"), [(faults.silence, 2), (faults.SLOW_DOWN, 0), (faults.hang_up, 0)])
def test_a_request_takes_no_longer_than_its_limits_say(proxy: FaultProxy, s3: str, answer: Any, longest: float) -> None:
    """Attempts, each with its silence, and the waits between them; curl looks at its clock once a second."""
    limits = storage.Limits.said()
    assert limits.longest_s == pytest.approx(2.025)
    proxy.fail(".", answer)
    begin = time.monotonic()
    with pytest.raises(StoreFault, match="2 attempts"):
        storage.listing(f"{s3}/capture", recursive=True)
    assert longest <= time.monotonic() - begin < longest + 10  # minutes by Arrow's own limits
    assert proxy.count("list-type") == limits.attempts


def test_slow_answers_are_waited_for(proxy: FaultProxy, s3_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second for every answer is no fault where three are allowed."""
    monkeypatch.setenv("HOURGLASS_S3_TIMEOUT", "3")
    proxy.fail(".", faults.late(1))
    storage.write_files(s3_path, {"a.jsonl": LINES})
    assert storage.read_bytes(f"{s3_path}/a.jsonl") == LINES
    assert proxy.count(".") == len(set(proxy.seen))


def test_limits_that_are_none_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults bound a request at three minutes."""
    for name in ("HOURGLASS_S3_ATTEMPTS", "HOURGLASS_S3_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    assert storage.Limits.said() == storage.Limits()
    assert storage.Limits().longest_s == pytest.approx(190.6, abs=0.1)
    for name, text in {"HOURGLASS_S3_ATTEMPTS": "many", "HOURGLASS_S3_TIMEOUT": "0.1"}.items():
        with monkeypatch.context() as patch:
            patch.setenv(name, text)
            with pytest.raises(InputError, match=f"{name}: found '{text}'; expected"):
                storage.file_info("s3://bucket/key")


def test_a_merge_whose_upload_fails_leaves_no_merged_file(proxy: FaultProxy, s3_path: str, tmp_path: Path) -> None:
    """And the next run makes all of it."""
    from tests.faults.test_object_store import ended

    (tmp_path / "container").mkdir()
    truth = '{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"id-2026-11-21T09:00:00Z"},"eventVersion":"0"}\n'
    capture = f"{s3_path}/captures/endpoint/AllTraffic/2026/11/21/09"
    storage.write_files(capture, {"a.jsonl": (capture_line("1", "2") + "\n").encode()})
    storage.write_files(f"{s3_path}/labels/2026/11/21/10", {"a.jsonl": truth.encode() * 3})
    words = ["merge", "--engine=local", "--json", f"--dataset-source={s3_path}/captures", f"--ground-truth-source={s3_path}/labels"]
    words += [f"--output-path={s3_path}/merged", f"--container-root={tmp_path}/container"]
    for stage in (r"^PUT .*/merged/.*\.part", r"^GET .*/captures/.*a\.jsonl", r"^GET .*/labels/.*a\.jsonl"):
        proxy.fail(stage, faults.SLOW_DOWN)
        assert ended(words) == 2
        proxy.mend()
        assert "a store that throttles" in (tmp_path / "container/output/message").read_text()
        assert [info.path for info in storage.listing(f"{s3_path}/merged", recursive=True) if info.is_file] == []
    assert ended(words) == 0
    merged = storage.read_bytes(f"{s3_path}/merged/endpoint/AllTraffic/2026/11/21/09/part-00000.jsonl")
    assert json.loads(merged)["groundTruthData"]["data"] == "1"


def test_a_configuration_on_a_store_that_fails_is_told_in_the_message_too(proxy: FaultProxy, s3_path: str, tmp_path: Path) -> None:
    """The container's own command reads it before any job begins."""
    from tests.faults.test_object_store import ended

    proxy.fail("analysis_config", faults.EXPIRED)
    words = ["run", "--engine=local", f"--dataset-source={s3_path}/capture", f"--output-path={s3_path}/out"]
    assert ended([*words, f"--analysis-config={s3_path}/analysis_config.json", f"--container-root={tmp_path}"]) == 2
    assert "analysis_config.json: found credentials that have expired" in (tmp_path / "output/message").read_text()


@pytest.fixture
def metrics_proxy(_cloudwatch_server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A proxy before CloudWatch."""
    with fault_proxy(int(_cloudwatch_server.rpartition(":")[2])) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", proxy.endpoint)
        monkeypatch.setenv("HOURGLASS_S3_ATTEMPTS", "2")
        monkeypatch.setenv("HOURGLASS_S3_TIMEOUT", "1")
        yield proxy


@pytest.mark.parametrize("answer", [faults.refusal(503, "Throttling", "Rate exceeded"), faults.silence, faults.hang_up])
def test_cloudwatch_is_asked_again_and_then_told_of(metrics_proxy: FaultProxy, answer: Any) -> None:
    """Within the limits of object stores, not the ten minutes of boto3's own."""
    metric = {"MetricName": "a", "Value": 1.0, "Timestamp": "2026-11-21T09:00:00Z", "Dimensions": []}
    metrics_proxy.fail(".", answer, times=1)
    put_metrics([metric], "data-metrics", endpoint=True)
    metrics_proxy.mend()
    metrics_proxy.fail(".", answer)
    begin = time.monotonic()
    with pytest.raises(EnvironmentFault, match=r"CloudWatch metrics .*: found .*; expected PutMetricData\. Hint: the right"):
        put_metrics([metric], "data-metrics", endpoint=True)
    assert time.monotonic() - begin < 2 * storage.Limits.said().longest_s
    assert metrics_proxy.count("POST") == 2


@pytest.mark.parametrize("write", ["appended", "added"])
def test_an_hour_that_is_half_uploaded_is_read_again_when_it_is_whole(tmp_path: Path, write: str) -> None:
    """Half of a file is a broken line until it is whole; half of an hour's files are half of its rows."""
    whole = [capture_line("1", str(row)) for row in range(60)]
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z", "window": "1h"}

    def at(root: Path, **more: Any) -> bytes:
        run(root / "out", dataset_source=root / "capture", state_root=root / "states", **span, **more)
        return (root / "out/2026/11/21/09/statistics.json").read_bytes()

    half = write_hour(tmp_path / "capture", "2026/11/21/09", whole[:30], "a.jsonl")
    if write == "appended":
        half.write_text("".join(line + "\n" for line in whole[:30]) + whole[30][:50])
    first = at(tmp_path)
    assert json.loads(first)["dataset"]["item_count"] == 30
    if write == "appended":
        half.write_text("".join(line + "\n" for line in whole))
    else:
        write_hour(tmp_path / "capture", "2026/11/21/09", whole[30:], "b.jsonl")
    once = tmp_path / "once"
    for path in (tmp_path / "capture").rglob("*.jsonl"):
        write_hour(once / "capture", "2026/11/21/09", path.read_text().splitlines(), path.name)
    assert at(tmp_path) == at(once)
    bad = tmp_path / "out" / "quarantine" / "bad_lines.jsonl"
    assert not bad.exists()


TWO_JOBS = """
import json, sys
from hourglass.cli import main
codes = []
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as end:
        codes.append(end.code)
print(codes)
"""


def test_on_spark_a_workers_sentence_reaches_the_driver_whole(proxy: FaultProxy, s3_path: str, tmp_path: Path) -> None:
    """The worker asks the store, and its sentence ends the job once, not after retries of tasks; nothing is written."""
    hour = "capture/endpoint/AllTraffic/2026/11/21/09/a.jsonl"
    storage.write_files(s3_path, {hour: LINES, "labels/2026/11/21/09/a.jsonl": b'{"inferenceId":"a","actualLabel":1}\n'})
    proxy.fail(rf"^GET .*/{hour}", faults.cut(0.5), after=1)  # the monitor looks at its format first
    common = [f"--dataset-source={s3_path}/capture", f"--output-path={s3_path}/out"]
    jobs = [
        ["data-quality", *common, f"--container-root={tmp_path}/monitor"],
        ["merge", *common, f"--container-root={tmp_path}/merge", f"--ground-truth-source={s3_path}/labels"],
    ]
    for folder in ("monitor", "merge"):
        (tmp_path / folder).mkdir()
    command = [sys.executable, "-c", TWO_JOBS, json.dumps(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYSPARK_PYTHON": sys.executable})
    assert done.stdout.endswith("[2, 2]\n"), done.stderr
    expected = f"{s3_path}/{hour}: found a connection that is cut in the middle of an answer (GetObject, 2 attempts); expected an answer"
    assert done.stderr.count(f"hourglass: {expected}") == 2
    assert "Py4J" not in done.stderr
    for folder in ("monitor", "merge"):
        assert (tmp_path / folder / "output/message").read_text().startswith(f"Failed: {expected}")
    proxy.mend()
    assert [info.path for info in storage.listing(f"{s3_path}/out", recursive=True) if info.is_file] == []


def test_many_readers_that_are_throttled_at_once_all_try_as_often_as_they_may(
    proxy: FaultProxy, s3_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retries are not shared among threads: 32 files, of which each is refused five times, are all read."""
    monkeypatch.setenv("HOURGLASS_S3_ATTEMPTS", "6")
    storage.write_files(s3_path, {f"{number:03}.jsonl": LINES[:2000] for number in range(32)})
    for number in range(32):
        proxy.fail(rf"^GET .*/{number:03}\.jsonl", faults.SLOW_DOWN, times=5)
    slices = [Slice(file.path, "", 0, 0, file.size, whole=True) for file in list_files(s3_path, None).files]
    data = b"".join(block.data for block in blocks.read_blocks(slices, lambda *fault: pytest.fail(str(fault))))
    assert data.count(b"eventId") >= 32
    assert proxy.count(r"^GET .*\.jsonl") == 32 * 6
