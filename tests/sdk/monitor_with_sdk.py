"""Runs in .venv-sdk and .venv-sdk3: what a user of the SageMaker Python SDK does with its monitors, and what its readers say then.

`monitor_with_sdk.py MONITOR`, with the places on standard input as JSON; the last line printed is JSON. Nothing is stubbed here.
"""

import json
import sys
import urllib.request
from importlib import import_module
from importlib.util import find_spec

SDK3 = find_spec("sagemaker.core") is not None
sdk = import_module("sagemaker.core.model_monitor" if SDK3 else "sagemaker.model_monitor")
clarify = import_module("sagemaker.core.clarify" if SDK3 else "sagemaker.clarify")
session = import_module("sagemaker.core.helper.session_helper" if SDK3 else "sagemaker.session")
DatasetFormat = import_module(f"{sdk.__name__}.dataset_format").DatasetFormat

HEADERS = (
    *("Age", "Workclass", "fnlwgt", "Education", "Education-Num", "Marital Status", "Occupation", "Relationship"),
    *("Ethnic group", "Sex", "Capital Gain", "Capital Loss", "Hours per week", "Country", "Target"),
)
HOURLY = "cron(0 * ? * * *)"
JSON_ATTRIBUTES = {
    "features_attribute": "instances[*].features",
    "inference_attribute": "predictions[*].predicted_label",
    "probability_attribute": "predictions[*].score",
}


class User:
    """Somebody with a bucket, an image and an account."""

    def __init__(self, given):
        self.given = given
        self.bucket = f"s3://{given['bucket']}"
        self.reports = f"{self.bucket}/{given['name']}"
        self.session = session.Session(default_bucket=given["bucket"])

    def monitor(self, kind, **environment):
        """A monitor of the SDK's with our image: the line that is changed, and whatever else our job is told."""
        monitor = kind(role=self.given["role"], sagemaker_session=self.session, env={"engine": "local", **environment})
        monitor.image_uri = self.given["image"]
        return monitor

    def strike(self, monitor):
        """An hour of the schedule has passed."""
        address = f"{self.given['platform']}/time/{monitor.monitoring_schedule_name}/{self.given['time']}"
        with urllib.request.urlopen(urllib.request.Request(address, method="POST")) as answer:  # noqa: S310 of the test's own server
            answer.read()

    def data_of(self, output):
        """The data set of the bias monitor's baseline, JSON lines with features and a label."""
        return clarify.DataConfig(
            s3_data_input_path=self.given["adult"],
            s3_output_path=f"{self.reports}/{output}",
            label="label",
            headers=list(HEADERS),
            features="features",
            dataset_type="application/jsonlines",
        )

    def input_of(self, endpoint, **attributes):
        """The endpoint's captures, and what is where in them."""
        return sdk.EndpointInput(endpoint, "/opt/ml/processing/input/endpoint", **attributes)


def told(monitor):
    """What the SDK's readers say of a schedule's last execution."""
    fault, executions = sdk_fault(monitor.list_executions)
    executions = executions or sdk.ModelMonitor.list_executions(monitor)  # the same reader without Clarify's wrapping
    latest = executions[-1]
    same = latest.constraint_violations()
    violations = same if fault else monitor.latest_monitoring_constraint_violations()
    return {
        "executions": len(executions),
        "status": monitor.describe_schedule()["LastMonitoringExecutionSummary"]["MonitoringExecutionStatus"],
        "message": latest.describe()["ExitMessage"],
        "violations": violations and violations.body_dict,  # None where a clean run has left no file
        "same_violations": same and same.body_dict,
        "image": latest.describe()["AppSpecification"]["ImageUri"],
        "sdk_fault": fault,
    }


def sdk_fault(step, *arguments, **more):
    """What a step of the SDK gives; or the AttributeError of the SDK's own that its 3.27 has about Clarify's monitors, and None.

    It wraps jobs and executions in Clarify's classes with the attributes that they had in 2. What was asked of SageMaker is done.
    """
    try:
        return None, step(*arguments, **more)
    except AttributeError as fault:
        return str(fault), None


def clarify_baseline(user, monitor, folder, *configurations):
    """Runs a baseline of one of Clarify's monitors, and gives its analysis.json by the reader that works."""
    fault, _ = sdk_fault(monitor.suggest_baseline, *configurations, wait=True)
    if fault is None:
        return {"suggested_constraints": monitor.suggested_constraints().body_dict, "baseline_fault": None}
    found = sdk.Constraints.from_s3_uri(f"{user.reports}/{folder}/analysis.json", sagemaker_session=user.session)
    return {"suggested_constraints": found.body_dict, "baseline_fault": fault}


