"""One tree of settings: the contract's environment, a YAML file and the command line say the same words.

Flag > environment > YAML > default. Every field is an environment variable of its name (either case), a key in YAML,
and a flag in kebab-case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import orjson
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hourglass.capture.formats import DatasetFormat, parse_dataset_format
from hourglass.capture.window import Window, parse_duration, parse_time
from hourglass.comparisons import find_comparison
from hourglass.comparisons.calibrated import parse_budget
from hourglass.errors import HourglassError, InputError, SettingsError, did_you_mean
from hourglass.http_post import need_address
from hourglass.notify import channel_targets
from hourglass.own_metrics import register_own_metrics
from hourglass.problems import Problem
from hourglass.references import BASELINE, Reference, parse_reference
from hourglass.segments import Segmentation, parse_segmentations
from hourglass.statistics import AppliesTo
from hourglass.storage import is_directory, lies_in, normalise


class AnalysisType(StrEnum):
    """Which analysis the contract's one image is asked for."""

    DATA_QUALITY = "DATA_QUALITY"
    MODEL_QUALITY = "MODEL_QUALITY"
    BIAS = "BIAS"
    ATTRIBUTION = "ATTRIBUTION"


def _by_parser(parse: Any, made: type | tuple[type, ...] = ()) -> BeforeValidator:
    """A validator that turns text into a value and our errors into pydantic's; values of the type `made` pass."""

    def validate(value: object) -> object:
        if not isinstance(value, str):
            if value is None or isinstance(value, made):
                return value
            value = str(value)
        if not value.strip():
            return None
        try:
            return parse(value)
        except InputError as fault:
            raise ValueError(str(fault)) from fault

    return BeforeValidator(validate)


def _drift_method(name: str) -> str:
    find_comparison(name, "categorical_drift_method", AppliesTo.TEXT)
    return name


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _durations(text: str) -> tuple[timedelta, ...]:
    return tuple(dict.fromkeys(parse_duration(length) for length in _names(text)))


def _aliases(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(part.strip() for part in name.split("=")) for name in _names(text)]
    for pair in pairs:
        if len(pair) != 2 or not all(pair):
            raise InputError("class_aliases", found=repr("=".join(pair)), expected="name=class, such as yes=1")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _thresholds(text: str) -> tuple[tuple[str, float], ...]:
    found = []
    for part in _names(text):
        name, _, number = (word.strip() for word in part.partition("="))
        try:
            found.append((name, float(number)))
        except ValueError:
            raise InputError("attribution_thresholds", found=repr(part), expected="name=number, such as share_moved=0.2") from None
    return tuple(found)


