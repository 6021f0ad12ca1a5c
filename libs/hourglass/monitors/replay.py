"""Stored hours judged again: what a baseline would have said of each, and with which budget of false alarms it would have alarmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hourglass.capture.window import Window, hour_of
from hourglass.constraints import Baseline, Evaluation, SuggestionOptions, Verdict, baseline_from, evaluate
from hourglass.dataset import Dataset, dataset_of
from hourglass.history import History
from hourglass.hours import HourStates
from hourglass.references import Reference
from hourglass.undefined import Undefined

HOURS_A_WEEK = 7 * 24


@dataclass(frozen=True)
class ReplayedHour:
    """An hour and what was found in it; `budget` is the least one with which it would alarm, None where no budget decides."""

    hour: str
    dataset: Dataset
    evaluations: Sequence[Evaluation]

    @property
    def budget(self) -> float | None:
        """The least budget with which one of its columns alarms."""
        return min((found.budget for found in self.evaluations if found.budget is not None), default=None)

    @property
    def without_budget(self) -> list[Evaluation]:
        """The violations that no budget decides: missing columns, negative numbers, thresholds of other comparisons."""
        return [found for found in self.evaluations if found.budget is None and found.verdict is Verdict.VIOLATION]

    def alarms(self, budget: float) -> list[Evaluation]:
        """The violations with a budget, the surest first, then those that no budget decides."""
        within = [found for found in self.evaluations if found.budget is not None and found.budget < budget]
        return [*sorted(within, key=lambda found: found.budget or 0.0), *self.without_budget]


def replay(
    history: History, window: Window, wanted: Callable[[str], bool], baseline: Baseline, reference: Reference
) -> Iterator[ReplayedHour]:
    """Every stored hour of a window held against the baseline, or against the hours that the reference names; no data are read.

    Hours without rows, and those of which the reference has no hours, are left out.
    """
    for hour in sorted({hour_of(partition) for partition in history.hours(window, wanted)} - {""}):
        this = Window.of_hour(hour)
        dataset = dataset_of(history.sum(this, wanted).states)
        against = baseline if reference.is_baseline else _past(history, this, wanted, baseline, reference)
        if dataset.rows and against is not None:
            yield ReplayedHour(hour, dataset, evaluate(dataset, against))


def _past(history: History, this: Window, wanted: Callable[[str], bool], baseline: Baseline, reference: Reference) -> Baseline | None:
    states = HourStates.merged([history.sum(past, wanted).states for past in reference.windows(this)])
    found = baseline_from(dataset_of(states), baseline, SuggestionOptions()) if states.intake.rows else Undefined("no hours")
    return None if isinstance(found, Undefined) else found


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
