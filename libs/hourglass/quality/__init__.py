"""Labels and predictions → states → metrics of a model's quality, with their deviations → constraints and verdicts."""

from hourglass.problems import Problem
from hourglass.quality.bootstrap import Bootstrap
from hourglass.quality.classes import ClassRule, Same, class_name, class_names, names_by_threshold
from hourglass.quality.constraints import (
    OPERATORS,
    Mode,
    QualityConstraint,
    baseline_deviations,
    evaluate_quality,
    parse_quality_constraints,
    quality_constraints,
    quality_violations,
)
from hourglass.quality.digest import QualityDigest
from hourglass.quality.metric import QUALITY_METRICS, QualityMetric, metrics_of, quality_metric
from hourglass.quality.report import FIRST_METRICS, QUALITY_STATES, Measured, QualityReport, measure_quality, quality_statistics

__all__ = [
    "FIRST_METRICS",
    "OPERATORS",
    "QUALITY_METRICS",
    "QUALITY_STATES",
    "Bootstrap",
    "ClassRule",
    "Measured",
    "Mode",
    "Problem",
    "QualityConstraint",
    "QualityDigest",
    "QualityMetric",
    "QualityReport",
    "Same",
    "baseline_deviations",
    "class_name",
    "class_names",
    "evaluate_quality",
    "measure_quality",
    "metrics_of",
    "names_by_threshold",
    "parse_quality_constraints",
    "quality_constraints",
    "quality_metric",
    "quality_statistics",
    "quality_violations",
]
