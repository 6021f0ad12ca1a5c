"""The two engines write the same files, to the byte, whatever is read."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourglass.capture.slices import PART_BYTES
from hourglass.local import run_locally
from hourglass.monitors import data_quality
from hourglass.processes import processors
from hourglass.settings import load_settings
from hourglass.spark.one_pass import spark_engine
from tests.engine import capture_line, plain_engine, write_hour

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".jsonl", ".csv"})


def outputs(engine: Any, parallelism: int, output: Path, **flags: Any) -> dict[str, bytes]:
    """All that a run writes: suggested constraints and statistics, states, and the lines that were set aside."""
    said = {"container_root": output / "none", **flags, "output_path": output}
    settings = load_settings({name: str(value) for name, value in said.items()}, {})
    data_quality.run(settings, engine, parallelism)
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def assert_same(spark: SparkSession, tmp_path: Path, **flags: Any) -> None:
    """Spark, processes of this machine, and one process: file for file the same bytes."""
    by_spark = outputs(*spark_engine(spark), tmp_path / "spark", **flags)
    by_processes = outputs(run_locally, processors(), tmp_path / "local", **flags)
    by_one = outputs(plain_engine, 1, tmp_path / "plain", **flags)
    assert by_spark.keys() == by_processes.keys() == by_one.keys()
    assert any(name.endswith("statistics.json") for name in by_spark)
    for name, data in by_spark.items():
        assert data == by_processes[name] == by_one[name], name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_sample_gives_the_same_files_on_both_engines(spark: SparkSession, tmp_path: Path, path: Path) -> None:
    """The whole sample set: captures in CSV, JSON and JSON lines, of several records, and data sets."""
    header = {"dataset_format": json.dumps({"csv": {"header": "header" in path.name}})} if path.suffix == ".csv" else {}
    assert_same(spark, tmp_path, dataset_source=path, **header)


def test_an_hour_of_several_parts_gives_the_same_files_on_both_engines(spark: SparkSession, tmp_path: Path) -> None:
    """More data than one task reads, in two hours, with segments, kept rows and broken lines."""
    draws = random.Random(0)
    for hour in ("09", "10"):
        lines = []
        size = 0
        while size < 2.5 * PART_BYTES:
            line = capture_line(f"{draws.random():.3f}", f"{draws.gauss(0, 1):.4f},{draws.choice('abc')},{'x' * 400}")
            lines += [line] * 20 if draws.random() > 0.001 else ["{broken"]
            size += 20 * len(line)
        write_hour(tmp_path / "capture", f"2026/11/21/{hour}", lines)
    assert_same(spark, tmp_path, dataset_source=tmp_path / "capture", segments="_c2", window="1h")


def test_the_local_engine_needs_no_spark(tmp_path: Path) -> None:
    """A thousand records in a process without Java: pyspark is never imported."""
    write_hour(tmp_path / "capture", "2026/11/21/09", [capture_line("1", f"{row},a") for row in range(1000)])
    script = (
        "import sys; from hourglass.cli import main\n"
        f"main(['data-quality', '--engine', 'local', '--dataset-source', {str(tmp_path / 'capture')!r}, "
        f"'--output-path', {str(tmp_path / 'out')!r}])\n"
        "assert 'pyspark' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PATH": "", "JAVA_HOME": "/nowhere"}, timeout=60)
    assert json.loads((tmp_path / "out" / "statistics.json").read_text())["dataset"]["item_count"] == 1000
