"""What the attribution monitor is given, and the faults of it that show before rows are explained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from hourglass import storage
from hourglass.attribution.coalitions import LEAST_SAMPLES, all_coalitions, default_samples
from hourglass.attribution.config import Aggregation, AttributionConfig, group_faults, parse_attribution_config
from hourglass.attribution.digest import AttributionDigest
from hourglass.attribution.game import Players
from hourglass.attribution.how_explained import HowExplained
from hourglass.attribution.metric import ATTRIBUTION_METRICS
from hourglass.attribution.report import GlobalAttributions, global_attributions, parse_baseline
from hourglass.errors import InputError, ModelError, SettingsError, did_you_mean
from hourglass.models import open_model
from hourglass.monitors.analysis_document import analysis_document
from hourglass.monitors.job import json_object, read_document
from hourglass.outputs import documents
from hourglass.settings import Settings
from hourglass.states import Attributions
from hourglass.store import read_states


def hidden_features(settings: Settings, digest: AttributionDigest) -> tuple[str, ...]:
    """Features that kept rows do not have; where the records have attributions, these are kept without features."""
    if digest.config.captured is not None:
        return ()
    names = digest.background.names or digest.config.feature_names
    return tuple(sorted({*settings.sample_without, *settings.sample_hashed} & {*names}))


def need_kept(settings: Settings, config: AttributionConfig, hidden: Sequence[str]) -> None:
    """InputError for features that kept rows do not have where kept rows are to be explained."""
    if not hidden:
        return
    names, hint = ", ".join(hidden), None
    if settings.explain_rows == "sample":
        found, hint = f"{names}, which the model needs", "set --explain-rows all"
    elif config.aggregation is Aggregation.MEDIAN:
        found = f"{names}; methods.shap.agg_method median is that of kept rows, which need all features"
    elif config.save_local:
        found = f"{names}; methods.shap.save_local_shap_values are those of kept rows, which need all features"
    else:
        return
    raise InputError("sample_without, sample_hashed", found=found, expected="columns that are no features", hint=hint)


def need_groups(config: AttributionConfig, names: Sequence[str]) -> None:
    """SettingsError for groups that clash with the features, whose names may be known from the data only."""
    if names and (faults := tuple(group_faults(dict(config.groups), names, "methods.shap.groups"))):
        raise SettingsError(faults)


def need_same_answers(digest: AttributionDigest, how: HowExplained) -> None:
    """ModelError for a model that says something else of the same rows when it is asked again."""
    if digest.config.predictor is None or how.explainer is None:
        return
    model, rows = open_model(digest.config.predictor), digest.background.coded()
    if not np.allclose(model.predict(rows), model.predict(rows), rtol=1e-6, atol=1e-9):
        expected = "the same answers, as attributions are differences of them"
        raise ModelError(f"model {digest.config.predictor.name}", found="two answers for the same rows", expected=expected)


def few_samples(config: AttributionConfig, how: HowExplained) -> Iterator[str]:
    """A sentence where coalitions are so few that chance shows; InputError where they cannot tell the features apart.

    Neither where all coalitions are tried, or none need be, as of trees.
    """
    asked, players = how.num_samples, Players.of(how.features, config.group_of).count
    enough = min(LEAST_SAMPLES, all_coalitions(players))
    if asked is None or asked >= enough:
        return
    subject, hint = "methods.shap.num_samples", f"leave it out for {default_samples(players)}"
    if asked < 2 * players:
        raise InputError(subject, found=asked, expected=f"at least {2 * players}, two of each of {players} features", hint=hint)
    yield f"{subject}: {asked} coalitions of {players} features leave much to chance; take at least {enough}. Hint: {hint}"


def checked_thresholds(given: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The thresholds by metric; InputError for a name that is none, and for a number that nothing is beyond."""
    for name, number in given:
        if name not in ATTRIBUTION_METRICS:
            hint = did_you_mean(name, ATTRIBUTION_METRICS)
            raise InputError("attribution_thresholds", found=repr(name), expected=", ".join(ATTRIBUTION_METRICS), hint=hint)
        largest = ATTRIBUTION_METRICS[name].largest
        if not math.isfinite(number) or not 0 <= number <= largest:
            expected = f"a number from 0 to {largest:g}" if math.isfinite(largest) else "a finite number that is not negative"
            raise InputError(f"attribution_thresholds: {name}", found=f"{number:g}", expected=expected)
    return dict(given)


def read_config(settings: Settings) -> AttributionConfig:
    """The analysis configuration that the settings name; without one only a model is needed."""
    if settings.analysis_config is None:
        if settings.model is None:
            hint = "set --analysis-config, or --model"
            raise InputError("analysis_config", found="nothing", expected="the path of an analysis_config.json", hint=hint)
        return parse_attribution_config({}, "settings", settings.model, trust_pickle=settings.trust_pickle)
    path = settings.analysis_config
    return parse_attribution_config(analysis_document(settings, path), path, settings.model, trust_pickle=settings.trust_pickle)


def read_baseline(settings: Settings, config: AttributionConfig) -> dict[str, GlobalAttributions] | None:
    """The baseline's attributions by label, with draws where its states lie beside it."""
    given = read_document(settings.baseline_constraints, documents.ANALYSIS_JSON)
    if given is None:
        return None
    path = settings.baseline_constraints or documents.ANALYSIS_JSON
    baseline = parse_baseline(json_object(given, path), path)
    states = read_states(settings.baseline_states or beside(settings.baseline_constraints or "", documents.BASELINE_STATES))
    if states is None:
        return baseline
    known = states.states()
    state = known.of_rows.get(Attributions.kind)
    if not isinstance(state, Attributions) or not state.n:
        return baseline
    drawn = global_attributions(state, known.sample, config.aggregation)
    return {
        label: replace(found, draws=drawn[label].draws, rows=drawn[label].rows)
        if label in drawn and drawn[label].features == found.features
        else found
        for label, found in baseline.items()
    }


def beside(path: str, name: str) -> str:
    """A file in the folder of a baseline, which is named itself or by a file in it."""
    return storage.join(path.rpartition("/")[0] if path.endswith(".json") else path, name)