def _folder_name(text: str) -> str:
    """A name that is also a folder's."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", text):
        raise InputError("name", found=repr(text), expected="letters, digits, hyphens, dots and underscores")
    return text


def _upper(text: str) -> str:
    return text.strip().upper()


def _one_of(*choices: str) -> Any:
    """Reads a choice in any case of letters."""

    def parse(text: str) -> str:
        known = {choice.lower(): choice for choice in choices}
        if text.strip().lower() not in known:
            raise InputError("value", found=repr(text), expected=" or ".join(choices), hint=did_you_mean(text, choices))
        return known[text.strip().lower()]

    return _by_parser(parse)


def _link(text: str) -> str:
    need_address("address", text.strip())
    return text.strip()


def _place(text: str) -> str:
    """An address or a path."""
    return _link(text) if text.strip().startswith(("http://", "https://")) else normalise(text.strip())


Location = Annotated[str, _by_parser(normalise)]
Time = Annotated[datetime, _by_parser(parse_time, datetime)]


class Settings(BaseModel):
    """What a job is told. The first part is the contract of the stock images, the second part is ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    dataset_source: Annotated[Location, Field(description="Directory or URI of the data: captures by hour, or a data set.")]
    output_path: Annotated[Location, Field(description="Directory or URI of the reports.")]
    dataset_format: Annotated[
        Annotated[DatasetFormat, _by_parser(parse_dataset_format, DatasetFormat)] | None,
        Field(description='What the files hold, as JSON: {"csv":{"header":true}}. Found out from the files when absent.'),
    ] = None
    start_time: Annotated[Time | None, Field(description="Begin of the window, 2026-11-21T09:00:00Z.")] = None
    end_time: Annotated[Time | None, Field(description="End of the window, itself outside.")] = None
    metric_time: Annotated[Time | None, Field(description="Time of the metrics' points; the window's start when absent.")] = None
    publish_cloudwatch_metrics: Annotated[
        Annotated[Literal["Enabled", "Disabled"], _one_of("Enabled", "Disabled")],
        Field(description="Whether CloudWatch metrics are written."),
    ] = "Disabled"
    sagemaker_endpoint_name: Annotated[
        Annotated[str, _by_parser(_folder_name)] | None,
        Field(description="Endpoint: its folder among several, and a dimension of the metrics."),
    ] = None
    sagemaker_monitoring_schedule_name: Annotated[
        Annotated[str, _by_parser(_folder_name)] | None, Field(description="Schedule, a dimension of the metrics.")
    ] = None
    sagemaker_endpoint_datacapture_prefix: Annotated[
        str | None, Field(description="Where the endpoint's capture lies; told in the no-data message.")
    ] = None
    baseline_constraints: Annotated[Location | None, Field(description="constraints.json of the baseline.")] = None
    baseline_statistics: Annotated[Location | None, Field(description="statistics.json of the baseline.")] = None
    record_preprocessor_script: Annotated[Location | None, Field(description="Python file with preprocess_handler.")] = None
    post_analytics_processor_script: Annotated[Location | None, Field(description="Python file with postprocess_handler.")] = None
    analysis_type: Annotated[
        Annotated[AnalysisType, _by_parser(_upper, AnalysisType)] | None,
        Field(description="DATA_QUALITY, MODEL_QUALITY, BIAS or ATTRIBUTION; what the other settings speak of when absent."),
    ] = None
    problem_type: Annotated[
        Annotated[Problem, _one_of(*Problem)] | None,
        Field(description=f"What the model is asked for: {', '.join(Problem)}. Model quality only."),
    ] = None
    inference_attribute: Annotated[
        str | None,
        Field(
            description="The prediction: a column's name, its number from 0, or a JSONPath; overrules the predictor's label. "
            "Model quality, bias and attribution only."
        ),
    ] = None
    probability_attribute: Annotated[
        str | None,
        Field(
            description="The probability of the positive class, or of each class as a list; overrules the predictor's. "
            "Model quality, bias and attribution only."
        ),
    ] = None
    ground_truth_attribute: Annotated[
        str | None, Field(description="The label; in merged captures their only one when absent. Model quality only.")
    ] = None
    probability_threshold_attribute: Annotated[
        str | None,
        Field(
            description="From which probability on the class is the positive one, 0.5 when absent; or an attribute. "
            "Model quality and bias only."
        ),
    ] = None
    features_attribute: Annotated[
        str | None,
        Field(description="JMESPath of a JSON record's features; overrules that of the analysis_config. Bias and attribution only."),
    ] = None
    ground_truth_source: Annotated[
        Location | None, Field(description="Directory or URI of the labels, in yyyy/mm/dd/hh of their coming. Ground-truth merge only.")
    ] = None
    positive_class: Annotated[str, Field(description="The class that a binary model looks for. Model quality only.")] = "1"
    negative_class: Annotated[str, Field(description="The other class, where a probability makes the prediction. Model quality only.")] = (
        "0"
    )
    class_labels: Annotated[
        Annotated[tuple[str, ...], _by_parser(_names, tuple)],
        Field(description="The classes of a list of probabilities, with commas; numbers from 0 when absent. Model quality only."),
    ] = ()
    same_class: Annotated[
        Annotated[Literal["spelling", "number"], _one_of("spelling", "number")],
        Field(
            description="When two labels are one class: spelled alike, or also the same number (1 and 1.0). Model quality and bias only."
        ),
    ] = "spelling"
    class_aliases: Annotated[
        Annotated[tuple[tuple[str, str], ...], _by_parser(_aliases, tuple)],
        Field(description="Other names of classes: yes=1, no=0. Model quality and bias only."),
    ] = ()
    decision: Annotated[
        Annotated[Literal["strict", "uncertainty", "interval"], _one_of("strict", "uncertainty", "interval")] | None,
        Field(
            description="What a violation is: a value beyond its threshold (strict), by more than --deviations (uncertainty), "
            "or with its whole interval (interval, of bias). Model quality and bias only."
        ),
    ] = None
    deviations: Annotated[
        float,
        Field(gt=0, le=100, description="How many deviations beyond the threshold, where the decision asks for them. Model quality only."),
    ] = 1.0
    bootstrap_draws: Annotated[
        Annotated[int, Field(ge=0, le=100_000)] | None,
        Field(
            description="Draws from which deviations and intervals come; 5 for model quality, 1,000 for bias. Model quality and bias only."
        ),
    ] = None
    analysis_config: Annotated[
        Location | None, Field(description="analysis_config.json: the label, facets, predictor and methods. Bias and attribution only.")
    ] = None
    model: Annotated[
        str | None,
        Field(
            description="The model's file or folder, its http(s) address, or sagemaker:ENDPOINT; else the predictor's. Attribution only."
        ),
    ] = None
    trust_pickle: Annotated[
        bool, Field(description="Whether a model file that runs code when it is opened (joblib, pickle) is opened. Attribution only.")
    ] = False
    explain_rows: Annotated[
        Annotated[Literal["sample", "all"], _one_of("sample", "all")],
        Field(description="Which rows are explained: the kept ones of each hour, or all. Attribution only."),
    ] = "sample"
    attribution_thresholds: Annotated[
        Annotated[tuple[tuple[str, float], ...], _by_parser(_thresholds, tuple)],
        Field(description="Limits beside ndcg=0.9, with commas: share_moved=0.2, largest_change=0.1, rank_change=3. Attribution only."),
    ] = ()
    minimum_count: Annotated[int, Field(ge=1, description="Rows of each side of a facet that a verdict takes. Bias only.")] = 30
    categorical_drift_method: Annotated[
        Annotated[str, _by_parser(_drift_method)] | None,
        Field(description="How text columns are compared, LInfinity or ChiSquared; overrules the baseline. Data quality only."),
    ] = None
    exclude_features_attribute: Annotated[
        Annotated[tuple[str, ...], _by_parser(_names, tuple)] | None,
        Field(description="Columns to leave out, by name or number from 0, with commas. Data quality only."),
    ] = None

    window: Annotated[
        Annotated[tuple[timedelta, ...], _by_parser(_durations, tuple)] | None,
        Field(
            description="Report every window of this length by itself, under yyyy/mm/dd/hh of its start; several with commas: 1h,24h,7d."
        ),
    ] = None
    window_kind: Annotated[
        Annotated[Literal["calendar", "sliding"], _one_of("calendar", "sliding")],
        Field(description="Windows from midnight (Monday) on, the last one up to the end; or one that ends with every hour."),
    ] = "calendar"
    state_root: Annotated[
        Location | None, Field(description="Where the hours' states are kept, so that windows and references need no raw data.")
    ] = None
    variant: Annotated[
        Annotated[tuple[str, ...], _by_parser(_names, tuple)] | None,
        Field(description="Only these variants (AllTraffic) or endpoint/variant, with commas; all when absent."),
    ] = None
    retired_variants: Annotated[
        Annotated[tuple[str, ...], _by_parser(_names, tuple)] | None,
        Field(description="Variants that should get no traffic any more; a row is a violation. Data quality only."),
    ] = None
    reference: Annotated[
        Annotated[Reference, _by_parser(parse_reference, Reference)],
        Field(
            description="What a window is compared with: baseline, previous, last:N windows, hour-of-day:N days, hour-of-week:N weeks. "
            "Data quality and model quality only."
        ),
    ] = BASELINE
    baseline_states: Annotated[
        Location | None,
        Field(description="baseline_states.parquet, for segments; looked for beside the baseline when absent. Data quality only."),
    ] = None
    baseline_calibration: Annotated[
        Location | None,
        Field(description="calibration.json, what is known of chance; looked for beside the baseline when absent. Data quality only."),
    ] = None
    budget: Annotated[
        Annotated[float, _by_parser(parse_budget)] | None,
        Field(description="Share of clean windows that may alarm, 1% or 0.01; overrules the baseline. Data quality only."),
    ] = None
    segments: Annotated[
        Annotated[tuple[Segmentation, ...], _by_parser(parse_segmentations, tuple)],
        Field(description="Parts of the rows to report by themselves: sex; sex, region; seniors: age >= 65 and sex = Male."),
    ] = ()
    sample_rows: Annotated[
        int,
        Field(
            ge=0, le=100_000, description="Rows kept of an hour beside its states; 0 keeps none. Data quality, bias and attribution only."
        ),
    ] = 500
    sample_without: Annotated[
        Annotated[tuple[str, ...], _by_parser(_names, tuple)],
        Field(description="Columns that the kept rows leave out, with commas. Data quality, bias and attribution only."),
    ] = ()
    sample_hashed: Annotated[
        Annotated[tuple[str, ...], _by_parser(_names, tuple)],
        Field(
            description="Columns of which the kept rows hold a hash instead of the value, with commas. "
            "Data quality, bias and attribution only."
        ),
    ] = ()
    engine: Annotated[
        Annotated[Literal["spark", "local"], _one_of("spark", "local")],
        Field(description="Who runs the pass: Spark, or processes of this machine, without Java."),
    ] = "spark"
    own_checks: Annotated[
        Location | None, Field(description="Python file with checks and analyzers of pydeequ's; Spark 3.5. Data quality only.")
    ] = None
    deequ_jar: Annotated[
        str | None, Field(description="Deequ's jar, for own checks; fetched from Maven Central when absent. Data quality only.")
    ] = None
    own_metrics: Annotated[Location | None, Field(description="Python file that registers statistics and comparisons of your own.")] = None
    label_wait: Annotated[
        Annotated[timedelta, _by_parser(parse_duration, timedelta)],
        Field(description="For how long after a capture's hour labels count, such as 24h or 7d. Ground-truth merge only."),
    ] = timedelta(days=7)
    require_data: Annotated[bool, Field(description="Whether a window without data is an error.")] = False
    max_bad_lines: Annotated[float, Field(ge=0, le=1, description="Share of unusable lines above which the job fails.")] = 0.05
    fail_on_violations: Annotated[bool, Field(description="Whether violations end the process with exit code 3.")] = False
    publish: Annotated[
        Annotated[Literal["file", "put-metric-data"], _one_of("file", "put-metric-data")] | None,
        Field(description="How metrics get out: a file, or CloudWatch's own call as well; what the monitor's metrics need when absent."),
    ] = None
    completeness_interval: Annotated[
        Annotated[Literal["normal", "wilson"], _one_of("normal", "wilson")],
        Field(description="Interval from which a suggested share is taken. Data quality only."),
    ] = "normal"
    integral_domains: Annotated[
        bool, Field(description="Whether whole-number columns with few values get a domain. Data quality only.")
    ] = False
    notify: Annotated[
        Annotated[tuple[str, ...], _by_parser(channel_targets, tuple)],
        Field(description="Who is told of violations, with commas: http(s) addresses, ARNs of SNS topics, event buses, state machines."),
    ] = ()
    notify_retrain: Annotated[
        Annotated[tuple[str, ...], _by_parser(channel_targets, tuple)],
        Field(description="What starts retraining after violations, spelled like --notify; at most once in --notify-cooldown."),
    ] = ()
    notify_cooldown: Annotated[
        Annotated[timedelta, _by_parser(parse_duration, timedelta)],
        Field(description="For how long after a start of retraining no other one is made, such as 24h or 7d."),
    ] = timedelta(days=1)
    notify_link: Annotated[
        Annotated[str, _by_parser(_link)] | None,
        Field(description="Address under which people find --output-path; {path} in it stands for a report's path."),
    ] = None
    log_format: Annotated[
        Annotated[Literal["text", "json"], _one_of("text", "json")] | None,
        Field(description="Log lines on standard error: a line for each stage of the run. None when absent."),
    ] = None
    otlp_endpoint: Annotated[
        Annotated[str, _by_parser(_link)] | None,
        Field(description="Address to which metrics and traces of the run go by OTLP/HTTP, such as http://collector:4318; needs [otel]."),
    ] = None
    lineage: Annotated[
        Annotated[str, _by_parser(_place)] | None,
        Field(description="Where OpenLineage events of the run go: an http(s) address, a local file *.jsonl, or a folder."),
    ] = None
    host_wait: Annotated[
        int, Field(ge=1, le=3600, description="Seconds within which all hosts must have come, where there are several. Container only.")
    ] = 300
    container_root: Annotated[Location, Field(description="Where the platform's message and metrics files lie, if it exists.")] = "/opt/ml"

    @model_validator(mode="after")
    def _whole_window(self) -> Settings:
        if (self.start_time is None) != (self.end_time is None):
            raise ValueError("start_time and end_time: found one of them; expected both or neither")
        if self.start_time is not None and self.end_time is not None:
            try:
                Window(self.start_time, self.end_time)
            except InputError as fault:
                raise ValueError(str(fault)) from fault
            if (self.window is not None or self.state_root is not None) and any(
                time != time.replace(minute=0, second=0, microsecond=0) for time in (self.start_time, self.end_time)
            ):
                asks = "window" if self.window else "state_root"
                found = "found a start or end inside of an hour; expected whole hours. Hint: the states are kept by the hour"
                raise ValueError(f"{asks}: {found}")
        if self.own_checks is not None and self.engine == "local":
            raise ValueError("own_checks: found with engine local; expected engine spark, on which Deequ runs")
        if self.publish == "put-metric-data" and self.publish_cloudwatch_metrics == "Disabled":
            raise ValueError("publish: found put-metric-data with publish_cloudwatch_metrics Disabled; expected Enabled")
        for name, place in (("state_root", self.state_root), ("output_path", self.output_path), ("lineage", self.lineage)):
            if place is not None and lies_in(place, self.dataset_source):
                raise ValueError(f"{name}: found {place}, in dataset_source; expected a place that the next run does not read")
        for length in self.window or ((self.span.end - self.span.start,) if self.span else ()):
            self.reference.need_length(length)
        return self

    @model_validator(mode="after")
    def _labels_apart(self) -> Settings:
        if self.ground_truth_source is not None:
            if lies_in(self.output_path, self.ground_truth_source):
                found = f"found {self.output_path}, in ground_truth_source"
                raise ValueError(f"output_path: {found}; expected a place that the next run does not read")
            if self.ground_truth_source == self.dataset_source:
                raise ValueError(f"ground_truth_source: found {self.dataset_source}, as dataset_source; expected the labels' own place")
        return self

    @property
    def analysis(self) -> AnalysisType:
        """Which analysis is asked for: as said, or that of the configuration or the problem type that is set."""
        if self.analysis_type is not None:
            return self.analysis_type
        if self.analysis_config is not None:
            return AnalysisType.BIAS
        return AnalysisType.DATA_QUALITY if self.problem_type is None else AnalysisType.MODEL_QUALITY

    @property
    def span(self) -> Window | None:
        """[start_time, end_time), or None when no window is set."""
        return Window(self.start_time, self.end_time) if self.start_time and self.end_time else None

    @property
    def on_platform(self) -> bool:
        """Whether the platform's folder exists, so that its message and metrics files are wanted."""
        return is_directory(self.container_root)

    @property
    def suggests(self) -> bool:
        """Whether there is no baseline, so that one is to be suggested."""
        return self.baseline_constraints is None and self.baseline_statistics is None


