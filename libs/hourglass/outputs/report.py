"""What a run says: a report a window, and the outcome of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hourglass.capture.window import Window
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.hours import HourStates
from hourglass.references import BASELINE, Reference

SUGGESTED = "suggested"


def verdict_of(dataset: Dataset, evaluations: tuple[Evaluation, ...]) -> Verdict:
    """The worst of some rows: no data, violation, insufficient data, or pass.

    They pass only if at least one comparison of distributions could be made, or none was asked for.
    """
    if dataset.rows == 0:
        return Verdict.NO_DATA
    if any(found.verdict is Verdict.VIOLATION for found in evaluations):
        return Verdict.VIOLATION
    drift = {found.verdict for found in evaluations if found.check == "baseline_drift_check"}
    return Verdict.INSUFFICIENT if drift and Verdict.PASS not in drift else Verdict.PASS


@dataclass(frozen=True)
class SegmentReport:
    """What a run says of a segment of a window: its rows, the checks, and where it drifted most.

    `effect` is the largest drift of its features beyond chance, None where none could be computed; `finding` says it in
    a sentence, and `examples` are kept rows that show it.
    """

    name: str
    dataset: Dataset
    evaluations: tuple[Evaluation, ...]
    effect: float | None = None
    feature: str | None = None
    finding: str = ""
    examples: tuple[Mapping[str, Any], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the segment."""
        return verdict_of(self.dataset, self.evaluations)


@dataclass(frozen=True)
class Coverage:
    """How many of a window's hours have states, and what could not be used of them."""

    expected: int = 0
    found: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a run says of one window: what was read, and either evaluations or the constraints that it suggests.

    `traffic` are the rows of each `endpoint/variant`; `held_against` the windows that it was compared with, when it was
    not the baseline. Segments stand in order of their drift. `deequ_metrics` are the values of the user's own analyzers,
    `states` are kept of a suggestion only.
    """

    window: Window | None
    dataset: Dataset
    evaluations: tuple[Evaluation, ...] = ()
    constraints: dict[str, Any] | None = None
    length: timedelta | None = None
    reference: Reference = BASELINE
    held_against: tuple[Window, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    traffic: Mapping[str, int] = field(default_factory=dict)
    segments: tuple[SegmentReport, ...] = ()
    bad_lines: tuple[dict[str, Any], ...] = ()
    kept_rows: int = 0
    deequ_metrics: tuple[Mapping[str, Any], ...] = ()
    states: HourStates | None = None

    @property
    def violations(self) -> tuple[Evaluation, ...]:
        """The evaluations that violate their constraint."""
        return tuple(found for found in self.evaluations if found.verdict is Verdict.VIOLATION)

    @property
    def verdict(self) -> str:
        """The worst of the window: no data, violation, insufficient data, or pass; "suggested" without a baseline."""
        if self.constraints is not None and self.dataset.rows:
            return SUGGESTED
        return verdict_of(self.dataset, self.evaluations)


@dataclass(frozen=True)
class Outcome:
    """What a run did: its reports in the order of their windows, and the sentence for the message file."""

    reports: tuple[Report, ...]
    message: str

    @property
    def violations(self) -> int:
        """How many violations all windows have, those of their segments included."""
        return sum(len(report.violations) + sum(_violations(segment) for segment in report.segments) for report in self.reports)


def _violations(segment: SegmentReport) -> int:
    return sum(found.verdict is Verdict.VIOLATION for found in segment.evaluations)
