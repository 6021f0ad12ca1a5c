"""What a run says: a report a window, and the outcome of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hourglass.attribution.report import CHECK as ATTRIBUTION_CHECK
from hourglass.attribution.report import AttributionReport
from hourglass.bias import CHECK as BIAS_CHECK
from hourglass.bias import BiasEvaluation, BiasReport
from hourglass.capture.window import Window
from hourglass.constraints import Baseline, Calibration, Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.hours import HourStates
from hourglass.outputs.attribution_report import AttributionPage
from hourglass.outputs.bias_report import BiasPage
from hourglass.quality import OPERATORS, QualityReport

SUGGESTED = "suggested"
COMPARISONS = {"baseline_drift_check", ATTRIBUTION_CHECK, BIAS_CHECK, *OPERATORS}  # checks that say whether a window is like its past


def verdict_of(dataset: Dataset, evaluations: tuple[Evaluation, ...]) -> Verdict:
    """The worst of some rows: no data, violation, insufficient data, or pass.

    They pass only if at least one comparison with the past could be made, or none was asked for, and none is lacking that is
    about all of them: each label of a model is.
    """
    if dataset.rows == 0:
        return Verdict.NO_DATA
    if any(found.verdict is Verdict.VIOLATION for found in evaluations):
        return Verdict.VIOLATION
    compared = {(found.feature, found.verdict) for found in evaluations if found.check in COMPARISONS}
    of_labels = any(found.check == ATTRIBUTION_CHECK and found.verdict is not Verdict.PASS for found in evaluations)
    lacking = of_labels or ("", Verdict.INSUFFICIENT) in compared or Verdict.PASS not in {verdict for _, verdict in compared}
    return Verdict.INSUFFICIENT if compared and lacking else Verdict.PASS


@dataclass(frozen=True)
class Bias:
    """The bias of a window's facets, and what was found of each metric that has a constraint.

    `page` is what a person is to read of it, None where nobody asks for that.
    """

    facets: tuple[BiasReport, ...] = ()
    evaluations: tuple[BiasEvaluation, ...] = ()
    page: BiasPage | None = None


@dataclass(frozen=True)
class SegmentReport:
    """What a run says of a segment of a window: its rows, the checks, and where it is worst.

    `effect` is what segments are ranked by, None where it could not be computed; `finding` says it in a sentence, and
    `examples` are kept rows that show it. `quality` are a model's metrics.
    """

    name: str
    dataset: Dataset
    evaluations: tuple[Evaluation, ...]
    effect: float | None = None
    feature: str | None = None
    finding: str = ""
    examples: tuple[Mapping[str, Any], ...] = ()
    quality: QualityReport | None = None
    bias: Bias | None = None
    attribution: AttributionReport | None = None

    @property
    def violations(self) -> tuple[Evaluation, ...]:
        """The evaluations that violate their constraint."""
        return tuple(found for found in self.evaluations if found.verdict is Verdict.VIOLATION)

    @property
    def verdict(self) -> Verdict:
        """The worst of the segment."""
        return verdict_of(self.dataset, self.evaluations)


@dataclass(frozen=True)
class Ranking:
    """How segments are ranked: the order in words, what the effect is called, and its definition."""

    order: str
    effect: str
    definition: str


BY_DRIFT = Ranking(
    "violations within a budget first, then most drifted",
    "drift beyond chance",
    "linf_robust, the distance beyond chance: of the feature that is surest in violation, else the largest of a feature",
)


@dataclass(frozen=True)
class Coverage:
    """How many of a window's hours have states, and what could not be used of them."""

    expected: int = 0
    found: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReferenceReport:
    """What a window was compared with: the baseline, or windows with so many hours."""

    kind: str = "baseline"
    windows: tuple[Window, ...] = ()
    hours: Coverage = field(default_factory=Coverage)


@dataclass(frozen=True)
class DataQualityPage:
    """What a person is told of a window's columns beside what was found: of what they are, and what they were held against.

    `baseline` is None where they were held against nothing; `latest` says whether the window is the last of its length.
    """

    subject: str
    baseline: Baseline | None
    latest: bool = True


@dataclass(frozen=True)
class Report:
    """What a run says of one window: what was read, and either evaluations or the constraints that it suggests.

    `traffic` are the rows of each `endpoint/variant`. Segments stand in the order of `ranking`. `deequ_metrics` are the
    values of the user's own analyzers, `states` and `calibration` are of a suggestion only; `asked` is the constraints.json that was
    used. `quality` are a model's metrics, `bias` is that of its facets, `attribution` what drives its answers,
    and `attribution_page` what a person is to read of that, None where nobody asks for it; `data_quality_page` is of columns.
    """

    window: Window | None
    dataset: Dataset
    evaluations: tuple[Evaluation, ...] = ()
    constraints: dict[str, Any] | None = None
    length: timedelta | None = None
    reference: ReferenceReport = field(default_factory=ReferenceReport)
    coverage: Coverage = field(default_factory=Coverage)
    traffic: Mapping[str, int] = field(default_factory=dict)
    segments: tuple[SegmentReport, ...] = ()
    bad_lines: tuple[dict[str, Any], ...] = ()
    kept_rows: int = 0
    deequ_metrics: tuple[Mapping[str, Any], ...] = ()
    states: HourStates | None = None
    calibration: Calibration | None = None
    asked: bytes | None = None
    ranking: Ranking = BY_DRIFT
    quality: QualityReport | None = None
    bias: Bias | None = None
    attribution: AttributionReport | None = None
    attribution_page: AttributionPage | None = None
    data_quality_page: DataQualityPage | None = None

    @property
    def all_violations(self) -> int:
        """How many violations the window has, those of its segments included."""
        return len(self.violations) + sum(len(segment.violations) for segment in self.segments)

    @property
    def violations(self) -> tuple[Evaluation, ...]:
        """The evaluations that violate their constraint."""
        return tuple(found for found in self.evaluations if found.verdict is Verdict.VIOLATION)

    @property
    def verdict(self) -> str:
        """The worst of the window and its segments: no data, violation, insufficient data, or pass; "suggested" without a baseline."""
        if self.constraints is not None and self.dataset.rows:
            return SUGGESTED
        own = verdict_of(self.dataset, self.evaluations)
        return Verdict.VIOLATION if self.all_violations and self.dataset.rows else own


@dataclass(frozen=True)
class Outcome:
    """What a run did: its reports in the order of their windows, the sentence for the message file, and warnings of its writing."""

    reports: tuple[Report, ...]
    message: str
    warnings: tuple[str, ...] = ()

    @property
    def violations(self) -> int:
        """How many violations all windows have, those of their segments included."""
        return sum(report.all_violations for report in self.reports)
