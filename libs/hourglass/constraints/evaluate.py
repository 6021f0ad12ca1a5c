"""A window against its baseline: every check, in the order of features."""

from __future__ import annotations

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import CHECKS, Evaluation
from hourglass.dataset import Dataset


def evaluate(dataset: Dataset, baseline: Baseline) -> list[Evaluation]:
    """The evaluations of all checks, those of the whole data set first, then by feature in the baseline's order.

    A data set without rows has none: that is the verdict "no data" of the whole window.
    """
    if dataset.rows == 0:
        return []
    order = {name: place for place, name in enumerate([*baseline.features, *dataset.columns], start=1)}
    found = [evaluation for check in CHECKS.values() for evaluation in check.evaluate(dataset, baseline)]
    return sorted(found, key=lambda evaluation: order.get(evaluation.feature, 0))
