"""Model quality's side of the ratios: the pass over merged captures, and a month of its stored hours."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import data
from stored import HOURS, START

from hourglass.capture.formats import parse_dataset_format
from hourglass.capture.slices import cut_tasks
from hourglass.capture.window import Window, hour_name
from hourglass.dataset import Dataset
from hourglass.history import History
from hourglass.hours import HourStates, gather
from hourglass.local import run_locally
from hourglass.monitors.bias_drift import BiasDrift
from hourglass.monitors.job import plan_pass, prepare
from hourglass.monitors.model_quality import ModelQuality
from hourglass.outputs.documents import to_json
from hourglass.outputs.report import Report
from hourglass.quality import Bootstrap, QualityReport, quality_statistics
from hourglass.settings import Settings
from hourglass.states import Intake
from hourglass.store import Header, Reading, StateStore
from hourglass.undefined import Undefined

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MERGED = '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}'
AN_HOUR, DIFFERENT = 10_000, 8


def job(folder: Path):
    """The job over merged captures whose output is a probability."""
    said = {"problem_type": "BinaryClassification", "probability_attribute": "0", "output_path": str(folder.parent / "reports")}
    form = parse_dataset_format(MERGED)
    settings = Settings(dataset_source=str(folder), dataset_format=form, container_root=str(folder), **said)
    return prepare(settings, ModelQuality.prepared)


def metrics(session: SparkSession, folder: Path) -> bytes:
    """Every metric of all files under a folder, by one pass on the session."""
    from hourglass.spark.one_pass import spark_engine

    made = job(folder)
    engine, parallelism = spark_engine(session)
    plan, files = plan_pass(made)
    hours = gather(engine(cut_tasks(files, plan.read.form, parallelism), plan))
    return _written(made.monitor.measured(HourStates.merged(list(hours.values()))))


def bias(session: SparkSession, folder: Path) -> bytes:
    """Every metric of two facets of all files under a folder, by one pass on the session."""
    from hourglass.spark.one_pass import spark_engine

    headers = [f"f{i}" for i in range(20)]
    config = folder.parent / "bias_config.json"
    document = {
        "headers": [*headers, "label"],
        "label": "label",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "f15", "value_or_threshold": [0]}, {"name_or_index": "f17"}],
        "predictor": {"probability": "0"},
    }
    config.write_text(json.dumps(document))
    form = parse_dataset_format('{"sagemakerMergeJson":{}}')
    said = {"output_path": str(folder.parent / "reports"), "analysis_config": str(config), "container_root": str(folder)}
    made = prepare(Settings(dataset_source=str(folder), dataset_format=form, **said), BiasDrift.prepared)
    engine, parallelism = spark_engine(session)
    plan, files = plan_pass(made)
    hours = gather(engine(cut_tasks(files, plan.read.form, parallelism), plan))
    report = made.monitor.measured(HourStates.merged(list(hours.values())))
    if isinstance(report.facets[0].values[0].metrics["DPPL"].value, Undefined):
        raise SystemExit("no DPPL: nothing to measure")
    return made.monitor.outputs.files(Report(None, Dataset(0, "", {}, Intake()), bias=report))["analysis.json"]


def month(root: Path) -> StateStore:
    """A month of hours of 10,000 rows each, as a pass would have left them."""
    return StateStore(str(data.once(root / f"quality_month_{AN_HOUR}", lambda folder: _fill(folder, root))), "model-quality")


def _fill(folder: Path, root: Path) -> None:
    store = StateStore(str(folder), "model-quality")
    made = job(data.merged(root, AN_HOUR * DIFFERENT, DIFFERENT))
    plan, files = plan_pass(made)
    hours = list(gather(run_locally(cut_tasks(files, plan.read.form, 2), plan)).values())
    for hour in range(HOURS):
        partition = f"endpoint/AllTraffic/{hour_name(START + timedelta(hours=hour))}"
        store.write(partition, hours[hour % len(hours)], Header(Reading("bench"), {"a.jsonl": (1, 1)}))


def window(store: StateStore, root: Path, days: int = 30) -> bytes:
    """Every metric of the last days, with the deviations of 5 draws, from stored hours."""
    end = START + timedelta(hours=HOURS)
    states = History({}, store).sum(Window(end - timedelta(days=days), end)).states
    made = job(data.merged(root, AN_HOUR * DIFFERENT, DIFFERENT))
    return _written(made.monitor.measured(states, bootstrap=Bootstrap()))


def _written(report: QualityReport) -> bytes:
    if isinstance(report.metrics["auc"].value, Undefined):
        raise SystemExit("no AUC: nothing to measure")
    return to_json(quality_statistics(report))