def data_quality(user):
    """A baseline of a CSV file, a schedule with a hook script, and the schedule found again by its name."""
    monitor = user.monitor(sdk.DefaultModelMonitor)
    monitor.suggest_baseline(user.given["training"], DatasetFormat.csv(header=True), logs=False)
    monitor.create_monitoring_schedule(
        endpoint_input="churn",
        record_preprocessor_script=user.given["script"],
        output_s3_uri=f"{user.reports}/reports",
        statistics=monitor.baseline_statistics(),
        constraints=monitor.suggested_constraints(),
        schedule_cron_expression=sdk.CronExpressionGenerator.hourly(),
    )
    user.strike(monitor)
    again = sdk.DefaultModelMonitor.attach(monitor.monitoring_schedule_name, user.session)
    found = {
        **told(monitor),
        "baseline": monitor.describe_latest_baselining_job()["ExitMessage"],
        "baseline_statistics": monitor.baseline_statistics().body_dict,
        "suggested_constraints": monitor.suggested_constraints().body_dict,
        "statistics": monitor.latest_monitoring_statistics().body_dict,
        "attached": {"image": again.image_uri, "statistics": again.latest_monitoring_statistics().body_dict},
    }
    monitor.delete_monitoring_schedule()
    return found


def model_quality(user):
    """Thresholds of a table with predictions and labels, then captures whose labels came later."""
    monitor = user.monitor(sdk.ModelQualityMonitor)
    columns = {"inference_attribute": "prediction", "probability_attribute": "probability", "ground_truth_attribute": "label"}
    monitor.suggest_baseline(
        user.given["predicted"], DatasetFormat.csv(header=True), problem_type="BinaryClassification", logs=False, **columns
    )
    monitor.create_monitoring_schedule(
        user.input_of("churn", probability_attribute="0", probability_threshold_attribute=0.5),
        f"{user.bucket}/labels",
        "BinaryClassification",
        output_s3_uri=f"{user.reports}/quality",
        constraints=monitor.suggested_constraints(),
        schedule_cron_expression=HOURLY,
    )
    user.strike(monitor)
    return {
        **told(monitor),
        "baseline_statistics": monitor.baseline_statistics().body_dict,
        "suggested_constraints": monitor.suggested_constraints().body_dict,
        "statistics": monitor.latest_monitoring_statistics().body_dict,
    }


def bias(user):
    """A baseline of labels; then the stock monitor's own baseline, imported, against captures in JSON."""
    monitor = user.monitor(sdk.ModelBiasMonitor, decision="strict")
    facet = clarify.BiasConfig([1], "Sex", facet_values_or_threshold=[0], group_name="Age")
    data = user.data_of("bias")
    model = clarify.ModelConfig(model_name="adult", instance_count=1, instance_type="ml.m5.xlarge")
    predicted = clarify.ModelPredictedLabelConfig(label="predicted_label")
    baseline = clarify_baseline(user, monitor, "bias", data, facet, model, predicted)
    monitor.create_monitoring_schedule(
        user.input_of("adult", **JSON_ATTRIBUTES),
        f"{user.bucket}/labels",
        analysis_config=sdk.BiasAnalysisConfig(facet, list(HEADERS), "instances[*].label"),
        output_s3_uri=f"{user.reports}/bias-reports",
        constraints=user.given["stock_baseline"],
        schedule_cron_expression=HOURLY,
    )
    user.strike(monitor)
    return {**told(monitor), **baseline}


def attribution(user):
    """A baseline and a schedule that both ask a model file, which is named in the environment."""
    monitor = user.monitor(sdk.ModelExplainabilityMonitor, model=user.given["model"])
    data = user.data_of("attribution")
    shap = clarify.SHAPConfig(num_samples=500, agg_method="mean_abs", save_local_shap_values=False, seed=1)
    model = clarify.ModelConfig(model_name="adult", instance_count=1, instance_type="ml.m5.xlarge")
    baseline = clarify_baseline(user, monitor, "attribution", data, shap, model)
    monitor.create_monitoring_schedule(
        user.input_of("adult", features_attribute="instances[*].features"),
        # the SDK takes the label's name out of the baseline's headers for CSV only
        sdk.ExplainabilityAnalysisConfig(shap, model, list(HEADERS[:-1])),
        output_s3_uri=f"{user.reports}/attribution-reports",
        schedule_cron_expression=HOURLY,
    )
    user.strike(monitor)
    return {**told(monitor), **baseline}


def failed_baseline(user):
    """What the SDK says of a job that fails, and what SageMaker does."""
    monitor = user.monitor(sdk.DefaultModelMonitor)
    try:
        monitor.suggest_baseline(user.given["training"], {"cvs": {"header": True}}, logs=False)
    except Exception as fault:  # noqa: BLE001 which class it is differs between the two
        raised = str(fault)
    described = user.session.sagemaker_client.describe_processing_job(ProcessingJobName=monitor.latest_baselining_job_name)
    return {"raised": raised, "reason": described["FailureReason"]}


def main():
    """One monitor after the other."""
    user = User(json.load(sys.stdin))
    found = {
        step.__name__: step(user) for step in (data_quality, model_quality, bias, attribution, failed_baseline) if step.__name__ in sys.argv
    }
    print(f"\n{json.dumps(found, default=str)}")  # waiting, the SDK prints marks without an end of line


if __name__ == "__main__":
    main()
