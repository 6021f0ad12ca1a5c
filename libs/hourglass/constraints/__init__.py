"""Constraints: suggested from statistics, evaluated against a baseline. One check a file."""

from hourglass.constraints.baseline import Baseline, FeatureConstraint, MonitoringConfig, parse_baseline
from hourglass.constraints.calibration import Calibration, Learnt, learn_dispersions, parse_calibration
from hourglass.constraints.check import CHECKS, Check, Evaluation, SuggestionOptions, Verdict, check
from hourglass.constraints.evaluate import evaluate
from hourglass.constraints.learn import learnt_thresholds, past_distances, with_thresholds
from hourglass.constraints.ranking import SegmentDrift, rank_segments
from hourglass.constraints.reference_window import baseline_from, with_budget, with_dispersions, with_states
from hourglass.constraints.suggest import suggest
from hourglass.constraints.where_it_shows import Excess, where_it_shows
from hourglass.registration import import_all

import_all(__name__, __path__)

__all__ = [
    "CHECKS",
    "Baseline",
    "Calibration",
    "Check",
    "Evaluation",
    "Excess",
    "FeatureConstraint",
    "Learnt",
    "MonitoringConfig",
    "SegmentDrift",
    "SuggestionOptions",
    "Verdict",
    "baseline_from",
    "check",
    "evaluate",
    "learn_dispersions",
    "learnt_thresholds",
    "parse_baseline",
    "parse_calibration",
    "past_distances",
    "rank_segments",
    "suggest",
    "where_it_shows",
    "with_budget",
    "with_dispersions",
    "with_states",
    "with_thresholds",
]