def container_root_of(environment: Mapping[str, str]) -> str:
    """The platform's folder, before there are settings that say it."""
    said = {name.lower(): value for name, value in environment.items()}.get("container_root")
    return normalise(said) if said and "://" not in said else str(Settings.model_fields["container_root"].default)


def load_settings(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    yaml_path: str | None = None,
    stands_for: Mapping[str, str] = MappingProxyType({}),
    unused: Mapping[str, str] = MappingProxyType({}),
) -> Settings:
    """The settings from flags, environment and YAML; SettingsError with all faults, each naming where it was said.

    `stands_for` names settings that take the value of another one where they were not said, `unused` those that the command
    has no use for, with what they are then.
    """
    faults: list[HourglassError] = []
    said = _said(flags, environment, yaml_path, faults)
    for name, other in stands_for.items():
        if other not in said:
            faults.append(InputError(other, found="nothing", expected=_description(other), hint=f"set --{other.replace('_', '-')}"))
        said.setdefault(name, said.get(other, (".", name)))
    for name, value in unused.items():
        said.setdefault(name, (value, name))
    if "own_metrics" in said:  # first: the other settings may name what it registers
        path, origin = said["own_metrics"]
        try:
            register_own_metrics(str(path))
        except HourglassError as fault:
            raise SettingsError([*faults, InputError(f"{origin} {fault.subject}", found=fault.found, expected=fault.expected)]) from fault
    try:
        settings = Settings(**{name: value for name, (value, _) in said.items()})
    except ValidationError as error:
        faults += [_fault(details, said) for details in error.errors()]
        raise SettingsError(faults) from None
    if faults:
        raise SettingsError(faults)
    return settings


