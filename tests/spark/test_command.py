"""The command as a person or a platform starts it: whole processes, exit codes, messages, and kills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine import capture_line, check_outputs, read, write_hour

ROOT = Path(__file__).parents[2]
HOURGLASS = [sys.executable, "-c", "from hourglass.cli import main; main()"]


def start(arguments: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The command with an environment of its own."""
    base = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME", "PYTHONPATH") if name in os.environ}
    return subprocess.Popen(
        [*HOURGLASS, *arguments],
        env={**base, "PYSPARK_PYTHON": sys.executable, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command")
    draws = random.Random(0)
    lines = [capture_line(f"{draws.random():.3f}", f"{draws.randint(1, 90)},{draws.choice('abc')}") for _ in range(400)]
    write_hour(folder / "capture", "2026/11/21/09", lines)
    (folder / "training.csv").write_text(
        "score,age,grade\n" + "".join(f"{draws.random():.3f},{draws.randint(1, 90)},{draws.choice('abc')}\n" for _ in range(2000))
    )
    return folder


def test_the_container_runs_from_its_environment_alone(source: Path, tmp_path: Path) -> None:
    """Baseline job, then a monitoring job: `hourglass run` with the platform's variables; message and metrics where it wants them."""
    platform = tmp_path / "opt-ml"
    platform.mkdir()
    common = {"container_root": str(platform), "analysis_type": "DATA_QUALITY"}
    baseline = {"dataset_source": str(source / "training.csv"), "output_path": str(tmp_path / "baseline"), **common}
    code, _, err = finish(start(["run"], {**baseline, "dataset_format": '{"csv": {"header": true}}'}))
    assert code == 0, err
    check_outputs(tmp_path / "baseline", suggested=True)
    assert (platform / "output/message").read_text() == "Completed: Job completed successfully with no violations."
    monitoring = {
        "dataset_source": str(source / "capture"),
        "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
        "output_path": str(tmp_path / "reports"),
        "baseline_constraints": str(tmp_path / "baseline/constraints.json"),
        "baseline_statistics": str(tmp_path / "baseline/statistics.json"),
        "start_time": "2026-11-21T09:00:00Z",
        "end_time": "2026-11-21T10:00:00Z",
        "metric_time": "2026-11-21T09:00:00Z",
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": "shop",
        "sagemaker_monitoring_schedule_name": "hourly",
        **common,
    }
    code, _, err = finish(start(["run"], monitoring))
    assert code == 0, err
    check_outputs(tmp_path / "reports", suggested=False)
    assert read(tmp_path / "reports/statistics.json")["dataset"]["item_count"] == 400
    metrics = (platform / "output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()
    assert {json.loads(line)["Dimensions"][0]["Value"] for line in metrics} == {"shop"}


def test_violations_end_with_zero_or_with_three_as_asked(source: Path, tmp_path: Path) -> None:
    """The contract's exit code is 0 either way; --fail-on-violations makes it 3; --json is one document on standard output."""
    constraints = {"version": 0.0, "features": [{"name": "only", "inferred_type": "Integral"}], "monitoring_config": {}}
    (tmp_path / "constraints.json").write_text(json.dumps(constraints))
    flags = ["data-quality", "--dataset-source", str(source / "training.csv"), "--output-path", str(tmp_path / "out"), "--json"]
    flags += ["--baseline-constraints", str(tmp_path / "constraints.json"), "--fail-on-violations"]
    code, out, err = finish(start(flags))
    assert code == 3, err
    document = json.loads(out)
    assert document["message"] == "CompletedWithViolations: Job completed successfully with 4 violations."
    assert {v["check"] for v in document["windows"][0]["violations"]} == {"missing_column_check", "extra_column_check"}


def test_bad_settings_end_with_two_and_all_faults(tmp_path: Path) -> None:
    """Before Spark is started; the message file has the reason too."""
    (tmp_path / "ml").mkdir()
    code, out, err = finish(start(["data-quality", "--window", "soon"], {"container_root": str(tmp_path / "ml"), "end_time": "later"}))
    assert (code, out) == (2, "")
    for word in ("--window", "end_time", "dataset_source", "output_path"):
        assert word in err
    assert (tmp_path / "ml/output/message").read_text().startswith("Failed: 4 faults in the settings")


def test_an_unknown_flag_names_the_nearest(tmp_path: Path) -> None:
    """One letter off."""
    code, _, err = finish(start(["data-quality", "--dataset-sorce", str(tmp_path)]))
    assert code == 2
    assert "did you mean --dataset-source?" in err


def test_a_job_killed_at_any_moment_leaves_no_half_of_a_file(source: Path, tmp_path: Path) -> None:
    """Killed at eight moments of its life; whatever JSON is there is whole, and the next run completes."""
    flags = ["data-quality", "--dataset-source", str(source / "training.csv"), "--output-path", str(tmp_path / "out")]
    draws = random.Random(1)
    for _ in range(8):
        process = start(flags)
        time.sleep(draws.uniform(1.0, 9.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for path in (tmp_path / "out").glob("*.json"):
            json.loads(path.read_text())
    code, _, err = finish(start(flags))
    assert code == 0, err
    check_outputs(tmp_path / "out", suggested=True)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".part"] == []
