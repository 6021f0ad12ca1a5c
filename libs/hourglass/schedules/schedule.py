"""A schedule: the jobs of each endpoint, how often they run, and which hours a run is about.

endpoint → merge → the analyses that read what it merged
         → the analyses that read captures
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hourglass import storage
from hourglass.capture.files import list_files
from hourglass.capture.window import HOUR, Window, duration_name, format_time, parse_duration, parse_time
from hourglass.errors import HourglassError, InputError, SettingsError, did_you_mean
from hourglass.settings import AnalysisType, Settings, as_setting, load_settings, read_yaml, said_in_yaml

MERGE = "merge"
ANALYSES = {  # by their commands
    "data-quality": AnalysisType.DATA_QUALITY,
    "model-quality": AnalysisType.MODEL_QUALITY,
    "bias": AnalysisType.BIAS,
    "attribution": AnalysisType.ATTRIBUTION,
}
COMMANDS = (MERGE, *ANALYSES)
_DAY = timedelta(days=1)
_SHORT = re.compile(r"(?P<number>\d{1,5})\s*(?P<unit>s|min)")
_ENDPOINT = "{endpoint}"
_OURS = ("start_time", "end_time")  # each run's own


def _length(value: object) -> object:
    """A length as the settings have it, 1h or 7d; seconds and minutes as well: 20min."""
    if not isinstance(value, str):
        return value
    short = _SHORT.fullmatch(value.strip().lower())
    try:
        return timedelta(seconds=int(short["number"]) * (60 if short["unit"] == "min" else 1)) if short else parse_duration(value)
    except InputError as fault:
        raise ValueError(f"found {value!r}; expected seconds, minutes, hours or days, such as 30s, 20min, 1h or 7d") from fault


def _time(value: object) -> object:
    try:
        return parse_time(value.isoformat() if isinstance(value, datetime) else str(value))
    except InputError as fault:
        raise ValueError(f"found {fault.found}; expected {fault.expected}") from fault


Length = Annotated[timedelta, BeforeValidator(_length)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9])*$", max_length=63)]  # an endpoint's, by SageMaker's own rule


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Airflow(_Part):
    """What only Airflow needs to know."""

    start: Annotated[datetime, BeforeValidator(_time)]
    catchup: bool = False
    look_every: Length = timedelta(minutes=1)
    command: str = "hourglass"
    runs_at_a_time: Annotated[int, Field(ge=1)] = 1


class Processing(_Part):
    """The machine of SageMaker Processing, and our image."""

    image: str
    instance_type: str = "ml.m5.xlarge"
    instances: Annotated[int, Field(ge=1)] = 1
    volume_gb: Annotated[int, Field(ge=1)] = 30


class EmrServerless(_Part):
    """The application of EMR Serverless, where `jobs/` lies, and what spark-submit is told besides."""

    application: str
    scripts: Annotated[str, Field(pattern=r"^s3://")]
    spark_submit_parameters: str = ""


class Aws(_Part):
    """What only Step Functions needs to know."""

    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=256)]
    processing: Processing | None = None
    emr_serverless: EmrServerless | None = None


class Document(_Part):
    """The file as it is written."""

    name: Annotated[Name, Field(max_length=16)] = "hourglass"  # state machines' names have room for 80 letters
    every: Length = HOUR
    wait: Length = HOUR
    label_delay: Length = _DAY
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    retry_wait: Length = timedelta(minutes=5)
    time_limit: Length = HOUR
    airflow: Airflow | None = None
    aws: Aws | None = None
    jobs: dict[str, dict[str, Any]] = Field(default_factory=dict)
    endpoints: dict[Name, dict[str, dict[str, Any] | None] | None] = Field(min_length=1)


@dataclass(frozen=True)
class Job:
    """One command of one endpoint: what it is told, and for how long its hours are left to ripen.

    `settings` are texts by the names of flags; `delay` is how far before a run's own hours those lie that it is about.
    """

    endpoint: str
    command: str
    settings: Mapping[str, str]
    config: str | None
    checked: Settings
    after_merge: bool
    delay: timedelta

    def window(self, run: Window) -> Window:
        """The hours that the job of a run is about."""
        return Window(run.start - self.delay, run.end - self.delay)

    def words(self, run: Window) -> list[str]:
        """The command as a shell takes it, without the program's own name."""
        window = self.window(run)
        times = {"start_time": format_time(window.start), "end_time": format_time(window.end)}
        config = ["--config", self.config] if self.config else []
        return [self.command, *config, *(word for name, text in {**self.settings, **times}.items() for word in flag(name, text))]

    def environment(self) -> dict[str, str]:
        """All that the job is told as the container's environment, the file of `config` included; without the times."""
        said = {name: _text(value) for name, value in _in_file(self.config).items()}
        analysis = {"analysis_type": str(ANALYSES[self.command])} if self.command in ANALYSES else {}
        return {**said, **self.settings, **analysis}

    @property
    def report(self) -> str | None:
        """Where reports lie, below which each window has a folder by its start; None of the merge, whose hours are data."""
        lengths = self.checked.window or ()
        if self.command == MERGE:
            return None
        return storage.join(self.checked.output_path, duration_name(lengths[0])) if len(lengths) > 1 else self.checked.output_path


