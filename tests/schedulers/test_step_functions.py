"""A schedule's CloudFormation template: held against AWS's own rules, made by moto, and its state machines run by moto's interpreter."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import moto.core.config
import pyarrow.fs as pafs
import pytest
import yaml
from botocore.validate import ParamValidator
from cfnlint import lint_all

from hourglass import storage
from hourglass.capture.window import Window
from hourglass.outputs.documents import QUARANTINE
from hourglass.schedules.policies import policies
from hourglass.schedules.schedule import read_schedule
from hourglass.schedules.state_machine import Platform, state_machine
from hourglass.schedules.template import template
from tests import servers
from tests.schedulers import state_machines
from tests.schedulers.conftest import QUALITY
from tests.schedulers.gate import Gate, gate

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "conf" / "schedule.yaml"
ENDPOINT = "adult-income"
DAY = "2026/11/20"
MACHINE, TOPIC, RULE = "AWS::StepFunctions::StateMachine", "AWS::SNS::Topic", "AWS::Events::Rule"
PATIENCE = 150
ACCOUNT, REGION = "123456789012", "us-east-1"  # moto's


def faults_of(document: Any) -> list[str]:
    """cfn-lint's errors and warnings; its mere advice is left out, as its own command does."""
    return [str(match) for match in lint_all(json.dumps(document)) if match.rule.id[0] in "EW"]


def machine(definition: dict[str, Any]) -> dict[str, Any]:
    """A template of a state machine alone: cfn-lint looks into a definition that is an object, and not into a text with ARNs to come."""
    properties = {"Definition": definition, "RoleArn": "arn:aws:iam::111122223333:role/house"}
    return {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}


@pytest.mark.parametrize("platform", Platform)
def test_the_template_of_the_example_is_what_aws_takes(platform):
    """cfn-lint knows CloudFormation's schemas, the states language, and IAM's policies with their actions."""
    schedule = read_schedule(str(EXAMPLE))
    made = template(schedule, platform)
    assert faults_of(made) == []
    assert faults_of(machine(state_machine(schedule, "churn", platform))) == []
    assert len(json.dumps(made)) < 51_200  # what CloudFormation takes without a detour by S3


def test_a_fault_in_a_state_machine_would_be_noticed():
    definition = state_machine(read_schedule(str(EXAMPLE)), "churn", Platform.SAGEMAKER)
    definition["States"]["Jobs"]["Branches"][0]["States"]["data-quality"]["Retry"] = [{"ErrorEqual": ["States.ALL"]}]
    assert faults_of(machine(definition))


def test_a_fault_in_a_policy_would_be_noticed():
    made = template(read_schedule(str(EXAMPLE)), Platform.SAGEMAKER)
    made["Resources"]["RoleRule"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = ["states:StartExecutions"]
    assert faults_of(made)


NAMES = {Platform.SAGEMAKER: "house", Platform.EMR_SERVERLESS: "serverless"}


def documents(bucket: str, platform: Platform) -> dict[str, Any]:
    """The schedule of the run: everything lies on S3."""
    labelled = {
        "dataset_source": f"{bucket}/merged",
        "dataset_format": {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}},
    }
    reports = f"{bucket}/reports/{NAMES[platform]}"
    local = {"engine": "local"}  # Spark would be most of the test's time
    return {
        "name": NAMES[platform],
        "wait": "20min",
        "label_delay": "1h",
        "retries": 1,
        "retry_wait": "1s",
        "jobs": {
            "merge": {
                "dataset_source": f"{bucket}/capture",
                "ground_truth_source": f"{bucket}/ground-truth",
                "output_path": f"{bucket}/merged",
                **local,
            },
            "data-quality": {
                "dataset_source": f"{bucket}/capture",
                "baseline_constraints": f"{bucket}/baseline/constraints.json",
                "baseline_statistics": f"{bucket}/baseline/statistics.json",
                "output_path": f"{reports}/data-quality",
                "state_root": f"{bucket}/states",
                "publish_cloudwatch_metrics": "Enabled",
                "publish": "put-metric-data",
                **local,
            },
            "model-quality": {
                **labelled,
                **QUALITY,
                "baseline_constraints": f"{bucket}/quality-baseline/constraints.json",
                "baseline_statistics": f"{bucket}/quality-baseline/statistics.json",
                "output_path": f"{reports}/model-quality",
                "publish_cloudwatch_metrics": "Enabled",
                "publish": "put-metric-data",
                **local,
            },
            "bias": {
                **labelled,
                "dataset_format": {"sagemakerMergeJson": {}},
                "analysis_config": f"{bucket}/analysis_config.json",
                "baseline_constraints": f"{bucket}/bias-baseline/analysis.json",
                "output_path": f"{reports}/bias",
                "state_root": f"{bucket}/states",
                **local,
            },
            "attribution": {
                "dataset_source": f"{bucket}/capture",
                "analysis_config": f"{bucket}/explained.json",
                "model": f"{bucket}/model.py",
                "output_path": f"{reports}/attribution",
                "sample_rows": 20,
                **local,
            },
        },
        "endpoints": {ENDPOINT: None},
        "aws": {
            "topic": f"{NAMES[platform]}-violations",
            "processing": {"image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/hourglass:0.1.0"},
            "emr_serverless": {"application": "00f1abcdexample1", "scripts": f"{bucket}/jobs"},
        },
    }


