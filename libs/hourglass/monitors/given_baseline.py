"""The baseline that a run is given: constraints, statistics, and beside them its states and what is known of chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from hourglass import storage
from hourglass.constraints import Baseline, Calibration, parse_baseline, parse_calibration, with_budget, with_dispersions, with_states
from hourglass.dataset import dataset_of
from hourglass.errors import InputError
from hourglass.hours import HourStates
from hourglass.monitors.job import json_object, read_document
from hourglass.outputs import documents
from hourglass.references import BASELINE, Reference
from hourglass.store import read_states


class BaselinePlaces(Protocol):
    """Where a baseline's files lie, and what overrules them; the settings are one."""

    @property
    def baseline_constraints(self) -> str | None: ...
    @property
    def baseline_statistics(self) -> str | None: ...
    @property
    def baseline_states(self) -> str | None: ...
    @property
    def baseline_calibration(self) -> str | None: ...
    @property
    def categorical_drift_method(self) -> str | None: ...
    @property
    def budget(self) -> float | None: ...
    @property
    def reference(self) -> Reference: ...


@dataclass(frozen=True)
class BaselineFolder:
    """A baseline whose files lie in one folder."""

    baseline_constraints: str
    budget: float | None = None
    reference: Reference = BASELINE
    baseline_states: str | None = None
    baseline_calibration: str | None = None
    categorical_drift_method: str | None = None
    baseline_statistics: str | None = None


def read_baseline(places: BaselinePlaces) -> Baseline:
    """The baseline of the two files of the contract; its budget is the one that was said, if one was.

    Statistics that nobody has named are those beside the constraints.
    """
    beside = _beside(places, documents.STATISTICS_JSON)
    statistics = read_document(places.baseline_statistics, documents.STATISTICS_JSON)
    baseline = parse_baseline(
        read_document(places.baseline_constraints, documents.CONSTRAINTS_JSON),
        storage.read_if_there(beside) if statistics is None else statistics,
        places.categorical_drift_method,
        constraints_path=_path(places.baseline_constraints, documents.CONSTRAINTS_JSON),
        statistics_path=_path(places.baseline_statistics, documents.STATISTICS_JSON) if places.baseline_statistics else beside,
    )
    if places.budget is None:
        return baseline
    if not baseline.budget_parts:
        raise no_budget("budget", f"{places.budget:g}, and a baseline of which no check has a budget")
    return with_budget(baseline, places.budget)


def no_budget(subject: str, found: str) -> InputError:
    """The fault of a baseline that is asked for what only one with a budget has."""
    return InputError(subject, found=found, expected="calibrated features", hint='comparison_method "Calibrated" in constraints.json')


def read_calibrated(places: BaselinePlaces, baseline: Baseline) -> tuple[Baseline, HourStates | None]:
    """The baseline with what our own files beside it say, and its states: calibrated decisions want all of them."""
    states = read_baseline_states(places)
    if not baseline.budget_parts:
        return baseline, states
    learnt = read_calibration(places).of(places.reference)
    baseline = replace(with_dispersions(baseline, learnt.dispersions), learnt_from=str(learnt))
    return baseline if states is None else with_states(baseline, dataset_of(states)), states


def read_baseline_states(places: BaselinePlaces) -> HourStates | None:
    """The states of the baseline, which segments and calibrated features are held against.

    They are where the settings say, or beside its statistics.
    """
    path = places.baseline_states or _beside(places, documents.BASELINE_STATES)
    found = read_states(path)
    if found is None and places.baseline_states is not None:
        raise InputError("baseline_states", found=f"no file {path}", expected=documents.BASELINE_STATES)
    return found.states() if found is not None else None


def read_calibration(places: BaselinePlaces) -> Calibration:
    """What is known of chance, where the settings say or beside the baseline; nothing where there is no such file."""
    path = places.baseline_calibration or _beside(places, documents.CALIBRATION_JSON)
    found = storage.read_if_there(path)
    if found is None and places.baseline_calibration is not None:
        raise InputError("baseline_calibration", found=f"no file {path}", expected=documents.CALIBRATION_JSON)
    return Calibration() if found is None else parse_calibration(json_object(found, path), path)


def _path(given: str | None, name: str) -> str:
    """Where a document of a baseline is: at its own path, or in a folder."""
    return given if given is not None and given.endswith(".json") else storage.join(given or "", name)


def _beside(places: BaselinePlaces, name: str) -> str:
    given = places.baseline_statistics or places.baseline_constraints or ""
    return storage.join(given.rpartition("/")[0] if given.endswith(".json") else given, name)
