"""What a run says: a report a window, and the outcome of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hourglass.capture.window import Window
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset

SUGGESTED = "suggested"


@dataclass(frozen=True)
class Report:
    """What a run says of one window: what was read, and either evaluations or the constraints that it suggests."""

    window: Window | None
    dataset: Dataset
    evaluations: tuple[Evaluation, ...] = ()
    constraints: dict[str, Any] | None = None

    @property
    def violations(self) -> tuple[Evaluation, ...]:
        """The evaluations that violate their constraint."""
        return tuple(found for found in self.evaluations if found.verdict is Verdict.VIOLATION)

    @property
    def verdict(self) -> str:
        """The worst of the window: no data, violation, insufficient data, or pass; "suggested" without a baseline.

        A window is a pass only if at least one comparison with the baseline's distributions could be made, or none was
        asked for.
        """
        if self.dataset.rows == 0:
            return Verdict.NO_DATA
        if self.constraints is not None:
            return SUGGESTED
        if self.violations:
            return Verdict.VIOLATION
        drift = {found.verdict for found in self.evaluations if found.check == "baseline_drift_check"}
        return Verdict.INSUFFICIENT if drift and Verdict.PASS not in drift else Verdict.PASS


@dataclass(frozen=True)
class Outcome:
    """What a run did: its reports in the order of their windows, and the sentence for the message file."""

    reports: tuple[Report, ...]
    message: str

    @property
    def violations(self) -> int:
        """How many violations all windows have."""
        return sum(len(report.violations) for report in self.reports)
