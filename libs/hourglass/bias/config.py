"""The stock analyzer's analysis_config.json: what is the label, the facets, the group, and the prediction.

It is read by hand, where attribution has a model of its keys: a column is a name or a number that the headers give a name, one
list is values or a threshold, and what is wrong with one of them depends on others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hourglass.bias.facets import BETWEEN, above_name, together
from hourglass.bias.metric import BIAS_METRICS, Stage, metrics_of
from hourglass.bias.report import FacetValue
from hourglass.errors import HourglassError, InputError, SettingsError, did_you_mean, near_misses
from hourglass.quality.classes import PLAIN, ClassRule, class_name

MOST_VALUES = 20  # a column of numbers with more distinct ones than that is cut at a threshold
_DEFAULT_PROBABILITY = 0.5

_FACET_KEYS = ("name_or_index", "value_or_threshold", "type")
_PREDICTOR_KEYS = ("label", "probability", "probability_threshold")
_DOCUMENT_KEYS = (
    *("dataset_type", "headers", "features", "label", "label_values_or_threshold", "label_type", "facet", "group_variable"),
    *("probability_threshold", "predictor", "methods"),
)
# the stock analyzer's other keys, of which some are nearly ours
_OTHER_KEYS = frozenset(
    (
        *("version", "dataset_uri", "predicted_label", "predicted_label_dataset_uri", "predicted_label_headers", "excluded_columns"),
        *("joinsource_name_or_index", "facet_dataset_uri", "facet_headers", "label_headers", "categorical_features"),
        *("model_name", "target_model", "target_variant", "content_type", "accept_type", "content_template", "record_template"),
    )
)

Kind = Literal["values", "threshold", "unsure"]


@dataclass(frozen=True)
class Chosen:
    """Some values of a column, or all numbers above a threshold.

    The file has one list for both. One whole number may be either: such a choice is `unsure` until the configuration is
    `settled`, or the file says it: `"type": "values"` or `"type": "threshold"` beside it.
    """

    values: tuple[str, ...] = ()
    threshold: float | None = None
    kind: Kind = "values"

    @property
    def name(self) -> str:
        """As the stock analyzer writes it: `0`, or `0,2`; of a threshold `(40, inf)`."""
        return ",".join(self.values) if self.cut is None else above_name(self.cut)

    @property
    def cut(self) -> float | None:
        """Where the column is cut, if it is."""
        return self.threshold if self.kind == "threshold" else None

    @property
    def names(self) -> frozenset[str]:
        """The names that it is counted by."""
        return frozenset([self.name]) if self.kind == "threshold" else frozenset(self.values)


@dataclass(frozen=True)
class FacetConfig:
    """A facet: the columns it is made of, and which of its values are asked about; each of them when none is named."""

    columns: tuple[str, ...]
    chosen: Chosen | None = None

    @property
    def name(self) -> str:
        """The column, or all of them: `Sex & Ethnic group`."""
        return BETWEEN.join(self.columns)

    @property
    def threshold(self) -> float | None:
        """Where the column is cut, if it is."""
        return None if self.chosen is None else self.chosen.cut

    @property
    def values(self) -> list[FacetValue] | None:
        """Facet d for `measure_bias`."""
        return None if self.chosen is None else [FacetValue(self.chosen.name, self.chosen.names)]


@dataclass(frozen=True)
class AnalysisConfig:
    """What an analysis_config.json says of bias.

    `label_name` is what the label is called in the documents; `label` says where it is: a column, or in JSON a JMESPath.
    `features` is the JMESPath of a JSON record's features, whose names are the headers in their order. `predicted_label`,
    `probability` and `probability_threshold` are the predictor's. `metrics` are those that its methods ask for.
    """

    label: str
    label_name: str
    positive: Chosen
    facets: tuple[FacetConfig, ...]
    headers: tuple[str, ...] = ()
    group_variable: str | None = None
    dataset_type: str | None = None
    features: str | None = None
    predicted_label: str | None = None
    probability: str | None = None
    probability_threshold: float = _DEFAULT_PROBABILITY
    metrics: tuple[str, ...] = tuple(sorted(BIAS_METRICS))

    @property
    def unsure(self) -> frozenset[str]:
        """The names of the facets, and of the label, whose only number may be a value or a threshold."""
        chosen = {self.label_name: self.positive} | {facet.name: facet.chosen for facet in self.facets if facet.chosen is not None}
        return frozenset(name for name, choice in chosen.items() if choice.kind == "unsure")

    def settled(self, cut: Mapping[str, bool]) -> AnalysisConfig:
        """The configuration with each of these a threshold where `cut` says so, else a value.

        Say it of a baseline, once: hours that settle it each for itself would count different things.
        """

        def made(name: str, chosen: Chosen) -> Chosen:
            return replace(chosen, kind="threshold" if cut[name] else "values") if chosen.kind == "unsure" else chosen

        facets = tuple(facet if facet.chosen is None else replace(facet, chosen=made(facet.name, facet.chosen)) for facet in self.facets)
        if clashes := _clashes(facets, "facet"):
            raise SettingsError(clashes)
        return replace(self, positive=made(self.label_name, self.positive), facets=facets)


def parse_analysis_config(document: Any, subject: str = "analysis_config", rule: ClassRule = PLAIN) -> AnalysisConfig:
    """The configuration in a document; SettingsError with all faults at once. What is not about bias is let be.

    Ours, beside the stock analyzer's keys: a facet of several columns (`"name_or_index": ["Sex", "Ethnic group"]`, with a list
    of lists as `value_or_threshold`: `[[0, 4]]`), and `"type"` of a facet or `"label_type"`, which is "values" or "threshold".

    >>> config = parse_analysis_config({"label": "y", "label_values_or_threshold": [1], "facet": [{"name_or_index": "Sex"}]})
    >>> config.positive.name, config.facets[0].name, config.facets[0].values
    ('1', 'Sex', None)
    """
    if not isinstance(document, Mapping):
        raise InputError(subject, found=type(document).__name__, expected="an object with label, label_values_or_threshold and facet")
    return _Reading(document, subject, rule).config()


class _Reading:
    """A document that is being read, and the faults that were found in it."""

    def __init__(self, document: Mapping[str, Any], subject: str, rule: ClassRule) -> None:
        self.document = document
        self.subject = subject
        self.rule = rule
        self.faults: list[HourglassError] = []
        self.headers = self._headers()

    def config(self) -> AnalysisConfig:
        self._near_misses(self.document, _DOCUMENT_KEYS)
        features = self._text(self.document, "features")
        label, label_name = self._label(features)
        predictor = self._part("predictor")
        self._near_misses(predictor, _PREDICTOR_KEYS, "predictor.")
        found = AnalysisConfig(
            label,
            label_name,
            self._chosen(self.document, "label_values_or_threshold", "label_type", "") or Chosen(),
            self._facets(),
            self.headers,
            self._group(),
            self._text(self.document, "dataset_type"),
            features,
            self._text(predictor, "label", "predictor.", number=True),
            self._text(predictor, "probability", "predictor.", number=True),
            self._probability_threshold(predictor),
            self._metrics(),
        )
        if "label_values_or_threshold" not in self.document:
            self._fault("label_values_or_threshold", "nothing", "the positive values of the label, or a threshold", "[1], say")
        if self.faults:
            raise SettingsError(self.faults)
        return found

    def _fault(self, where: str, found: object, expected: object, hint: str | None = None) -> None:
        self.faults.append(InputError(f"{self.subject}: {where}", found=found, expected=expected, hint=hint))

    def _near_misses(self, part: Mapping[str, Any], known: Sequence[str], under: str = "") -> None:
        self.faults += near_misses(part, known, f"{self.subject}: {under}", _OTHER_KEYS)

    def _headers(self) -> tuple[str, ...]:
        given = self.document.get("headers")
        if given is None:
            return ()
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            self._fault("headers", repr(given), "a list of names")
            return ()
        for name in sorted({name for name in given if given.count(name) > 1}):
            self._fault("headers", f"{name!r} {given.count(name)} times", "a name for each column")
        return tuple(given)

    def _part(self, key: str) -> Mapping[str, Any]:
        given = self.document.get(key)
        if given is None or isinstance(given, Mapping):
            return given or {}
        self._fault(key, type(given).__name__, "an object")
        return {}

    def _text(self, part: Mapping[str, Any], key: str, under: str = "", *, number: bool = False) -> str | None:
        given = part.get(key)
        if given is None:
            return None
        if isinstance(given, str) and given.strip():
            return given
        if number and isinstance(given, int) and not isinstance(given, bool) and given >= 0:
            return str(given)
        self._fault(f"{under}{key}", repr(given), "a name, a number from 0 or a path" if number else "a text")
        return None

    def _column(self, given: Any, where: str) -> str | None:
        """The name of a column that is given by name or number; a number stays one where there are no headers."""
        if isinstance(given, int) and not isinstance(given, bool):
            if 0 <= given < (len(self.headers) or given + 1):
                return self.headers[given] if self.headers else str(given)
            self._fault(where, given, f"a number from 0 to {len(self.headers) - 1}" if self.headers else "a number from 0")
        elif not isinstance(given, str) or not given:
            self._fault(where, repr(given), "the name of a column, or its number from 0")
        elif self.headers and given not in self.headers:
            self._fault(where, repr(given), f"one of {', '.join(self.headers)}", did_you_mean(given, self.headers))
        else:
            return given
        return None

    def _label(self, features: str | None) -> tuple[str, str]:
        """Where the label is, and what it is called."""
        given = self.document.get("label")
        if features is not None:  # a JSON record: the label has a path, and the last of the headers
            path = self._text(self.document, "label")
            if given is None:
                self._fault("label", "nothing", "the JMESPath of the label")
            return path or "", self.headers[-1] if self.headers else path or ""
        if given is None:
            self._fault("label", "nothing", "the column of the label: its name, or its number from 0")
            return "", ""
        name = self._column(given, "label") or ""
        return name, name

    def _group(self) -> str | None:
        given = self.document.get("group_variable")
        return None if given is None else self._column(given, "group_variable")

    def _facets(self) -> tuple[FacetConfig, ...]:
        given = self.document.get("facet")
        entries = [given] if isinstance(given, Mapping) else given
        if not isinstance(entries, list) or not entries:
            self._fault("facet", repr(given), "a list of facets", '[{"name_or_index": "Sex", "value_or_threshold": [0]}], say')
            return ()
        facets: list[FacetConfig] = []
        for place, entry in enumerate(entries):
            facet = self._facet(entry, f"facet[{place}]")
            if facet is not None:
                facets.append(facet)
        self.faults += _clashes(facets, f"{self.subject}: facet")
        return tuple(facets)

    def _facet(self, entry: Any, where: str) -> FacetConfig | None:
        if not isinstance(entry, Mapping):
            self._fault(where, repr(entry), 'an object with "name_or_index"')
            return None
        self._near_misses(entry, _FACET_KEYS, f"{where}.")
        given = entry.get("name_or_index")
        several = given if isinstance(given, list) else None
        if several is None:
            columns = [self._column(given, f"{where}.name_or_index")]
        else:
            columns = [self._column(column, f"{where}.name_or_index[{place}]") for place, column in enumerate(several)]
        if several is not None and (len(columns) < 2 or len(set(columns)) < len(columns)):
            self._fault(f"{where}.name_or_index", repr(given), "two or more different columns")
            return None
        chosen = None
        if entry.get("value_or_threshold") is not None:
            chosen = (
                self._crossed(entry["value_or_threshold"], len(columns), f"{where}.value_or_threshold")
                if several is not None
                else self._chosen(entry, "value_or_threshold", "type", f"{where}.")
            )
        known = tuple(column for column in columns if column is not None)
        return FacetConfig(known, chosen) if len(known) == len(columns) else None

    def _crossed(self, given: Any, width: int, where: str) -> Chosen | None:
        """Values of several columns together, a list for each."""
        rows = given if isinstance(given, list) and given and all(isinstance(row, list) for row in given) else [given]
        names = []
        for row in rows:
            values = [class_name(value, self.rule) for value in row] if isinstance(row, list) and all(map(_is_scalar, row)) else []
            if len(values) != width or None in values:
                self._fault(where, repr(row), f"a list of {width} values, one of each column", "[[0, 4]], say")
                return None
            names.append(together(*(value for value in values if value is not None)))
        return Chosen(tuple(dict.fromkeys(names)))

    def _chosen(self, part: Mapping[str, Any], key: str, type_key: str, under: str) -> Chosen | None:
        given = part.get(key)
        if given is None:
            return None
        values = given if isinstance(given, list) else [given]
        if not values or not all(map(_is_scalar, values)):
            self._fault(f"{under}{key}", repr(given), "a list of values, or a threshold")
            return None
        names = [class_name(value, self.rule) for value in values]
        only = values[0] if len(values) == 1 else None
        threshold = float(only) if isinstance(only, int | float) and not isinstance(only, bool) else None
        asked = part.get(type_key)
        if asked not in {None, "values", "threshold"}:
            self._fault(f"{under}{type_key}", repr(asked), "values or threshold")
            return None
        if asked == "threshold" and threshold is None:
            self._fault(f"{under}{key}", repr(given), "one number as threshold")
            return None
        if None in names:
            self._fault(f"{under}{key}", repr(given), "values that are not empty", '"(missing)" for the rows without one')
            return None
        kind: Kind = "values" if threshold is None else "unsure" if threshold.is_integer() else "threshold"
        if asked is not None:
            kind = "threshold" if asked == "threshold" else "values"
        return Chosen(tuple(dict.fromkeys(str(name) for name in names)), None if kind == "values" else threshold, kind)

    def _probability_threshold(self, predictor: Mapping[str, Any]) -> float:
        given = predictor.get("probability_threshold", self.document.get("probability_threshold"))
        if given is None:
            return _DEFAULT_PROBABILITY
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
            self._fault("predictor.probability_threshold", repr(given), "a number from 0 to 1")
            return _DEFAULT_PROBABILITY
        return float(given)

    def _metrics(self) -> tuple[str, ...]:
        """The metrics that the methods name; all where none of both stages is among the methods."""
        methods = self._part("methods")
        self._near_misses(methods, [f"{stage}_bias" for stage in Stage], "methods.")
        asked = {stage: methods[f"{stage}_bias"] for stage in Stage if f"{stage}_bias" in methods}
        if not asked:
            return tuple(sorted(BIAS_METRICS))
        found: list[str] = []
        for stage, entry in asked.items():
            where = f"methods.{stage}_bias.methods"
            if isinstance(entry, Mapping):
                self._near_misses(entry, ["methods"], f"methods.{stage}_bias.")
            given = entry.get("methods", "all") if isinstance(entry, Mapping) else entry
            names = [given] if isinstance(given, str) else given if isinstance(given, list) else []
            known = metrics_of(stage)
            if names == ["all"]:
                found += known
                continue
            if not names:
                self._fault(where, repr(given), '"all", or a list of metrics')
            for name in names:
                if isinstance(name, str) and name in known:
                    found.append(name)
                else:
                    self._fault(where, repr(name), ", ".join(known), did_you_mean(str(name), known))
        return tuple(sorted(dict.fromkeys(found)))


def _clashes(facets: Sequence[FacetConfig], subject: str) -> list[HourglassError]:
    """Facets of one name that are the same, or are cut in different places: the counts of a facet have one set of values."""
    found: list[HourglassError] = []
    for name in dict.fromkeys(facet.name for facet in facets):
        alike = [facet for facet in facets if facet.name == name]
        asked = [facet.chosen.name if facet.chosen else "every value" for facet in alike]
        if len(set(asked)) < len(asked):
            found.append(
                InputError(subject, found=f"{name!r} twice with {max(asked, key=asked.count)}", expected="each facet and value once")
            )
        elif len({facet.threshold for facet in alike}) > 1:
            found.append(InputError(subject, found=f"{name!r} with {' and '.join(asked)}", expected="one threshold, or values"))
    return found


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | bool) or (isinstance(value, float) and math.isfinite(value))
