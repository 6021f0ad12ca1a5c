"""The bias-drift monitor: whether labels and predictions treat groups of people alike, hour by hour.

what a row's facets, label and prediction are    bias.digest, fed by the pass
a window's counts                                the sum of its hours
21 metrics with their intervals                  bias
the baseline's analysis is the constraints       bias.constraints; the same for each segment
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, cast

import numpy as np
import pyarrow as pa

from hourglass import storage
from hourglass.bias import (
    ALL_OTHERS,
    BIAS_BOOTSTRAP,
    CHECK,
    BiasConstraint,
    BiasEvaluation,
    BiasReport,
    Decision,
    best_off,
    evaluate_bias,
    measure_bias,
    parse_bias_constraints,
)
from hourglass.bias.config import AnalysisConfig, read_analysis_config
from hourglass.bias.constraints import lower_end
from hourglass.bias.digest import BiasDigest
from hourglass.capture.attributes import find_attribute
from hourglass.capture.batches import ReadPlan
from hourglass.capture.formats import INPUT, OUTPUT
from hourglass.capture.payloads import Column
from hourglass.capture.window import HOUR, Window, hour_start
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.errors import InputError, did_you_mean
from hourglass.hours import HourStates
from hourglass.monitors.job import Asked, complete, first_batch, json_object, prepare, read_document
from hourglass.monitors.refresh import Engine
from hourglass.outputs.bias import ANALYSIS_JSON, BiasOutputs
from hourglass.outputs.bias_report import BiasPage, HowComputed, bias_page, history_of
from hourglass.outputs.report import Bias, Outcome, Ranking, Report, SegmentReport
from hourglass.quality import Bootstrap, Same
from hourglass.scan import SamplePlan, ScanPlan
from hourglass.segments import segmentation_of
from hourglass.settings import Settings
from hourglass.states import FacetCounts
from hourglass.states.facet_counts import MISSING
from hourglass.undefined import Undefined
from hourglass.values import as_floats

HISTORY, HISTORY_DRAWS = timedelta(days=1), 100  # how far a report looks back, and draws for each hour of that
RANKING = Ranking("most metrics in violation first", "violations", "number of metrics in violation")


def run(settings: Settings, engine: Engine, parallelism: int = 2) -> Outcome:
    """Runs the whole job on an engine that is up."""
    return complete(prepare(settings, BiasDrift.prepared), engine, parallelism)


@dataclass(frozen=True)
class BiasDrift:
    """Facets of rows held against the bias that the baseline had."""

    settings: Settings
    digest: BiasDigest
    constraints: tuple[BiasConstraint, ...] | None

    name: ClassVar[str] = "bias"

    @classmethod
    def prepared(cls, settings: Settings) -> BiasDrift:
        """With the configuration and the baseline that the settings name."""
        config = read_config(settings)
        if settings.decision not in {None, *Decision}:
            raise InputError("decision", found=repr(settings.decision), expected=" or ".join(Decision))
        given = read_document(settings.baseline_constraints, ANALYSIS_JSON)
        constraints = None
        if given is not None:
            path = settings.baseline_constraints or ANALYSIS_JSON
            constraints = tuple(parse_bias_constraints(json_object(given, path), path))
            config = settled(config, constraints)
        elif settings.baseline_statistics is not None:
            hint = "set --baseline-constraints to the baseline's analysis.json"
            raise InputError("baseline_statistics", found="statistics", expected="an analysis.json", hint=hint)
        made = cls(settings, BiasDigest(config, same=Same(settings.same_class), aliases=settings.class_aliases), constraints)
        return made if constraints is not None else made._settled()

    def _settled(self) -> BiasDrift:
        """With each choice settled that may be a value or a threshold, by how many numbers the first rows of the data have."""
        config = self.digest.config
        chosen = [config.positive, *(facet.chosen for facet in config.facets)]
        if not any(choice is not None and choice.kind == "unsure" for choice in chosen):
            return self
        batch = first_batch(prepare(self.settings, lambda _: self))
        if batch is None:
            return self
        columns = dict(self.digest.features(batch))
        label = config.label_name
        if label not in columns and batch.labels and len(batch.labels) == 1:
            columns[label] = next(iter(batch.labels.values()))
        names = {label, *(facet.columns[0] for facet in config.facets)}
        return replace(self, digest=replace(self.digest, config=config.settled({name: _distinct(columns.get(name)) for name in names})))

    @property
    def outputs(self) -> BiasOutputs:
        """What its files and metrics are."""
        return BiasOutputs(self.digest.config)

    def plan(self, read: ReadPlan) -> ScanPlan:
        """The counts of whole rows, and some rows for the flip test."""
        merged = read.form.kind == "merge" and read.preprocessor is None
        digest = replace(self.digest, merged=merged)
        names = () if read.form.captured else self.digest.config.headers
        form = replace(read.form, sides=(OUTPUT, INPUT)) if read.form.captured else read.form
        settings = self.settings
        kept = SamplePlan(settings.sample_rows, settings.sample_without, settings.sample_hashed, digest)
        sample = kept if settings.sample_rows else None
        read = replace(
            read,
            form=form,
            names=names,
            input_names=digest.feature_names,
            ids=sample is not None,
            whole_rows=True,
            labels=merged,
            widths=False,
        )
        return ScanPlan(read, segments=settings.segments, sample=sample, digest=digest)

    def report(self, asked: Asked) -> Report:
        """Measures the bias of a window, and holds it against the baseline's."""
        dataset = Dataset(sum(asked.states.intake.rows.values()), "", {}, asked.states.intake)
        bias = self.measured(asked.states)
        if dataset.rows:
            self._need_columns(asked)
        if dataset.rows and (self.settings.window is None or any(found.verdict is Verdict.VIOLATION for found in bias.evaluations)):
            bias = replace(bias, page=self._page(asked, bias))
        evaluations = [_evaluation(found) for found in bias.evaluations]
        suggested = _with_values(bias.facets) if self.constraints is None else {}
        if dataset.rows and not suggested and not any(found.value is not None for found in evaluations):
            reason = "no metric of any facet has a value: analysis.json says why"
            evaluations.append(Evaluation("", CHECK, "bias of the facets", None, None, Verdict.INSUFFICIENT, reason))
        return Report(
            asked.window,
            dataset,
            tuple(evaluations),
            constraints={"bias_constraints": suggested} if suggested else None,
            states=asked.states if self.constraints is None else None,
            traffic=asked.traffic,
            segments=tuple(self._segments(asked.states)),
            ranking=RANKING,
            bias=bias,
        )

    @property
    def _bootstrap(self) -> Bootstrap:
        draws = self.settings.bootstrap_draws
        return BIAS_BOOTSTRAP if draws is None else replace(BIAS_BOOTSTRAP, draws=draws)

    @property
    def _decision(self) -> Decision:
        return Decision(self.settings.decision or Decision.INTERVAL)

    def _page(self, asked: Asked, bias: Bias) -> BiasPage:
        """What a person is to read of a window, with the course of the last day's stored hours."""
        settings, bootstrap = self.settings, self._bootstrap
        how = HowComputed(bootstrap.draws, bootstrap.share, self._decision, settings.minimum_count)
        hours = []
        if asked.window is not None:
            end = asked.window.end
            for hour in Window(end - HISTORY, end).hours():
                start = hour_start(hour)
                states = asked.sum(Window(start, start + HOUR)).states
                if states.of_rows:
                    hours.append((start, self._facets(states, replace(bootstrap, draws=min(bootstrap.draws, HISTORY_DRAWS)))))
        subject = settings.sagemaker_endpoint_name or ", ".join(source for source in asked.traffic if source) or settings.dataset_source
        return bias_page(subject, asked.window, bias.facets, bias.evaluations, how, history_of(hours), self.digest.config.metrics)

    def _facets(self, states: HourStates, bootstrap: Bootstrap) -> tuple[BiasReport, ...]:
        config = self.digest.config
        counts = cast("FacetCounts", states.of_rows.get(FacetCounts.kind, FacetCounts.empty()))
        hidden = self.settings.sample_without + self.settings.sample_hashed
        sample = None if states.sample is None else self.digest.flip_rows(states.sample, hidden)
        return tuple(
            measure_bias(counts, facet.name, facet.values, config.positive.names, bootstrap, sample=sample) for facet in config.facets
        )

    def measured(self, states: HourStates) -> Bias:
        """The bias of some hours, with what was found against the baseline."""
        config, settings, bootstrap = self.digest.config, self.settings, self._bootstrap
        counts = cast("FacetCounts", states.of_rows.get(FacetCounts.kind, FacetCounts.empty()))
        facets = self._facets(states, bootstrap)
        facets += tuple(self._against_the_best_off(counts, bootstrap))
        if self.constraints is None:
            return Bias(facets)
        asked = [found for found in self.constraints if found.metric in config.metrics]
        return Bias(facets, tuple(evaluate_bias(facets, asked, decision=self._decision, least_count=settings.minimum_count)))

    def _against_the_best_off(self, counts: FacetCounts, bootstrap: Bootstrap) -> Iterator[BiasReport]:
        """Every value of a facet of more than two beside the one that fares best; with two that says nothing new."""
        positive = self.digest.config.positive.names
        for facet in self.digest.config.facets:
            values = counts.facets[facet.name].values if facet.name in counts.facets else ()
            best = best_off(counts, facet.name, positive, self.settings.minimum_count)
            if len(values) > 2 and not isinstance(best, Undefined):
                yield measure_bias(counts, facet.name, None, positive, bootstrap, reference=best)

    def _segments(self, states: HourStates) -> Iterable[SegmentReport]:
        wanted = {by.name for by in self.settings.segments}
        found = []
        for name, segment in states.segments.items():
            if segmentation_of(name) not in wanted:
                continue
            bias = self.measured(segment)
            dataset = Dataset(sum(segment.intake.rows.values()), "", {}, segment.intake)
            evaluations = tuple(map(_evaluation, bias.evaluations))
            report = SegmentReport(name, dataset, evaluations, bias=bias)
            found.append(replace(report, effect=float(len(report.violations))))
        return sorted(found, key=lambda segment: (-(segment.effect or 0.0), segment.name))

    def _need_columns(self, asked: Asked) -> None:
        """InputError where a facet, the group, the label or the prediction is in no row and not among the columns either."""
        counts = asked.states.of_rows.get(FacetCounts.kind)
        config = self.digest.config
        subjects: list[tuple[str, str | None]] = []
        if isinstance(counts, FacetCounts):
            for facet in config.facets:
                if facet.name in counts.facets and counts.facets[facet.name].missing == counts.n:
                    subjects += [(f"facet {facet.name}", column) for column in facet.columns]
            first = next(iter(counts.facets.values()), None)
            if first is not None and not (first.predicted != MISSING).any():
                answer = ("predictor.label", config.predicted_label), ("predictor.probability", config.probability)
                names = asked.names()  # a data set may have labels only
                answers = dict.fromkeys(names.answers if names.labels is not None else (), ())
                for subject, attribute in answer:
                    if answers and attribute is not None and find_attribute(attribute, answers) is None:
                        expected = f"one of {', '.join(answers)}"
                        hint = did_you_mean(attribute, answers)
                        raise InputError(subject, found=f"no column {attribute!r}", expected=expected, hint=hint)
        columns = dict.fromkeys(asked.names().columns if subjects else (), ())
        if config.features is not None:
            subjects = [("features", config.features)]
        for subject, attribute in subjects:
            if columns and attribute is not None and find_attribute(attribute, columns) is None:
                hint = did_you_mean(attribute, columns)
                raise InputError(subject, found=f"no column {attribute!r}", expected=f"one of {', '.join(columns)}", hint=hint)


