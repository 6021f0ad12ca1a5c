"""Another window in place of the baseline's file: the previous one, the same hour a week ago, another variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import orjson

from hourglass.comparisons import distribution_of
from hourglass.constraints.baseline import Baseline, parse_baseline
from hourglass.constraints.check import SuggestionOptions
from hourglass.constraints.suggest import suggest
from hourglass.dataset import Dataset
from hourglass.small_tests import Dispersion
from hourglass.states import COLUMN_STATES, ColumnProfile
from hourglass.undefined import Undefined

Dispersions = Mapping[str, Mapping[str, Dispersion]]


def baseline_from(reference: Dataset, given: Baseline | None, options: SuggestionOptions) -> Baseline | Undefined:
    """A baseline whose distributions are those of a reference window's states.

    The constraints are the given baseline's, and a feature is compared as what it says the feature is; without one they
    are suggested from the reference. A feature that the reference has no values of has an empty distribution, which is
    "insufficient data", and so have all when the columns cannot be matched by position. Undefined when there is neither
    a baseline nor a row to suggest one from.

    >>> from hourglass.states import Intake
    >>> baseline_from(Dataset(0, "", {}, Intake()), None, SuggestionOptions())
    Undefined(reason='the reference has no rows')
    """
    if given is None:
        if reference.rows == 0:
            return Undefined("the reference has no rows")
        given = parse_baseline(orjson.dumps(suggest(reference, options)), None)
    return with_states(given, reference)


def with_budget(baseline: Baseline, budget: float) -> Baseline:
    """The baseline with another budget of false alarms."""
    features = {name: replace(feature, config=replace(feature.config, budget=budget)) for name, feature in baseline.features.items()}
    return replace(baseline, features=features, config=replace(baseline.config, budget=budget))


def with_states(baseline: Baseline, reference: Dataset) -> Baseline:
    """The baseline with the distributions of a data set's states, which are more than a statistics.json tells."""
    matched = not reference.positional or int(reference.layout) == baseline.width
    absent = ColumnProfile.of(COLUMN_STATES, 0)
    columns = reference.columns if matched else {}
    found = {name: distribution_of(columns.get(name, absent), feature.inferred_type) for name, feature in baseline.features.items()}
    return with_dispersions(replace(baseline, distributions=found), baseline.dispersions)


def with_dispersions(baseline: Baseline, dispersions: Dispersions) -> Baseline:
    """The baseline with what is known of chance, by feature and small test."""
    found = {name: replace(each, dispersions=dispersions.get(name, {})) for name, each in baseline.distributions.items()}
    return replace(baseline, distributions=found, dispersions=dispersions)
