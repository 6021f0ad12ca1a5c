"""The merge on Spark: the same bytes as in one process, one job, skewed ids, S3."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourglass import storage
from hourglass.capture import slices
from hourglass.capture.files import list_files
from hourglass.outputs.merge_report import CURRENT, WRITTEN
from hourglass.spark.ground_truth_join import run_join, spark_join, spread
from tests.join.trees import SOURCE, at, capture, contents, hour, label, merge, merged, naive, write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def random_tree(root: Path, seed: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Some thousand captures of six hours, and labels of all kinds for most of them."""
    draws = random.Random(seed)
    captures = {
        f"{source}/{hour(number)}/{name}.jsonl": [
            capture(
                f"e{draws.randrange(3000)}",
                f"i{draws.randrange(900)}" if draws.random() < 0.3 else None,
                time=at(number, draws.randrange(60)) if draws.random() < 0.9 else None,
                data=draws.choice(["0.5", '{"p": 1}']) if name == "b" else "0.5",
            )
            for _ in range(150)
        ]
        for source in (SOURCE, "shop/Canary")
        for number in range(6)
        for name in "ab"
    }
    labels = {
        f"{hour(number)}/{name}.jsonl": [
            label(
                f"{draws.choice('eei')}{draws.randrange(3000)}",
                str(draws.randrange(2)),
                **({"eventTime": at(number)} if name == "b" else {}),
            )
            for _ in range(300)
        ]
        for number in range(9)
        for name in "ab"
    }
    write(root / "captures", captures)
    write(root / "labels", labels)
    return captures, labels


def test_spark_writes_what_one_process_writes(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last byte, reports with the delays' states too, with several parts an hour and several tasks; and the join by hand agrees."""
    monkeypatch.setattr(slices, "PART_BYTES", 10_000)
    monkeypatch.setattr(slices, "SMALLEST_TASK_BYTES", 100_000)
    captures, labels = random_tree(tmp_path, 1)
    outcome = merge(tmp_path, lambda plan: run_join(spark, plan), label_wait="3h")
    again = merge(tmp_path, label_wait="3h", output_path=tmp_path / "here")
    assert outcome == again
    assert contents(tmp_path / "merged") == contents(tmp_path / "here")
    assert len(list((tmp_path / "merged").rglob("part-*"))) > 24
    assert merged(tmp_path / "merged") == naive(captures, labels, 3)[0]


def test_one_id_ten_thousand_times_on_both_sides(spark: SparkSession, tmp_path: Path) -> None:
    """Not a hundred million pairs: every capture gets the one latest label."""
    captures = [capture(f"e{i}", "same") for i in range(10_000)] + [capture(f"other-{i}") for i in range(100)]
    labels = [label("same", str(i)) for i in range(10_000)] + [label(f"other-{i}", "x") for i in range(100)]
    write(tmp_path, {f"captures/{SOURCE}/{hour(0)}/a.jsonl": captures, f"labels/{hour(1)}/a.jsonl": labels})
    outcome = merge(tmp_path, lambda plan: run_join(spark, plan))
    (records,) = merged(tmp_path / "merged").values()
    assert [record["groundTruthData"]["data"] for record in records] == ["9999"] * 10_000 + ["x"] * 100
    (found,) = outcome.label_hours
    assert (found.used, found.superseded, found.unmatched) == (101, 9999, 0)
    assert outcome.reports[0].labels_passed_over == 9999


def test_each_writing_task_gets_its_parts_alone(spark: SparkSession) -> None:
    """Spark's own partitioning of the numbers that are chosen for five tasks."""
    from pyspark.sql import functions

    numbers = spark.createDataFrame([(number,) for number in spread(5)], "target int").repartition(5, "target")
    found = {row["target"]: row["place"] for row in numbers.withColumn("place", functions.spark_partition_id()).collect()}
    assert [found[number] for number in spread(5)] == [0, 1, 2, 3, 4]


def test_the_merge_on_s3_is_that_on_disk(spark: SparkSession, s3_path: str, tmp_path: Path) -> None:
    """Trees and output in an object store; a second run with a new label writes its hour only, and no staged object stays."""
    random_tree(tmp_path, 3)
    copy(tmp_path, s3_path)
    places = {"dataset_source": f"{s3_path}/captures", "ground_truth_source": f"{s3_path}/labels", "output_path": f"{s3_path}/merged"}
    engine = spark_join(spark)[0]
    merge(tmp_path, engine, **places)
    merge(tmp_path)
    expected = contents(tmp_path / "merged", reports=False)
    assert objects(f"{s3_path}/merged") == expected
    write(tmp_path, {f"labels/{hour(8)}/c.jsonl": [label("e1", "new", eventTime=at(30))]})
    copy(tmp_path, s3_path)
    stamps = {file.path: file.modified for file in list_files(f"{s3_path}/merged", None).files}
    merge(tmp_path, engine, **places)
    merge(tmp_path)
    after = {file.path: file.modified for file in list_files(f"{s3_path}/merged", None).files}
    assert objects(f"{s3_path}/merged") == contents(tmp_path / "merged", reports=False)
    assert {hour.status for hour in merge(tmp_path, engine, **places).hours} == {CURRENT}
    changed = {path.removeprefix(f"{s3_path}/merged/") for path in after if after[path] != stamps.get(path)}
    assert changed == {name for name, data in contents(tmp_path / "merged", reports=False).items() if expected.get(name) != data} != set()
    names = [info.base_name for info in storage.listing(f"{s3_path}/merged", recursive=True)]
    assert [name for name in names if name.startswith(".")] == []


def test_an_hour_without_labels_has_an_empty_object(s3_path: str, tmp_path: Path) -> None:
    """In an object store too; it is known again by the time that the store's listing has."""
    write(tmp_path, {f"captures/{SOURCE}/{hour(0)}/a.jsonl": [capture("a")], f"labels/{hour(1)}/a.jsonl": [label("b")]})
    places = {"output_path": f"{s3_path}/merged"}
    assert [found.status for found in merge(tmp_path, **places).hours] == [WRITTEN]
    assert objects(f"{s3_path}/merged") == {f"{SOURCE}/{hour(0)}/part-00000.jsonl": b""}
    assert [found.status for found in merge(tmp_path, **places).hours] == [CURRENT]


def copy(root: Path, target: str) -> None:
    """Both trees to the store, the files that are not there yet."""
    files = [path for side in ("captures", "labels") for path in (root / side).rglob("*.jsonl")]
    there = {info.path for info in storage.listing(target, recursive=True)}
    new = {str(path.relative_to(root)): path.read_bytes() for path in files}
    storage.write_files(target, {name: data for name, data in new.items() if f"{target}/{name}".removeprefix("s3://") not in there})


def objects(root: str) -> dict[str, bytes]:
    """The merged files in the store."""
    return {file.path.removeprefix(f"{root}/"): storage.read_bytes(file.path) for file in list_files(root, None).files}


def test_a_workers_failure_reaches_the_driver_in_its_own_words(spark: SparkSession, tmp_path: Path) -> None:
    """A place that cannot be written to: a file stands where the hour's folder should be."""
    from hourglass.errors import InputError

    write(tmp_path, {f"captures/{SOURCE}/{hour(0)}/a.jsonl": [capture("a")], f"labels/{hour(1)}/a.jsonl": [label("a")]})
    write(tmp_path, {"merged/shop": ["not a folder"]})
    with pytest.raises(InputError, match=r"expected a place that can be written to"):
        merge(tmp_path, lambda plan: run_join(spark, plan))
    assert json.dumps([path.name for path in (tmp_path / "merged").iterdir()]) == '["shop"]'
