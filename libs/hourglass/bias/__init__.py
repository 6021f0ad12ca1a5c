"""Counts of labels and predictions by facet → metrics of bias with their intervals → constraints and verdicts."""

from hourglass.bias.config import AnalysisConfig, Chosen, FacetConfig, parse_analysis_config
from hourglass.bias.constraints import (
    CHECK,
    BiasConstraint,
    BiasEvaluation,
    Decision,
    bias_violations,
    evaluate_bias,
    parse_bias_constraints,
)
from hourglass.bias.facets import above_name, below_name, by_threshold, facet_names, together
from hourglass.bias.flip_test import NEIGHBOURS, FlipRows
from hourglass.bias.interval import QUANTILES, Interval
from hourglass.bias.metric import BIAS_METRICS, BiasMetric, Stage, bias_metric, metrics_of
from hourglass.bias.report import (
    ALL_OTHERS,
    BIAS_BOOTSTRAP,
    LEAST_COUNT,
    MOST_COMPARED,
    BiasReport,
    FacetValue,
    MeasuredBias,
    ValueBias,
    analysis_document,
    best_off,
    by_facet,
    compared,
    measure_bias,
)
from hourglass.registration import import_all

import_all(__name__, __path__)

__all__ = [
    "ALL_OTHERS",
    "BIAS_BOOTSTRAP",
    "BIAS_METRICS",
    "CHECK",
    "LEAST_COUNT",
    "MOST_COMPARED",
    "NEIGHBOURS",
    "QUANTILES",
    "AnalysisConfig",
    "BiasConstraint",
    "BiasEvaluation",
    "BiasMetric",
    "BiasReport",
    "Chosen",
    "Decision",
    "FacetConfig",
    "FacetValue",
    "FlipRows",
    "Interval",
    "MeasuredBias",
    "Stage",
    "ValueBias",
    "above_name",
    "analysis_document",
    "below_name",
    "best_off",
    "bias_metric",
    "bias_violations",
    "by_facet",
    "by_threshold",
    "compared",
    "evaluate_bias",
    "facet_names",
    "measure_bias",
    "metrics_of",
    "parse_analysis_config",
    "parse_bias_constraints",
    "together",
]