def _said(
    flags: Mapping[str, Any], environment: Mapping[str, str], yaml_path: str | None, faults: list[HourglassError]
) -> dict[str, tuple[Any, str]]:
    """What was said of each setting, and where: the flag, else the environment, else the file."""
    said: dict[str, tuple[Any, str]] = {}
    if yaml_path:
        for key, value in _in_yaml(yaml_path, faults).items():
            said[key] = (value, f"{yaml_path}: {key}")
    known = {name.lower(): value for name, value in environment.items()}
    for name in Settings.model_fields:
        if name in known and known[name] != "":
            said[name] = (known[name], f"environment variable {name}")
    for name, value in flags.items():
        if value is not None and value != "":
            said[name] = (value, f"--{name.replace('_', '-')}")
    return said


def read_yaml(path: str) -> Any:
    """What a YAML file holds, an empty object if nothing; SettingsError where it cannot be read, with the line if that is known."""
    try:
        return yaml.safe_load(Path(path).read_text("utf-8")) or {}
    except OSError as fault:
        raise SettingsError([InputError(path, found=fault.strerror, expected="a readable YAML file")]) from fault
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark else path
        raise SettingsError([InputError(place, found=getattr(fault, "problem", None) or fault, expected="YAML")]) from fault


def _in_yaml(path: str, faults: list[HourglassError]) -> dict[str, Any]:
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise SettingsError([InputError(path, found=type(document).__name__, expected="keys and values")])
    found = {}
    for key, value in document.items():
        name = str(key).replace("-", "_").lower()
        if name not in Settings.model_fields:
            faults.append(
                InputError(
                    f"{path}: {key}", found="an unknown setting", expected="a setting", hint=did_you_mean(name, Settings.model_fields)
                )
            )
        elif value is not None:
            found[name] = as_setting(value)
    return found


def said_in_yaml(path: str) -> dict[str, Any]:
    """What a file says of each setting, as the environment would; SettingsError with its faults."""
    faults: list[HourglassError] = []
    said = _in_yaml(path, faults)
    if faults:
        raise SettingsError(faults)
    return said


def as_setting(value: Any) -> Any:
    """A YAML value as the settings take it: times and nested formats as their text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return value


def _fault(details: Any, said: Mapping[str, tuple[Any, str]]) -> HourglassError:
    name = str(details["loc"][0]) if details["loc"] else ""
    value, origin = said.get(name, (None, name))
    if details["type"] == "missing":
        return InputError(name, found="nothing", expected=_description(name), hint=f"set --{name.replace('_', '-')} or {name}")
    if details["type"] == "value_error":
        sentence = str(details["ctx"]["error"])
        _, found, rest = sentence.partition(": found ")  # what was said stands for the subject
        return InputError(f"{origin}{found}{rest}" if origin and found else sentence)
    return InputError(origin, found=repr(value), expected=str(details["msg"]).removeprefix("Input should be "))


def _description(name: str) -> str:
    return str(Settings.model_fields[name].description).rstrip(".")
