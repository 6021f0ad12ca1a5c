"""Data sets made of plain columns, and their baselines: what the tests of constraints need, without files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from hourglass.constraints import Baseline, SuggestionOptions, baseline_from, parse_baseline, suggest
from hourglass.dataset import Dataset
from hourglass.states import COLUMN_STATES, ColumnProfile, Intake
from hourglass.undefined import Undefined
from hourglass.values import classify


def dataset(layout: str = "named", **columns: Sequence[object]) -> Dataset:
    """The data set of these columns."""
    profiles = {}
    for position, (name, values) in enumerate(columns.items()):
        profiles[name] = ColumnProfile.of(COLUMN_STATES, position)
        profiles[name].update(classify(list(values)))
    return Dataset(max(map(len, columns.values()), default=0), layout, profiles, Intake())


def document(reference: Dataset) -> dict[str, Any]:
    """constraints.json as it is suggested, but with distances that have thresholds of their own."""
    rules = suggest(reference, SuggestionOptions())
    rules["monitoring_config"]["share_comparison_method"] = "Robust"
    rules["monitoring_config"]["distribution_constraints"] = {
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    }
    return rules


def baseline(reference: Dataset, edit: Callable[[dict[str, Any]], object] = lambda _: None) -> Baseline:
    """The baseline of a data set, with constraints.json edited by hand."""
    rules = document(reference)
    edit(rules)
    found = baseline_from(reference, parse_baseline(orjson.dumps(rules), None), SuggestionOptions())
    assert not isinstance(found, Undefined)
    return found


def comparing(**keys: object) -> Callable[[dict[str, Any]], object]:
    """An edit of the run's distribution_constraints."""
    return lambda rules: rules["monitoring_config"]["distribution_constraints"].update(keys)


def overriding(name: str, **keys: object) -> Callable[[dict[str, Any]], object]:
    """An edit of one feature's distribution_constraints."""

    def edit(rules: dict[str, Any]) -> None:
        feature = next(entry for entry in rules["features"] if entry["name"] == name)
        feature.setdefault("monitoringConfigOverrides", {}).setdefault("distribution_constraints", {}).update(keys)

    return edit
