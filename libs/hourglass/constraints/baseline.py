"""The baseline's two files as they are read: made by us, by the stock analyzer, or edited by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from hourglass.capture.documents import load
from hourglass.comparisons import COMPARISONS, Comparison, Distribution, find_comparison
from hourglass.comparisons.calibrated import BUDGET, parse_budget
from hourglass.constraints.deequ_profile import is_deequ_profile, statistics_from_deequ
from hourglass.errors import HourglassError, InputError, SettingsError, did_you_mean
from hourglass.small_tests import INDEPENDENT, Dispersion
from hourglass.states import Moments, Quantiles
from hourglass.states.categories import category_key
from hourglass.statistics import AppliesTo, ColumnType
from hourglass.undefined import Undefined

SIMPLE, ROBUST, CALIBRATED = "Simple", "Robust", "Calibrated"
DEFAULT_COMPARISON, DEFAULT_DRIFT_METHOD = ROBUST, "LInfinity"
NO_CORRECTION, BONFERRONI, BENJAMINI_HOCHBERG = "None", "Bonferroni", "BenjaminiHochberg"
_SWITCH = {"enabled": True, "disabled": False, "true": True, "false": False}


OTHER_MONITORS = {
    **dict.fromkeys((f"{stage}_training_bias_metrics" for stage in ("pre", "post")), "the bias monitor"),
    **dict.fromkeys(
        (f"{kind}_constraints" for kind in ("regression", "binary_classification", "multiclass_classification", "ranking")),
        "the model-quality monitor",
    ),
}


@dataclass(frozen=True)
class MonitoringConfig:
    """`monitoring_config` of `constraints.json`, or a feature's overrides laid over it.

    Shares and distances are 0 to 1. A threshold or `minimum_rows` of None is the comparison's own; an override that
    names a comparison of another scale does not inherit the threshold of the one that it replaces. With
    `whole_floats_are_integral` a value written `3.0` passes as Integral. `share_comparison_method` is how shares of
    rows meet their thresholds: Simple, the stock analyzer's way, Robust, or Calibrated, which our suggestions ask for.
    `budget` is the share of clean windows that may alarm, over everything that is calibrated.
    `comparison_parameters` are those that differ from the comparisons' own; `correction` is of the whole run.
    """

    evaluate_constraints: bool = True
    emit_metrics: bool = True
    datatype_check_threshold: float = 1.0
    domain_content_threshold: float = 1.0
    whole_floats_are_integral: bool = False
    share_comparison_method: str = SIMPLE
    budget: float = BUDGET
    perform_comparison: bool = True
    comparison_threshold: float | None = None
    comparison_method: str = DEFAULT_COMPARISON
    categorical_comparison_threshold: float | None = None
    categorical_drift_method: str = DEFAULT_DRIFT_METHOD
    minimum_rows: int | None = None
    comparison_parameters: Mapping[str, float] = field(default_factory=dict)
    correction: str = NO_CORRECTION


@dataclass(frozen=True)
class FeatureConstraint:
    """What the baseline asks of one feature; None where it asks nothing. A feature that is not numeric is compared as text."""

    name: str
    inferred_type: ColumnType
    completeness: float | None
    is_non_negative: bool | None
    domains: tuple[str, ...] | None
    config: MonitoringConfig

    @cached_property
    def known_values(self) -> frozenset[str]:
        """The values of its domain as their counts name them."""
        return frozenset(map(category_key, self.domains or ()))

    @cached_property
    def comparison(self) -> Comparison:
        """What its distribution is compared by."""
        if self.inferred_type.numeric:
            return find_comparison(self.config.comparison_method, self.name, AppliesTo.NUMERIC)
        return find_comparison(self.config.categorical_drift_method, self.name, AppliesTo.TEXT)

    @property
    def threshold(self) -> float | None:
        """The threshold of its comparison: the budget, if that shares it; None where neither the baseline nor the comparison has one."""
        if self.comparison.shares_budget:
            return self.config.budget
        given = self.config.comparison_threshold if self.inferred_type.numeric else self.config.categorical_comparison_threshold
        return self.comparison.default_threshold if given is None else given

    @property
    def shares_budget(self) -> bool:
        """Whether its comparison is one of those that have a budget of false alarms together."""
        return self.config.evaluate_constraints and self.config.perform_comparison and self.comparison.shares_budget

    @property
    def shares_have_budget(self) -> bool:
        """Whether its shares of rows are among the checks that have a part of the budget."""
        return self.config.evaluate_constraints and self.config.share_comparison_method == CALIBRATED

    @property
    def share_part(self) -> float:
        """The part of the budget that a share of its rows has: an eighth where its comparison has one, whose tests ask for these too."""
        return 1 / 8 if self.shares_budget else 1.0

    @property
    def budget_parts(self) -> float:
        """How many parts of the budget its checks have: one its comparison, and those of its shares of rows."""
        shares = 1 + (self.completeness is not None) + bool(self.domains) if self.shares_have_budget else 0
        return self.shares_budget + shares * self.share_part

    @property
    def least_values(self) -> int:
        """How many values a side must have to be compared."""
        return max(1, self.comparison.minimum_rows if self.config.minimum_rows is None else self.config.minimum_rows)

    @property
    def comparison_label(self) -> str:
        """Its comparison's name with the parameters that the baseline changes."""
        return self.comparison.label(self.config.comparison_parameters)

    def compare(self, window: Distribution, reference: Distribution) -> float | Undefined:
        """The value of its comparison with the baseline's parameters."""
        return self.comparison.compare(window, reference, self.config.comparison_parameters)


