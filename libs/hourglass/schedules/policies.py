"""Which rights each role needs, as IAM policy documents: no more than what its job's settings name.

A job lists the buckets that it reads or writes, reads what it reads, writes what it writes; its metrics go to its own
namespace, its logs to the platform's group. Who runs the jobs may start them, pass them their roles, and tell the topic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hourglass.schedules.schedule import MERGE, EmrServerless, Job, Processing, Schedule
from hourglass.schedules.state_machine import READ, READ_FOLDERS, SCRIPTS, WRITTEN, Platform, need_aws, places, role_of
from hourglass.storage import join

Document = dict[str, Any]
Statement = dict[str, Any]

STATE_MACHINE = "state-machine"
RULE = "rule"
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
_IMAGE = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)")
_NAMESPACES = {
    MERGE: "model-metrics",
    "data-quality": "data-metrics",
    "model-quality": "model-metrics",
    "bias": "bias-metrics",
    "attribution": "explainability-metrics",
}
_BESIDE = {  # the baseline, by command
    "data-quality": ("baseline_states.parquet", "calibration.json", "statistics.json"),
    "attribution": ("background.json", "baseline_states.parquet", "model_metadata.json"),
}
_SERVICES = {Platform.SAGEMAKER: "sagemaker.amazonaws.com", Platform.EMR_SERVERLESS: "emr-serverless.amazonaws.com"}


def policies(schedule: Schedule, platform: Platform, account: str, region: str) -> dict[str, Document]:
    """A document for each kind of job of a schedule by its command, for its state machines, and for the rules that start them."""
    told = need_aws(schedule, platform)
    jobs = [job for jobs in schedule.endpoints.values() for job in jobs]
    commands = dict.fromkeys(job.command for job in jobs)
    found = {
        command: _document(
            [*job_statements([job for job in jobs if job.command == command], account, region), *_platform(told, command, account, region)]
        )
        for command in commands
    }
    found[STATE_MACHINE] = _document(_state_machine(schedule, platform, told, [*commands], jobs, account, region))
    machines = [f"arn:aws:states:{region}:{account}:stateMachine:{machine_name(schedule, endpoint)}" for endpoint in schedule.endpoints]
    found[RULE] = _document([_allow("StartTheRuns", ["states:StartExecution"], machines)])
    return found


def trust(service: str) -> Document:
    """Who may take a role: an AWS service."""
    principal = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [principal]}


def trusted(name: str, platform: Platform) -> str:
    """The service that takes the role of a document."""
    return {STATE_MACHINE: "states.amazonaws.com", RULE: "events.amazonaws.com"}.get(name, _SERVICES[platform])


def machine_name(schedule: Schedule, endpoint: str) -> str:
    """What an endpoint's state machine is called, and the rule that starts it."""
    return f"{schedule.document.name}-{endpoint}"


def role_name(schedule: Schedule, name: str) -> str:
    """What the role of a document is called."""
    return f"{schedule.document.name}-{name}"


def job_statements(jobs: Iterable[Job], account: str, region: str) -> list[Statement]:
    """What jobs do wherever they run: S3, CloudWatch, and a model that is asked behind an endpoint."""
    jobs = list(jobs)
    folders = {place for job in jobs for name, place in places(job).items() if name in READ_FOLDERS}
    read = {place for job in jobs for name, place in places(job).items() if name in READ and name not in READ_FOLDERS}
    read |= {beside for job in jobs for beside in _beside_the_baseline(job)}
    written = {place for job in jobs for name, place in places(job).items() if name in WRITTEN}
    buckets = {place.removeprefix("s3://").partition("/")[0] for place in folders | read | written}
    statements = [
        _allow("NamesOfKeys", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}" for bucket in buckets]),
        _allow("WhatIsRead", ["s3:GetObject"], [*_folders(folders), *_objects(read)]),
        _allow("WhatIsWritten", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], _folders(written)),
    ]
    published = {_NAMESPACES[job.command] for job in jobs if job.checked.publish_cloudwatch_metrics == "Enabled"}
    if published:
        spaces = [f"aws/sagemaker/{whose}/{name}" for name in sorted(published) for whose in ("Endpoints", "ModelMonitoring")]
        condition = {"StringEquals": {"cloudwatch:namespace": spaces}}
        statements.append({**_allow("Metrics", ["cloudwatch:PutMetricData"], ["*"]), "Condition": condition})
    asked = {
        job.checked.model.removeprefix("sagemaker:")
        for job in jobs
        if (job.checked.model or "").startswith("sagemaker:") and job.checked.model
    }
    if asked:
        endpoints = [f"arn:aws:sagemaker:{region}:{account}:endpoint/{name.lower()}" for name in asked]
        statements.append(_allow("TheModel", ["sagemaker:InvokeEndpoint"], endpoints))
    return statements


