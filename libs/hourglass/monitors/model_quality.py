"""The model-quality monitor: how good predictions were, by labels that came later.

what a row's label and prediction are        quality.digest, fed by the pass
a window's states                            the sum of its hours
metrics with their deviations                quality
thresholds: suggest, or evaluate             quality.constraints; the same for each segment, the worst first
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from hourglass.capture.attributes import find_attribute
from hourglass.capture.batches import ReadPlan
from hourglass.comparisons import Worse
from hourglass.constraints import Evaluation, Verdict
from hourglass.constraints.baseline_drift_check import KEY as DRIFT
from hourglass.dataset import Dataset
from hourglass.errors import HourglassError, InputError, SettingsError
from hourglass.hours import HourStates
from hourglass.monitors.job import Asked, asked_segments, complete, json_object, need_names, need_segments, prepare, read_document
from hourglass.monitors.refresh import Engine
from hourglass.outputs import documents
from hourglass.outputs.model_quality import ModelQualityOutputs
from hourglass.outputs.report import Coverage, Outcome, Ranking, ReferenceReport, Report, SegmentReport
from hourglass.problems import Problem
from hourglass.quality import (
    FIRST_METRICS,
    Bootstrap,
    Mode,
    QualityConstraint,
    QualityDigest,
    QualityReport,
    Same,
    baseline_deviations,
    evaluate_quality,
    measure_quality,
    metrics_of,
    parse_quality_constraints,
    quality_constraints,
)
from hourglass.quality.digest import DEFAULT_THRESHOLD
from hourglass.scan import ScanPlan
from hourglass.settings import Settings
from hourglass.states import ClassProbabilities, Scores, State
from hourglass.undefined import Undefined

ENOUGH_DRAWS = 50
ROUGH = "deviations of few draws are wrong by a third or more, and so are verdicts by them: --bootstrap-draws 200, for the baseline too"
CHANCE = 2.0  # deviations that a segment may be worse by chance


@dataclass(frozen=True)
class Thresholds:
    """What metrics are held against, and how much the baseline's own values vary; or why there is nothing, as `lacking`."""

    constraints: tuple[QualityConstraint, ...] = ()
    deviations: Mapping[str, float] = field(default_factory=dict)
    lacking: str = ""


def run(settings: Settings, engine: Engine, parallelism: int = 2) -> Outcome:
    """Runs the whole job on an engine that is up."""
    return complete(prepare(settings, ModelQuality.prepared), engine, parallelism)


