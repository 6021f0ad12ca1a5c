"""The commands that run a monitor: `data-quality`, `model-quality`, `run` in a container, and `backfill`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from hourglass import storage, terminal
from hourglass.bias import Decision
from hourglass.capture.hooks import Script
from hourglass.commands.hosts import on_its_hosts
from hourglass.commands.merge import run_merge
from hourglass.commands.mounted import with_mounts, with_request
from hourglass.commands.settings_flags import SettingsCommand, settings_flags
from hourglass.errors import VIOLATIONS_EXIT, InputError
from hourglass.local import run_locally
from hourglass.monitors.attribution_drift import AttributionDrift
from hourglass.monitors.bias_drift import BiasDrift
from hourglass.monitors.data_quality import DataQuality
from hourglass.monitors.job import Job, Monitor, RowChecks, complete, fill, json_object, prepare
from hourglass.monitors.model_quality import ModelQuality
from hourglass.monitors.refresh import Engine, Refreshed
from hourglass.outputs.message import failure_in_message, write_message
from hourglass.outputs.report import Outcome
from hourglass.processes import processors
from hourglass.quality import Mode
from hourglass.settings import AnalysisType, Settings, load_settings
from hourglass.stages import RUN, stage
from hourglass.watching import watched

MONITORS: Mapping[AnalysisType, Callable[[Settings], Monitor]] = {
    AnalysisType.DATA_QUALITY: DataQuality.prepared,
    AnalysisType.MODEL_QUALITY: ModelQuality.prepared,
    AnalysisType.BIAS: BiasDrift.prepared,
    AnalysisType.ATTRIBUTION: AttributionDrift.prepared,
}


@click.command("data-quality", cls=SettingsCommand)
@settings_flags("Data quality")
def data_quality_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Suggest a data-quality baseline, or hold captured data against one.

    Without --baseline-constraints and --baseline-statistics a baseline is suggested. Every flag is also an environment
    variable (dataset_source) and a key in the YAML file; a flag wins over the environment, the environment over YAML.
    """
    _run(load_settings(flags, os.environ, config), AnalysisType.DATA_QUALITY, as_json=as_json)


@click.command("model-quality", cls=SettingsCommand)
@settings_flags(
    "Model quality",
    says={"decision": "What a violation is: a value beyond its threshold (strict), or by more than --deviations (uncertainty)."},
    takes={"decision": "|".join(Mode)},
)
def model_quality_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Suggest thresholds of a model's metrics, or hold merged captures against them.

    Without --baseline-constraints thresholds are suggested. A data set has its label in a column, captures that
    hourglass merge has joined with labels have it in each record.
    """
    _run(load_settings(flags, os.environ, config), AnalysisType.MODEL_QUALITY, as_json=as_json)


@click.command("bias", cls=SettingsCommand)
@settings_flags(
    "Bias",
    says={
        "baseline_constraints": "analysis.json of the baseline.",
        "decision": "What a violation is: a value beyond what the baseline allows (strict), or with its whole interval (interval).",
        "sample_hashed": "Columns that they leave out too: the flip test takes no hashes.",
    },
    takes={"decision": "|".join(Decision)},
)
def bias_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Measure the bias of labels and predictions between groups, or hold it against a baseline's.

    Without --baseline-constraints, which is the baseline's analysis.json, it is only measured: its analysis.json is the next
    run's baseline.
    """
    _run(load_settings(flags, os.environ, config), AnalysisType.BIAS, as_json=as_json)


@click.command("attribution", cls=SettingsCommand)
@settings_flags(
    "Attribution",
    says={"baseline_constraints": "analysis.json of the baseline."},
    takes={"attribution_thresholds": "NAME=NUMBER"},
)
def attribution_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Measure which features drive a model's answers, or hold that against a baseline's.

    Without --baseline-constraints, which is the baseline's analysis.json, it is only measured: its analysis.json is the next
    run's baseline, with background.json and baseline_states.parquet beside it.
    """
    _run(load_settings(flags, os.environ, config), AnalysisType.ATTRIBUTION, as_json=as_json)


@click.command("run", cls=SettingsCommand)
@settings_flags(
    *("Data quality", "Model quality", "Bias", "Attribution", "Container"),
    says={"baseline_constraints": "constraints.json of the baseline; of bias and attribution its analysis.json."},
)
def run_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Run the job that the container's environment and mounted files ask for."""
    said = {"container_root": flags["container_root"]} if flags["container_root"] else {}
    settings = load_settings(flags, with_mounts(with_request({**os.environ, **said})), config)
    with on_its_hosts(settings) as runs_job:
        if not runs_job:
            return
        if settings.ground_truth_source is not None:
            run_merge(settings, as_json=as_json)
            return
        _run(settings, analysis_of(settings), as_json=as_json)


