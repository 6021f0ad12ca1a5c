"""A source's rows as a DataFrame, as users' own checks get them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hourglass.capture.files import list_files
from hourglass.capture.formats import parse_dataset_format
from hourglass.capture.hooks import Script
from hourglass.capture.reader import ReadPlan
from hourglass.capture.slices import cut_tasks
from hourglass.dataset import Dataset, dataset_of
from hourglass.hours import HourStates, gather
from hourglass.scan import ScanPlan
from hourglass.spark.rows import flattened
from hourglass.states import COLUMN_STATES
from tests.engine import plain_engine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def flat(spark: SparkSession, source: Path, form: str, hook: Script | None = None) -> tuple[DataFrame, Dataset]:
    """A source's rows, and the data set that the pass makes of it."""
    plan = ReadPlan(parse_dataset_format(form), preprocessor=hook)
    tasks = cut_tasks(list_files(str(source), None).files, plan.form, 2)
    hours = gather(plain_engine(tasks, ScanPlan(plan, tuple(COLUMN_STATES))))
    dataset = dataset_of(HourStates.merged(list(hours.values())))
    return flattened(spark, tasks, plan, dataset), dataset
