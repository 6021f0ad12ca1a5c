"""The attribution-drift monitor: which features drive what the model says, hour by hour, and whether that has changed.

some rows of each hour, or all               the pass; explained beside a background by attribution.digest
a window's attributions                      the sum of its hours
NDCG, shares and ranks beside the baseline   attribution.report
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import ClassVar, cast

import numpy as np

from hourglass import storage
from hourglass.attribution.background import BACKGROUND_JSON, GivenBackground, features_fault, is_text, texts_among
from hourglass.attribution.chosen_background import answered_background, candidates
from hourglass.attribution.digest import AttributionDigest, is_explained, no_features
from hourglass.attribution.game import Players
from hourglass.attribution.given_background import given_background
from hourglass.attribution.how_explained import MODEL_JSON, HowExplained
from hourglass.attribution.metric import ATTRIBUTION_METRICS, shares
from hourglass.attribution.report import (
    CHECK,
    LEAST_ROWS,
    NO_DRAWS,
    AttributionReport,
    Comparison,
    GlobalAttributions,
    compared,
    global_attributions,
    global_values,
    kept_rows,
    not_compared,
)
from hourglass.capture.batches import ReadPlan
from hourglass.capture.formats import INPUT, OUTPUT
from hourglass.capture.payloads import objects
from hourglass.capture.window import HOUR
from hourglass.constraints import Evaluation, Verdict
from hourglass.dataset import Dataset
from hourglass.errors import InputError, shorten
from hourglass.hours import HourStates
from hourglass.models import fingerprint, open_model
from hourglass.monitors.attribution_inputs import (
    beside,
    checked_thresholds,
    few_samples,
    hidden_features,
    need_groups,
    need_kept,
    need_same_answers,
    read_baseline,
    read_config,
)
from hourglass.monitors.job import (
    Asked,
    asked_segments,
    complete,
    json_object,
    need_segments,
    plan_pass,
    prepare,
    subject_of,
)
from hourglass.monitors.refresh import Engine
from hourglass.monitors.windows import course
from hourglass.outputs import documents
from hourglass.outputs.attribution import AttributionOutputs
from hourglass.outputs.attribution_report import AttributionPage, attribution_page
from hourglass.outputs.report import Coverage, Outcome, Ranking, Report, SegmentReport
from hourglass.scan import SamplePlan, ScanPlan
from hourglass.settings import Settings
from hourglass.states import Attributions, RowSample

RANKING = Ranking(
    "most of the attribution moved beyond chance first",
    "share moved beyond chance",
    f"the lower end of the 95 % interval of share_moved: {ATTRIBUTION_METRICS['share_moved'].definition}",
)
_LONGEST_EXAMPLE = 40
_UNEXPLAINED = Evaluation(
    "", CHECK, ATTRIBUTION_METRICS["ndcg"].definition, None, None, Verdict.INSUFFICIENT, "no row of the window was explained"
)


def run(settings: Settings, engine: Engine, parallelism: int = 2) -> Outcome:
    """Runs the whole job on an engine that is up."""
    return complete(prepare(settings, AttributionDrift.prepared), engine, parallelism)


@dataclass(frozen=True)
class AttributionDrift:
    """Attributions of features held against those that the baseline had."""

    settings: Settings
    digest: AttributionDigest
    baseline: Mapping[str, GlobalAttributions] | None
    thresholds: Mapping[str, float]
    warnings: tuple[str, ...] = ()

    name: ClassVar[str] = "attribution"

    @classmethod
    def prepared(cls, settings: Settings) -> AttributionDrift:
        """With the configuration, the background and the baseline that the settings name."""
        if not settings.reference.is_baseline:
            expected = "baseline, which is all that attributions are compared with"
            raise InputError("reference", found=str(settings.reference), expected=expected)
        config = read_config(settings)
        if settings.sample_rows == 0 and settings.explain_rows == "sample":
            hint = "set --sample-rows 500, or --explain-rows all"
            raise InputError("sample_rows", found="0, and explain_rows sample", expected="kept rows that are explained", hint=hint)
        baseline = read_baseline(settings, config)
        folder = settings.baseline_constraints
        background = given_background(config, None if folder is None else beside(folder, BACKGROUND_JSON))
        thresholds = checked_thresholds(settings.attribution_thresholds)
        made = cls(settings, AttributionDigest(config, background or GivenBackground((), (), ())), baseline, thresholds)
        if background is None:
            made = made._with_background()
        elif background.untold and config.predictor is not None:
            made = made.with_texts(background.untold)
        need_groups(config, made.digest.background.names)
        need_kept(settings, config, hidden_features(settings, made.digest))
        if config.predictor is not None:
            made = replace(made, digest=replace(made.digest, fingerprint=fingerprint(config.predictor)))
        if not made.digest.background.names:
            return made
        need_same_answers(made.digest, made.how)
        return replace(made, warnings=(*made.warnings, *made.beside_baseline(), *few_samples(config, made.how)))

    def beside_baseline(self) -> tuple[str, ...]:
        """What is otherwise than the baseline's; an error where its attributions are of other features, or of another question."""
        folder, config = self.settings.baseline_constraints, self.digest.config
        if self.baseline is None or folder is None:
            return ()
        players = Players.of(self.digest.background.names, config.group_of).names
        for label in self.baseline.values():
            if fault := features_fault(players, label.features, folder):
                raise fault
        kept = beside(folder, MODEL_JSON)
        data = storage.read_if_there(kept)
        return self.how.beside(json_object(data, kept), kept) if data is not None else ()

    def with_texts(self, untold: Collection[str]) -> AttributionDrift:
        """With the features of which the background has no value as texts where they are texts in the data."""
        plan, files = plan_pass(prepare(self.settings, lambda _: self))
        if not (columns := candidates(files, plan.read)):
            return self
        found, background = self.digest.features(columns) or {}, self.digest.background
        known = {*background.texts, *(name for name in untold if name in found and is_text(objects(found[name])))}
        texts = tuple(name for name in background.names if name in known)
        return replace(self, digest=replace(self.digest, background=replace(background, texts=texts)))

    def _with_background(self) -> AttributionDrift:
        """With a background that is chosen from the data, from blocks that lie far apart."""
        config = self.digest.config
        plan, files = plan_pass(prepare(self.settings, lambda _: self))
        columns = candidates(files, plan.read)
        if not columns:
            return self
        known = open_model(config.predictor).names if config.predictor is not None else None
        names = config.feature_names or known or tuple(name for name in columns if name != config.label)
        named = AttributionDigest(config, GivenBackground(names, (), ())).features(columns)
        lacking = [name for name in names if named is None or all(value is None for value in named[name])]
        if named is None or lacking:
            raise no_features(lacking, columns, len(names))
        background = answered_background(named, names, config)
        warnings: tuple[str, ...] = ()
        if self.baseline is not None:
            hint = f"set methods.shap.baseline, or keep {BACKGROUND_JSON} beside the baseline's {documents.ANALYSIS_JSON}"
            warnings = (f"background: found none that the baseline had; one was chosen from these data. Hint: {hint}",)
        return replace(self, digest=replace(self.digest, background=background), warnings=warnings)

    @cached_property
    def how(self) -> HowExplained:
        """How rows are explained."""
        return HowExplained.of(self.digest)

    @property
    def outputs(self) -> AttributionOutputs:
        """What its files and metrics are."""
        return AttributionOutputs(self.digest, self.how)

    def plan(self, read: ReadPlan) -> ScanPlan:
        """Some rows of each hour with their features, to be explained; or the attributions of all of them."""
        settings, config = self.settings, self.digest.config
        names = config.feature_names or self.digest.background.names
        captured = read.form.captured
        sides = (INPUT, OUTPUT) if config.captured is not None else (INPUT,)
        form = replace(read.form, sides=sides) if captured else read.form
        sample = SamplePlan(settings.sample_rows, settings.sample_without, settings.sample_hashed, self.digest)
        read = replace(
            read, form=form, names=() if captured else config.headers, input_names=names, ids=True, whole_rows=True, widths=False
        )
        every = settings.explain_rows == "all"
        return ScanPlan(
            read,
            segments=settings.segments,
            sample=sample,
            digest=self.digest if every else None,
            of_sample=None if hidden_features(settings, self.digest) else replace(self.digest, sums=not every),
        )

    def report(self, asked: Asked) -> Report:
        """Compares the attributions of a window with the baseline's, or says what they are."""
        dataset = Dataset.of_any_columns(asked.states)
        need_segments(self.settings.segments, asked)
        found = self.measured(asked.states, asked.states.sample)
        if found.rows and not found.labels and self.baseline is None:
            expected, hint = "kept rows, of which the medians are", "set --sample-rows, or agg_method to mean_abs"
            raise InputError("agg_method median", found="no kept row", expected=expected, hint=hint)
        if self.baseline is None and found.labels and not any(feature.value for label in found.labels for feature in label.features):
            hint = "is it the model that was meant, and do the rows differ from the background?"
            raise InputError("model", found="the same answer for all rows", expected="an answer that some feature moves", hint=hint)
        comparisons = self._compared(found)
        suggested = {}
        if self.baseline is None:
            suggested = {f"{label.label}: {feature.feature}": feature.value for label in found.labels for feature in label.features}
        bad = any(found.verdict is Verdict.VIOLATION for found in comparisons)
        return Report(
            asked.window,
            dataset,
            comparisons,
            constraints={"attribution_constraints": suggested} if suggested else None,
            states=asked.states if self.baseline is None else None,
            coverage=Coverage(warnings=(*self.warnings, *self._warnings(asked, found.rows), *_labels_lacking(found))),
            traffic=asked.traffic,
            segments=tuple(self._segments(asked.states)),
            ranking=RANKING,
            attribution=found,
            attribution_page=self._page(asked, found) if found.rows and (bad or asked.latest) else None,
        )

    def _warnings(self, asked: Asked, explained: int) -> Iterator[str]:
        """Features that no kept row of the window has, an InputError where that is to become a baseline; and rows left out."""
        rows = [row.values for row in asked.states.sample.rows()] if asked.states.sample is not None else []
        names = self.digest.background.names
        hidden = hidden_features(self.settings, self.digest)
        told = [name for name in names if name not in hidden]
        lacking = [name for name in told if all(row.get(name) is None for row in rows)] if rows else []
        if lacking and self.baseline is None:
            raise no_features(lacking, asked.first().columns, len(names))
        every = sum(asked.states.intake.rows.values())
        if explained < (asked_for := every if self.settings.explain_rows == "all" else len(rows)):
            yield f"{asked_for - explained} of {asked_for} rows: not explained; {self._why_not(rows, asked)}"
        if self.baseline is None and 0 < explained < LEAST_ROWS:
            yield f"baseline: found {explained} explained rows; expected at least {LEAST_ROWS}, without which there is no verdict later"
        if len(lacking) == len(told):
            return
        for name in lacking:
            yield f"feature {name}: found in no row of the window; explained as a missing value"
        for name in told:
            if name not in self.digest.background.texts and (found := texts_among([row.get(name) for row in rows])):
                example, of = shorten(repr(found[0]), _LONGEST_EXAMPLE), f"{len(found)} of {len(rows)} kept rows"
                yield f"feature {name}: found texts in {of}, such as {example}; explained as missing values"

    def _why_not(self, rows: Sequence[Mapping[str, object]], asked: Asked) -> str:
        """Why rows of a window were not explained, by those that are kept: what they lack, or what the model says of one."""
        names = self.digest.background.names
        if self.digest.config.captured is not None:
            return f"found no attributions at {self.digest.config.captured}"
        reasons = []
        if other := sum(not any(row.get(name) is not None for name in names) for row in rows):
            columns = ", ".join(asked.first().columns) if other == len(rows) else "other columns"
            reasons.append(f"found {columns} in {other} of {len(rows)} kept rows; expected the features {', '.join(names)}")
        left = [row for row in rows if any(row.get(name) is not None for name in names) and not is_explained(row)]
        if left and (said := self.digest.refusal(left[0])):
            reasons.append(f"of {len(left)} of {len(rows)} kept rows the model says, such as of one: {said}")
        return "; ".join(reasons) or "found values that the model refuses, or other features"

    def _page(self, asked: Asked, found: AttributionReport) -> AttributionPage:
        """What a person is to read of a window, with the course of its stored hours and of the day that it ends."""
        each, periods = course(asked.window) if asked.window is not None else (HOUR, [])
        history = [(period.start, self._shares(asked.sum(period).states)) for period in periods]
        return attribution_page(subject_of(self.settings, asked), asked.window, found, history, each, self.how)

    def _shares(self, states: HourStates) -> dict[str, dict[str, float]]:
        """Each feature's share by label; none of no rows."""
        state = states.of_rows.get(Attributions.kind)
        if not isinstance(state, Attributions) or not state.n:
            return {}
        found = global_values(state, states.sample, self.digest.config.aggregation)
        return {
            label: dict(zip(state.features, shares(values[np.newaxis])[0].tolist(), strict=True))
            for label, values in found.items()
            if values.sum() > 0
        }

    def measured(self, states: HourStates, sample: RowSample | None, segment: str = "") -> AttributionReport:
        """The attributions of some hours, or of a segment of them, with what was found against the baseline.

        The sample is that of the hours: segments have none of their own.
        """
        state = cast("Attributions", states.of_rows.get(Attributions.kind, Attributions.empty()))
        if not state.n:
            return AttributionReport(lacking=self._not_compared({}, "no row was explained"))
        live = global_attributions(state, sample, self.digest.config.aggregation, segment)
        baseline = self.baseline or {}
        if self.baseline is not None and not live.keys() <= baseline.keys():
            found, expected = ", ".join(live), f"the baseline's: {', '.join(baseline)}"
            hint = "set predictor.label_headers as they were, or make the baseline anew"
            raise InputError("labels of the model", found=found, expected=expected, hint=hint)
        if self.digest.config.captured is not None:  # nothing is known of what was said of a background
            live = {label: replace(of_label, expected=math.nan) for label, of_label in live.items()}
        labels = tuple(compared(of_label, baseline.get(label), self.thresholds) for label, of_label in live.items())
        return AttributionReport(
            labels,
            state.n,
            sum(states.intake.rows.values()),
            (NO_DRAWS,) if any(len(baseline[label].draws) == 0 for label in live.keys() & baseline.keys()) else (),
            tuple(kept_rows(sample)) if not segment else (),
            self._not_compared(live, "no kept row, of which a median could be"),
        )

    def _not_compared(self, live: Collection[str], without: str) -> tuple[Comparison, ...]:
        """The comparisons of the baseline's labels that are not among those of now; `without` says why there are none."""
        verdict, reason = Verdict.INSUFFICIENT, without
        if live:
            verdict, reason = Verdict.NOT_COMPUTABLE, f"the model has no such label now; it has {', '.join(sorted(live))}"
        lacking = [label for label in self.baseline or {} if label not in live]
        return tuple(chain.from_iterable(not_compared(label, self.thresholds, verdict, reason) for label in lacking))

    def _compared(self, found: AttributionReport) -> tuple[Evaluation, ...]:
        """The comparisons that have a threshold, as all monitors have them; where nothing was explained, that it was not."""
        if self.baseline is not None and not found.rows:
            return (_UNEXPLAINED,)
        return tuple(_evaluation(comparison) for comparison in found.comparisons if comparison.threshold is not None)

    def _segments(self, states: HourStates) -> Iterable[SegmentReport]:
        found = []
        for name, segment in asked_segments(self.settings.segments, states):
            measured = self.measured(segment, states.sample, name)
            dataset = Dataset.of_any_columns(segment)
            moved = [found.interval[0] for found in measured.comparisons if found.metric == "share_moved" and found.interval is not None]
            report = SegmentReport(name, dataset, self._compared(measured), attribution=measured)
            found.append(replace(report, effect=max(moved, default=0.0)))
        return sorted(found, key=lambda segment: (-(segment.effect or 0.0), segment.name))


def _labels_lacking(report: AttributionReport) -> Iterator[str]:
    """A sentence for each label of the baseline that could not be compared, or of which that cannot be done later."""
    for found in report.labels:
        if not found.comparisons and not any(feature.value for feature in found.features):
            yield f"label {found.label}: found no attribution of any feature; as a baseline it gives no verdict"
    for label, reason in dict.fromkeys((found.label, found.description) for found in report.lacking if report.rows):
        yield f"label {label} of the baseline: not compared; {reason}"


def _evaluation(found: Comparison) -> Evaluation:
    return Evaluation(
        f"{found.label}: {found.metric}",
        CHECK,
        found.definition,
        found.value,
        found.threshold,
        found.verdict,
        found.description,
        found.interval,
    )
