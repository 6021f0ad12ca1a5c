"""A schedule's run of one endpoint as a state machine of AWS Step Functions, in the Amazon States Language with JSONata.

    Hours → Jobs, side by side: data-quality, attribution; merge → model-quality, bias
          → Found anything? → Tell (SNS) → Failed? → end

Its input is `{"time": "2026-11-21T10:20:00Z"}`, as an EventBridge rule sends it: the run is about the last whole hours that
ended `wait` before.
A job that fails is tried again, then told; the other jobs go on, and the execution fails at its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from hourglass.capture.window import HOUR
from hourglass.errors import InputError, SettingsError
from hourglass.schedules.schedule import MERGE, Document, EmrServerless, Job, Processing, Schedule, flag

_TO_BEGIN_S = 900  # until a job has its machine
_NO_PLACE = re.compile(r"(?!s3:)[a-z]+:")  # a model behind an endpoint or an address
_HOUR_MS = 3_600_000
_LONGEST_CAUSE = 2000  # SageMaker's is the whole description of the job
_LONGEST_VALUE = 256  # of an environment variable of a processing job
_LONGEST_NAME = 63  # of a processing job
_TIME = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z"
_FOLDER = "[Y0001]/[M01]/[D01]/[H01]"
_VIOLATION = "constraint_check_type"  # each entry of a violations file has one


class Platform(StrEnum):
    """Who runs the jobs."""

    SAGEMAKER = "sagemaker"
    EMR_SERVERLESS = "emr-serverless"


def state_machine(schedule: Schedule, endpoint: str, platform: Platform) -> dict[str, Any]:
    """An endpoint's state machine; `${RoleMerge}` and the like stand for the ARNs that CloudFormation knows.

    SettingsError where the schedule does not say what the platform needs to know.
    """
    need_aws(schedule, platform)
    document = schedule.document
    jobs = schedule.endpoints[endpoint]
    merge = [job for job in jobs if job.command == MERGE]
    branches = [_branch(schedule, [job], platform) for job in jobs if not job.after_merge and job.command != MERGE]
    after = [job for job in jobs if job.after_merge]
    branches += [_merge_branch(schedule, job, after, platform) for job in merge]
    return {
        "Comment": f"Monitors of {endpoint}; made by hourglass schedule",
        "QueryLanguage": "JSONata",
        "StartAt": "Hours",
        "States": {
            "Hours": {"Type": "Pass", "Assign": {"end": _last_whole_hours(document)}, "Next": "Jobs"},
            "Jobs": {
                "Type": "Parallel",
                "Branches": branches,
                "Output": "{% $reduce($states.result, $append, []) %}",
                "Next": "Found anything?",
            },
            "Found anything?": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $count($states.input[alarm]) > 0 %}", "Next": "Tell"}],
                "Default": "All is well",
            },
            "Tell": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sns:publish",
                "Arguments": {
                    "TopicArn": "${Topic}",
                    "Subject": f"{{% $substring('{endpoint}: ' & $join($states.input[alarm].job, ', '), 0, 99) %}}",
                    "Message": "{% $join($states.input[alarm].(job & ' of "
                    + endpoint
                    + ", ' & start & ': ' & message & ' ' & reports), '\n') %}",
                },
                "Output": "{% $states.input %}",
                "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 10, "MaxAttempts": 3, "BackoffRate": 2}],
                "Next": "Failed?",
            },
            "Failed?": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $count($states.input[failed]) > 0 %}", "Next": "A job failed"}],
                "Default": "All is well",
            },
            "A job failed": {
                "Type": "Fail",
                "Error": "Hourglass.JobFailed",
                "Cause": "{% $join($states.input[failed].(job & ': ' & message), '\n') %}",
            },
            "All is well": {"Type": "Succeed"},
        },
    }


def need_aws(schedule: Schedule, platform: Platform) -> Processing | EmrServerless:
    """What the schedule says of the platform; SettingsError where it says nothing, or where a path is local."""
    aws = schedule.document.aws
    key = "aws.processing" if platform is Platform.SAGEMAKER else "aws.emr_serverless"
    told = None if aws is None else aws.processing if platform is Platform.SAGEMAKER else aws.emr_serverless
    if told is None:
        raise SettingsError([InputError(f"{schedule.path}: {key}", found="nothing", expected=f"what {platform} needs to know")])
    local = [
        InputError(f"{schedule.path}: endpoints.{job.endpoint}.{job.command}.{name}", found=place, expected="a place on S3: s3://…")
        for jobs in schedule.endpoints.values()
        for job in jobs
        for name, place in places(job).items()
        if not place.startswith("s3://")
    ]
    if local:
        raise SettingsError(local)
    return told


def places(job: Job) -> dict[str, str]:
    """The files and folders that a job's settings name."""
    named = job.checked.model_dump(include=set(READ) | set(WRITTEN))
    return {name: place for name, place in named.items() if place is not None and not _NO_PLACE.match(place)}