MODEL = """
def predict(rows):
    return 1 / (1 + 2.718 ** (8 - rows["age"].fillna(40) / 10 - rows["education_years"].fillna(10) / 4))
"""


@dataclass
class Cloud:
    """What the stacks made in moto, the jobs that were run, and before the object store a gate for each role."""

    bucket: str
    server: str
    platform: state_machines.Platform
    gates: dict[str, tuple[Gate, Gate]]
    machines: dict[Platform, str] = field(default_factory=dict)
    queues: dict[Platform, str] = field(default_factory=dict)
    stacks: dict[Platform, dict[str, str]] = field(default_factory=dict)

    def run(self, kind: Platform, at: str) -> dict[str, Any]:
        """Starts the state machine with the event that its rule sends, and waits for its end."""
        states = boto3.client("stepfunctions", endpoint_url=self.server)
        self.platform.jobs.clear()
        event = json.dumps({"time": at, "source": "aws.events", "detail-type": "Scheduled Event"})
        arn = states.start_execution(stateMachineArn=self.machines[kind], name=str(uuid.uuid4()), input=event)["executionArn"]
        deadline = time.monotonic() + PATIENCE
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, states.get_execution_history(executionArn=arn)["events"][-3:]
            time.sleep(0.1)
        return dict(found)

    def told(self, kind: Platform) -> list[dict[str, Any]]:
        """What the topic's subscriber got since it was asked last."""
        queues = boto3.client("sqs", endpoint_url=self.server)
        found = queues.receive_message(QueueUrl=self.queues[kind], MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            queues.delete_message(QueueUrl=self.queues[kind], ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found]


@pytest.fixture(scope="module")
def cloud(traffic: Path, object_store: servers.ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    place = tmp_path_factory.mktemp("cloud")
    bucket = object_store.create_bucket("schedulers")
    name = bucket.removeprefix("s3://")
    for folder in ("capture", "ground-truth", "baseline", "quality-baseline", "bias-baseline"):
        pafs.copy_files(f"{traffic / folder}", f"{name}/{folder}", destination_filesystem=storage.filesystem(bucket)[0])
    headers = ["age", "education_years"]
    explained = {"headers": headers, "methods": {"shap": {"num_samples": 20}}}
    files = {"model.py": MODEL.encode(), "explained.json": json.dumps(explained).encode()}
    storage.write_files(bucket, files | {"analysis_config.json": (traffic / "analysis_config.json").read_bytes()})
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        server = stack.enter_context(servers.cloudwatch_server())
        patch.setenv("MOTO_PORT", server.rpartition(":")[2])
        gates: dict[str, tuple[Gate, Gate]] = {}
        platform = state_machines.Platform(
            place, lambda role: {"AWS_ENDPOINT_URL": gates[role][0].endpoint, "AWS_ENDPOINT_URL_CLOUDWATCH": gates[role][1].endpoint}
        )
        cloud = Cloud(bucket, server, platform, gates)
        for kind, name in NAMES.items():
            path = place / f"{name}.yaml"
            path.write_text(yaml.safe_dump(documents(bucket, kind)))
            schedule = read_schedule(str(path))
            made = json.dumps(template(schedule, kind))
            boto3.client("cloudformation", endpoint_url=server).create_stack(
                StackName=name, TemplateBody=made, Capabilities=["CAPABILITY_NAMED_IAM"]
            )
            cloud.stacks[kind] = {what: resource(server, name, what) for what in (MACHINE, TOPIC, RULE)}
            cloud.queues[kind] = subscribed(server, name, cloud.stacks[kind][TOPIC])
            for role, policy in policies(schedule, kind, ACCOUNT, REGION).items():
                gates[f"{name}-{role}"] = (
                    stack.enter_context(gate(object_store.endpoint)),
                    stack.enter_context(gate(server, "cloudwatch")),
                )
                for one in gates[f"{name}-{role}"]:
                    one.policy = policy
        # moto's interpreter does not know the machines that its CloudFormation has made
        states = boto3.client("stepfunctions", endpoint_url=server)
        made_by_stack = {kind: states.describe_state_machine(stateMachineArn=found[MACHINE]) for kind, found in cloud.stacks.items()}
        patch.setitem(moto.core.config.default_user_config["stepfunctions"], "execute_state_machine", True)
        for kind, found in made_by_stack.items():
            parts = {key: found[key] for key in ("name", "definition", "roleArn")}
            cloud.machines[kind] = states.create_state_machine(**parts)["stateMachineArn"]
        looks = gates["serverless-state-machine"][0].endpoint
        stack.enter_context(state_machines.interpreter(platform, looks))
        yield cloud


def resource(server: str, stack: str, kind: str) -> str:
    found = boto3.client("cloudformation", endpoint_url=server).list_stack_resources(StackName=stack)["StackResourceSummaries"]
    (name,) = [resource["PhysicalResourceId"] for resource in found if resource["ResourceType"] == kind]
    return str(name)


def subscribed(server: str, name: str, topic: str) -> str:
    queues = boto3.client("sqs", endpoint_url=server)
    queue = str(queues.create_queue(QueueName=name)["QueueUrl"])
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns", endpoint_url=server).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


@dataclass(frozen=True)
class Run:
    """An execution at its end: its description, what it said of each job, the jobs that it ran, what the topic's subscriber got."""

    found: dict[str, Any]
    jobs: list[dict[str, Any]]
    told: list[dict[str, Any]]

    @property
    def said(self) -> dict[str, dict[str, Any]]:
        return {job["job"]: job for job in json.loads(self.found["output"])}


def run(cloud: Cloud, platform: Platform, at: str) -> Run:
    found = cloud.run(platform, at)
    return Run(found, [*cloud.platform.jobs], cloud.told(platform))


@pytest.fixture(scope="module")
def processed(cloud: Cloud) -> Run:
    """The hour from 10 on SageMaker Processing: a quarter of workclass is null. An earlier run has left bad lines, which are no more."""
    for job in ("data-quality", "model-quality", "bias", "attribution"):
        storage.write_files(f"{cloud.bucket}/reports/house/{job}", {QUARANTINE: b"{}\n"})
    return run(cloud, Platform.SAGEMAKER, "2026-11-20T11:20:00Z")


@pytest.fixture(scope="module")
def submitted(cloud: Cloud) -> Run:
    """The same on EMR Serverless, while the baseline of model quality is not there."""
    storage.remove(f"{cloud.bucket}/quality-baseline/constraints.json")
    return run(cloud, Platform.EMR_SERVERLESS, "2026-11-20T11:59:59Z")


def test_a_stack_has_a_rule_that_starts_its_state_machine(cloud):
    events = boto3.client("events", endpoint_url=cloud.server)
    for platform, made in cloud.stacks.items():
        rule = made[RULE].rpartition("/")[2]
        assert events.describe_rule(Name=rule)["ScheduleExpression"] == "cron(20 * * * ? *)"
        (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
        assert target["Arn"] == made[MACHINE] == cloud.machines[platform]
        assert target["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{NAMES[platform]}-rule"


def test_all_jobs_of_a_run_are_done_each_with_its_own_hours(processed):
    assert processed.found["status"] == "SUCCEEDED", processed.found.get("cause")
    hours = {job: said["start"] for job, said in processed.said.items()}
    captures, labels = "2026-11-20T10:00:00Z", "2026-11-20T09:00:00Z"
    assert hours == {"data-quality": captures, "attribution": captures, "model-quality": labels, "bias": labels}
    assert [job["name"].split("-adult")[0] for job in processed.jobs].count("house-merge") == 1


def test_violations_are_told_to_the_topic_with_the_place_of_their_report(cloud, processed):
    (message,) = processed.told
    assert "data-quality" in message["Subject"]
    assert message["Message"].startswith(f"data-quality of {ENDPOINT}, 2026-11-20T10:00:00Z: CompletedWithViolations: ")
    folder = message["Message"].split("\n")[0].rpartition(" ")[2]
    assert folder == f"{cloud.bucket}/reports/house/data-quality/{DAY}/10/"
    assert json.loads(storage.read_bytes(f"{folder}constraint_violations.json"))["violations"]


def test_what_sagemaker_is_asked_for_is_what_its_model_knows(processed):
    shape = boto3.client("sagemaker").meta.service_model.operation_model("CreateProcessingJob").input_shape
    for job in processed.jobs:
        assert ParamValidator().validate(job["asked"], shape).generate_report() == ""
        assert re.fullmatch(shape.members["ProcessingJobName"].metadata["pattern"], job["name"])
        assert len(job["name"]) <= shape.members["ProcessingJobName"].metadata["max"]


def test_a_job_that_fails_is_tried_again_and_told_while_the_others_go_on(submitted):
    assert submitted.found["status"] == "FAILED"
    names = [job["name"].split()[1] for job in submitted.jobs]
    assert names.count("model-quality") == 2  # retries: 1
    assert {name: names.count(name) for name in set(names) - {"model-quality"}} == dict.fromkeys(
        ("merge", "data-quality", "bias", "attribution"), 1
    )
    assert submitted.found["error"] == "Hourglass.JobFailed"
    (message,) = submitted.told
    assert message["Subject"] == f"{ENDPOINT}: data-quality, model-quality"
    assert "CompletedWithViolations: see constraint_violations.json" in message["Message"]
    assert "model-quality of adult-income, 2026-11-20T09:00:00Z: Job failed" in message["Message"]


def test_what_emr_serverless_is_asked_for_is_what_its_model_knows(submitted):
    shape = boto3.client("emr-serverless").meta.service_model.operation_model("StartJobRun").input_shape
    for job in submitted.jobs:
        asked = job["asked"] | {"ClientToken": "made by Step Functions"}
        assert ParamValidator().validate(camel(asked), shape).generate_report() == ""


def camel(document: Any) -> Any:
    """Step Functions spells all keys with a capital, the service's own model does not."""
    if isinstance(document, dict):
        return {key[:1].lower() + key[1:]: camel(value) for key, value in document.items()}
    return document


def test_each_job_did_with_its_roles_rights_and_used_every_one_of_them(cloud, processed, submitted):
    """The gates let nothing else through. What a role may and its job did not need is more than the least."""
    assert (processed.found["status"], submitted.found["error"]) == ("SUCCEEDED", "Hourglass.JobFailed")
    refused = {role: gates[0].refused | gates[1].refused for role, gates in cloud.gates.items()}
    assert {role: rights for role, rights in refused.items() if rights} == {}
    for role in ("merge", "data-quality", "model-quality", "bias", "attribution"):
        store, metrics = cloud.gates[f"house-{role}"]
        used = {action for action, _ in store.asked | metrics.asked}
        allowed = {
            action
            for statement in store.policy["Statement"]
            for action in statement["Action"]
            if action.partition(":")[0] in {"s3", "cloudwatch"}
        }
        assert used == allowed, role


def test_a_job_without_a_right_says_so(cloud):
    """The gate is closed where a statement is missing: so the rights that are there are needed."""
    schedule = read_schedule(str(cloud.platform.place / "house.yaml"))
    policy = policies(schedule, Platform.SAGEMAKER, ACCOUNT, REGION)["data-quality"]
    less = [statement for statement in policy["Statement"] if statement["Sid"] != "WhatIsRead"]
    with gate(cloud.platform.environment_of("house-data-quality")["AWS_ENDPOINT_URL"]) as closed:
        closed.policy = {**policy, "Statement": less}
        words = next(job for job in schedule.endpoints[ENDPOINT] if job.command == "data-quality").words(Window.of_hour(f"{DAY}/10"))
        done = subprocess.run(
            [Path(sys.executable).with_name("hourglass"), *words],
            env={**os.environ, "AWS_ENDPOINT_URL": closed.endpoint},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "access denied" in done.stderr