def _platform(told: Processing | EmrServerless, command: str, account: str, region: str) -> list[Statement]:
    """What a job needs to be there at all: its image and its log, or its script and the packed environment."""
    if isinstance(told, EmrServerless):
        archives = re.findall(r"s3://[^\s,#]+", told.spark_submit_parameters)
        return [_allow("Program", ["s3:GetObject"], map(_arn, [f"{told.scripts.rstrip('/')}/{SCRIPTS[command]}", *archives]))]
    group = f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/ProcessingJobs"
    statements = [_allow("Log", _LOGS, [group, f"{group}:log-stream:*"])]
    image = _ECR.match(told.image)
    if image:
        repository = f"arn:aws:ecr:{image['region']}:{image['account']}:repository/{image['repository']}"
        statements += [_allow("Registry", ["ecr:GetAuthorizationToken"], ["*"]), _allow("Image", _IMAGE, [repository])]
    return statements


def _state_machine(
    schedule: Schedule,
    platform: Platform,
    told: Processing | EmrServerless,
    commands: list[str],
    jobs: list[Job],
    account: str,
    region: str,
) -> list[Statement]:
    assert schedule.document.aws is not None  # noqa: S101 for mypy
    roles = [f"arn:aws:iam::{account}:role/{role_name(schedule, command)}" for command in commands]
    passing = {
        **_allow("TheJobsRoles", ["iam:PassRole"], roles),
        "Condition": {"StringEquals": {"iam:PassedToService": _SERVICES[platform]}},
    }
    topic = _allow("Topic", ["sns:Publish"], [f"arn:aws:sns:{region}:{account}:{schedule.document.aws.topic}"])
    if isinstance(told, EmrServerless):
        application = f"arn:aws:emr-serverless:{region}:{account}:/applications/{told.application}"
        reports = _folders({job.report for job in jobs if job.report is not None})
        buckets = {arn.partition("/")[0] for arn in reports}
        start = [
            _allow("StartJobs", ["emr-serverless:StartJobRun"], [application]),
            _allow("FollowJobs", ["emr-serverless:CancelJobRun", "emr-serverless:GetJobRun"], [f"{application}/jobruns/*"]),
            _allow("NamesOfKeys", ["s3:ListBucket"], buckets),
            _allow("Reports", ["s3:GetObject"], [arn + "/constraint_violations.json" for arn in reports if arn.endswith("/*")]),
        ]
        rule = "StepFunctionsGetEventsForEMRServerlessJobRule"
    else:
        names = [
            f"arn:aws:sagemaker:{region}:{account}:processing-job/{schedule.document.name.lower()}-{command}-*" for command in commands
        ]
        do = ("sagemaker:AddTags", "sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob")
        start = [_allow("Jobs", do, names)]
        rule = "StepFunctionsGetEventsForSageMakerProcessingJobsRule"
    # how Step Functions hears of a job's end
    ends = _allow(
        "EndsOfJobs", ["events:DescribeRule", "events:PutRule", "events:PutTargets"], [f"arn:aws:events:{region}:{account}:rule/{rule}"]
    )
    return [*start, passing, ends, topic]


def roles(schedule: Schedule, platform: Platform, account: str, region: str) -> Mapping[str, Document]:
    """The roles as CloudFormation makes them, by their logical names."""
    return {
        role_of(name): {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": role_name(schedule, name),
                "AssumeRolePolicyDocument": trust(trusted(name, platform)),
                "Policies": [{"PolicyName": name, "PolicyDocument": document}],
            },
        }
        for name, document in policies(schedule, platform, account, region).items()
    }


def _beside_the_baseline(job: Job) -> list[str]:
    """The files that a job looks for beside its baseline."""
    said = places(job)
    baseline = said.get("baseline_constraints", "")
    if not baseline.endswith(".json"):
        return []
    names = [name for name in _BESIDE.get(job.command, ()) if name != "statistics.json" or "baseline_statistics" not in said]
    return [join(baseline.rpartition("/")[0], name) for name in names]


def _arn(path: str) -> str:
    return f"arn:aws:s3:::{path.removeprefix('s3://')}"


def _folders(paths: Iterable[str]) -> list[str]:
    """The ARN under which a folder's keys lie, and its own, which is asked for itself."""
    return [arn for path in paths for arn in (_arn(path), f"{_arn(path)}/*")]


def _objects(paths: Iterable[str]) -> list[str]:
    """A file's own ARN; those of a folder for what has no ending."""
    return [arn for path in paths for arn in ([_arn(path)] if "." in path.rpartition("/")[2] else _folders([path]))]


def _allow(purpose: str, actions: Iterable[str], resources: Iterable[str]) -> Statement:
    return {"Sid": purpose, "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(set(resources))}


def _document(statements: list[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": [statement for statement in statements if statement["Resource"]]}
