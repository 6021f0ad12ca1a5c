"""Every job in a container of the image: a mounted tree of a real job, nothing else said, and what the platform finds after it."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine import check_outputs, read
from tests.image.containers import Host

DATA = Path(__file__).parents[1] / "data"
SAMPLES = DATA / "samples"
CLEAN = "Completed: Job completed successfully with no violations."
INPUT, OUTPUT, BASELINE = "/opt/ml/processing/input_data", "/opt/ml/processing/output", "/opt/ml/processing/baseline"
LOCAL = {"engine": "local"}  # every job is run on Spark once; a start of it is most of a test's time


def request_of(name: str) -> dict[str, Any]:
    """A real job's request."""
    return read(DATA / "requests" / f"{name}.processingjobconfig.json")


def mounted(request: dict[str, Any], name: str) -> str:
    """Where the platform puts an input of the request."""
    return next(part["S3Input"]["LocalPath"] for part in request["ProcessingInputs"] if part["InputName"] == name)


def side(data: str, encoding: str = "CSV") -> dict[str, str]:
    return {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": encoding}


def test_data_quality_suggests_a_baseline_and_monitors_an_hour_against_it(host: Callable[..., Host]) -> None:
    """The real baseline's input, without Spark, and the real capture, with the environment of the SDK's job definitions."""
    first = host("baseline", environment=LOCAL)
    data = "/opt/ml/processing/input/baseline_dataset_input"
    first.request({"dataset_source": data, "dataset_format": '{"csv": {"header": true}}', "output_path": OUTPUT})
    first.write(f"{data}/training.csv", (SAMPLES / "churn_training-dataset-with-header.csv").read_text())
    assert first.run().code == 0
    assert first.message == CLEAN
    check_outputs(first.path(OUTPUT), suggested=True)
    statistics = {entry["name"]: entry for entry in read(first.path(OUTPUT) / "statistics.json")["features"]}
    assert statistics["Churn"]["numerical_statistics"]["mean"] == pytest.approx(0.139306, abs=1e-6)  # the real job's

    second = host("monitor")
    said = {
        "baseline_constraints": f"{BASELINE}/constraints/constraints.json",
        "baseline_statistics": f"{BASELINE}/stats/statistics.json",
        "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
        "dataset_source": INPUT,
        "start_time": "2019-12-02T15:00:00Z",
        "end_time": "2019-12-02T16:00:00Z",
        "metric_time": "2019-12-02T15:00:00Z",
        "output_path": OUTPUT,
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": "churn",
        "sagemaker_monitoring_schedule_name": "hourly",
    }
    second.request(said)
    for name, folder in (("constraints", "constraints"), ("statistics", "stats")):
        second.write(f"{BASELINE}/{folder}/{name}.json", (first.path(OUTPUT) / f"{name}.json").read_text())
    second.write(f"{INPUT}/churn/AllTraffic/2019/12/02/15/a.jsonl", (SAMPLES / "data_quality_intro.capture.jsonl").read_text())
    assert second.run().code == 0
    violations = read(second.path(OUTPUT) / "constraint_violations.json")["violations"]
    assert second.message == f"CompletedWithViolations: Job completed successfully with {len(violations)} violations."
    assert len(violations) > 0
    check_outputs(second.path(OUTPUT), suggested=False)
    lines = second.path("/opt/ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()
    assert {"Name": "Endpoint", "Value": "churn"} in json.loads(lines[0])["Dimensions"]


# what each of several hosts starts, on one; the page and the master are of Jetty's and Netty's jars
STANDALONE = """
spark=/opt/hourglass/lib/python3.11/site-packages/pyspark/bin/spark-class
export SPARK_LOCAL_IP=127.0.0.1 SPARK_MASTER_OPTS=-Dspark.master.rest.enabled=false SPARK_MASTER=spark://127.0.0.1:$1
$spark org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$1" --webui-port "$2" & master=$!
until python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$2/json/')"; do sleep 0.5; done 2>/dev/null
$spark org.apache.spark.deploy.worker.Worker --cores 1 --memory 1g --work-dir /tmp/work --webui-port 0 "$SPARK_MASTER" & worker=$!
hourglass run; code=$?
kill $worker $master; wait
exit $code
"""


def test_a_job_runs_on_a_master_and_a_worker_of_sparks_own(host: Callable[..., Host]) -> None:
    """Several hosts need more of Spark's jars than one."""
    made = host()
    made.request({"dataset_source": INPUT, "dataset_format": '{"csv": {"header": true}}', "output_path": OUTPUT})
    made.write(f"{INPUT}/a.csv", "age\n" + "".join(f"{number}\n" for number in range(100)))
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = str(one.getsockname()[1]), str(other.getsockname()[1])
    ended = made.run("bash", "-c", STANDALONE, "standalone", *ports)
    assert (ended.code, made.message) == (0, CLEAN)
    assert "Launching executor app-" in ended.log
    check_outputs(made.path(OUTPUT), suggested=True)


def test_a_real_merge_job_joins_its_folders(host: Callable[..., Host]) -> None:
    """The request as it was recorded; the SDK's captures and labels where it mounts them."""
    request, job = request_of("groundtruth_merge"), host()
    job.request(environment=request["Environment"], ProcessingInputs=request["ProcessingInputs"])
    for part in request["ProcessingInputs"]:
        file = "actuals.jsonl" if "groundtruth" in part["InputName"] else "capture.jsonl"
        job.write(f"{part['S3Input']['LocalPath']}/a.jsonl", sdk_lines(file))
    assert job.run().code == 0
    assert job.message == CLEAN
    hour = "abalone-prod-endpoint/AllTraffic/2021/05/06/22"
    merged = (job.path(OUTPUT) / hour / "part-00000.jsonl").read_text().splitlines()
    assert len(merged) == 44
    assert all("groundTruthData" in json.loads(line) for line in merged)
    assert job.left(OUTPUT) == sorted([f"{hour}/_merge_report.json", f"{hour}/part-00000.jsonl", "merge_report.json"])


def sdk_lines(name: str) -> str:
    """A file of the SDK's, whose `{%s}` stands where a time goes."""
    [path] = (SAMPLES / "sdk").rglob(name)
    return path.read_text()


def test_the_real_model_quality_jobs_of_abalone(host: Callable[..., Host]) -> None:
    """Thresholds of a data set, without Spark, then an hour of merged captures that is worse; both requests as they were recorded."""
    draws = random.Random(0)
    ages = [draws.uniform(1, 20) for _ in range(500)]
    request, first = request_of("model_quality_baseline"), host("baseline", environment=LOCAL)
    first.request(request["Environment"])
    rows = "".join(f"{age!r},{age + draws.gauss(0, 1)!r}\n" for age in ages[:300])
    first.write(f"{mounted(request, 'baseline_dataset_input')}/baseline.csv", "label,prediction\n" + rows)
    assert first.run().code == 0
    assert first.message == CLEAN
    constraints = (first.path(OUTPUT) / "constraints.json").read_text()
    assert json.loads(constraints)["regression_constraints"].keys() == {"mae", "mse", "rmse", "r2"}

    request, second = request_of("model_quality_monitor"), host("monitor")
    second.request(request["Environment"])
    second.write(f"{mounted(request, 'constraints')}/constraints.json", constraints)
    lines = [
        {
            "captureData": {"endpointInput": side("1,2"), "endpointOutput": side(repr(age + draws.gauss(1, 2)))},
            "groundTruthData": {"data": repr(age), "encoding": "CSV"},
            "eventMetadata": {"eventId": str(number), "inferenceTime": "2021-05-06T22:10:00Z"},
            "eventVersion": "0",
        }
        for number, age in enumerate(ages)
    ]
    second.write(f"{mounted(request, 'endpoint_input_1')}/part-0.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    assert second.run().code == 0
    assert second.message == "CompletedWithViolations: Job completed successfully with 4 violations."
    check_outputs(second.path(OUTPUT), suggested=False, monitor="model-quality")


def test_the_real_bias_jobs_violations_come_out(host: Callable[..., Host]) -> None:
    """Its merged record, its configuration and its baseline; all of its violations but FT, which does not follow from its definition."""
    job = host()
    said = {
        "analysis_config": "/opt/ml/processing/input/config/analysis_config.json",
        "baseline_constraints": f"{BASELINE}/constraints/analysis.json",
        "dataset_format": '{"sagemakerMergeJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
        "dataset_source": INPUT,
        "decision": "strict",
        "output_path": OUTPUT,
    }
    job.request(said)
    job.write(said["analysis_config"], (SAMPLES / "bias_endpoint_json.analysis_config.json").read_text())
    job.write(said["baseline_constraints"], (SAMPLES / "bias_endpoint_json.analysis.baseline.json").read_text())
    record = read(SAMPLES / "bias_endpoint_json.merged_record.json")
    job.write(f"{INPUT}/endpoint/AllTraffic/2024/01/19/19/part-0.jsonl", json.dumps(record) + "\n")
    assert job.run().code == 0
    found = {entry["metric_name"] for entry in read(job.path(OUTPUT) / "constraint_violations.json")["violations"]}
    real = {entry["metric_name"] for entry in read(SAMPLES / "bias_endpoint_json.constraint_violations.json")["violations"]}
    assert found == real - {"FT"}
    assert job.message == f"CompletedWithViolations: Job completed successfully with {len(found)} violations."
    assert {"analysis.json", "report.html", "report.pdf"} < set(job.left(OUTPUT))


def test_attribution_explains_a_model_file_that_is_mounted(host: Callable[..., Host]) -> None:
    """The real capture's features, a model in a Python file: no endpoint, and no way out of the container."""
    job = host()
    headers = [f"f{number}" for number in range(14)]
    said = {
        "analysis_config": "/opt/ml/processing/input/config/analysis_config.json",
        "dataset_source": INPUT,
        "output_path": OUTPUT,
        "start_time": "2023-01-19T05:00:00Z",
        "end_time": "2023-01-19T06:00:00Z",
    }
    job.request(said)
    model = "/opt/ml/processing/input/model/model.py"
    job.write(model, f"FEATURES = {headers!r}\ndef predict(rows):\n    return 0.1 * rows['f0'] - 0.2 * rows['f4']\n")
    config = {"headers": headers, "features": "features", "methods": {"shap": {"num_samples": 60}}, "predictor": {"model": model}}
    job.write(said["analysis_config"], json.dumps(config))
    capture = (SAMPLES / "explain_endpoint_jsonl.capture.jsonl").read_text()
    job.write(f"{INPUT}/endpoint/AllTraffic/2023/01/19/05/a.jsonl", capture)
    assert job.run().code == 0
    assert job.message == CLEAN
    values = read(job.path(OUTPUT) / "analysis.json")["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert sorted(values, key=values.__getitem__)[-2:] == ["f4", "f0"]
    assert all(value == 0 for name, value in values.items() if name not in {"f0", "f4"})
