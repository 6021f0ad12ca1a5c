"""What moto's interpreter of state machines lacks, for as long as a test: JSONata, waiting for jobs (`.sync`), and an S3 of our own.

A processing job, or a job run, is really run: its environment or its arguments, as the state machine made them, in a process
here, with the rights of its role. The rest (Parallel, Choice, Retry, Catch, SNS) is moto's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import jsonata
import pytest
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk as aws_sdk
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory as factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_unsupported import StateTaskServiceUnsupported
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.jsonata import jsonata as evaluator

ROOT = Path(__file__).parents[2]
Environment = Callable[[str], Mapping[str, str]]


@dataclass
class Platform:
    """Runs the jobs that state machines start: in `place`, each with the environment that `environment_of` gives its role."""

    place: Path
    environment_of: Environment
    jobs: list[dict[str, Any]] = field(default_factory=list)

    def process(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A processing job of SageMaker's; its description at its end."""
        name = asked["ProcessingJobName"]
        root = self.place / name
        root.mkdir(parents=True)
        done = self._run(
            [Path(sys.executable).with_name("hourglass"), "run"], asked["RoleArn"], {**asked["Environment"], "container_root": str(root)}
        )
        message = (root / "output" / "message").read_text()
        self.jobs.append({"name": name, "asked": asked, "message": message, "log": done.stderr})
        if done.returncode:
            raise JobFailedError(json.dumps({"ProcessingJobName": name, "ExitMessage": message, "ProcessingJobStatus": "Failed"}))
        return {"ProcessingJobName": name, "ExitMessage": message, "ProcessingJobStatus": "Completed"}

    def submit(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A job run of EMR Serverless."""
        submit = asked["JobDriver"]["SparkSubmit"]
        script = ROOT / "jobs" / submit["EntryPoint"].rpartition("/")[2]
        done = self._run([sys.executable, script, *submit["EntryPointArguments"]], asked["ExecutionRoleArn"], {})
        self.jobs.append({"name": asked["Name"], "asked": asked, "log": done.stderr})
        if done.returncode:
            raise JobFailedError(f"Job failed, please check complete logs: exit code {done.returncode}")
        return {"JobRun": {"Name": asked["Name"], "State": "SUCCESS"}}

    def _run(self, words: list[Any], role: str, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment_of(role.rpartition("/")[2]), **more}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


class JobFailedError(Exception):
    """A job ended, and not well."""


@contextmanager
def interpreter(platform: Platform, s3_endpoint: str) -> Iterator[None]:
    """Moto's interpreter with what it lacks."""
    lock = threading.Lock()

    class Jobs(StateTaskServiceUnsupported):
        def __init__(self) -> None:
            super().__init__()
            self._supported_integration_patterns = {ResourceCondition.Sync}

        def _eval_service_task(self, env: Any, normalised_parameters: dict[str, Any], **_: Any) -> None:
            env.stack.append(normalised_parameters)

        def _eval_integration_pattern(self, env: Any, **_: Any) -> None:
            run = platform.process if self.resource.service_name == "sagemaker" else platform.submit
            asked = env.stack.pop()
            with lock:  # the machine has two cores
                env.stack.append(run(asked))

        def _from_error(self, env: Any, ex: Exception) -> Any:
            if not isinstance(ex, JobFailedError):
                return super()._from_error(env=env, ex=ex)
            name = StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed)
            told = TaskFailedEventDetails(error="States.TaskFailed", cause=str(ex), resource="", resourceType="")
            return FailureEvent(
                env=env, error_name=name, event_type=HistoryEventType.TaskFailed, event_details=EventDetails(taskFailedEventDetails=told)
            )

    known, client = factory.state_task_service_for, aws_sdk.boto_client_for

    def service(service_name: str) -> Any:
        return Jobs() if service_name in {"sagemaker", "emr-serverless"} else known(service_name)

    def to_service(region: str, service: str, state_credentials: Any = None) -> Any:
        return S3(s3_endpoint) if service == "s3" else client(region, service, state_credentials)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluator, "_eval_jsonata", evaluate)
        patch.setattr(state_task_factory, "state_task_service_for", service)
        patch.setattr(aws_sdk, "boto_client_for", to_service)
        patch.setitem(aws_sdk._SERVICE_ERROR_NAMES, "s3", "S3")  # as Step Functions spells it
        yield


class S3:
    """S3 as Step Functions answers of it: an object's body is a text."""

    def __init__(self, endpoint: str) -> None:
        self._client = boto3.client("s3", endpoint_url=endpoint)

    def get_object(self, **asked: Any) -> dict[str, Any]:
        found = self._client.get_object(**asked)
        return {"Body": found["Body"].read().decode(), "ContentLength": found["ContentLength"]}


def evaluate(expression: str) -> Any:
    """JSONata, as JSON."""
    try:
        return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
    except Exception as fault:
        raise evaluator.JSONataException("UNKNOWN", str(fault)) from fault
