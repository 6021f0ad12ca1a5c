"""Our image in the place of the stock one: the SageMaker Python SDK, 2.257 and 3, creates the jobs and reads what they leave.

The SDK is the real one and so is S3; SageMaker is moto with a stub for schedules and a runner of jobs in front of it
(`monitoring_platform.py` says which is whose).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests import environments, servers
from tests.engine import read, validator
from tests.sdk.monitoring_platform import IMAGE, REGION, ROLE, Platform, serve
from tests.sdk.notebook import NOTEBOOK, code_cells, run_cells

SCRIPT = Path(__file__).with_name("monitor_with_sdk.py")
SAMPLES = Path(__file__).parents[1] / "data" / "samples"
TIME = "2024-01-19T20:00:00Z"
PLACE = "AllTraffic/2024/01/19/19"
SDKS = ("sdk", "sdk3")
MONITORS = ("data_quality", "model_quality", "bias", "attribution", "failed_baseline")
HOOK = """
NAMES = {names!r}
def preprocess_handler(inference_record, logger):
    values = [inference_record.endpoint_output.data, *inference_record.endpoint_input.data.split(",")]
    return dict(zip(NAMES, values, strict=True)) if values[1] != "-1" else []
"""
MODEL = """
def predict(rows):
    return 1 / (1 + 2.718 ** (9 - rows["Education-Num"] / 2 - rows["Age"] / 20 - rows["Capital Gain"] / 5000))
"""


def capture(number: int, input_: str, output: str, kind: str = "CSV") -> dict[str, Any]:
    """A captured record of the hour."""
    content = {"CSV": "text/csv", "JSON": "application/json"}[kind]
    sides = {"endpointInput": ("INPUT", input_), "endpointOutput": ("OUTPUT", output)}
    return {
        "captureData": {
            name: {"observedContentType": content, "mode": mode, "data": data, "encoding": kind} for name, (mode, data) in sides.items()
        },
        "eventMetadata": {"eventId": f"id-{number}", "inferenceTime": "2024-01-19T19:27:57Z"},
        "eventVersion": "0",
    }


def label(number: int, data: str, kind: str = "CSV") -> dict[str, Any]:
    """The label of a captured record."""
    return {"groundTruthData": {"data": data, "encoding": kind}, "eventMetadata": {"eventId": f"id-{number}"}, "eventVersion": "0"}


def jsonl(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def churn_hour() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Training rows as captured records, each fifth without its number of day minutes, every tenth a test; labels that a third miss."""
    lines = (SAMPLES / "churn_training-dataset-with-header.csv").read_text().splitlines()[1:401]
    captures, labels = [], []
    for number, line in enumerate(lines):
        churned, *features = line.split(",")
        features[2] = "" if number % 5 == 0 else features[2]
        features[0] = "-1" if number % 10 == 9 else features[0]
        captures.append(capture(number, ",".join(features), f"0.{8 if churned == '1' else 2}"))
        labels.append(label(number, str(int(churned) ^ (number % 3 == 0))))
    return captures, labels


