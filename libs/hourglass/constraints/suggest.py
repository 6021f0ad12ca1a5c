"""Constraints from a data set: what Deequ's rules, which the stock analyzer follows, would ask of the next one."""

from __future__ import annotations

from typing import Any

from hourglass.constraints.baseline import CALIBRATED, MonitoringConfig
from hourglass.constraints.check import CHECKS, SuggestionOptions
from hourglass.dataset import Dataset


def suggest(dataset: Dataset, options: SuggestionOptions) -> dict[str, Any]:
    """The document of `constraints.json`: a constraint a feature, and the configuration of the monitoring."""
    return {
        "version": 0.0,
        "features": [_feature(name, dataset, options) for name in dataset.columns],
        "monitoring_config": _monitoring_config(MonitoringConfig(budget=options.budget)),
    }


def _feature(name: str, dataset: Dataset, options: SuggestionOptions) -> dict[str, Any]:
    feature: dict[str, Any] = {"name": name}
    for check in CHECKS.values():
        if check.suggest is not None:
            _lay_over(feature, check.suggest(dataset.columns[name], options))
    order = ["name", "inferred_type", "completeness", "num_constraints", "string_constraints", "monitoringConfigOverrides"]
    return {key: feature[key] for key in order if key in feature}


def _lay_over(document: dict[str, Any], part: dict[str, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, dict):
            _lay_over(document.setdefault(key, {}), value)
        else:
            document[key] = value


def _monitoring_config(config: MonitoringConfig) -> dict[str, Any]:
    return {
        "evaluate_constraints": "Enabled" if config.evaluate_constraints else "Disabled",
        "emit_metrics": "Enabled" if config.emit_metrics else "Disabled",
        "datatype_check_threshold": config.datatype_check_threshold,
        "domain_content_threshold": config.domain_content_threshold,
        "budget": config.budget,
        "share_comparison_method": CALIBRATED,
        "distribution_constraints": {
            "perform_comparison": "Enabled" if config.perform_comparison else "Disabled",
            "comparison_method": CALIBRATED,
            "categorical_drift_method": CALIBRATED,
        },
    }