READ = (
    *("dataset_source", "ground_truth_source", "baseline_constraints", "baseline_statistics", "baseline_states", "analysis_config"),
    *("record_preprocessor_script", "post_analytics_processor_script", "own_metrics", "own_checks", "model"),
)
READ_FOLDERS = ("dataset_source", "ground_truth_source")
WRITTEN = ("output_path", "state_root")


def _last_whole_hours(document: Document) -> str:
    length, wait = document.every // HOUR * _HOUR_MS, int(document.wait.total_seconds() * 1000)
    return f"{{% $floor(($toMillis($states.input.time) - {wait}) / {length}) * {length} %}}"


def _time(hours_before_end: float, picture: str = _TIME) -> str:
    return f"$fromMillis($end - {int(hours_before_end * _HOUR_MS)}, '{picture}')"


def _given(path: str, otherwise: str) -> str:
    return f"($exists({path}) ? {path} : {otherwise})"


def _start(job: Job, document: Document) -> float:
    return (job.delay + document.every) / HOUR


def _branch(schedule: Schedule, jobs: Iterable[Job], platform: Platform) -> dict[str, Any]:
    states: dict[str, Any] = {}
    for job in jobs:
        states |= _job_states(schedule, job, platform)
    return {"StartAt": next(iter(states)), "States": states}


def _merge_branch(schedule: Schedule, merge: Job, after: list[Job], platform: Platform) -> dict[str, Any]:
    states = _job_states(schedule, merge, platform)
    if after:
        states[MERGE] = {**states[MERGE], "Next": "What reads merged records", "Output": {}}
        del states[MERGE]["End"]
        states["What reads merged records"] = {
            "Type": "Parallel",
            "Branches": [_branch(schedule, [job], platform) for job in after],
            "Output": "{% $reduce($states.result, $append, []) %}",
            "End": True,
        }
    return {"StartAt": MERGE, "States": states}


def _job_states(schedule: Schedule, job: Job, platform: Platform) -> dict[str, Any]:
    """A job, what is said of it when it failed, and on EMR, which tells no more than that it is done, a look at its report."""
    document = schedule.document
    retry = {
        "ErrorEquals": ["States.TaskFailed"],
        "IntervalSeconds": int(document.retry_wait.total_seconds()),
        "MaxAttempts": document.retries,
        "BackoffRate": 1,
    }
    failed = f"{job.command} failed"
    run = _processing_job(schedule, job) if platform is Platform.SAGEMAKER else _job_run(schedule, job)
    limit = int(document.time_limit.total_seconds())  # the job's own comes first, and with a message
    why = f"$substring({_given('$states.errorOutput.Cause', '$states.errorOutput.Error')}, 0, {_LONGEST_CAUSE})"
    catch = [{"ErrorEquals": ["States.ALL"], "Assign": {"why": f"{{% {why} %}}"}, "Next": failed}]
    main = {"Type": "Task", **run, "TimeoutSeconds": limit + _TO_BEGIN_S, "Retry": [retry], "Catch": catch}
    states = {
        job.command: {**main, "End": True},
        failed: {"Type": "Pass", "Output": _said(document, job, "$why", failed=True), "End": True},
    }
    if platform is Platform.SAGEMAKER:
        states[job.command]["Output"] = _said(document, job, _given("$states.result.ExitMessage", "''"))
    elif job.report is None:
        states[job.command]["Output"] = _said(document, job, "'Completed'")
    else:
        look, none = f"{job.command} report", f"{job.command} without violations"
        states[job.command] = {**main, "Next": look}
        states[look] = _look(document, job, [{"ErrorEquals": ["S3.NoSuchKeyException"], "Next": none}, *catch])
        states[none] = {"Type": "Pass", "Output": _said(document, job, "'Completed'"), "End": True}
    return states


def _said(document: Document, job: Job, message: str, *, failed: bool = False) -> dict[str, Any]:
    """What is known of a job at its end; an alarm is a failure, or a message that has violations."""
    reports = job.checked.output_path
    if job.report is not None:
        reports = f"{{% {json.dumps(f'{job.report}/')} & {_time(_start(job, document), _FOLDER)} & '/' %}}"
    return {
        "job": job.command,
        "start": f"{{% {_time(_start(job, document))} %}}",
        "message": f"{{% {message} %}}",
        "reports": reports,
        "failed": failed,
        "alarm": True if failed else f"{{% $contains({message}, 'CompletedWithViolations') %}}",
    }


