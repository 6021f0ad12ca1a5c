"""The stock analyzer's analysis_config.json: the features, how they are explained, and which model is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hourglass.attribution.explainer import AUTO, EXPLAINERS
from hourglass.errors import HourglassError, InputError, SettingsError, did_you_mean, near_misses
from hourglass.models import Predictor

CAPTURED = "captured"
BACKGROUND_ROWS = 10
Values = tuple[float | str | None, ...]


class Aggregation(StrEnum):
    """How the attributions of rows become one number of a feature."""

    MEAN_ABS = "mean_abs"
    MEDIAN = "median"
    MEAN_SQ = "mean_sq"


@dataclass(frozen=True)
class AttributionConfig:
    """What an analysis_config.json says of attributions.

    `headers` are the features' names in their order with the label's among them, `features` is the JMESPath of a JSON record's
    features. `baseline` are the background's rows, or a file of them; without either `clusters` rows stand for the data.
    `baseline_names` are the keys of rows that are objects, where there are no headers.
    `samples` are coalitions of each row. `groups` are features that are explained as one, by the group's name. `captured` is
    where a record holds attributions that were computed with it.
    """

    headers: tuple[str, ...] = ()
    label: str | None = None
    features: str | None = None
    baseline: tuple[Values, ...] | str | None = None
    baseline_names: tuple[str, ...] = ()
    clusters: int = BACKGROUND_ROWS
    samples: int | None = None
    # these two ask nothing else of a row: stored hours, which know the configuration by its repr, serve any of them
    aggregation: Aggregation = field(default=Aggregation.MEAN_ABS, repr=False)
    logit: bool = False
    seed: int = 0
    save_local: bool = field(default=False, repr=False)
    explainer: str = AUTO
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    captured: str | None = None
    predictor: Predictor | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The headers without the label's."""
        return tuple(name for name in self.headers if name != self.label)

    @property
    def group_of(self) -> dict[str, str]:
        """The group of each feature that is in one."""
        return {feature: name for name, features in self.groups for feature in features}


