"""Stored hours judged again: what a baseline would have said of each, and with which budget of false alarms it would have alarmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from hourglass.capture.window import Window, hour_of
from hourglass.constraints import Baseline, Evaluation, SuggestionOptions, Verdict, baseline_from, evaluate
from hourglass.constraints.baseline_drift_check import KEY as DRIFT
from hourglass.dataset import Dataset, dataset_of
from hourglass.history import History
from hourglass.hours import HourStates
from hourglass.monitors.job import asked_segments
from hourglass.monitors.segment_reports import segment_reports
from hourglass.references import Reference
from hourglass.segments import Segmentation
from hourglass.undefined import Undefined

HOURS_A_WEEK = 7 * 24


@dataclass(frozen=True)
class ReplayedHour:
    """An hour and what was found in it, each with the name of its segment: "" is the whole hour."""

    hour: str
    dataset: Dataset
    evaluations: Sequence[tuple[str, Evaluation]]

    @property
    def budget(self) -> float | None:
        """The least budget with which it alarms; None where no budget decides."""
        return min((found.budget for _, found in self.evaluations if found.budget is not None), default=None)

    @property
    def without_budget(self) -> list[tuple[str, Evaluation]]:
        """The violations that no budget decides: missing columns, negative numbers, thresholds of other comparisons."""
        return [one for one in self.evaluations if one[1].budget is None and one[1].verdict is Verdict.VIOLATION]

    @property
    def is_unjudged(self) -> bool:
        """Whether no column could be compared."""
        compared = [found.verdict for _, found in self.evaluations if found.check == DRIFT]
        return bool(compared) and all(verdict is not Verdict.PASS and verdict is not Verdict.VIOLATION for verdict in compared)

    def alarms(self, budget: float) -> list[tuple[str, Evaluation]]:
        """The violations with a budget, the surest first, then those that no budget decides."""
        within = [one for one in self.evaluations if one[1].budget is not None and one[1].budget < budget]
        return [*sorted(within, key=lambda one: one[1].budget or 0.0), *self.without_budget]


@dataclass(frozen=True)
class Against:
    """What stored hours are held against: a baseline with its states, or the hours that the reference names beside each."""

    baseline: Baseline
    states: HourStates | None
    reference: Reference
    segments: Sequence[Segmentation] = ()


def replay(history: History, window: Window, wanted: Callable[[str], bool], against: Against) -> Iterator[ReplayedHour]:
    """Every stored hour of a window and its segments, decided as a run would have decided them; no data are read.

    Hours without rows, and those of which the reference has no hours, are left out.
    """
    for hour in sorted({hour_of(partition) for partition in history.hours(window, wanted)} - {""}):
        this = Window.of_hour(hour)
        states = history.sum(this, wanted).states
        dataset = dataset_of(states)
        past = against if against.reference.is_baseline else _past(history, this, wanted, against)
        if dataset.rows and past is not None:
            yield ReplayedHour(hour, dataset, list(_evaluations(dataset, states, past)))


def _evaluations(dataset: Dataset, states: HourStates, past: Against) -> Iterator[tuple[str, Evaluation]]:
    baseline = replace(past.baseline, data_sets=1 + sum(1 for _ in asked_segments(past.segments, states)))
    yield from (("", found) for found in evaluate(dataset, baseline))
    for segment in segment_reports(past.segments, states, past.states, baseline, frozenset(), SuggestionOptions()):
        yield from ((segment.name, found) for found in segment.evaluations)


def _past(history: History, this: Window, wanted: Callable[[str], bool], against: Against) -> Against | None:
    states = HourStates.merged([history.sum(past, wanted).states for past in against.reference.windows(this)])
    if not states.intake.rows:
        return None
    found = baseline_from(dataset_of(states), against.baseline, SuggestionOptions())
    return None if isinstance(found, Undefined) else replace(against, baseline=found, states=states)


@dataclass(frozen=True)
class BudgetLine:
    """How many of some hours alarm with a budget, and how many that is a week of hours."""

    budget: float
    hours: int
    alarms: int

    @property
    def a_week(self) -> float:
        """Alarms in 168 hours."""
        return self.alarms * HOURS_A_WEEK / self.hours


def by_budget(hours: Sequence[ReplayedHour], budgets: Sequence[float]) -> list[BudgetLine]:
    """How often each budget would have alarmed."""
    least = [hour.budget for hour in hours if hour.budget is not None]
    return [BudgetLine(budget, len(hours), sum(found < budget for found in least)) for budget in sorted(set(budgets))]