def _distinct(column: Column | None) -> int | None:
    """How many different numbers a column has; None of one with texts, or of none."""
    if column is None:
        return None
    numbers = as_floats(column)
    given = column.to_pylist() if isinstance(column, pa.Array) else column
    has_texts = any(np.isnan(number) and value not in {None, ""} for number, value in zip(numbers.tolist(), given, strict=True))
    return None if has_texts else len(np.unique(numbers[np.isfinite(numbers)]))


def read_config(settings: Settings) -> AnalysisConfig:
    """The analysis configuration that the settings name."""
    if settings.analysis_config is None:
        hint = "set --analysis-config"
        raise InputError("analysis_config", found="nothing", expected="the path of an analysis_config.json", hint=hint)
    return read_analysis_config(storage.read_bytes(settings.analysis_config), settings.analysis_config)


def settled(config: AnalysisConfig, constraints: Sequence[BiasConstraint]) -> AnalysisConfig:
    """The configuration with each choice that may be a value or a threshold as the baseline had it."""
    cut = {found.facet for found in constraints if lower_end(found.facet_value) is not None}
    many = 1 << 30
    return config.settled({column: many if facet.name in cut else 1 for facet in config.facets for column in facet.columns})


def _evaluation(found: BiasEvaluation) -> Evaluation:
    """An evaluation of bias as all monitors have them."""
    return Evaluation(
        f"{found.facet} = {found.facet_value}: {found.metric}",
        found.check,
        found.definition,
        found.value,
        found.threshold,
        found.verdict,
        found.description,
        None if found.interval is None else (found.interval.low, found.interval.high),
    )


def _with_values(facets: Iterable[BiasReport]) -> dict[str, float]:
    """The metrics that have a value, which the next run is held against."""
    return {
        f"{facet.facet} = {value.value}: {key}": measured.value
        for facet in facets
        for value in facet.values
        if value.against == ALL_OTHERS
        for key, measured in value.metrics.items()
        if not isinstance(measured.value, Undefined)
    }