@dataclass(frozen=True)
class Schedule:
    """The jobs of each endpoint in the order in which they run, and what the file says besides."""

    path: str
    document: Document
    endpoints: Mapping[str, tuple[Job, ...]]

    def run(self, time: datetime) -> Window:
        """The run whose hours are complete at a time: the last whole ones before it."""
        every = self.document.every
        midnight = time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = midnight + (time - midnight) // every * every
        return Window(end - every, end)


def read_schedule(path: str) -> Schedule:
    """The schedule in a YAML file; SettingsError with all its faults, each with its place in the file."""
    try:
        document = Document.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SettingsError([_fault(path, details) for details in error.errors()]) from None
    faults: list[HourglassError] = []
    if _DAY % document.every or document.every % HOUR:
        expected = "whole hours that divide a day: 1h, 2h, 3h, 4h, 6h, 8h, 12h, 24h"
        faults.append(InputError(f"{path}: every", found=str(document.every), expected=expected))
    if document.label_delay % HOUR:
        faults.append(InputError(f"{path}: label_delay", found=str(document.label_delay), expected="whole hours"))
    endpoints = {name: tuple(_jobs(path, document, name, own or {}, faults)) for name, own in document.endpoints.items()}
    faults += [
        InputError(f"{path}: endpoints.{name}", found="no jobs", expected=f"one of {', '.join(COMMANDS)}, here or under jobs")
        for name, jobs in endpoints.items()
        if not jobs and not faults
    ]
    if faults:
        raise SettingsError(dict.fromkeys(faults))
    return Schedule(path, document, endpoints)


def complete(jobs: tuple[Job, ...], run: Window, wait: timedelta, now: datetime) -> bool:
    """Whether a run's captures are all there: the next hour has begun to come, or `wait` has passed since their end.

    The next hour of any of the endpoint's variants counts; the labels, and what is merged, are not waited for.
    """
    if now >= run.end + wait:
        return True
    following = Window(run.end, run.end + HOUR)
    return any(list_files(source, following).files for source in {_captures(job.checked) for job in jobs if not job.after_merge})


def _captures(settings: Settings) -> str:
    """The endpoint's own folder, where the captures have one for it."""
    own = storage.join(settings.dataset_source, settings.sagemaker_endpoint_name or "")
    return own if settings.sagemaker_endpoint_name and storage.is_directory(own) else settings.dataset_source


