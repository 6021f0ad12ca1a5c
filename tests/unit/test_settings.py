"""One tree of settings from flags, environment and YAML."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from hourglass.commands.settings_flags import jobs_of
from hourglass.errors import SettingsError
from hourglass.settings import Settings, load_settings

MINIMUM = {"dataset_source": "/data", "output_path": "/out"}
CONF = Path(__file__).parents[2] / "conf"
CONTRACT = [
    "dataset_source",
    "dataset_format",
    "output_path",
    "start_time",
    "end_time",
    "metric_time",
    "publish_cloudwatch_metrics",
    "sagemaker_endpoint_name",
    "sagemaker_monitoring_schedule_name",
    "sagemaker_endpoint_datacapture_prefix",
    "baseline_constraints",
    "baseline_statistics",
    "record_preprocessor_script",
    "post_analytics_processor_script",
    "analysis_type",
    "problem_type",
    "inference_attribute",
    "probability_attribute",
    "ground_truth_attribute",
    "probability_threshold_attribute",
    "categorical_drift_method",
    "exclude_features_attribute",
    "ground_truth_source",
]


def test_every_variable_of_the_contract_is_a_setting() -> None:
    """Section 2 of the contract, name by name."""
    assert set(CONTRACT) <= set(Settings.model_fields)


def test_every_setting_says_what_it_is() -> None:
    """The description is the flag's help."""
    assert all(field.description for field in Settings.model_fields.values())


def test_a_flag_beats_the_environment_beats_yaml_beats_the_default(tmp_path: Path) -> None:
    """One setting a layer, said in all the layers above it too."""
    config = tmp_path / "job.yaml"
    config.write_text("dataset_source: /yaml\noutput_path: /yaml\nmax_bad_lines: 0.5\n")
    settings = load_settings({"dataset_source": "/flag"}, {"dataset_source": "/env", "OUTPUT_PATH": "/env"}, str(config))
    assert (settings.dataset_source, settings.output_path, settings.max_bad_lines) == ("/flag", "/env", 0.5)
    assert settings.require_data is False


def test_the_environment_of_a_real_monitoring_job_is_understood() -> None:
    """The variables that the platform sets, with the guide's stray blank in a time."""
    settings = load_settings(
        {},
        {
            "dataset_source": "/opt/ml/processing/input_data",
            "output_path": "/opt/ml/processing/output",
            "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
            "start_time": "2019-12-01T15: 20: 00Z",
            "end_time": "2019-12-01T16:20:00Z",
            "publish_cloudwatch_metrics": "enabled",
            "analysis_type": "data_quality",
            "exclude_features_attribute": "0, age",
            "PATH": "/usr/bin",
        },
    )
    assert settings.start_time == datetime(2019, 12, 1, 15, 20, tzinfo=UTC)
    assert settings.publish_cloudwatch_metrics == "Enabled"
    assert settings.exclude_features_attribute == ("0", "age")
    assert settings.dataset_format is not None
    assert settings.dataset_format.kind == "capture"


def test_an_empty_variable_is_not_set() -> None:
    """Job definitions pass optional variables as empty text."""
    assert load_settings(MINIMUM, {"baseline_constraints": "", "start_time": ""}).suggests


def test_all_faults_are_told_at_once_each_with_its_place_and_a_hint(tmp_path: Path) -> None:
    """Five faults from four places, in one error."""
    config = tmp_path / "job.yaml"
    config.write_text("dataset_sorce: /data\nmax_bad_lines: 7\n")
    with pytest.raises(SettingsError) as caught:
        load_settings({"dataset_format": "{oops"}, {"start_time": "yesterday", "publish": "fax", "output_path": "/out"}, str(config))
    text = str(caught.value)
    assert f"{config}: dataset_sorce: found an unknown setting; expected a setting. Hint: did you mean dataset_source?" in text
    assert "max_bad_lines: found 7; expected less than or equal to 1" in text
    assert "environment variable start_time: found 'yesterday'; expected ISO 8601" in text
    assert "--dataset-format: found {oops; expected a JSON object" in text
    assert "environment variable publish: found 'fax'; expected file or put-metric-data" in text
    assert "dataset_source: found nothing" in text
    assert caught.value.exit_code == 2


def test_half_a_window_is_a_fault() -> None:
    """A start without an end, and an end before the start."""
    with pytest.raises(SettingsError, match="expected both or neither"):
        load_settings({**MINIMUM, "start_time": "2026-11-21T09:00:00Z"}, {})
    with pytest.raises(SettingsError, match="expected a start before the end"):
        load_settings({**MINIMUM, "start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T08:00:00Z"}, {})


@pytest.mark.parametrize("path", sorted({*CONF.glob("*.yaml")} - {CONF / "schedule.yaml"}), ids=lambda path: path.name)
def test_every_file_in_conf_loads(path: Path) -> None:
    """The commented examples are settings that work; the schedule, which has a job's settings in parts, has tests of its own."""
    settings = load_settings({}, {}, str(path))
    assert settings.window is None or timedelta(hours=1) in settings.window


def test_the_example_mentions_every_setting_of_data_quality() -> None:
    """As a key or in a comment; settings of other jobs and of the platform's folder are left out."""
    text = (CONF / "data_quality.yaml").read_text()
    of_jobs = {name: jobs_of(str(field.description))[1] for name, field in Settings.model_fields.items()}
    others = {name for name, jobs in of_jobs.items() if jobs and "data quality" not in jobs} | {"analysis_type", "container_root"}
    assert {name for name in Settings.model_fields if not re.search(rf"\b{name}:", text)} == others


@pytest.mark.parametrize(("name", "job"), [("model_quality.yaml", "model quality"), ("bias_drift.yaml", "bias")])
def test_an_example_mentions_every_setting_of_its_own(name: str, job: str) -> None:
    """As a key or in a comment."""
    text = (CONF / name).read_text()
    own = {name for name, field in Settings.model_fields.items() if job in jobs_of(str(field.description))[1]}
    assert {name for name in own if not re.search(rf"\b{name}:", text)} == set()
    assert set(yaml.safe_load(text)) <= set(Settings.model_fields)


@pytest.mark.parametrize("name", ["sagemaker_endpoint_name", "sagemaker_monitoring_schedule_name"])
def test_a_name_that_becomes_a_folder_is_no_path(name: str) -> None:
    """Neither leads out of the output."""
    assert getattr(load_settings({**MINIMUM, name: "churn-hourly_1.0"}, {}), name) == "churn-hourly_1.0"
    for wrong in ("../../evil", "/evil", "a/b", ".."):
        with pytest.raises(SettingsError, match="expected letters, digits, hyphens, dots and underscores"):
            load_settings({**MINIMUM, name: wrong}, {})
