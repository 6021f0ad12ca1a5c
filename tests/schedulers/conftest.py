"""A few hours of the demonstration's traffic, with labels and baselines, as local folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from hourglass.demo import demo, quality
from hourglass.demo.labels import ground_truth
from hourglass.demo.replay import DAY, ENDPOINT
from hourglass.join.here import join_here
from hourglass.local import run_locally
from hourglass.settings import Settings

QUALITY = {  # what model quality is told of the traffic
    "problem_type": "BinaryClassification",
    "inference_attribute": "prediction",
    "probability_attribute": "probability",
    "positive_class": ">50K",
    "negative_class": "<=50K",
    "decision": "uncertainty",
    "deviations": 3,
}
HOURS = range(9, 13)  # in 9 and 10 a quarter of workclass is null, in 11 and 12 married people earn more than they did


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """capture/adult-income/AllTraffic/2026/11/20/…, ground-truth/…, baseline and quality-baseline."""
    place = tmp_path_factory.mktemp("traffic")
    scene = demo.prepare(place, Console(quiet=True))
    demo.data_quality.run(
        Settings(dataset_source=str(place / demo.TRAINING_SCORED), output_path=str(place / demo.BASELINE)), run_locally, 2
    )
    runs = quality.Quality(place, run_locally, join_here, 2)
    runs.suggest(scene.model, *scene.held_out)
    for path, data in ground_truth(scene.labels).items():
        (place / quality.TRUTH / path).parent.mkdir(parents=True, exist_ok=True)
        (place / quality.TRUTH / path).write_bytes(data)
    hours = place / demo.CAPTURE / ENDPOINT / "AllTraffic" / f"{DAY.start:%Y/%m/%d}"
    for hour in hours.iterdir():
        if int(hour.name) not in HOURS:
            shutil.rmtree(hour)
    return place
