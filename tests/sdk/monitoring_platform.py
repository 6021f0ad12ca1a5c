"""SageMaker on the loopback, as far as its SDK's monitors ask for it: moto, with what moto lacks in front of it.

moto (5.x) keeps processing jobs, job definitions and endpoints. It runs no job, forgets a job's environment, and knows no
monitoring schedules. So two things are ours here, and neither is AWS's:

- **a stub** answers the calls about schedules (create, describe, delete, their tags and executions). Its answers have the shape
  of SageMaker's API model, which they are held against; nobody has compared them with the real service's;
- **a runner** makes of each processing job the folders and the environment of contract 1 and 2, starts `hourglass run` with
  them, and puts the outputs on S3. A schedule's jobs it makes itself, of the job definition, when it is told what time it is.

What AWS gives to the two monitors of Clarify's is published nowhere. The runner gives them the analyzer's variables, the
attributes of the endpoint input under the names that model quality has for them, and analysis_config.json where Clarify's own
processing jobs have it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from botocore.config import Config
from botocore.validate import ParamValidator
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tests.container import Container
from tests.servers import LOOPBACK

ACCOUNT = "123456789012"
REGION = "us-east-1"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Monitor"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/hourglass:0.1.0"
# the platform runs its own image before ours where labels are joined; here ours does that as well
MERGE_IMAGE = IMAGE
HOUR = "%Y/%m/%d/%H"
TIME = "%Y-%m-%dT%H:%M:%SZ"

INPUT = "/opt/ml/processing/input_data"
TRUTH = "/opt/ml/processing/groundtruth"
OUTPUT = "/opt/ml/processing/output"
BASELINE = "/opt/ml/processing/baseline"
CODE = "/opt/ml/processing/code"
CONFIG = "/opt/ml/processing/input/config"

BOTH = '{"captureIndexNames":["endpointInput","endpointOutput"]}'
# what of the captured records an analysis reads
FORMATS = {
    "DataQuality": f'{{"sagemakerCaptureJson":{BOTH}}}',
    "ModelQuality": '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}',
    "ModelBias": f'{{"sagemakerMergeJson":{BOTH}}}',
    "ModelExplainability": f'{{"sagemakerCaptureJson":{BOTH}}}',
}
# the baseline's files, by the variable that names them
BASELINES = {
    "DataQuality": {"baseline_constraints": "constraints.json", "baseline_statistics": "statistics.json"},
    "ModelQuality": {"baseline_constraints": "constraints.json"},
    "ModelBias": {"baseline_constraints": "analysis.json"},
    "ModelExplainability": {"baseline_constraints": "analysis.json"},
}
ATTRIBUTES = {
    "FeaturesAttribute": "features_attribute",
    "InferenceAttribute": "inference_attribute",
    "ProbabilityAttribute": "probability_attribute",
    "ProbabilityThresholdAttribute": "probability_threshold_attribute",
    "ExcludeFeaturesAttribute": "exclude_features_attribute",
}
SCRIPTS = {
    "RecordPreprocessorSourceUri": "record_preprocessor_script",
    "PostAnalyticsProcessorSourceUri": "post_analytics_processor_script",
}

Answer = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass
class Schedule:
    """A monitoring schedule and what came of it."""

    config: dict[str, Any]
    tags: list[dict[str, str]]
    created: float
    executions: list[Answer] = field(default_factory=list)


class Platform:
    """A WSGI application: `POST /` is SageMaker's API, `POST /time/<schedule>/<2026-11-21T10:00:00Z>` strikes an hour."""

    def __init__(self, folder: Path, store: Any) -> None:
        """`store` is a client of S3."""
        self.folder = folder
        self.store = store
        self.granted: dict[str, str] = {}  # what every job finds in its environment: credentials, and where S3 and CloudWatch are
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.schedules: dict[str, Schedule] = {}
        self.jobs: dict[str, Answer] = {}
        self.requests: list[dict[str, Any]] = []
        self.client: Any = None  # of this very server, once it has an address
        self._shapes = boto3.client("sagemaker", region_name=REGION).meta.service_model
        self._answers: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "CreateMonitoringSchedule": self._create_schedule,
            "DescribeMonitoringSchedule": self._describe_schedule,
            "ListMonitoringExecutions": self._list_executions,
            "DeleteMonitoringSchedule": self._delete_schedule,
            "ListTags": self._list_tags,
        }

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if environ["PATH_INFO"].startswith("/time/"):
            schedule, time = environ["PATH_INFO"].split("/")[2:]
            return _answered(self.strike(schedule, datetime.strptime(time, TIME).replace(tzinfo=UTC)), start_response)
        _, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition("SageMaker.")
        if operation in self._answers and (operation != "ListTags" or b":monitoring-schedule/" in body):
            try:
                answer = self._answers[operation](json.loads(body))
            except KeyError as fault:
                return _answered({"__type": "ResourceNotFound", "message": f"no schedule {fault}"}, start_response, "400 Bad Request")
            output = self._shapes.operation_model(operation).output_shape
            if output is not None:
                faults = ParamValidator().validate(answer, output)
                assert not faults.has_errors(), faults.generate_report()
            return _answered(answer, start_response)
        if operation == "CreateProcessingJob":
            self.requests.append(json.loads(body))
        said: list[Any] = []
        given = b"".join(self.moto(environ, lambda *head: said.extend(head[:2])))
        status, headers = said
        if operation == "CreateProcessingJob" and status.startswith("200"):
            self.run(json.loads(body))
        if operation == "DescribeProcessingJob" and status.startswith("200"):
            return _answered({**json.loads(given), **self.jobs[json.loads(body)["ProcessingJobName"]]}, start_response)
        start_response(status, headers)
        return [given]

    # ---- schedules: the stub ----

    def _create_schedule(self, request: dict[str, Any]) -> Answer:
        name = request["MonitoringScheduleName"]
        self.schedules[name] = Schedule(request["MonitoringScheduleConfig"], request.get("Tags", []), _now())
        return {"MonitoringScheduleArn": _arn(name)}

    def _describe_schedule(self, request: dict[str, Any]) -> Answer:
        name = request["MonitoringScheduleName"]
        schedule = self.schedules[name]
        last = {"LastMonitoringExecutionSummary": schedule.executions[-1]} if schedule.executions else {}
        return {
            "MonitoringScheduleArn": _arn(name),
            "MonitoringScheduleName": name,
            "MonitoringScheduleStatus": "Scheduled",
            "MonitoringType": schedule.config["MonitoringType"],
            "CreationTime": schedule.created,
            "LastModifiedTime": schedule.created,
            "MonitoringScheduleConfig": schedule.config,
            **last,
        }

    def _list_executions(self, request: dict[str, Any]) -> Answer:
        return {"MonitoringExecutionSummaries": self.schedules[request["MonitoringScheduleName"]].executions[::-1]}

    def _delete_schedule(self, request: dict[str, Any]) -> Answer:
        del self.schedules[request["MonitoringScheduleName"]]
        return {}

    def _list_tags(self, request: dict[str, Any]) -> Answer:
        return {"Tags": self.schedules[request["ResourceArn"].rpartition("/")[2]].tags}

    # ---- jobs: the runner ----

    def run(self, request: dict[str, Any]) -> None:
        """A processing job from its request to its outputs on S3; its end is part of what DescribeProcessingJob says."""
        name = request["ProcessingJobName"]
        container = Container(self.folder / name)
        for part in request["ProcessingInputs"]:
            self._fetch(part["S3Input"]["S3Uri"], container.path(part["S3Input"]["LocalPath"]))
        code = container.run(request, self.granted)
        for part in request["ProcessingOutputConfig"]["Outputs"]:
            self._put(container.path(part["S3Output"]["LocalPath"]), part["S3Output"]["S3Uri"])
        message = container.message
        ended = {"ProcessingJobStatus": "Failed", "FailureReason": message} if code else {"ProcessingJobStatus": "Completed"}
        self.jobs[name] = {"Environment": request.get("Environment", {}), "ExitMessage": message, **ended}

    def strike(self, name: str, time: datetime) -> Answer:
        """What a schedule does at a full hour: the job definition's analysis of the hour before, its labels joined first."""
        schedule = self.schedules[name]
        kind, definition = schedule.config["MonitoringType"], self._definition(schedule.config)
        end, start = time, time - timedelta(hours=1)
        asked = definition[f"{kind}JobInput"]
        endpoint = asked["EndpointInput"]
        (output,) = definition[f"{kind}JobOutputConfig"]["MonitoringOutputs"]
        target = output["S3Output"]["S3Uri"].rstrip("/")
        endpoint_name, inside = endpoint["EndpointName"], endpoint["LocalPath"]
        described = self.client.describe_endpoint(EndpointName=endpoint_name)
        source = described["DataCaptureConfig"]["DestinationS3Uri"].rstrip("/")
        (variant,) = (variant["VariantName"] for variant in described["ProductionVariants"])
        place = f"{endpoint_name}/{variant}/{start:{HOUR}}"
        if "GroundTruthS3Input" in asked:
            labels = asked["GroundTruthS3Input"]["S3Uri"].rstrip("/")
            self._execute(
                f"groundtruth-merge-{name}-{end:%Y%m%d%H%M}",
                MERGE_IMAGE,
                {**self._own_environment(definition, kind), "dataset_source": INPUT, "ground_truth_source": TRUTH, "output_path": OUTPUT},
                [
                    _input("groundtruth_input_1", f"{labels}/{start:{HOUR}}", f"{TRUTH}/{start:{HOUR}}"),
                    _input("endpoint_input_1", f"{source}/{place}", f"{INPUT}/{place}"),
                ],
                {"LocalPath": OUTPUT, "S3Uri": f"{target}/merge", "S3UploadMode": "EndOfJob"},
                definition,
            )
            source = f"{target}/merge"
        inputs = [_input("endpoint_input_1", f"{source}/{place}", f"{inside}/{place}")]
        environment = {
            **self._own_environment(definition, kind),
            "dataset_source": inside,
            "dataset_format": FORMATS[kind],
            "output_path": output["S3Output"]["LocalPath"],
            "start_time": f"{start:{TIME}}",
            "end_time": f"{end:{TIME}}",
            "metric_time": f"{start:{TIME}}",
            "sagemaker_endpoint_name": endpoint_name,
            "sagemaker_monitoring_schedule_name": name,
            "sagemaker_endpoint_datacapture_prefix": described["DataCaptureConfig"]["DestinationS3Uri"],
            **{variable: str(endpoint[key]) for key, variable in ATTRIBUTES.items() if key in endpoint},
        }
        application = definition[f"{kind}AppSpecification"]
        if kind == "ModelQuality":
            environment |= {"analysis_type": "MODEL_QUALITY", "problem_type": application["ProblemType"]}
        if "ConfigUri" in application:
            inputs.append(_input("analysis_config", application["ConfigUri"], CONFIG))
        for key, variable in SCRIPTS.items():
            if key in application:
                inputs.append(_input(variable, application[key], f"{CODE}/{variable}"))
                environment[variable] = f"{CODE}/{variable}/{PurePosixPath(application[key]).name}"
        for variable, uri in self._baseline(definition.get(f"{kind}BaselineConfig", {}), kind):
            folder = f"{BASELINE}/{variable.removeprefix('baseline_')}"
            inputs.append(_input(variable.removeprefix("baseline_"), uri, folder))
            environment[variable] = f"{folder}/{PurePosixPath(uri).name}"
        job = f"{_JOBS[kind]}-monitoring-{name}-{end:%Y%m%d%H%M}"
        reports = {**output["S3Output"], "S3Uri": f"{target}/{endpoint_name}/{name}/{end:{HOUR}}"}
        arn = self._execute(job, application["ImageUri"], environment, inputs, reports, definition)
        ended = self.jobs[job]
        completed = "Completed" if ended["ExitMessage"].startswith("Completed:") else "CompletedWithViolations"
        execution = {
            "MonitoringScheduleName": name,
            "ScheduledTime": end.timestamp(),
            "CreationTime": end.timestamp(),
            "LastModifiedTime": _now(),
            "MonitoringExecutionStatus": "Failed" if "FailureReason" in ended else completed,
            "ProcessingJobArn": arn,
            "EndpointName": endpoint_name,
            "MonitoringJobDefinitionName": schedule.config["MonitoringJobDefinitionName"],
            "MonitoringType": kind,
            **({"FailureReason": ended["FailureReason"]} if "FailureReason" in ended else {}),
        }
        schedule.executions.append(execution)
        return execution

    def _definition(self, config: Mapping[str, Any]) -> dict[str, Any]:
        describe = {
            "DataQuality": self.client.describe_data_quality_job_definition,
            "ModelQuality": self.client.describe_model_quality_job_definition,
            "ModelBias": self.client.describe_model_bias_job_definition,
            "ModelExplainability": self.client.describe_model_explainability_job_definition,
        }
        return dict(describe[config["MonitoringType"]](JobDefinitionName=config["MonitoringJobDefinitionName"]))

    def _baseline(self, config: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
        """The files of the baseline that a job definition names, or of the job that has made it."""
        for variable, name in BASELINES[kind].items():
            resource = config.get("ConstraintsResource" if variable == "baseline_constraints" else "StatisticsResource", {})
            if "S3Uri" in resource:
                yield variable, resource["S3Uri"]
            elif "BaseliningJobName" in config:
                job = self.client.describe_processing_job(ProcessingJobName=config["BaseliningJobName"])
                yield variable, f"{job['ProcessingOutputConfig']['Outputs'][0]['S3Output']['S3Uri'].rstrip('/')}/{name}"

    @staticmethod
    def _own_environment(definition: Mapping[str, Any], kind: str) -> dict[str, str]:
        return dict(definition[f"{kind}AppSpecification"].get("Environment", {}))

    def _execute(
        self,
        name: str,
        image: str,
        environment: Mapping[str, str],
        inputs: list[dict[str, Any]],
        output: Mapping[str, str],
        definition: Mapping[str, Any],
    ) -> str:
        created = self.client.create_processing_job(
            ProcessingJobName=name,
            AppSpecification={"ImageUri": image},
            Environment=environment,
            ProcessingInputs=inputs,
            ProcessingOutputConfig={"Outputs": [{"OutputName": "result", "S3Output": output}]},
            ProcessingResources=definition["JobResources"],
            RoleArn=definition["RoleArn"],
        )
        return str(created["ProcessingJobArn"])

    def _fetch(self, uri: str, folder: Path) -> None:
        """All objects below a prefix, or the one that it names, as files in a folder; none leaves the folder empty."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        folder.mkdir(parents=True, exist_ok=True)
        for page in self.store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                rest = found["Key"].removeprefix(prefix)
                if rest and not prefix.endswith("/") and not rest.startswith("/"):
                    continue  # another one whose name begins alike
                target = folder / (rest.strip("/") or PurePosixPath(prefix).name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.store.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())

    def _put(self, folder: Path, uri: str) -> None:
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                key = f"{prefix.rstrip('/')}/{path.relative_to(folder).as_posix()}"
                self.store.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())


_JOBS = {
    "DataQuality": "data-quality",
    "ModelQuality": "model-quality",
    "ModelBias": "model-bias",
    "ModelExplainability": "model-explainability",
}


def _input(name: str, uri: str, inside: str) -> dict[str, Any]:
    how = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated", "S3CompressionType": "None"}
    return {"InputName": name, "S3Input": {"LocalPath": inside, "S3Uri": uri, **how}}


def _arn(schedule: str) -> str:
    return f"{ARN}:monitoring-schedule/{schedule}"


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _answered(answer: Answer, start_response: StartResponse, status: str = "200 OK") -> list[bytes]:
    start_response(status, [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(answer).encode()]


@contextmanager
def serve(folder: Path, store_endpoint: str) -> Iterator[tuple[str, Platform]]:
    """Starts the platform in threads, and gives its address; jobs find S3 at `store_endpoint`."""
    store = boto3.client("s3", region_name=REGION, endpoint_url=store_endpoint)
    platform = Platform(folder, store)
    server = make_server(LOOPBACK, 0, platform, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://{LOOPBACK}:{server.server_port}"
    places = {
        "AWS_ENDPOINT_URL": store_endpoint,
        "AWS_ENDPOINT_URL_CLOUDWATCH": endpoint,
        # by which our jobs know the platform's role; the tests' own credentials come before it
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{endpoint}/credentials",
    }
    platform.granted = {**{name: value for name, value in os.environ.items() if name.startswith("AWS_")}, **places}
    # a job runs while its request waits, and must not run twice where the machine is slow
    patience = Config(read_timeout=300, retries={"total_max_attempts": 1})
    platform.client = boto3.client("sagemaker", region_name=REGION, endpoint_url=endpoint, config=patience)
    try:
        yield endpoint, platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
