"""Rows as plain lists, and the states and reports that are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from hourglass.quality import Bootstrap, Problem, QualityReport, class_names, measure_quality
from hourglass.states import Confusion, Errors, Scores

NO_DRAWS = Bootstrap(draws=0)


def confusion(actual: list, predicted: list) -> Confusion:
    """The table of two columns of labels."""
    state = Confusion.empty()
    state.update(class_names(actual), class_names(predicted))
    return state


def scores(actual: Any, given: Any) -> Scores:
    """The table of scores of rows that are positive, or not."""
    state = Scores.empty()
    state.update(actual if isinstance(actual, np.ndarray) else pa.array(actual, pa.bool_()), np.asarray(given, np.float64))
    return state


def errors(actual: Any, predicted: Any, replicates: int = 5, seed: int = 0) -> Errors:
    """The sums of errors; the ids are random."""
    state = Errors.empty(replicates)
    state.update(actual, predicted, np.random.default_rng(seed).integers(0, 2**64, len(actual), np.uint64))
    return state


def report_of(problem: Problem, *states: Any, **options: Any) -> QualityReport:
    """The report of some states."""
    return measure_quality({state.kind: state for state in states}, problem, **options)


def values(report: QualityReport) -> dict[str, Any]:
    """The metrics' values, or reasons, by name."""
    return {key: measured.value for key, measured in report.metrics.items()}