def _jobs(path: str, document: Document, endpoint: str, own: Mapping[str, Any], faults: list[HourglassError]) -> list[Job]:
    """An endpoint's jobs, merge first: what is said of all endpoints, and over it what is said of this one."""
    for where, commands in (("jobs", document.jobs), (f"endpoints.{endpoint}", own)):
        for name in commands:
            if name not in COMMANDS:
                hint = did_you_mean(name, COMMANDS)
                faults.append(InputError(f"{path}: {where}.{name}", found="an unknown job", expected=", ".join(COMMANDS), hint=hint))
    merged = None
    jobs = []
    for command in COMMANDS:
        said = own.get(command, {} if command in document.jobs else None)
        if said is None:
            continue
        told = {**document.jobs.get(command, {}), **said}
        job = _job(path, document, endpoint, command, told, merged, faults)
        if job is not None:
            jobs.append(job)
            merged = job.checked.output_path if command == MERGE else merged
    return jobs


def _job(
    path: str,
    document: Document,
    endpoint: str,
    command: str,
    told: Mapping[str, Any],
    merged: str | None,
    faults: list[HourglassError],
) -> Job | None:
    place = f"{path}: endpoints.{endpoint}.{command}"
    texts = {key.replace("-", "_"): _text(value).replace(_ENDPOINT, endpoint) for key, value in told.items() if value is not None}
    known = (*Settings.model_fields, "config")
    unknown = [key for key in texts if key not in known or key in _OURS]
    for key in unknown:
        hint = "each run has its own" if key in _OURS else did_you_mean(key, known)
        faults.append(InputError(f"{place}.{key}", found="not a setting of a schedule", expected="a setting of the job", hint=hint))
    if unknown:
        return None
    config = texts.pop("config", None)
    if config is not None:
        config = str(Path(path).absolute().parent / config)  # beside the schedule's own file
    try:
        from_file = _in_file(config)
        texts.setdefault("sagemaker_endpoint_name", from_file.get("sagemaker_endpoint_name", endpoint))
        if command != MERGE:
            texts.setdefault("window", from_file.get("window", duration_name(document.every)))
        analysis = {"analysis_type": str(ANALYSES[command])} if command in ANALYSES else {}
        run = {"start_time": "2026-01-01T00:00:00Z", "end_time": format_time(parse_time("2026-01-01T00:00:00Z") + document.every)}
        checked = load_settings({**from_file, **texts, **analysis, **run}, {})
        if command == MERGE and checked.ground_truth_source is None:
            raise InputError("ground_truth_source", found="nothing", expected="where the labels come")
    except SettingsError as fault:
        faults += [InputError(f"{place}: {str(part).removeprefix('--')}") for part in fault.faults]
        return None
    except HourglassError as fault:
        faults.append(InputError(f"{place}: {fault}"))
        return None
    after = merged is not None and command != MERGE and storage.lies_in(checked.dataset_source, merged)
    delay = document.label_delay if after or command == MERGE else timedelta()
    return Job(endpoint, command, texts, config, checked, after, delay)


def _in_file(config: str | None) -> dict[str, Any]:
    """What the file of a job says, but for its window: each run has its own."""
    return {name: value for name, value in said_in_yaml(config).items() if name not in _OURS} if config else {}


def _text(value: Any) -> str:
    value = as_setting(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def flag(name: str, text: str) -> list[str]:
    """A setting as the command line has it."""
    option = name.replace("_", "-")
    if Settings.model_fields[name].annotation is bool:
        return [f"--{option}" if text == "true" else f"--no-{option}"]
    return [f"--{option}", text]


def _fault(path: str, details: Any) -> HourglassError:
    place = ".".join(str(part) for part in details["loc"])
    subject = f"{path}: {place}" if place else path
    if details["type"] == "extra_forbidden":
        return InputError(subject, found="an unknown key", expected="a key of the schedule", hint=did_you_mean(details["loc"][-1], _keys()))
    if details["type"] == "missing":
        return InputError(subject, found="nothing", expected="this key")
    if details["type"] == "value_error":
        return InputError(f"{subject}: {details['ctx']['error']}")
    return InputError(subject, found=repr(details["input"]), expected=str(details["msg"]).removeprefix("Input should be "))


def _keys() -> list[str]:
    return [name for part in (Document, Airflow, Aws, Processing, EmrServerless) for name in part.model_fields]