@click.command("backfill", cls=SettingsCommand)
@settings_flags(
    *("Data quality", "Model quality", "Bias", "Attribution"),
    says={"baseline_constraints": "constraints.json of the baseline; of bias and attribution its analysis.json."},
)
@click.option("--from", "from_", metavar="TIME", help="The same as --start-time.")
@click.option("--to", metavar="TIME", help="The same as --end-time.")
def backfill_command(config: str | None, as_json: bool, from_: str | None, to: str | None, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Fill the store with the hours that it lacks, and with those whose files came later or changed.

    A run that is stopped goes on where it was: what is read is kept after every 24 hours.
    """
    flags["start_time"] = flags["start_time"] or from_
    flags["end_time"] = flags["end_time"] or to
    settings = load_settings(flags, os.environ, config, stands_for={"output_path": "state_root"})  # no reports are written
    with watched(settings, "backfill"):
        refreshed = _refreshed(settings, quiet=as_json)
    terminal.show_refreshed(refreshed, settings, as_json=as_json)


@stage(RUN)
def _refreshed(settings: Settings, *, quiet: bool) -> Refreshed:
    job = prepare(settings, MONITORS[analysis_of(settings)])
    if "" in {file.partition for file in job.listing.files}:
        hint = f"hourglass {job.monitor.name} reads a data set"
        raise InputError(settings.dataset_source, found="data outside of yyyy/mm/dd/hh folders", expected="a tree of hours", hint=hint)
    with terminal.progress(quiet=quiet, logs=True) as step, _engine(job, step) as (engine, parallelism, _):
        return fill(job, engine, parallelism, _hours_read(step))


def analysis_of(settings: Settings) -> AnalysisType:
    """Which analysis is asked for; of an analysis_config.json that explains, and has no facet, it is that of attributions."""
    if settings.analysis_type is not None or settings.analysis_config is None:
        return settings.analysis
    path = settings.analysis_config
    document = json_object(storage.read_bytes(path), path)
    methods = document.get("methods")
    explains = isinstance(methods, Mapping) and "shap" in methods
    return AnalysisType.ATTRIBUTION if explains and "facet" not in document else AnalysisType.BIAS


def _run(settings: Settings, analysis: AnalysisType, *, as_json: bool) -> None:
    """The job from its settings to its exit code; whatever its end, the message file says it."""
    with failure_in_message(settings.container_root), watched(settings, name_of(analysis)):
        outcome = _outcome(settings, analysis, quiet=as_json)
    write_message(settings.container_root, outcome.message)
    if as_json:
        click.echo(terminal.as_json(outcome, settings))
    else:
        terminal.show(outcome, settings)
    if settings.fail_on_violations and outcome.violations:
        sys.exit(VIOLATIONS_EXIT)


def name_of(analysis: AnalysisType) -> str:
    """What an analysis is called among commands and stored states.

    >>> name_of(AnalysisType.DATA_QUALITY), name_of(AnalysisType.BIAS)
    ('data-quality', 'bias')
    """
    return analysis.lower().replace("_", "-")


@stage(RUN, facts=lambda outcome: {"violations": outcome.violations})
def _outcome(settings: Settings, analysis: AnalysisType, *, quiet: bool) -> Outcome:
    job = prepare(settings, MONITORS[analysis])
    with terminal.progress(quiet=quiet) as step, _engine(job, step) as (engine, parallelism, own_checks):
        step(f"reading {settings.dataset_source}")
        return complete(job, engine, parallelism, _hours_read(step), own_checks)


@contextmanager
def _engine(job: Job, step: Callable[[str], None]) -> Iterator[tuple[Engine, int, RowChecks | None]]:
    """What runs the pass, how many tasks at a time, and the user's own checks; a session ends with the job."""
    settings = job.settings
    if settings.engine == "local":
        yield run_locally, processors(), None
        return
    from hourglass.spark.one_pass import spark_engine
    from hourglass.spark.own_checks import load_own_checks, row_checks
    from hourglass.spark.session import deequ_settings, running_session

    own = load_own_checks(Script.read(settings.own_checks)) if settings.own_checks else None
    more = deequ_settings(settings.deequ_jar) if own else {}
    step("starting Spark")
    with running_session(f"hourglass {job.monitor.name}", more) as session:
        yield *spark_engine(session), row_checks(session, own) if own else None


def _hours_read(step: Callable[[str], None]) -> Callable[[int, int], None]:
    return lambda done, all_: step(f"read {done} of {all_} hours")
