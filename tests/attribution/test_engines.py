"""Spark, processes of this machine and one process write the same files, to the byte, whatever the number of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourglass.local import run_locally
from hourglass.spark.one_pass import spark_engine
from tests.attribution.test_job import NUMBERS, people, write_capture, write_config, write_model
from tests.engine import plain_engine, run_attribution

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def outputs(output: Path, engine: Any, parallelism: int, **flags: Any) -> dict[str, bytes]:
    """A baseline and two hours held against it: all files, reports and states among them."""
    run_attribution(output / "base", engine, parallelism, **flags)
    more = {"baseline_constraints": output / "base", "window": "1h", "state_root": output / "states"}
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T11:00:00Z"}
    run_attribution(output / "hours", engine, parallelism, **flags, **more, **span)
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file() and "states" not in path.parts}


@pytest.mark.parametrize("explained", ["sample", "all"])
def test_all_engines_write_the_same_bytes(spark: SparkSession, tmp_path: Path, explained: str) -> None:
    """Rows of two hours in five files; kept rows are explained in tasks of their own."""
    source = tmp_path / "capture"
    for number, hour in enumerate(("2026/11/21/09", "2026/11/21/10")):
        write_capture(source, people(400, number, NUMBERS), hour)
        cut(source / "endpoint" / "AllTraffic" / hour)
    config = write_config(tmp_path, write_model(tmp_path), NUMBERS, save_local_shap_values=True)
    flags = {"dataset_source": source, "analysis_config": config, "explain_rows": explained, "sample_rows": 150}
    found = {
        name: outputs(tmp_path / name, engine, parallelism, **flags)
        for name, engine, parallelism in (
            ("spark", *spark_engine(spark)),
            ("processes", run_locally, 2),
            ("one", plain_engine, 1),
            ("five", plain_engine, 5),
        )
    }
    assert {"base/baseline_states.parquet", "base/analysis.json", "base/report.pdf", "base/explanations_shap/out.csv"} <= found[
        "one"
    ].keys()
    assert sum(name.endswith("attribution_data.csv") for name in found["one"]) == 3
    for name, files in found.items():
        assert files.keys() == found["one"].keys()
        assert [path for path, data in files.items() if at_home(data, name) != at_home(found["one"][path], "one")] == []


def at_home(data: bytes, name: str) -> bytes:
    """Bytes without the folder of the run, which is where its baseline is."""
    return data.replace(f"/{name}/base".encode(), b"/base")


def cut(folder: Path) -> None:
    """Deals an hour's records out to five files."""
    (path,) = folder.iterdir()
    lines = path.read_text().splitlines(keepends=True)
    for number in range(5):
        (folder / f"part-{number}.jsonl").write_text("".join(lines[number::5]))
    path.unlink()