@dataclass(frozen=True)
class ModelQuality:
    """Predictions held against labels, and their metrics against thresholds."""

    settings: Settings
    digest: QualityDigest
    thresholds: Thresholds | None
    given: bytes | None = None

    name: ClassVar[str] = "model-quality"

    @classmethod
    def prepared(cls, settings: Settings) -> ModelQuality:
        """With the baseline that the settings name."""
        digest = read_digest(settings)
        if settings.suggests:
            return cls(settings, digest, None)
        given = read_document(settings.baseline_constraints, documents.CONSTRAINTS_JSON)
        if given is None:
            hint = "set --baseline-constraints to the constraints.json beside it"
            raise InputError("baseline_constraints", found="nothing but baseline_statistics", expected="thresholds", hint=hint)
        path = settings.baseline_constraints or documents.CONSTRAINTS_JSON
        constraints = tuple(parse_quality_constraints(json_object(given, path), digest.problem, path))
        statistics = read_document(settings.baseline_statistics, documents.STATISTICS_JSON)
        deviations = {}
        if statistics is not None:
            deviations = baseline_deviations(json_object(statistics, str(settings.baseline_statistics)), digest.problem)
        lacking = "" if constraints else f"{documents.CONSTRAINTS_JSON} has no thresholds"
        return cls(settings, digest, Thresholds(constraints, deviations, lacking), given)

    @property
    def outputs(self) -> ModelQualityOutputs:
        """What its files and metrics are."""
        return ModelQualityOutputs(self.given)

    def plan(self, read: ReadPlan) -> ScanPlan:
        """The states of labels and predictions of rows, of any number of columns."""
        merged = read.form.kind == "merge" and read.preprocessor is None
        if read.form.kind == "merge" and not merged and self.digest.ground_truth is None:
            hint = "the hook makes all columns of a row, the label's among them"
            raise InputError("ground_truth_attribute", found="nothing", expected="the label's column", hint=hint)
        digest = replace(self.digest, merged=merged)
        read = replace(
            read,
            ids=digest.needs_ids,
            whole_rows=True,
            labels=merged,
            whole_documents=digest.whole_documents,
            widths=False,
        )
        return ScanPlan(read, segments=self.settings.segments, digest=digest)

    def report(self, asked: Asked) -> Report:
        """Suggests thresholds for a window, or holds its metrics against those of its reference."""
        dataset = Dataset.of_any_columns(asked.states)
        measured = self.measured(asked.states)
        slips = self._need_attributes(measured, asked) if dataset.rows else ()
        if self.thresholds is None and self.settings.reference.is_baseline:
            found = quality_constraints(measured)
            constraints = found if found[f"{self.digest.problem.part}_constraints"] else None
            none = Thresholds(lacking="" if constraints else _why_nothing(measured))
            return Report(
                asked.window,
                dataset,
                tuple(self._evaluate(measured, none)),
                constraints=constraints,
                states=asked.states,
                traffic=asked.traffic,
                segments=self._segments(asked, measured, none),
                ranking=_ranking(self.digest.problem),
                quality=measured,
            )
        thresholds, reference, warnings = self._thresholds(asked)
        evaluations = tuple(self._evaluate(measured, thresholds))
        if self.settings.decision == "uncertainty" and _draws(self.settings) < ENOUGH_DRAWS:
            warnings = (*warnings, ROUGH)
        return Report(
            asked.window,
            dataset,
            evaluations,
            reference=reference,
            coverage=Coverage(warnings=(*slips, *warnings)),
            traffic=asked.traffic,
            segments=self._segments(asked, measured, thresholds),
            asked=None if self.settings.reference.is_baseline else _written(thresholds, self.digest.problem),
            ranking=_ranking(self.digest.problem),
            quality=measured,
        )

    def measured(self, states: HourStates, *, bootstrap: Bootstrap | None = None) -> QualityReport:
        """The metrics of some hours."""
        digest = self.digest
        there: dict[str, State] = {**digest.empty(), **states.of_rows}
        drawn = bootstrap or Bootstrap(draws=_draws(self.settings))
        return measure_quality(there, digest.problem, positive=digest.positive_name, bootstrap=drawn)

    def _evaluate(self, measured: QualityReport, thresholds: Thresholds) -> list[Evaluation]:
        mode = Mode(self.settings.decision or Mode.STRICT)
        times = self.settings.deviations
        if thresholds.lacking and measured.rows:
            definition = f"metrics beside those of {self.settings.reference}"
            return [Evaluation("", DRIFT, definition, None, None, Verdict.INSUFFICIENT, thresholds.lacking)]
        return evaluate_quality(measured, thresholds.constraints, mode=mode, deviations=thresholds.deviations, times=times)

    def _thresholds(self, asked: Asked) -> tuple[Thresholds, ReferenceReport, tuple[str, ...]]:
        """Those of the baseline, or the metrics of the windows that the reference names."""
        reference = self.settings.reference
        if reference.is_baseline:
            return self.thresholds or Thresholds(), ReferenceReport(), ()
        if asked.window is None:
            raise InputError("reference", found=str(reference), expected="a window", hint="set --start-time and --end-time")
        windows = tuple(reference.windows(asked.window, asked.length))
        sums = [asked.sum(window) for window in windows]
        past = self.measured(HourStates.merged([summed.states for summed in sums]))
        hours = Coverage(sum(1 for window in windows for _ in window.hours()), sum(len(summed.hours) for summed in sums))
        found = tuple(parse_quality_constraints(quality_constraints(past), self.digest.problem))
        lacking = "" if found else f"{reference}: {_why_nothing(past)}"
        deviations = {key: measured.deviation for key, measured in past.metrics.items() if not isinstance(measured.deviation, Undefined)}
        warnings = tuple(warning for summed in sums for warning in summed.warnings)
        return Thresholds(found, deviations, lacking), ReferenceReport(str(reference), windows, hours), warnings

    def _segments(self, asked: Asked, whole: QualityReport, thresholds: Thresholds) -> tuple[SegmentReport, ...]:
        """The segments of a window, the one that is worst beyond chance first."""
        segments = asked_segments(self.settings.segments, asked.states)
        found = [self._segment(name, states, whole, thresholds) for name, states in segments]
        return tuple(sorted(found, key=lambda segment: (segment.effect is None, -(segment.effect or 0.0), segment.name)))

    def _segment(self, name: str, states: HourStates, whole: QualityReport, thresholds: Thresholds) -> SegmentReport:
        measured = self.measured(states)
        report = SegmentReport(name, Dataset.of_any_columns(states), tuple(self._evaluate(measured, thresholds)), quality=measured)
        key = FIRST_METRICS[self.digest.problem][0]
        own, all_rows = measured.metrics[key], whole.metrics[key]
        if isinstance(own.value, Undefined) or isinstance(all_rows.value, Undefined) or isinstance(own.deviation, Undefined):
            return report
        sign = 1.0 if metrics_of(self.digest.problem)[key].worse is Worse.HIGHER else -1.0
        effect = max(0.0, sign * (own.value - all_rows.value) - CHANCE * own.deviation)
        finding = f"{own.value:.4g} ± {own.deviation:.2g}, all rows {all_rows.value:.4g}"
        return replace(report, effect=effect, feature=key, finding=finding)

    def _need_attributes(self, measured: QualityReport, asked: Asked) -> tuple[str, ...]:
        """InputError where an attribute that no row has is not among the columns of the data either: a slip.

        Of a baseline that lacks a probability too. An hour without one has its other metrics, so there it is a warning.
        """
        digest = self.digest
        need_segments(self.settings.segments, asked)
        if measured.counted == 0:
            first = asked.first()
            threshold = digest.threshold if isinstance(digest.threshold, str) else None
            predictions = [("inference_attribute", digest.inference), ("probability_attribute", digest.probability)]
            need_names([*predictions, ("probability_threshold_attribute", threshold)], first.answers)
            if first.labels is None and digest.ground_truth is None:
                hint = "captures get their labels by hourglass merge; a data set has them in a column"
                raise InputError("ground_truth_attribute", found="nothing", expected="the label's column", hint=hint)
            labels = first.columns if first.labels is None else first.labels  # of labels that have not come yet there are none
            need_names([("ground_truth_attribute", digest.ground_truth)], labels)
            if digest.ground_truth is None and len({name.partition("[")[0] for name in labels}) > 1:
                expected = f"one of {', '.join(labels)}"
                raise InputError("ground_truth_attribute", found="nothing", expected=expected, hint="several are merged")
        elif digest.probability is not None and _unscored(asked.states):
            try:
                self._need_probability(digest.probability, asked.first().answers)
            except InputError as slip:
                if self.settings.suggests:
                    raise
                return (str(slip),)
        return ()

    def _need_probability(self, attribute: str, names: Sequence[str]) -> None:
        """InputError that says why no row has a probability, where it is a slip."""
        need_names([("probability_attribute", attribute)], names)
        there = find_attribute(attribute, dict.fromkeys(names, ()))
        if self.digest.classes and there is not None and there.is_list and len(there.columns) != len(self.digest.classes):
            found = f"{len(self.digest.classes)} names, and {len(there.columns)} probabilities in {attribute!r}"
            raise InputError("class_labels", found=found, expected="as many names as each list has probabilities")


