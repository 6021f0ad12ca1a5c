"""The columns of a window with all that was found of each, those in violation first."""

from __future__ import annotations

from dataclasses import dataclass, field

from hourglass.comparisons import Distribution, distribution_of
from hourglass.constraints import Baseline, Evaluation, FeatureConstraint, Verdict
from hourglass.outputs.report import COMPARISONS, Report
from hourglass.states import ColumnProfile, ValueClasses
from hourglass.statistics import ColumnType
from hourglass.statistics.inferred_type import inferred_type

SHARES = frozenset({"completeness_check", "data_type_check", "categorical_values_check"})  # of rows
WHOLE_COLUMN = frozenset({"missing_column_check", "extra_column_check"})  # that a column is there, or is known
_WORST_FIRST = (Verdict.VIOLATION, Verdict.INSUFFICIENT, Verdict.NOT_COMPUTABLE, Verdict.NO_DATA, Verdict.PASS)
_CERTAIN = 1e-12  # a budget below which columns are as good as certain, and ranked by how far they moved


@dataclass(frozen=True)
class FoundColumn:
    """A column of the window, of the baseline, or of both."""

    name: str
    column: ColumnProfile | None
    feature: FeatureConstraint | None
    reference: Distribution = field(default_factory=Distribution)
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def violations(self) -> tuple[Evaluation, ...]:
        """The evaluations that violate their constraint."""
        return tuple(found for found in self.evaluations if found.verdict is Verdict.VIOLATION)

    @property
    def is_other(self) -> bool:
        """Whether it is missing or new: there is nothing to be said of its values."""
        return any(found.check in WHOLE_COLUMN for found in self.violations)

    @property
    def standing(self) -> Evaluation | None:
        """The evaluation that says most of it: a violation, a comparison that could not be made, or any; None where nothing is asked."""
        asked = [found for found in self.evaluations if found.verdict is Verdict.VIOLATION or found.check in COMPARISONS]
        return min(asked or self.evaluations, key=lambda found: _WORST_FIRST.index(found.verdict), default=None)

    @property
    def distance(self) -> Evaluation | None:
        """How far its distribution is from the baseline's, where that has a threshold of its own."""
        found = (one for one in self.evaluations if one.check in COMPARISONS and one.budget is None and one.value is not None)
        return next(found, None)

    @property
    def budget(self) -> float | None:
        """The least budget at which it would be a violation; None where none decides, or not that alone."""
        asked = self.violations or self.evaluations
        if self.standing is None or self.standing.verdict not in {Verdict.VIOLATION, Verdict.PASS}:
            return None
        return min((found.budget for found in asked if found.budget is not None), default=None)

    @property
    def kind(self) -> ColumnType:
        """The type that it is compared as: the baseline's, or its own where that has none."""
        if self.feature is not None and self.feature.inferred_type is not ColumnType.UNKNOWN:
            return self.feature.inferred_type
        return inferred_type(self.column) if self.column is not None else ColumnType.UNKNOWN

    @property
    def distribution(self) -> Distribution:
        """Its values in the window; none where it is missing."""
        return distribution_of(self.column, self.kind) if self.column is not None else Distribution()

    @property
    def missing_share(self) -> float | None:
        """The share of the window's rows that have no value."""
        return _missing_share(self.column)

    @property
    def missing_before(self) -> float | None:
        """The same of the baseline, where its states are known."""
        return _missing_share(self.reference.profile)

    @property
    def rank(self) -> tuple[bool, float, float]:
        """What those in violation are ranked by: missing and new ones first, then how sure it is, then by what share they are beyond.

        Where no budget decides, it is less sure than where one does.
        """
        budget = 1.0 if self.budget is None else max(self.budget, _CERTAIN)
        return not self.is_other, budget, -max(map(_beyond, self.violations), default=0.0)


def _missing_share(column: ColumnProfile | None) -> float | None:
    classes = column.states.get(ValueClasses.kind) if column is not None else None
    return classes.missing / classes.rows if isinstance(classes, ValueClasses) and classes.rows else None


def _beyond(found: Evaluation) -> float:
    """How far a share or a distance is beyond what is allowed; other numbers are in units of their own."""
    if found.distance is not None:
        return found.distance
    told = found.check in SHARES or found.check in COMPARISONS
    return abs(found.value - found.threshold) if told and isinstance(found.value, float) and isinstance(found.threshold, float) else 0.0


def found_columns(report: Report, baseline: Baseline | None) -> list[FoundColumn]:
    """All columns: those in violation, the worst first, then the others in the baseline's order and the window's."""
    features = baseline.features if baseline is not None else {}
    distributions = baseline.distributions if baseline is not None else {}
    evaluations: dict[str, list[Evaluation]] = {}
    for evaluation in report.evaluations:
        evaluations.setdefault(evaluation.feature, []).append(evaluation)
    columns = [
        FoundColumn(
            name,
            report.dataset.columns.get(name),
            features.get(name),
            distributions.get(name, Distribution()),
            tuple(evaluations.get(name, ())),
        )
        for name in dict.fromkeys([*features, *report.dataset.columns])
    ]
    return [*sorted((one for one in columns if one.violations), key=lambda one: one.rank), *(one for one in columns if not one.violations)]


def of_no_column(report: Report, baseline: Baseline | None) -> list[Evaluation]:
    """What was evaluated of the whole window: the traffic of variants, the number of columns, checks of the user's own."""
    known = {*report.dataset.columns, *(baseline.features if baseline is not None else ())}
    return [found for found in report.evaluations if found.feature not in known]
