"""Who runs the pass makes no difference: the same metrics, and states to the byte."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourglass.local import run_locally
from hourglass.monitors.refresh import Engine
from hourglass.problems import Problem
from hourglass.spark.one_pass import spark_engine
from tests.engine import plain_engine, read, run_quality
from tests.model_quality.shapes import csv_without_header, merged_base64, merged_json, parquet, several_as_predictions
from tests.model_quality.test_oracles import flags_of, rows_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CASES = [
    (several_as_predictions, Problem.REGRESSION, ()),
    (merged_json, Problem.BINARY, ()),
    (csv_without_header, Problem.MULTICLASS, ()),
    (parquet, Problem.MULTILABEL, ()),
    (merged_base64, Problem.RANKING, ()),
]


def outputs(engine: Engine, parallelism: int, output: Path, flags: Mapping[str, Any]) -> dict[str, Any]:
    """All files of a run but for the time of its evaluation; states as bytes."""
    run_quality(output, engine, parallelism, **flags, **({"state_root": output / "states"} if "start_time" in flags else {}))
    found: dict[str, Any] = {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    for path in output.rglob("statistics.json"):
        found[str(path.relative_to(output))] = {**read(path), "dataset": read(path)["dataset"]["item_count"]}
    return found


@pytest.fixture(params=CASES, ids=lambda case: case[1])
def flags(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A data set of each problem, in several files so that there are several tasks."""
    shape, problem, without = request.param
    (tmp_path / "source").mkdir()
    rows = rows_of(problem, 250, without)
    made = shape(tmp_path / "source", rows)
    _in_three_files(Path(made["dataset_source"]))
    return {"problem_type": problem, **made, **flags_of(problem, rows)}


def _in_three_files(source: Path) -> None:
    for path in [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]:
        if path.suffix == ".jsonl":
            _cut(path, path.read_text().splitlines(keepends=True))


def _cut(path: Path, lines: Sequence[str]) -> None:
    for number in range(3):
        (path.parent / f"part-{number}.jsonl").write_text("".join(lines[number::3]))


def test_processes_and_one_process_give_the_same_bytes(flags: dict[str, Any], tmp_path: Path) -> None:
    """Baseline states, metrics, and thresholds, whatever the number of tasks."""
    first = outputs(plain_engine, 1, tmp_path / "plain", flags)
    assert "baseline_states.parquet" in first
    assert first == outputs(plain_engine, 5, tmp_path / "five", flags) == outputs(run_locally, 2, tmp_path / "local", flags)


def test_spark_gives_the_same_bytes(spark: SparkSession, flags: dict[str, Any], tmp_path: Path) -> None:
    """The shared session beside one process."""
    assert outputs(*spark_engine(spark), tmp_path / "spark", flags) == outputs(plain_engine, 1, tmp_path / "plain", flags)


def test_a_failure_in_a_task_reaches_the_user_as_its_own_sentence(spark: SparkSession, tmp_path: Path) -> None:
    """Class labels of another number than the probabilities, found by a worker."""
    (tmp_path / "source").mkdir()
    made = merged_json(tmp_path / "source", rows_of(Problem.MULTICLASS, 5))
    flags = {"problem_type": Problem.MULTICLASS, **made, "class_labels": "a, b"}
    sentences = []
    for number, engine in enumerate((spark_engine(spark)[0], run_locally, plain_engine)):
        with pytest.raises(Exception, match="class_labels: found 2 names") as caught:
            run_quality(tmp_path / str(number), engine, **flags)
        sentences.append(str(caught.value))
    assert len(set(sentences)) == 1, json.dumps(sentences)