def adult_hour() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The real merged record, taken apart again; its time is put into the hour of its folder."""
    merged = read(SAMPLES / "bias_endpoint_json.merged_record.json")
    identity = {**merged["eventMetadata"], "inferenceTime": "2024-01-19T19:27:57Z"}
    capture = {"captureData": merged["captureData"], "eventMetadata": identity, "eventVersion": "0"}
    known_as = {"eventId": identity.get("inferenceId", identity["eventId"])}
    return [capture], [{"groundTruthData": merged["groundTruthData"], "eventMetadata": known_as, "eventVersion": "0"}]


def predicted_table() -> str:
    """What a model quality baseline is made of."""
    draws = random.Random(7)
    lines = ["probability,prediction,label"]
    for _ in range(300):
        truth = int(draws.random() < 0.3)
        score = min(max(draws.gauss(0.7 if truth else 0.3, 0.1), 0.01), 0.99)
        lines.append(f"{score:.4f},{int(score > 0.5)},{truth}")
    return "\n".join(lines) + "\n"


def put_hour(store: Any, bucket: str) -> None:
    """Captures and labels of one hour of two endpoints, a model, and the stock monitor's baseline."""
    hours = {"churn": churn_hour(), "adult": adult_hour()}
    contents = {
        **{f"capture/{name}/{PLACE}/00-00-000-a.jsonl": jsonl(captures) for name, (captures, _) in hours.items()},
        "labels/2024/01/19/19/a.jsonl": jsonl([line for _, labels in hours.values() for line in labels]),
        "adult/validation.jsonl": (SAMPLES / "adult_validation-dataset.jsonl").read_bytes(),
        "adult/model.py": MODEL.encode(),
        "stock/analysis.json": (SAMPLES / "bias_endpoint_json.analysis.baseline.json").read_bytes(),
    }
    for key, body in contents.items():
        store.put_object(Bucket=bucket, Key=key, Body=body)


def create_endpoints(client: Any, bucket: str) -> None:
    """In moto, which keeps where an endpoint's captures go."""
    for name in ("churn", "adult"):
        client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "model"})
        variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        kept = [{"CaptureMode": mode} for mode in ("Input", "Output")]
        client.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[variant],
            DataCaptureConfig={
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": f"s3://{bucket}/capture",
                "CaptureOptions": kept,
            },
        )
        client.create_endpoint(EndpointName=name, EndpointConfigName=name)


@dataclass(frozen=True)
class User:
    """What somebody with an account has: `given` is what the script is told, `environment` what a process of theirs finds."""

    given: dict[str, str]
    environment: dict[str, str]


@contextmanager
def user_of_a_platform(folder: Path, object_store: servers.ObjectStore) -> Iterator[tuple[User, Platform]]:
    """Starts the platform, with an hour of captures of two endpoints."""
    bucket = object_store.create_bucket("monitors").removeprefix("s3://")
    training = SAMPLES / "churn_training-dataset-with-header.csv"
    (folder / "preprocess.py").write_text(HOOK.format(names=training.read_text().splitlines()[0].split(",")))
    (folder / "predicted.csv").write_text(predicted_table())
    # off, as nothing of a test goes beyond the loopback
    (folder / "config.yaml").write_text("SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n")
    with serve(folder / "jobs", object_store.endpoint) as (endpoint, platform):
        put_hour(platform.store, bucket)
        create_endpoints(platform.client, bucket)
        given = {
            "platform": endpoint,
            "bucket": bucket,
            "role": ROLE,
            "image": IMAGE,
            "time": TIME,
            "training": str(training),
            "script": str(folder / "preprocess.py"),
            "predicted": str(folder / "predicted.csv"),
            "adult": f"s3://{bucket}/adult/validation.jsonl",
            "model": f"s3://{bucket}/adult/model.py",
            "stock_baseline": f"s3://{bucket}/stock/analysis.json",
        }
        environment = {
            **{name.upper(): value for name, value in given.items()},
            **{f"AWS_ENDPOINT_URL_{service}": endpoint for service in ("SAGEMAKER", "STS")},
            "AWS_MAX_ATTEMPTS": "1",
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(folder / "config.yaml"),
        }
        yield User(given, environment), platform


@pytest.fixture(scope="module")
def ran(object_store: servers.ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Platform]]:
    """What the readers of both SDKs said of every monitor and the notebook's cells printed, all at the same time; and the platform."""
    pythons = {name: environments.ensure(name) for name in SDKS}
    with (
        user_of_a_platform(tmp_path_factory.mktemp("platform"), object_store) as (user, platform),
        pytest.MonkeyPatch.context() as patch,
        ThreadPoolExecutor() as pool,
    ):
        for name, value in user.environment.items():
            patch.setenv(name, value)
        asked = {
            name: pool.submit(environments.ask, python, SCRIPT, *MONITORS, given={**user.given, "name": name})
            for name, python in pythons.items()
        }
        printed = pool.submit(run_cells, pythons["sdk"], {})
        yield {**{name: said.result() for name, said in asked.items()}, "notebook": printed.result()}, platform