class _Part(BaseModel):
    """A part of the document; a key that is nearly one that we know is a slip, any other is none of our business.

    `others` are the stock analyzer's keys that we do not use. Source: ANALYSIS_CONFIG_SCHEMA_V1_0 of the SageMaker Python SDK.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    others: ClassVar[frozenset[str]] = frozenset()

    def slips(self, where: str) -> list[HourglassError]:
        return near_misses(self.model_extra or (), tuple(type(self).model_fields), where, self.others)


Place = Annotated[str, BeforeValidator(lambda given: str(given) if isinstance(given, int) and not isinstance(given, bool) else given)]


class _Shap(_Part):
    others: ClassVar = frozenset({"features_to_explain", "image_config", "text_config"})

    baseline: Any = None
    num_samples: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    agg_method: Literal["mean_abs", "median", "mean_sq"] = "mean_abs"
    use_logit: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    num_clusters: Annotated[int, Field(ge=1, le=1000)] | None = None
    save_local_shap_values: bool = False
    explainer: str = AUTO
    groups: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    captured: str | None = None


class _Methods(_Part):
    others: ClassVar = frozenset({"pre_training_bias", "post_training_bias", "pdp", "report", "asymmetric_shapley_value"})

    shap: _Shap = _Shap()


class _Predictor(_Part):
    others: ClassVar = frozenset(
        {
            "endpoint_name_prefix",
            "target_model",
            "instance_type",
            "initial_instance_count",
            "accelerator_type",
            "custom_attributes",
            "time_series_predictor_config",
        }
    )

    model: str | None = None
    model_name: str | None = None
    endpoint_name: str | None = None
    target_variant: str | None = None
    content_type: str = "text/csv"
    accept_type: str | None = None
    content_template: str | None = None
    record_template: str | None = None
    label: Place | None = None
    probability: Place | None = None
    label_headers: tuple[str, ...] = ()


class _Document(_Part):
    others: ClassVar = frozenset(
        {
            "version",
            "dataset_type",
            "dataset_uri",
            "predicted_label",
            "label_values_or_threshold",
            "probability_threshold",
            "segment_config",
            "facet",
            "facet_dataset_uri",
            "facet_headers",
            "predicted_label_dataset_uri",
            "predicted_label_headers",
            "excluded_columns",
            "joinsource_name_or_index",
            "group_variable",
            "time_series_data_config",
        }
    )

    headers: list[str] = []
    label: Place | None = None
    features: str | None = None
    methods: _Methods = _Methods()
    predictor: _Predictor | None = None


def parse_attribution_config(
    document: Any, subject: str = "analysis_config", model: str | None = None, *, trust_pickle: bool = False
) -> AttributionConfig:
    """The configuration in a document; SettingsError with all faults at once. What is not about attributions is let be.

    `model` takes the place of the predictor's. Ours, beside the stock analyzer's keys of `methods.shap`: `explainer`, `groups`
    (`{"sex": ["sex=f", "sex=m"]}`), `captured`; and `model` of the predictor.

    >>> config = parse_attribution_config({"methods": {"shap": {"num_samples": 500}}}, model="model.onnx")
    >>> config.samples, config.aggregation, config.predictor.source
    (500, <Aggregation.MEAN_ABS: 'mean_abs'>, 'model.onnx')
    """
    if not isinstance(document, Mapping):
        raise InputError(subject, found=type(document).__name__, expected="an object with methods.shap and predictor")
    try:
        given = _Document.model_validate(_read_strictly(document))
    except ValidationError as error:
        raise SettingsError([_fault(subject, details) for details in error.errors()]) from None
    shap, asked = given.methods.shap, given.predictor or _Predictor()
    faults = [
        *given.slips(f"{subject}: "),
        *given.methods.slips(f"{subject}: methods."),
        *shap.slips(f"{subject}: methods.shap."),
        *asked.slips(f"{subject}: predictor."),
        *_clashes(given, subject),
    ]
    source = model or asked.model or (f"sagemaker:{asked.endpoint_name}" if asked.endpoint_name else None)
    if source is None and shap.captured is None:
        found = f"predictor.model_name {asked.model_name!r}, whose files are not known" if asked.model_name else "no model"
        expected = "a file, folder, http(s) address or sagemaker:ENDPOINT"
        faults.append(InputError(f"{subject}: predictor.model", found=found, expected=expected, hint="set --model"))
    if faults:
        raise SettingsError(faults)
    predictor = None
    if source is not None:
        predictor = Predictor(
            source,
            trust_pickle=trust_pickle,
            content_type=asked.content_type,
            accept_type=asked.accept_type,
            content_template=asked.content_template,
            record_template=asked.record_template,
            label=asked.label,
            probability=asked.probability,
            labels=asked.label_headers,
            variant=asked.target_variant,
        )
    config = AttributionConfig(
        headers=tuple(given.headers),
        label=_label(given),
        features=given.features,
        clusters=shap.num_clusters or BACKGROUND_ROWS,
        samples=shap.num_samples,
        aggregation=Aggregation(shap.agg_method),
        logit=shap.use_logit,
        seed=shap.seed or 0,
        save_local=shap.save_local_shap_values,
        explainer=CAPTURED if shap.captured is not None else shap.explainer,
        groups=tuple((name, tuple(features)) for name, features in shap.groups.items()),
        captured=shap.captured,
        predictor=predictor,
    )
    names = config.feature_names or _keys(shap.baseline, config.label)
    baseline = _baseline(shap.baseline, names, subject)
    return replace(config, baseline=baseline, baseline_names=() if config.feature_names else names)


def _read_strictly(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without its nulls, which say as little as an absent key, and with tuples where we have them."""
    found = _without_nulls(document)
    for part in ("methods", "predictor"):
        if isinstance(document.get(part), Mapping):
            found[part] = _without_nulls(document[part])
    methods, asked = found.get("methods"), found.get("predictor")
    if isinstance(methods, dict) and isinstance(shap := methods.get("shap"), Mapping):
        methods["shap"] = _without_nulls(shap)
    if isinstance(asked, dict) and isinstance(headers := asked.get("label_headers"), list):
        asked["label_headers"] = tuple(headers)
    return found


def _without_nulls(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if value is not None}


