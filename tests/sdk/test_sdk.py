"""The SageMaker Python SDK reads files in the stock monitor's format: its own samples first, then ours."""

import json
from pathlib import Path

import pytest

from hourglass import storage
from tests.engine import run

SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "sdk"
NAMES = ("statistics", "constraints", "constraint_violations")


def test_the_sdk_reads_its_own_samples_from_a_directory(read_with_sdk):
    read = read_with_sdk(SAMPLES)
    for name in NAMES:
        assert read[name] == json.loads((SAMPLES / f"{name}.json").read_text())


def test_the_sdk_reads_what_we_put_on_s3(read_with_sdk, s3_path):
    storage.write_files(s3_path, {f"{name}.json": (SAMPLES / f"{name}.json").read_bytes() for name in NAMES})
    assert set(read_with_sdk(s3_path)) == {*NAMES, "constraints_switched_off"}


def test_the_sdk_switches_monitoring_off(read_with_sdk):
    constraints = read_with_sdk(SAMPLES)["constraints_switched_off"]
    assert constraints["monitoring_config"]["evaluate_constraints"] == "Disabled"
    assert all(feature["monitoring_config_overrides"]["evaluate_constraints"] == "Disabled" for feature in constraints["features"])


def test_the_sdk_says_what_is_wrong_with_a_broken_file(read_with_sdk, tmp_path):
    (tmp_path / "statistics.json").write_text('{"version": 0.0, ')
    with pytest.raises(AssertionError, match="JSONDecodeError"):
        read_with_sdk(tmp_path)


def test_the_sdk_reads_what_our_job_writes(read_with_sdk, tmp_path):
    """A baseline of the churn data and a run against it, through Statistics, Constraints and ConstraintViolations."""
    churn = SAMPLES.parent / "churn_training-dataset-with-header.csv"
    run(tmp_path / "baseline", dataset_source=churn)
    baseline = {f"baseline_{name}": tmp_path / "baseline" / f"{name}.json" for name in ("constraints", "statistics")}
    lines = churn.read_text().splitlines()
    (tmp_path / "window.csv").write_text("\n".join([lines[0].replace("Churn", "Churned"), *lines[1:500]]))
    run(tmp_path / "window", dataset_source=tmp_path / "window.csv", **baseline)
    read = read_with_sdk(tmp_path / "window")
    assert len(read["statistics"]["features"]) == len(read["constraints"]["features"]) == 70
    found = {(v["feature_name"], v["constraint_check_type"]) for v in read["constraint_violations"]["violations"]}
    assert found == {("Churn", "missing_column_check"), ("Churned", "extra_column_check")}