@pytest.fixture(params=SDKS)
def told(request: pytest.FixtureRequest, ran: tuple[dict[str, Any], Platform]) -> dict[str, Any]:
    """What one SDK's readers said of every monitor."""
    return dict(ran[0][request.param])


def violated(found: dict[str, Any]) -> set[tuple[str, str]]:
    """What was violated, and how."""
    assert found["violations"] == found["same_violations"]
    return {
        (entry.get("feature_name") or entry["metric_name"], entry["constraint_check_type"]) for entry in found["violations"]["violations"]
    }


def held(document: Any, name: str, monitor: str = "data-quality") -> None:
    """Holds a document against its JSON Schema."""
    validator(name, monitor).validate(document)


def test_a_data_quality_baseline_and_schedule_run_in_our_image_and_the_sdk_reads_them(told: dict[str, Any]) -> None:
    """Training data with a header; then an hour of captures with a hook script, which drops a tenth and names the columns."""
    found = told["data_quality"]
    held(found["baseline_statistics"], "statistics")
    held(found["suggested_constraints"], "constraints")
    assert found["baseline"] == "Completed: Job completed successfully with no violations."
    assert found["baseline_statistics"]["dataset"]["item_count"] == 2333
    assert found["statistics"]["dataset"]["item_count"] == 360
    assert ("Day Mins", "completeness_check") in violated(found)
    number = len(found["violations"]["violations"])
    assert found["message"] == f"CompletedWithViolations: Job completed successfully with {number} violations."
    assert (found["status"], found["executions"], found["image"]) == ("CompletedWithViolations", 1, IMAGE)
    assert found["attached"]["statistics"] == found["statistics"]
    # the SDK takes the stock image for every monitor that it makes, so that our line is due again before an update
    assert found["attached"]["image"].endswith("/sagemaker-model-monitor-analyzer")


def test_model_quality_joins_labels_and_holds_metrics_against_suggested_thresholds(told: dict[str, Any]) -> None:
    """Every third label is another than in training, which the baseline does not know of."""
    found = told["model_quality"]
    held(found["suggested_constraints"], "constraints", "model-quality")
    held(found["statistics"], "statistics", "model-quality")
    assert found["baseline_statistics"]["dataset"]["item_count"] == 300
    assert found["statistics"]["dataset"]["item_count"] == 400
    assert found["statistics"]["binary_classification_metrics"]["accuracy"]["value"] == pytest.approx(1 - 134 / 400)
    assert ("accuracy", "LessThanThreshold") in violated(found)
    assert found["status"] == "CompletedWithViolations"


def test_the_stock_monitors_bias_baseline_is_imported_and_its_real_violations_come_out(told: dict[str, Any]) -> None:
    """The real job's eight values to 1e-9, from a job definition that says in its endpoint input where features and prediction are."""
    found = {entry["metric_name"]: entry for entry in told["bias"]["violations"]["violations"]}
    real = {entry["metric_name"]: entry for entry in read(SAMPLES / "bias_endpoint_json.constraint_violations.json")["violations"]}
    del real["FT"]  # does not follow from its definition: tests/bias/test_job.py
    assert found.keys() == real.keys()
    for name, entry in real.items():
        assert float(found[name]["description"].split()[2]) == pytest.approx(float(entry["description"].split()[2]), rel=1e-9)
    assert told["bias"]["message"] == "CompletedWithViolations: Job completed successfully with 8 violations."


def test_clarifys_bias_baseline_job_runs_from_its_mounted_folders_alone(told: dict[str, Any]) -> None:
    """Its environment says nothing of data; its metrics of labels are the stock baseline's."""
    found, real = (
        {entry["name"]: entry["value"] for entry in document["pre_training_bias_metrics"]["facets"]["Sex"][0]["metrics"]}
        for document in (told["bias"]["suggested_constraints"], read(SAMPLES / "bias_endpoint_json.analysis.baseline.json"))
    )
    assert found == pytest.approx(real, rel=1e-9)