def _fault(subject: str, details: Mapping[str, Any]) -> HourglassError:
    """One of pydantic's errors in our words; of several kinds that a value may have it names each."""
    where = ".".join(str(part) for part in details["loc"] if isinstance(part, int) or not part.startswith(("list[", "dict[", "function")))
    expected = details["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return InputError(f"{subject}: {where}", found=repr(details["input"]), expected=expected)


def _label(given: _Document) -> str | None:
    """The header of the label, which may be told by its index; in JSON records a label has a path, and the last of the headers."""
    label, headers = given.label, given.headers
    if label is None or not headers or label in headers:
        return label
    if given.features is not None:
        return headers[-1]
    return headers[int(label)] if label.isdecimal() and int(label) < len(headers) else label


def _clashes(given: _Document, subject: str) -> Iterator[HourglassError]:
    """Names that stand for two things, or for nothing."""
    for name in sorted({name for name in given.headers if given.headers.count(name) > 1}):
        yield InputError(f"{subject}: headers", found=f"{name!r} {given.headers.count(name)} times", expected="a name for each column")
    if given.headers and (label := _label(given)) is not None and label not in given.headers:
        expected = f"one of the headers, or an index of them: {', '.join(given.headers)}"
        yield InputError(f"{subject}: label", found=repr(label), expected=expected, hint=did_you_mean(label, given.headers))
    answers = given.predictor.label_headers if given.predictor is not None else ()
    for name in sorted({name for name in answers if answers.count(name) > 1}):
        found = f"{name!r} {answers.count(name)} times"
        yield InputError(f"{subject}: predictor.label_headers", found=found, expected="a name for each output")
    shap = given.methods.shap
    known = (AUTO, *EXPLAINERS)
    if shap.captured is None and shap.explainer not in known:
        expected, hint = ", ".join(known), did_you_mean(shap.explainer, known)
        yield InputError(f"{subject}: methods.shap.explainer", found=repr(shap.explainer), expected=expected, hint=hint)
    features = tuple(name for name in given.headers if name != _label(given))
    for feature, times in Counter(feature for group in shap.groups.values() for feature in group).items():
        if times > 1:
            yield InputError(f"{subject}: methods.shap.groups", found=f"{feature!r} in {times} groups", expected="each feature in one")
    if features:
        yield from group_faults(shap.groups, features, f"{subject}: methods.shap.groups")


def group_faults(groups: Mapping[str, Sequence[str]], features: Sequence[str], where: str) -> Iterator[HourglassError]:
    """Members of groups that are no features, and groups that have the name of a feature which is explained by itself."""
    members = {feature for group in groups.values() for feature in group}
    for feature in sorted(members.difference(features)):
        expected = f"one of the features {', '.join(features)}"
        yield InputError(where, found=repr(feature), expected=expected, hint=did_you_mean(feature, features))
    for name in groups:
        if name in features and name not in members:
            yield InputError(where, found=f"{name!r}, which is also a feature of no group", expected="another name")


def _keys(baseline: Any, label: str | None) -> tuple[str, ...]:
    """The features of rows that are objects by the first of them; none of other rows."""
    first = baseline[0] if isinstance(baseline, list) and baseline else baseline
    return tuple(name for name in first if name != label) if isinstance(first, Mapping) else ()


def _baseline(given: Any, names: tuple[str, ...], subject: str) -> tuple[Values, ...] | str | None:
    """The background's rows in the order of the features, of objects by name; or the file that they are in."""
    if given is None or isinstance(given, str):
        return given
    where = f"{subject}: methods.shap.baseline"
    rows = [given] if isinstance(given, Mapping) else given
    if not isinstance(rows, list) or not rows:
        hint = "leave it out to have rows chosen from the data"
        raise InputError(where, found=repr(given), expected="a list of rows, or the path of a file", hint=hint)
    found = tuple(_row(row, names, f"{where}[{place}]") for place, row in enumerate(rows))
    for place, row in enumerate(found):
        if len(row) != len(found[0]):
            raise InputError(f"{where}[{place}]", found=f"{len(row)} values", expected=f"{len(found[0])}, as in the first row")
    return found


def _row(given: Any, names: tuple[str, ...], where: str) -> Values:
    if isinstance(given, Mapping) and (lacking := [name for name in names if name not in given]):
        raise InputError(where, found=f"nothing of {', '.join(lacking)}", expected="a value of each feature", hint="null is a missing one")
    row = [given[name] for name in names] if isinstance(given, Mapping) else given
    if not isinstance(row, list) or not all(value is None or isinstance(value, str | int | float) for value in row):
        raise InputError(where, found=repr(given), expected="a list of numbers, texts and nulls")
    if names and len(row) != len(names):
        raise InputError(where, found=f"{len(row)} values", expected=f"{len(names)}, one of each feature: {', '.join(names)}")
    return tuple(float(value) if isinstance(value, int | float) else value for value in row)
