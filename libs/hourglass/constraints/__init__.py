"""Constraints: suggested from statistics, evaluated against a baseline. One check a file."""

from hourglass.constraints.baseline import Baseline, FeatureConstraint, MonitoringConfig, parse_baseline
from hourglass.constraints.check import CHECKS, Check, Evaluation, SuggestionOptions, Verdict, check
from hourglass.constraints.evaluate import evaluate
from hourglass.constraints.suggest import suggest
from hourglass.registration import import_all

import_all(__name__, __path__)

__all__ = [
    "CHECKS",
    "Baseline",
    "Check",
    "Evaluation",
    "FeatureConstraint",
    "MonitoringConfig",
    "SuggestionOptions",
    "Verdict",
    "check",
    "evaluate",
    "parse_baseline",
    "suggest",
]
