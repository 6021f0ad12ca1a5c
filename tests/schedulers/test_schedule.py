"""A schedule's file: which jobs it makes, which hours they are about, what is said of a slip; and the policies made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner

from hourglass.capture.window import Window
from hourglass.cli import cli
from hourglass.errors import SettingsError
from hourglass.schedules.policies import policies
from hourglass.schedules.schedule import complete, read_schedule
from hourglass.schedules.state_machine import Platform
from hourglass.schedules.template import template

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "conf" / "schedule.yaml"
TEN = Window.of_hour("2026/11/20/10")


def written(place: Path, **document: Any) -> str:
    path = place / "schedule.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def faults(place: Path, **document: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        read_schedule(written(place, **document))
    return str(caught.value).replace(str(place), "")


JOB = {"dataset_source": "s3://bucket/capture", "output_path": "s3://bucket/reports"}


def test_the_jobs_of_all_endpoints_are_overruled_by_an_endpoints_own():
    jobs = read_schedule(str(EXAMPLE)).endpoints
    assert {name: [job.command for job in of] for name, of in jobs.items()} == {
        "churn": ["merge", "data-quality", "model-quality", "bias", "attribution"],
        "fraud": ["data-quality"],
    }
    assert [job.after_merge for job in jobs["churn"]] == [False, False, True, True, False]


def test_merge_and_what_reads_its_files_are_about_earlier_hours():
    merge, data_quality, *_ = read_schedule(str(EXAMPLE)).endpoints["churn"]
    assert str(merge.window(TEN)) == "2026-11-19T10:00:00Z to 2026-11-19T11:00:00Z"
    assert data_quality.window(TEN) == TEN


def test_a_run_is_about_the_last_whole_hours(tmp_path):
    schedule = read_schedule(written(tmp_path, every="6h", endpoints={"churn": {"data-quality": JOB}}))
    assert str(schedule.run(datetime(2026, 11, 20, 14, 3, tzinfo=UTC))) == "2026-11-20T06:00:00Z to 2026-11-20T12:00:00Z"


def test_a_jobs_own_file_is_looked_for_beside_the_schedule_and_its_window_is_not_taken(tmp_path):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(JOB | {"start_time": "2026-01-01", "end_time": "2026-01-02", "require_data": True}))
    (job,) = read_schedule(written(tmp_path, endpoints={"churn": {"data-quality": {"config": "own.yaml"}}})).endpoints["churn"]
    assert job.words(TEN)[:3] == ["data-quality", "--config", str(tmp_path / "own.yaml")]
    assert "start_time" not in job.environment()
    assert job.environment()["require_data"] == "true"


def test_captures_are_complete_when_the_next_hour_has_begun_or_after_a_time(tmp_path):
    capture = tmp_path / "capture"
    (capture / "churn" / "AllTraffic" / "2026/11/20/10").mkdir(parents=True)
    (capture / "churn" / "AllTraffic" / "2026/11/20/10" / "a.jsonl").touch()
    (capture / "other" / "AllTraffic" / "2026/11/20/11").mkdir(parents=True)
    (capture / "other" / "AllTraffic" / "2026/11/20/11" / "a.jsonl").touch()
    path = written(tmp_path, endpoints={"churn": {"data-quality": {"dataset_source": str(capture), "output_path": str(tmp_path / "out")}}})
    jobs = read_schedule(path).endpoints["churn"]
    wait = timedelta(minutes=20)
    assert not complete(jobs, TEN, wait, TEN.end)
    assert complete(jobs, TEN, wait, TEN.end + wait)
    (capture / "churn" / "AllTraffic" / "2026/11/20/11").mkdir()
    assert not complete(jobs, TEN, wait, TEN.end)
    (capture / "churn" / "AllTraffic" / "2026/11/20/11" / "b.jsonl").touch()
    assert complete(jobs, TEN, wait, TEN.end)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"endpoints": {"churn": {"data-qualty": JOB}}}, "data-qualty: found an unknown job"),
        ({"endpoints": {"churn": {"data-qualty": JOB}}}, "did you mean data-quality?"),
        ({"endpoints": {"churn": {"data-quality": JOB | {"sourse": 1}}}}, "endpoints.churn.data-quality.sourse: found not a setting"),
        ({"endpoints": {"churn": {"data-quality": JOB | {"start_time": "2026-11-20"}}}}, "each run has its own"),
        ({"endpoints": {"churn": {"data-quality": {"output_path": "out"}}}}, "endpoints.churn.data-quality: dataset_source: found nothing"),
        ({"endpoints": {"churn": {"merge": JOB}}}, "endpoints.churn.merge: ground_truth_source: found nothing"),
        ({"endpoints": {"churn": None}}, "endpoints.churn: found no jobs"),
        ({"evry": "1h", "endpoints": {"churn": {"data-quality": JOB}}}, "evry: found an unknown key"),
        ({"every": "5h", "endpoints": {"churn": {"data-quality": JOB}}}, "every: found 5:00:00; expected whole hours that divide a day"),
        ({"wait": "soon", "endpoints": {"churn": {"data-quality": JOB}}}, "wait: found 'soon'; expected seconds, minutes, hours or days"),
        ({"endpoints": {"a/b": {"data-quality": JOB}}}, "endpoints.a/b"),
        ({}, "endpoints: found nothing; expected this key"),
    ],
)
def test_a_slip_is_said_with_its_place(document, said, tmp_path):
    assert said in faults(tmp_path, **document)


def test_a_local_path_is_nothing_for_a_platform_far_away(tmp_path):
    aws = {"topic": "t", "processing": {"image": "i"}}
    path = written(tmp_path, endpoints={"churn": {"data-quality": JOB | {"output_path": str(tmp_path)}}}, aws=aws)
    with pytest.raises(SettingsError, match=r"data-quality\.output_path: found .*; expected a place on S3"):
        template(read_schedule(path), Platform.SAGEMAKER)
    with pytest.raises(SettingsError, match=r"aws\.emr_serverless: found nothing"):
        template(read_schedule(path), Platform.EMR_SERVERLESS)


def test_a_value_that_sagemaker_has_no_room_for_is_told(tmp_path):
    job = JOB | {"exclude_features_attribute": ",".join(map(str, range(100)))}
    path = written(tmp_path, endpoints={"churn": {"data-quality": job}}, aws={"topic": "t", "processing": {"image": "i"}})
    with pytest.raises(SettingsError, match="expected at most 256, SageMaker's limit"):
        template(read_schedule(path), Platform.SAGEMAKER)


def test_the_commands_of_a_run_are_shown():
    shown = CliRunner().invoke(cli, ["schedule", "show", str(EXAMPLE), "--endpoint", "fraud", "--start-time", "2026-11-20T10:00:00Z"])
    assert shown.output.startswith("# fraud: 2026-11-20T10:00:00Z to 2026-11-20T11:00:00Z\nhourglass data-quality --dataset-source s3://")


def test_the_policies_in_conf_are_those_of_the_example(tmp_path):
    to = ["--account", "111122223333", "--region", "eu-west-1", "--output-path", str(tmp_path)]
    assert CliRunner().invoke(cli, ["schedule", "policies", str(EXAMPLE), *to]).exit_code == 0
    kept = ROOT / "conf" / "iam"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {path.name: path.read_text() for path in kept.iterdir()}


# what an action of S3 is called as an operation, where the two are not the same; other services have one name
OPERATIONS = {"s3:ListBucket": "ListObjectsV2"}
CLIENTS = {"ecr": "ecr", "emr-serverless": "emr-serverless", "states": "stepfunctions"}
WITHOUT_RESOURCES = {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"}
NO_OPERATION = {"iam:PassRole"}  # a right to name a role in other operations


@pytest.mark.parametrize("platform", Platform)
def test_policies_name_actions_that_aws_has_and_resources_where_it_has_them(platform):
    for name, document in policies(read_schedule(str(EXAMPLE)), platform, "111122223333", "eu-west-1").items():
        assert document["Version"] == "2012-10-17"
        for statement in document["Statement"]:
            assert (statement["Resource"] == ["*"]) == (set(statement["Action"]) <= WITHOUT_RESOURCES), (name, statement)
            assert all(resource.startswith("arn:") for resource in statement["Resource"] if resource != "*")
            for action in set(statement["Action"]) - NO_OPERATION:
                service = action.partition(":")[0]
                known = boto3.client(CLIENTS.get(service, service), region_name="eu-west-1").meta.service_model.operation_names
                assert OPERATIONS.get(action, action.partition(":")[2]) in known, action


def test_a_role_may_write_only_what_its_jobs_settings_say():
    (statement,) = (
        statement
        for statement in policies(read_schedule(str(EXAMPLE)), Platform.SAGEMAKER, "1", "r")["merge"]["Statement"]
        if "s3:PutObject" in statement["Action"]
    )
    assert statement["Resource"] == ["arn:aws:s3:::bucket/merged/churn", "arn:aws:s3:::bucket/merged/churn/*"]


def resources(tmp_path, command, job, action):
    path = written(tmp_path, endpoints={"churn": {command: job}}, aws={"topic": "t", "processing": {"image": "i"}})
    document = policies(read_schedule(path), Platform.SAGEMAKER, "1", "r")[command]
    return {resource for statement in document["Statement"] if action in statement["Action"] for resource in statement["Resource"]}


def test_a_folder_with_a_dot_in_its_name_is_a_folder(tmp_path):
    """What it is, its setting says."""
    job = JOB | {"dataset_source": "s3://b/in.v2", "output_path": "s3://b/reports/v1.2"}
    assert resources(tmp_path, "data-quality", job, "s3:PutObject") == {f"arn:aws:s3:::b/reports/v1.2{end}" for end in ("", "/*")}
    assert "arn:aws:s3:::b/in.v2/*" in resources(tmp_path, "data-quality", job, "s3:GetObject")


def test_what_a_job_looks_for_beside_its_baseline_is_its_to_read(tmp_path):
    """Of data quality the statistics only where they have no place of their own."""
    job = JOB | {"baseline_constraints": "s3://b/base/constraints.json"}
    found = resources(tmp_path, "data-quality", job, "s3:GetObject")
    assert {name.rpartition("/")[2] for name in found if "/base/" in name} == {
        "constraints.json",
        "statistics.json",
        "calibration.json",
        "baseline_states.parquet",
    }
    named = resources(tmp_path, "data-quality", job | {"baseline_statistics": "s3://b/else/statistics.json"}, "s3:GetObject")
    assert "arn:aws:s3:::b/base/statistics.json" not in named


def test_the_states_language_has_no_room_for_another_meaning(tmp_path):
    """A text with ${…} is the user's, not CloudFormation's."""
    job = JOB | {"sagemaker_endpoint_datacapture_prefix": "${Topic2}"}
    path = written(tmp_path, endpoints={"churn": {"data-quality": job}}, aws={"topic": "t", "processing": {"image": "i"}})
    definition = template(read_schedule(path), Platform.SAGEMAKER)["Resources"]["MachineChurn"]["Properties"]["DefinitionString"]
    assert "${!Topic2}" in definition["Fn::Sub"]
    assert json.dumps(definition).count("${RoleDataQuality.Arn}") == 1
