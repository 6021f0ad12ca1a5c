"""Partitions: which endpoint, variant and hour a file belongs to, by its path alone."""

import os
from pathlib import Path

import pytest

from hourglass.capture.files import list_files
from hourglass.capture.window import Window, hour_of, parse_time, partition_of, source_of

HOUR = "2026/11/21/09"


@pytest.mark.parametrize(
    ("path", "partition"),
    [
        (f"/data/capture/churn/AllTraffic/{HOUR}/a.jsonl", f"churn/AllTraffic/{HOUR}"),
        (f"s3://bucket/a/b/churn/v 2/{HOUR}/x/y.jsonl", f"churn/v 2/{HOUR}"),
        (f"s3://bucket/churn/{HOUR}/a.jsonl", f"-/churn/{HOUR}"),
        (f"s3://bucket/{HOUR}/a.jsonl", f"-/-/{HOUR}"),
        (f"/{HOUR}/a.jsonl", f"-/-/{HOUR}"),
        (f"/churn/AllTraffic/{HOUR}", f"churn/AllTraffic/{HOUR}"),
        (f"/archive/2020/01/01/00/churn/AllTraffic/{HOUR}/a.jsonl", f"churn/AllTraffic/{HOUR}"),
        ("/archive/2020/01/01/00/churn/2026/13/45/99/a.jsonl", "-/archive/2020/01/01/00"),
        ("/data/churn.csv", ""),
        ("/data/2026/11/21/churn.csv", ""),
    ],
)
def test_a_path_says_where_a_file_belongs(path: str, partition: str) -> None:
    """The two folders above the year are endpoint and variant; a bucket is no folder; files elsewhere have no partition."""
    assert partition_of(path) == partition
    assert hour_of(partition) == partition[-13:]
    assert source_of(partition) == "/".join(partition.split("/")[:2])


def test_a_listing_tells_endpoints_apart_and_when_files_changed(tmp_path: Path) -> None:
    """Two variants of an hour are two partitions; the time is the file system's."""
    for variant in ("one", "two"):
        path = tmp_path / "churn" / variant / HOUR / "a.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("{}\n")
        os.utime(path, ns=(7, 1_795_253_400_123_456_789))
    window = Window(parse_time("2026-11-21T09:00:00Z"), parse_time("2026-11-21T10:00:00Z"))
    for listing in (list_files(str(tmp_path), window), list_files(str(tmp_path), None)):
        assert [file.partition for file in listing.files] == [f"churn/one/{HOUR}", f"churn/two/{HOUR}"]
        assert {file.modified for file in listing.files} == {1_795_253_400_123_456_789}