def _processing_job(schedule: Schedule, job: Job) -> dict[str, Any]:
    """A processing job of SageMaker's, whose container reads and writes S3 itself: no volume holds the data."""
    told = need_aws(schedule, Platform.SAGEMAKER)
    assert isinstance(told, Processing)  # noqa: S101 for mypy
    document = schedule.document
    said = job.environment()
    for key, text in said.items():
        if len(text) > _LONGEST_VALUE:
            subject = f"{schedule.path}: endpoints.{job.endpoint}.{job.command}.{key}"
            raise SettingsError(
                [InputError(subject, found=f"{len(text)} characters", expected=f"at most {_LONGEST_VALUE}, SageMaker's limit")]
            )
    # a long endpoint is cut; the execution, and which try it is, tell jobs apart
    name = f"{document.name}-{job.command}-{job.endpoint}"[: _LONGEST_NAME - len("-2026112109-12345678-10")].rstrip("-")
    execution = "$substring($replace($states.context.Execution.Name, /[^a-zA-Z0-9]/, ''), 0, 8)"
    unique = f"{_time(_start(job, document), '[Y0001][M01][D01][H01]')} & '-' & {execution}"
    times = {"start_time": _start(job, document), "end_time": job.delay / HOUR}
    return {
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Arguments": {
            "ProcessingJobName": f"{{% '{name}-' & {unique} & '-' & $string($states.context.State.RetryCount) %}}",
            "AppSpecification": {"ImageUri": told.image},
            "Environment": {**said, **{key: f"{{% {_time(before)} %}}" for key, before in times.items()}},
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": told.instances,
                    "InstanceType": told.instance_type,
                    "VolumeSizeInGB": told.volume_gb,
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": int(document.time_limit.total_seconds())},
            "RoleArn": f"${{{role_of(job.command)}.Arn}}",
        },
    }


def _job_run(schedule: Schedule, job: Job) -> dict[str, Any]:
    """A job run of EMR Serverless: spark-submit with the script of `jobs/` and the command's own flags."""
    told = need_aws(schedule, Platform.EMR_SERVERLESS)
    assert isinstance(told, EmrServerless)  # noqa: S101 for mypy
    document = schedule.document
    flags = [word for name, text in job.environment().items() if name != "analysis_type" for word in flag(name, text)]
    window = f"'--start-time', {_time(_start(job, document))}, '--end-time', {_time(job.delay / HOUR)}"
    submit = {
        "EntryPoint": f"{told.scripts.rstrip('/')}/{SCRIPTS[job.command]}",
        "EntryPointArguments": f"{{% $append({json.dumps(flags)}, [{window}]) %}}",
        **({"SparkSubmitParameters": told.spark_submit_parameters} if told.spark_submit_parameters else {}),
    }
    return {
        "Resource": "arn:aws:states:::emr-serverless:startJobRun.sync",
        "Arguments": {
            "ApplicationId": told.application,
            "ExecutionRoleArn": f"${{{role_of(job.command)}.Arn}}",
            "Name": f"{{% '{job.endpoint} {job.command} ' & {_time(_start(job, document))} %}}",
            "JobDriver": {"SparkSubmit": submit},
        },
    }


SCRIPTS: Mapping[str, str] = {
    MERGE: "ground_truth_merge.py",
    "data-quality": "data_quality.py",
    "model-quality": "model_quality.py",
    "bias": "bias_drift.py",
    "attribution": "attribution_drift.py",
}


def _look(document: Document, job: Job, catch: list[dict[str, Any]]) -> dict[str, Any]:
    """Whether the report has violations, by the beginning of their file: an answer has room for 256 KB only."""
    assert job.report is not None  # noqa: S101 for mypy
    bucket, _, key = job.report.removeprefix("s3://").partition("/")
    folder = _time(_start(job, document), _FOLDER)
    said = f"($contains($states.result.Body, '{_VIOLATION}') ? 'CompletedWithViolations: see constraint_violations.json' : 'Completed')"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {
            "Bucket": bucket,
            "Key": f"{{% {json.dumps(f'{key}/')} & {folder} & '/constraint_violations.json' %}}",
            "Range": "bytes=0-65535",
        },
        "Output": _said(document, job, said),
        "Catch": catch,
        "End": True,
    }


def role_of(command: str) -> str:
    """The logical name of a job's role: RoleDataQuality."""
    return "Role" + "".join(part.capitalize() for part in command.split("-"))