def test_an_attribution_baseline_and_schedule_ask_the_model_that_the_environment_names(told: dict[str, Any]) -> None:
    """A clean hour leaves no violations file, of which the SDK's reader makes None."""
    found = told["attribution"]
    (said,) = found["suggested_constraints"]["explanations"]["kernel_shap"].values()
    drives = sorted(said["global_shap_values"], key=said["global_shap_values"].__getitem__)[-3:]
    assert set(drives) == {"Education-Num", "Age", "Capital Gain"}
    assert (found["violations"], found["status"]) == (None, "Completed")
    assert found["message"] == "Completed: Job completed successfully with no violations."


def test_a_job_that_fails_tells_the_sdks_user_why(told: dict[str, Any]) -> None:
    """The first kilobyte of our message is SageMaker's reason."""
    assert "cvs" in told["failed_baseline"]["reason"]
    assert "Hint: did you mean csv?" in told["failed_baseline"]["reason"]


def test_the_notebook_shows_what_its_cells_print(ran: tuple[dict[str, Any], Platform]) -> None:
    """`make notebooks` keeps it."""
    shown = ["".join("".join(output["text"]) for output in cell["outputs"]) for cell in code_cells(json.loads(NOTEBOOK.read_text()))]
    assert ran[0]["notebook"] == shown


def test_sdk_2_raises_the_reason_where_sdk_3_stumbles(ran: tuple[dict[str, Any], Platform]) -> None:
    """A fault of SDK 3.27 with any image: what docs/sagemaker.md says of it holds until this fails."""
    raised = {name: found["failed_baseline"]["raised"] for name, found in ran[0].items() if name in SDKS}
    assert "Hint: did you mean csv?" in raised["sdk"]
    assert raised["sdk3"] == "module 'botocore.exceptions' has no attribute 'UnexpectedStatusException'"


def test_clarifys_monitors_of_sdk_3_cannot_wrap_their_own_jobs(ran: tuple[dict[str, Any], Platform]) -> None:
    """The same of another fault."""
    of_job = "'ProcessingJob' object has no attribute 'sagemaker_session'"
    of_execution = "'MonitoringExecution' object has no attribute 'job_name'"
    for kind in ("bias", "attribution"):
        said = {name: (ran[0][name][kind]["baseline_fault"], ran[0][name][kind]["sdk_fault"]) for name in SDKS}
        assert said == {"sdk": (None, None), "sdk3": (of_job, of_execution)}


def test_every_job_has_run_in_our_image_and_none_has_failed_but_one(ran: tuple[dict[str, Any], Platform]) -> None:
    """Two SDKs, each: five baselines, one of which fails on purpose, two merges, four analyses; the notebook has a baseline and three."""
    _, platform = ran
    assert {request["AppSpecification"]["ImageUri"] for request in platform.requests} == {IMAGE}
    assert len(platform.jobs) == len(platform.requests) == 2 * 11 + 4
    assert [job["ProcessingJobStatus"] for job in platform.jobs.values()].count("Failed") == 2


def test_the_monitors_metrics_are_in_cloudwatch_under_their_namespaces(ran: tuple[dict[str, Any], Platform]) -> None:
    """Those of data quality are in a file, which the platform publishes; the others' our jobs have put there."""
    _, platform = ran
    client = boto3.client("cloudwatch", region_name=REGION, endpoint_url=platform.granted["AWS_ENDPOINT_URL_CLOUDWATCH"])
    namespaces = {metric["Namespace"] for page in client.get_paginator("list_metrics").paginate() for metric in page["Metrics"]}
    kinds = ("bias-metrics", "explainability-metrics", "model-metrics")
    assert {f"aws/sagemaker/Endpoints/{kind}" for kind in kinds} <= namespaces
