"""The pass on Spark: one job, the same states as without it, from local disk and from S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourglass import storage
from hourglass.capture.files import list_files
from hourglass.capture.formats import parse_dataset_format
from hourglass.capture.reader import ReadPlan
from hourglass.capture.slices import cut_tasks
from hourglass.errors import HookError
from hourglass.monitors import data_quality
from hourglass.scan import ScanPlan
from hourglass.settings import load_settings
from hourglass.spark.one_pass import run_pass, spark_engine
from hourglass.states import COLUMN_STATES
from tests.engine import capture_line, plain_engine, read, write_hour

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WINDOW = {"start_time": "2026-11-21T08:00:00Z", "end_time": "2026-11-21T11:00:00Z"}


def capture(root: Path, *, columns: int = 3, hours: int = 3, files: int = 4, records: int = 50) -> Path:
    for hour in range(8, 8 + hours):
        for file in range(files):
            lines = [capture_line("0.5", ",".join(str(i * c % 17) for c in range(1, columns + 1))) for i in range(records)]
            write_hour(root, f"2026/11/21/{hour:02d}", lines, f"{file}.jsonl")
    return root


def tasks_and_plan(root: Path | str, tasks: int) -> tuple[list[Any], ScanPlan]:
    form = parse_dataset_format('{"sagemakerCaptureJson": {}}')
    found = cut_tasks(list_files(str(root), None).files, form, tasks)
    plan = ScanPlan(ReadPlan(form), tuple(COLUMN_STATES))
    if len(found) < tasks:  # the files are small: one task each, to have several
        found = [(piece,) for task in found for piece in task]
    return found, plan


def test_spark_gives_the_same_rows_as_the_plain_pass(spark: SparkSession, tmp_path: Path) -> None:
    """Byte for byte, over twelve tasks."""
    tasks, plan = tasks_and_plan(capture(tmp_path), 12)
    assert len(tasks) == 12
    ours, plain = run_pass(spark, tasks, plan), plain_engine(tasks, plan)
    assert sorted(map(str, ours.to_pylist())) == sorted(map(str, plain.to_pylist()))


@pytest.mark.parametrize(("columns", "hours", "files"), [(1, 1, 1), (40, 3, 8)])
def test_a_pass_is_one_spark_job(spark: SparkSession, tmp_path: Path, columns: int, hours: int, files: int) -> None:
    """However many columns, hours and files."""
    tasks, plan = tasks_and_plan(capture(tmp_path, columns=columns, hours=hours, files=files), hours * files)
    group = f"jobs-{columns}"
    spark.sparkContext.setJobGroup(group, group)
    try:
        run_pass(spark, tasks, plan)
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert len(spark.sparkContext.statusTracker().getJobIdsForGroup(group)) == 1


def test_the_whole_job_reads_and_writes_s3(spark: SparkSession, s3_path: str, tmp_path: Path) -> None:
    """Capture, baseline, hook and reports on a real S3 server; s3a:// is taken as s3://."""
    hook = "def preprocess_handler(record):\n    return {'score': record.endpoint_output.data, 'extra': 1}\n"
    for path in capture(tmp_path / "capture").rglob("*.jsonl"):
        storage.write_files(f"{s3_path}/capture", {str(path.relative_to(tmp_path / "capture")): path.read_bytes()})
    storage.write_files(s3_path, {"hook.py": hook.encode(), "training.csv": b"extra,score\n1,0.5\n1,0.5\n"})
    engine, parallelism = spark_engine(spark)
    common = {"container_root": str(tmp_path / "none")}
    data_quality.run(
        load_settings({"dataset_source": f"{s3_path}/training.csv", "output_path": f"{s3_path}/baseline", **common}, {}),
        engine,
        parallelism,
    )
    flags = {
        "dataset_source": f"{s3_path}/capture".replace("s3://", "s3a://"),
        "output_path": f"{s3_path}/reports",
        "baseline_constraints": f"{s3_path}/baseline/constraints.json",
        "baseline_statistics": f"{s3_path}/baseline/statistics.json",
        "record_preprocessor_script": f"{s3_path}/hook.py",
        **WINDOW,
        **common,
    }
    outcome = data_quality.run(load_settings(flags, {}), engine, parallelism)
    assert outcome.message == "Completed: Job completed successfully with no violations."
    statistics = json.loads(storage.read_bytes(f"{s3_path}/reports/statistics.json"))
    assert statistics["dataset"]["item_count"] == 600
    assert [feature["name"] for feature in statistics["features"]] == ["extra", "score"]


def test_a_failing_hook_reaches_the_user_with_its_own_words(spark: SparkSession, tmp_path: Path) -> None:
    """Through the worker and the JVM: the user's traceback, file, line and record, and nothing of ours."""
    lines = [capture_line("0.5", str(i)) for i in range(5)]
    path = write_hour(tmp_path / "capture", "2026/11/21/09", lines)
    hook = tmp_path / "hook.py"
    hook.write_text("def preprocess_handler(record):\n    return {'x': 1 / (int(record.endpoint_input.data) - 3)}\n")
    flags = {
        "dataset_source": str(tmp_path / "capture"),
        "output_path": str(tmp_path / "out"),
        "record_preprocessor_script": str(hook),
    }
    with pytest.raises(HookError) as caught:
        data_quality.run(load_settings(flags, {}), *spark_engine(spark))
    text = str(caught.value)
    assert f"{path}:4" in text
    assert f'File "{hook}", line 2, in preprocess_handler' in text
    assert "ZeroDivisionError" in text
    assert "return {'x': 1 / (int(record.endpoint_input.data) - 3)}" in text
    assert "hourglass/scan.py" not in text
    assert not (tmp_path / "out").exists()


def test_spark_and_plain_runs_write_the_same_files(spark: SparkSession, tmp_path: Path) -> None:
    """Statistics, constraints, violations and evaluation of a run, byte for byte."""
    source = capture(tmp_path / "capture")
    engine, parallelism = spark_engine(spark)
    for name, runner in (("spark", engine), ("plain", plain_engine)):
        flags = {"dataset_source": str(source), "output_path": str(tmp_path / name), "container_root": str(tmp_path / "none")}
        data_quality.run(load_settings(flags, {}), runner, parallelism)
    for document in ("statistics", "constraints", "constraint_violations", "evaluation"):
        assert read(tmp_path / f"spark/{document}.json") == read(tmp_path / f"plain/{document}.json")