def _unscored(states: HourStates) -> bool:
    """Whether no row has a probability."""
    found = [state for state in states.of_rows.values() if isinstance(state, Scores | ClassProbabilities)]
    return bool(found) and not any(state.n for state in found)


def _why_nothing(measured: QualityReport) -> str:
    """Why no metric of a window without counted rows has a value."""
    value = measured.metrics[FIRST_METRICS[measured.problem][0]].value
    return value.reason if isinstance(value, Undefined) else ""


def read_digest(settings: Settings) -> QualityDigest:
    """What the settings say of labels and predictions; SettingsError with all that is missing."""
    faults: list[HourglassError] = []
    problem = settings.problem_type
    if problem is None:
        faults.append(InputError("problem_type", found="nothing", expected=", ".join(Problem), hint="set --problem-type"))
    if settings.inference_attribute is None and settings.probability_attribute is None:
        hint = 'set --inference-attribute, such as "0" for the first column, or --probability-attribute'
        faults.append(InputError("inference_attribute", found="nothing", expected="the prediction's column", hint=hint))
    if problem in {Problem.REGRESSION, Problem.MULTILABEL} and settings.inference_attribute is None:
        faults.append(InputError("inference_attribute", found="nothing", expected=f"the prediction's column, for {problem}"))
    if settings.decision not in {None, *Mode}:
        faults.append(InputError("decision", found=repr(settings.decision), expected=" or ".join(Mode)))
    if faults or problem is None:
        raise SettingsError(faults)
    digest = QualityDigest(
        problem,
        settings.inference_attribute,
        settings.probability_attribute if problem is not Problem.REGRESSION else None,
        settings.ground_truth_attribute,
        _threshold(settings.probability_threshold_attribute),
        settings.positive_class,
        settings.negative_class,
        settings.class_labels,
        Same(settings.same_class),
        settings.class_aliases,
        _draws(settings),
    )
    # draws from a table are made when its metrics are; stored hours do not depend on their number then
    return digest if digest.needs_ids else replace(digest, replicates=0)


def _draws(settings: Settings) -> int:
    return Bootstrap().draws if settings.bootstrap_draws is None else settings.bootstrap_draws


def _threshold(text: str | None) -> float | str:
    """A number, or the attribute that has it."""
    if text is None:
        return DEFAULT_THRESHOLD
    try:
        threshold = float(text)
    except ValueError:
        return text
    if not 0.0 <= threshold <= 1.0:
        hint = f"a column's number would be the threshold itself: name it, _c{text} where it has no name" if text.isdigit() else None
        raise InputError("probability_threshold_attribute", found=text, expected="a number from 0 to 1, or an attribute", hint=hint)
    return threshold


def _written(thresholds: Thresholds, problem: Problem) -> bytes:
    """Thresholds that came from past windows, as a constraints.json."""
    entries = {found.metric: {"threshold": found.threshold, "comparison_operator": found.operator} for found in thresholds.constraints}
    return documents.to_json({"version": 0.0, f"{problem.part}_constraints": entries})


def _ranking(problem: Problem) -> Ranking:
    key = FIRST_METRICS[problem][0]
    definition = f"{key}: by how much it is worse than that of all rows, less {CHANCE:g} of its deviations"
    return Ranking("worst first", f"{key} worse by", definition)
