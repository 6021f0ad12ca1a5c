"""The bias-drift monitor: whether labels and predictions treat groups of people alike, hour by hour.

what a row's facets, label and prediction are    bias.digest, fed by the pass
a window's counts                                the sum of its hours
21 metrics with their intervals                  bias
the baseline's analysis is the constraints       bias.constraints; the same for each segment
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import ClassVar, cast

import numpy as np

from hourglass.bias import (
    ALL_OTHERS,
    BIAS_BOOTSTRAP,
    BIAS_METRICS,
    CHECK,
    BiasConstraint,
    BiasEvaluation,
    BiasReport,
    Decision,
    FacetValue,
    FlipRows,
    Stage,
    best_off,
    compared,
    evaluate_bias,
    measure_bias,
)
from hourglass.bias.baseline import parse_bias_baseline
from hourglass.bias.config import MOST_VALUES, AnalysisConfig, parse_analysis_config
from hourglass.bias.digest import BiasDigest, column_of
from hourglass.capture.batches import ReadPlan
from hourglass.capture.formats import INPUT, OUTPUT
from hourglass.capture.window import Window
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.errors import InputError
from hourglass.hours import HourStates
from hourglass.monitors.analysis_document import analysis_document
from hourglass.monitors.bias_columns import need_columns
from hourglass.monitors.job import (
    Asked,
    asked_segments,
    complete,
    json_object,
    need_segments,
    plan_pass,
    prepare,
    read_document,
    read_first,
    subject_of,
)
from hourglass.monitors.refresh import Engine
from hourglass.monitors.windows import course
from hourglass.outputs.bias import BiasOutputs
from hourglass.outputs.bias_report import BiasPage, HowComputed, Key, bias_page, history_of
from hourglass.outputs.documents import ANALYSIS_JSON
from hourglass.outputs.report import Bias, Coverage, Outcome, Ranking, Report, SegmentReport
from hourglass.quality import Bootstrap, ClassRule, Same
from hourglass.scan import SamplePlan, ScanPlan
from hourglass.settings import Settings
from hourglass.states import FacetCounts
from hourglass.undefined import Undefined
from hourglass.values import as_floats

LOOKED_AT_ROWS, LOOKED_AT_BATCHES = 100_000, 256  # for the numbers of a column
HISTORY_DRAWS = 100  # for each point of the course
_REASONS = 3  # that are said of a window without any value
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
        if settings.bootstrap_draws in {0, 1} and settings.decision in {None, Decision.INTERVAL} and not settings.suggests:
            hint = f"set --decision {Decision.STRICT} to do without intervals"
            raise InputError("bootstrap_draws", found=settings.bootstrap_draws, expected="2 or more for an interval", hint=hint)
        if not settings.reference.is_baseline:
            raise InputError("reference", found=str(settings.reference), expected="baseline, which is all that bias is compared with")
        given = read_document(settings.baseline_constraints, ANALYSIS_JSON)
        path = settings.baseline_constraints or ANALYSIS_JSON
        baseline = None if given is None else parse_bias_baseline(json_object(given, path), path)
        if settings.baseline_statistics is not None:
            hint = "set --baseline-constraints alone, to the baseline's analysis.json"
            raise InputError("baseline_statistics", found="statistics", expected="an analysis.json", hint=hint)
        digest = BiasDigest(config, same=Same(settings.same_class), aliases=settings.class_aliases)
        made = cls(settings, digest, None if baseline is None else baseline.constraints)
        config = made._settled({} if baseline is None else baseline.cuts(config))
        if baseline is not None:
            baseline.need_same_label(config, digest.rule, path)
        return replace(made, digest=replace(digest, config=config))

    def _settled(self, cut: Mapping[str, bool]) -> AnalysisConfig:
        """The configuration with each number a value or a threshold: as the baseline has `cut` it, else by what its column holds."""
        left = self.digest.config.unsure - cut.keys()
        many = self._with_many_numbers(left) if left else frozenset()
        return self.digest.config.settled({**cut, **{name: name in many for name in left}})

    def _with_many_numbers(self, names: Collection[str]) -> frozenset[str]:
        """Those of some facets, and the label, that have more than 20 distinct numbers; looked for in the first rows only."""
        plan, files = plan_pass(prepare(self.settings, lambda _: self))
        digest = replace(self.digest, merged=plan.read.labels)
        numbers: dict[str, set[float]] = {name: set() for name in names}
        rows = 0
        for batch in islice(read_first(plan, files), LOOKED_AT_BATCHES):
            features = digest.features(batch)
            for name, seen in numbers.items():
                column = digest.label(batch, features) if name == digest.config.label_name else column_of(name, features)
                if column is not None and len(seen) <= MOST_VALUES:
                    found = as_floats(column)
                    seen.update(np.unique(found[np.isfinite(found)]).tolist())
            rows += batch.count
            if rows >= LOOKED_AT_ROWS or all(len(seen) > MOST_VALUES for seen in numbers.values()):
                break
        return frozenset(name for name, seen in numbers.items() if len(seen) > MOST_VALUES)

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
        dataset = Dataset.of_any_columns(asked.states)
        need_segments(self.settings.segments, asked)
        bias = self.measured(asked.states)
        counts = asked.states.of_rows.get(FacetCounts.kind)
        warnings: tuple[str, ...] = ()
        if isinstance(counts, FacetCounts):
            warnings = need_columns(self.digest, counts, asked.first, predicts=self._predicts)
        if dataset.rows and (asked.latest or any(found.verdict is Verdict.VIOLATION for found in bias.evaluations)):
            bias = replace(bias, page=self._page(asked, bias))
        lacking = self._lacking(bias) if dataset.rows else None
        suggested = self._with_values(bias.facets) if self.constraints is None and lacking is None else {}
        return Report(
            asked.window,
            dataset,
            self._evaluations(bias, lacking),
            constraints={"bias_constraints": suggested} if suggested else None,
            states=asked.states if suggested else None,
            coverage=Coverage(warnings=(*warnings, *_each_once(found.warnings for found in bias.facets))),
            traffic=asked.traffic,
            segments=tuple(self._segments(asked.states)),
            ranking=RANKING,
            bias=bias,
        )

    @property
    def _predicts(self) -> bool:
        """Whether the baseline asks for metrics of predictions."""
        asked = (found for found in self.constraints or () if found.metric in self.digest.config.metrics and found.limit is not None)
        return any(BIAS_METRICS[found.metric].stage is Stage.POST for found in asked)

    def _lacking(self, bias: Bias) -> str | None:
        """Why nothing can be said of a window, whatever some metrics are; None where something can."""
        if faults := _each_once(found.outcome_faults for found in bias.facets):
            return "; ".join(faults)
        if self.constraints is None and self._with_values(bias.facets):
            return None
        if any(found.value is not None for found in bias.evaluations):
            return None
        warnings = _each_once(found.warnings for found in bias.facets)
        reasons = warnings or _reasons(bias.facets) if self.constraints is None else _each_once([e.description] for e in bias.evaluations)
        return "; ".join(reasons[:_REASONS]) or "the constraints have none of the metrics that are asked for"

    def _with_values(self, facets: Iterable[BiasReport]) -> dict[str, float]:
        """The metrics that are asked for and have a value, which the next run is held against."""
        return {
            f"{facet.facet} = {value.value}: {key}": measured.value
            for facet in facets
            for value in facet.values
            if value.against == ALL_OTHERS
            for key, measured in value.metrics.items()
            if key in self.digest.config.metrics and not isinstance(measured.value, Undefined)
        }

    @staticmethod
    def _evaluations(bias: Bias, lacking: str | None) -> tuple[Evaluation, ...]:
        """Each metric's check, and that there is nothing to be judged by."""
        whole = [Evaluation("", CHECK, "bias of the facets", None, None, Verdict.INSUFFICIENT, lacking)] if lacking else []
        return (*map(_evaluation, bias.evaluations), *whole)

    @property
    def _bootstrap(self) -> Bootstrap:
        draws = self.settings.bootstrap_draws
        return BIAS_BOOTSTRAP if draws is None else replace(BIAS_BOOTSTRAP, draws=draws)

    @property
    def _decision(self) -> Decision:
        return Decision(self.settings.decision or Decision.INTERVAL)

    def _page(self, asked: Asked, bias: Bias) -> BiasPage:
        """What a person is to read of a window, with the course over its stored hours, or those of the last day."""
        settings, bootstrap = self.settings, self._bootstrap
        how = HowComputed(bootstrap.draws, bootstrap.share, self._decision, settings.minimum_count)
        page = bias_page(subject_of(settings, asked), asked.window, bias.facets, bias.evaluations, how, self.digest.config.metrics)
        if asked.window is None or not page.judged:
            return page
        each, periods = course(asked.window)
        return page.with_history(history_of(self._course(asked, page.judged, periods)), each)

    def _course(self, asked: Asked, judged: Collection[Key], periods: Iterable[Window]) -> Iterator[tuple[datetime, list[BiasReport]]]:
        """The facets and values of which something is judged, in each period that has rows."""
        config, bootstrap = self.digest.config, self._bootstrap
        few_draws = replace(bootstrap, draws=min(bootstrap.draws, HISTORY_DRAWS))
        takes_rows = any(BIAS_METRICS[metric].formula is None for _, _, metric in judged)
        values: list[tuple[str, list[FacetValue]]] = []
        for facet in config.facets:
            names = {value for of_facet, value, _ in judged if of_facet == facet.name}
            values.append((facet.name, [value for value in facet.values or map(FacetValue.of, sorted(names)) if value.name in names]))
        for period in periods:
            states = asked.sum(period).states
            if states.of_rows:
                counts, sample = _counts(states), self._flip_rows(states) if takes_rows else None
                yield period.start, [self._measure(counts, facet, of_facet, few_draws, sample) for facet, of_facet in values]

    def _measure(
        self,
        counts: FacetCounts,
        facet: str,
        values: list[FacetValue] | None,
        bootstrap: Bootstrap,
        sample: FlipRows | None,
        reference: str | None = None,
    ) -> BiasReport:
        config = self.digest.config
        is_group = facet == config.group_variable
        return measure_bias(counts, facet, values, config.positive.names, bootstrap, reference=reference, sample=sample, is_group=is_group)

    def measured(self, states: HourStates) -> Bias:
        """The bias of some hours, with what was found against the baseline."""
        config, settings, bootstrap = self.digest.config, self.settings, self._bootstrap
        counts, sample = _counts(states), self._flip_rows(states)
        facets = [self._measure(counts, facet.name, facet.values, bootstrap, sample) for facet in config.facets]
        facets += self._against_the_best_off(counts, sample, bootstrap)
        if self.constraints is None:
            return Bias(tuple(facets))
        asked = [found for found in self.constraints if found.metric in config.metrics]
        return Bias(tuple(facets), tuple(evaluate_bias(facets, asked, decision=self._decision, least_count=settings.minimum_count)))

    def _against_the_best_off(self, counts: FacetCounts, sample: FlipRows | None, bootstrap: Bootstrap) -> Iterator[BiasReport]:
        """The values of a facet of more than two beside the one that fares best; with two that says nothing new."""
        positive, least = self.digest.config.positive.names, self.settings.minimum_count
        for facet in dict.fromkeys(facet.name for facet in self.digest.config.facets):
            values = counts.facets[facet].values if facet in counts.facets else ()
            best = best_off(counts, facet, positive, least)
            if len(values) > 2 and not isinstance(best, Undefined):
                asked, others = compared(counts, facet, best, least)
                found = self._measure(counts, facet, asked, bootstrap, sample, best)
                yield replace(found, not_compared=others)

    def _flip_rows(self, states: HourStates) -> FlipRows | None:
        """The kept rows with their features as numbers; None where none are kept, or nothing is predicted."""
        hidden = self.settings.sample_without + self.settings.sample_hashed
        return None if states.sample is None else self.digest.flip_rows(states.sample, hidden)

    def _segments(self, states: HourStates) -> Iterable[SegmentReport]:
        found = []
        for name, segment in asked_segments(self.settings.segments, states):
            bias = self.measured(segment)
            dataset = Dataset.of_any_columns(segment)
            lacking = self._lacking(bias) if dataset.rows else None
            report = SegmentReport(name, dataset, self._evaluations(bias, lacking), bias=bias)
            found.append(replace(report, effect=float(len(report.violations))))
        return sorted(found, key=lambda segment: (-(segment.effect or 0.0), segment.name))


def read_config(settings: Settings) -> AnalysisConfig:
    """The analysis configuration that the settings name."""
    if settings.analysis_config is None:
        hint = "set --analysis-config"
        raise InputError("analysis_config", found="nothing", expected="the path of an analysis_config.json", hint=hint)
    rule = ClassRule(Same(settings.same_class), dict(settings.class_aliases))
    return parse_analysis_config(analysis_document(settings, settings.analysis_config), settings.analysis_config, rule)


def _counts(states: HourStates) -> FacetCounts:
    """The table of some hours, which may be empty."""
    return cast("FacetCounts", states.of_rows.get(FacetCounts.kind, FacetCounts.empty()))


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


def _each_once(sentences: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentence for of_facet in sentences for sentence in of_facet))


def _reasons(facets: Iterable[BiasReport]) -> tuple[str, ...]:
    """Why metrics have no value, each reason once."""
    measured = (found.value for facet in facets for value in facet.values for found in value.metrics.values())
    return _each_once([found.reason] for found in measured if isinstance(found, Undefined))