@dataclass(frozen=True)
class Baseline:
    """The features that a window is held against, in the order of their columns, and their distributions.

    `document` is constraints.json as it was read; `left_out` are the columns that the settings exclude. `ordered` is false
    where the file does not tell the order of the columns, so that positions cannot be given names. `data_sets` are those that
    share the budget of false alarms: the whole window and its segments. `dispersions` are what the past says of chance, by feature
    and small test, and `learnt_from` says in words which past that is, "" for none.
    """

    features: Mapping[str, FeatureConstraint]
    config: MonitoringConfig = field(default_factory=MonitoringConfig)
    distributions: Mapping[str, Distribution] = field(default_factory=dict)
    document: bytes | None = None
    left_out: frozenset[str] = frozenset()
    ordered: bool = True
    data_sets: int = 1
    dispersions: Mapping[str, Mapping[str, Dispersion]] = field(default_factory=dict)
    learnt_from: str = ""

    @cached_property
    def budget_parts(self) -> float:
        """In how many parts the budget of false alarms is divided, over all checks of a run; 0 where none shares it."""
        return self.data_sets * sum(feature.budget_parts for feature in self.features.values())

    def dispersion(self, feature: str, test: str) -> Dispersion:
        """What is known of a small test of a feature."""
        return self.dispersions.get(feature, {}).get(test, INDEPENDENT)

    @property
    def width(self) -> int:
        """How many columns the data have, those left out included."""
        return len(self.features) + len(self.left_out)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns in order."""
        return tuple(self.features)


def parse_baseline(
    constraints: bytes | None,
    statistics: bytes | None,
    drift_method: str | None = None,
    *,
    constraints_path: str = "constraints.json",
    statistics_path: str = "statistics.json",
) -> Baseline:
    """The baseline of the two files; either may be absent. All faults at once, each with its place in the file.

    `drift_method` (the contract's `categorical_drift_method` of the environment) overrules the file's.
    """
    faults: list[HourglassError] = []
    rules = _Part(_document(constraints, constraints_path), constraints_path, faults)
    measured = _document(statistics, statistics_path)
    profiled = is_deequ_profile(measured)
    if profiled:
        measured = statistics_from_deequ(measured, statistics_path)
    numbers = _Part(measured, statistics_path, faults)
    if "dataset" in rules:
        rules.fault("dataset", "statistics", "constraints", "are the two files of the baseline swapped?")
    for other, monitor in OTHER_MONITORS.items():
        if other in rules:
            rules.fault(other, f"constraints of {monitor}", "features and monitoring_config", "is it another monitor's baseline?")
    if "monitoring_config" in numbers:
        numbers.fault("monitoring_config", "constraints", "statistics", "are the two files of the baseline swapped?")
    config = _config(rules.part("monitoring_config"), MonitoringConfig(), drift_method=drift_method)
    features = {}
    for entry in rules.parts("features") if constraints is not None else numbers.parts("features"):
        feature = _feature(entry, config)
        if not feature.name:
            entry.fault("name", None, "the feature's name")
        if feature.name in features:
            faults.append(InputError(entry.place, found=f"{feature.name!r} twice", expected="each feature once"))
        features[feature.name] = feature
    distributions = dict(_distribution(entry) for entry in numbers.parts("features"))
    if faults:
        raise SettingsError(faults)
    return Baseline(features, config, distributions, constraints, ordered=constraints is not None or not profiled)


def _document(data: bytes | None, name: str) -> Mapping[str, Any]:
    if data is None:
        return {}
    try:
        document = load(data)
    except ValueError as fault:
        raise InputError(name, found=str(fault), expected="a JSON document") from fault
    if not isinstance(document, dict):
        raise InputError(name, found=f"a JSON {type(document).__name__}", expected="a JSON object")
    return document


class _Part:
    """An object in a file: reads values in either spelling of their names, and collects faults with their place."""

    def __init__(self, document: Mapping[str, Any], place: str, faults: list[HourglassError]) -> None:
        self._values = {snake_case(key): value for key, value in document.items()}
        self.place = place
        self._faults = faults

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def know(self, *names: str, not_here: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        """Faults keys that are nearly one of the names, or that stand elsewhere.

        The stock analyzer writes others, which mean nothing here.
        """
        for key in sorted(self._values.keys() - set(names)):
            place = next((place for place, others in not_here.items() if key in others), None)
            if place is not None:
                self.fault(key, self.raw(key), f"to stand {place}")
            elif hint := did_you_mean(key, names):
                self.fault(key, "an unknown key", "one of " + ", ".join(names), hint)

    def fault(self, name: str, found: object, expected: str, hint: str | None = None) -> None:
        found = found if isinstance(found, str) and expected.startswith(("one of", "statistics", "constraints")) else repr(found)
        self._faults.append(InputError(f"{self.place}.{name}", found=found, expected=expected, hint=hint))

    def part(self, name: str) -> _Part:
        value = self._values.get(name)
        if value is not None and not isinstance(value, Mapping):
            self.fault(name, value, "an object")
            value = None
        return _Part(value or {}, f"{self.place}.{name}", self._faults)

    def parts(self, name: str) -> list[_Part]:
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            self.fault(name, value, "a list of objects")
            return []
        return [_Part(item, f"{self.place}.{name}[{item.get('name', index)}]", self._faults) for index, item in enumerate(value)]

    def text(self, name: str, default: str) -> str:
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            self.fault(name, value, "a text")
        return str(value)

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        if name not in self:
            return default
        value = self.text(name, default)
        found = {choice.lower(): choice for choice in choices}.get(value.lower())
        if found is None:
            self.fault(name, value, " or ".join(choices), did_you_mean(value, choices))
        return found or default

    def choice(self, name: str, applies_to: AppliesTo, default: str) -> str:
        if name not in self:
            return default
        value = self.text(name, default)
        try:
            find_comparison(value, f"{self.place}.{name}", applies_to)
        except InputError as fault:
            self._faults.append(fault)
            return default
        return value

    def parameters(self, name: str, comparisons: Sequence[Comparison], default: Mapping[str, float]) -> Mapping[str, float]:
        """Parameters of the comparisons by their exact names, laid over the default; null takes one back."""
        given = self.raw(name) if name in self else {}
        if not isinstance(given, Mapping):
            self.fault(name, given, "an object")
            return default
        known = {key: parameter for comparison in comparisons for key, parameter in comparison.parameters.items()}
        found = dict(default)
        for key, value in given.items():
            place = f"{self.place}.{name}.{key}"
            if key not in known:
                self._faults.append(_unknown_parameter(place, key, comparisons, known))
            elif value is None:
                found.pop(key, None)
            elif known[key].allows(value):
                found[key] = value
            else:
                self._faults.append(InputError(place, found=repr(value), expected=known[key].expected))
        return found

    def number(self, name: str, default: float, high: float = 1.0) -> float:
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
            self.fault(name, value, f"a number from 0 to {high:g}")
            return default
        return float(value)

    def budget(self, default: float) -> float:
        """A share of clean windows; with none nothing would ever alarm."""
        try:
            return parse_budget(self._values["budget"]) if "budget" in self else default
        except InputError as fault:
            self._faults.append(InputError(f"{self.place}.budget", found=fault.found, expected=fault.expected))
            return default

    def optional(self, name: str, default: float | None) -> float | None:
        """A distance's threshold, which may be above 1."""
        return self.number(name, 0.0, math.inf) if name in self else default

    def switch(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        found = value if isinstance(value, bool) else _SWITCH.get(str(value).lower())
        if found is None:
            self.fault(name, value, "Enabled or Disabled", did_you_mean(str(value), ["Enabled", "Disabled"]))
            return default
        return found

    def texts(self, name: str) -> tuple[str, ...] | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            self.fault(name, value, "a list of texts")
            return None
        return tuple(str(item) for item in value)

    def type(self, name: str) -> ColumnType:
        value = self._values.get(name, "Unknown")
        try:
            return ColumnType(str(value).capitalize())
        except ValueError:
            self.fault(name, value, ", ".join(ColumnType), did_you_mean(str(value), list(ColumnType)))
            return ColumnType.UNKNOWN

    def raw(self, name: str) -> Any:
        return self._values.get(name)


def _unknown_parameter(place: str, key: str, comparisons: Sequence[Comparison], known: Iterable[str]) -> InputError:
    chosen = " and ".join(dict.fromkeys(comparison.key for comparison in comparisons))
    others = [comparison.key for comparison in COMPARISONS.values() if key in comparison.parameters]
    return InputError(
        place,
        found="an unknown parameter",
        expected=f"{', '.join(known) or 'no parameter'} (of {chosen})",
        hint=did_you_mean(key, known) or (f"it is a parameter of {', '.join(others)}" if others else None),
    )


def snake_case(name: str) -> str:
    """A key in the one spelling that we read it by; the stock analyzer writes both.

    >>> snake_case("monitoringConfigOverrides")
    'monitoring_config_overrides'
    """
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


_SWITCHES = ("evaluate_constraints", "emit_metrics", "whole_floats_are_integral")
_COMPARISON = (
    "perform_comparison",
    "enable_comparisons",
    "comparison_threshold",
    "comparison_method",
    "categorical_comparison_threshold",
    "categorical_drift_method",
    "minimum_rows",
    "min_domain_mass",
    "comparison_parameters",
    "correction",
)
_CONFIG = (
    *_SWITCHES,
    "budget",
    "datatype_check_threshold",
    "domain_content_threshold",
    "share_comparison_method",
    "distribution_constraints",
)
_FEATURE = (
    *("name", "inferred_type", "completeness", "num_constraints", "string_constraints", "monitoring_config_overrides"),
    *("numerical_statistics", "string_statistics"),  # where statistics.json stands for both files
)


def _config(part: _Part, base: MonitoringConfig, *, feature: ColumnType | None = None, drift_method: str | None = None) -> MonitoringConfig:
    """The configuration of the run, or the overrides of a `feature` of this type laid over it."""
    comparison = part.part("distribution_constraints")
    part.know(*_CONFIG, not_here={"in distribution_constraints": _COMPARISON})
    comparison.know(*_COMPARISON, not_here={"beside distribution_constraints": _CONFIG})
    method = comparison.choice("comparison_method", AppliesTo.NUMERIC, base.comparison_method)
    text_method = drift_method or comparison.choice("categorical_drift_method", AppliesTo.TEXT, base.categorical_drift_method)
    numeric, text = (find_comparison(m, comparison.place, to) for m, to in ((method, AppliesTo.NUMERIC), (text_method, AppliesTo.TEXT)))
    before = find_comparison(base.comparison_method, comparison.place, AppliesTo.NUMERIC)
    text_before = find_comparison(base.categorical_drift_method, comparison.place, AppliesTo.TEXT)
    chosen = {None: (numeric, text), ColumnType.UNKNOWN: (numeric, text), ColumnType.STRING: (text,)}.get(feature, (numeric,))
    if feature is not None and "budget" in part:
        part.fault("budget", part.raw("budget"), "to stand in monitoring_config, since it is over all features")
    if feature is not None and "correction" in comparison:
        comparison.fault("correction", comparison.raw("correction"), "to stand in monitoring_config, since it is over all features")
    return replace(
        base,
        evaluate_constraints=part.switch("evaluate_constraints", default=base.evaluate_constraints),
        emit_metrics=part.switch("emit_metrics", default=base.emit_metrics),
        datatype_check_threshold=part.number("datatype_check_threshold", base.datatype_check_threshold),
        domain_content_threshold=part.number("domain_content_threshold", base.domain_content_threshold),
        whole_floats_are_integral=part.switch("whole_floats_are_integral", default=base.whole_floats_are_integral),
        budget=part.budget(base.budget),
        share_comparison_method=part.one_of("share_comparison_method", (SIMPLE, ROBUST, CALIBRATED), base.share_comparison_method),
        perform_comparison=comparison.switch(
            "perform_comparison", default=comparison.switch("enable_comparisons", default=base.perform_comparison)
        ),
        comparison_threshold=comparison.optional("comparison_threshold", base.comparison_threshold if numeric.same_scale(before) else None),
        comparison_method=method,
        categorical_comparison_threshold=comparison.optional(
            "categorical_comparison_threshold", base.categorical_comparison_threshold if text.same_scale(text_before) else None
        ),
        categorical_drift_method=text_method,
        minimum_rows=int(comparison.number("minimum_rows", 0, math.inf)) if "minimum_rows" in comparison else base.minimum_rows,
        comparison_parameters=comparison.parameters("comparison_parameters", chosen, base.comparison_parameters),
        correction=comparison.one_of("correction", (NO_CORRECTION, BONFERRONI, BENJAMINI_HOCHBERG), base.correction),
    )


def _feature(part: _Part, config: MonitoringConfig) -> FeatureConstraint:
    part.know(*_FEATURE)
    texts, numbers = part.part("string_constraints"), part.part("num_constraints")
    inferred_type = part.type("inferred_type")
    for holder in (part, texts, numbers):  # overrides are met at all three places
        config = _config(holder.part("monitoring_config_overrides"), config, feature=inferred_type)
    return FeatureConstraint(
        name=part.text("name", ""),
        inferred_type=inferred_type,
        completeness=part.number("completeness", 1.0) if "completeness" in part else None,
        is_non_negative=numbers.switch("is_non_negative", default=False) if "is_non_negative" in numbers else None,
        domains=texts.texts("domains"),
        config=config,
    )


def _distribution(part: _Part) -> tuple[str, Distribution]:
    name = part.text("name", "")
    texts = part.part("string_statistics").part("distribution").part("categorical")
    if "buckets" in texts:
        counts = {category_key(bucket.text("value", "")): int(bucket.number("count", 0.0, math.inf)) for bucket in texts.parts("buckets")}
        return name, Distribution(counts=counts, other=int(texts.number("other", 0.0, math.inf)))
    numbers = part.part("numerical_statistics")
    sketch = numbers.part("distribution").part("kll").part("sketch")
    data = sketch.raw("data")
    if data is None:
        return name, Distribution()
    if not isinstance(data, list) or len(data) > _MOST_LEVELS or not all(_is_items(level) for level in data):
        part.fault("sketch.data", "another shape", "lists of numbers, those of list i standing for 2^i values each")
        return name, Distribution()
    items = [float(item) for level in data for item in level]
    low, high = numbers.raw("min"), numbers.raw("max")
    low = float(low) if isinstance(low, int | float) else min(items, default=math.inf)
    high = float(high) if isinstance(high, int | float) else max(items, default=-math.inf)
    return name, Distribution(sketch=Quantiles.from_levels(data, low, high), moments=_moments(numbers, low, high))


def _moments(numbers: _Part, low: float, high: float) -> Moments:
    n = int(numbers.part("common").number("num_present", 0.0, math.inf))
    mean, deviation, total = (numbers.raw(name) for name in ("mean", "std_dev", "sum"))
    if n == 0 or not isinstance(mean, int | float) or not isinstance(deviation, int | float):
        return Moments()
    return Moments(n, float(total) if isinstance(total, int | float) else mean * n, float(mean), deviation * deviation * n, low, high)


_MOST_LEVELS = 60  # 2^60 values are more than anybody has


def _is_items(level: object) -> bool:
    return isinstance(level, list) and all(isinstance(item, int | float) and math.isfinite(item) for item in level)
