"""The servers that other tests rely on do what the real ones do."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from hourglass import storage


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_what_is_written_to_s3_is_listed_and_read_back(s3_path, scheme):
    base = storage.normalise(s3_path.replace("s3://", f"{scheme}://"))
    storage.write_files(base, {"2026/01/02/03/a.jsonl": b"one\n", "2026/01/02/03/b c.jsonl": b"two\n", "top.json": b"{}"})
    assert storage.read_bytes(f"{base}/2026/01/02/03/b c.jsonl") == b"two\n"
    hour = f"{base}/2026/01/02/03"
    assert [storage.spelled(info.path, hour) for info in storage.listing(hour, recursive=False)] == [f"{hour}/a.jsonl", f"{hour}/b c.jsonl"]
    assert storage.file_info(f"{base}/top.json").size == 2


def test_a_second_write_replaces_and_removes(s3_path):
    storage.write_files(s3_path, {"statistics.json": b"old", "constraint_violations.json": b"old"})
    storage.write_files(s3_path, {"statistics.json": b"new"}, remove=("constraint_violations.json", "never-there.json"))
    assert storage.read_bytes(f"{s3_path}/statistics.json") == b"new"
    assert [info.base_name for info in storage.listing(s3_path, recursive=True)] == ["statistics.json"]


def test_a_large_object_survives_its_multipart_upload(s3_path):
    data = bytes(range(256)) * (80 << 10)  # 20 MB; pyarrow sends parts of 10 MB
    storage.write_files(s3_path, {"large.bin": data})
    assert hashlib.sha256(storage.read_bytes(f"{s3_path}/large.bin")).digest() == hashlib.sha256(data).digest()


def test_a_place_without_objects_lists_as_empty(s3_path):
    assert storage.listing(f"{s3_path}/nothing/here", recursive=True) == []


def test_workers_of_spark_reach_the_same_store(spark, s3_path):
    storage.write_files(s3_path, {"a.txt": b"from the driver"})

    def read(batches):
        import pyarrow as pa

        for _ in batches:
            yield pa.RecordBatch.from_pydict({"text": [storage.read_bytes(f"{s3_path}/a.txt").decode()]})

    assert [row.text for row in spark.range(0, 1, 1, 1).mapInArrow(read, "text string").collect()] == ["from the driver"]


def test_cloudwatch_keeps_what_is_put(cloudwatch):
    now = datetime.now(UTC)
    cloudwatch.put_metric_data(Namespace="hourglass", MetricData=[{"MetricName": "feature_data_age", "Value": 2.5, "Timestamp": now}])
    found = cloudwatch.get_metric_statistics(
        Namespace="hourglass",
        MetricName="feature_data_age",
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=60,
        Statistics=["Average"],
    )
    assert [point["Average"] for point in found["Datapoints"]] == [2.5]


def test_cloudwatch_starts_empty_in_every_test(cloudwatch):
    assert cloudwatch.list_metrics()["Metrics"] == []
