"""The command `hourglass`: flags made from the settings, one exit code a kind of ending."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, get_args, get_origin

import click
from pydantic_core import PydanticUndefined

from hourglass import __version__, storage, terminal
from hourglass.capture.hooks import Script
from hourglass.commands.compare import compare_command
from hourglass.commands.merge import merge_command, run_merge
from hourglass.commands.states import states_group
from hourglass.commands.thresholds import thresholds_command
from hourglass.errors import VIOLATIONS_EXIT, HourglassError, InputError, SettingsError, did_you_mean, shorten
from hourglass.local import run_locally
from hourglass.monitors import data_quality, model_quality
from hourglass.monitors.job import Job, RowChecks, complete, fill
from hourglass.monitors.refresh import Engine
from hourglass.outputs.message import MESSAGE_FILE, to_message
from hourglass.outputs.metrics_table import metrics_markdown
from hourglass.outputs.report import Outcome
from hourglass.own_metrics import register_own_metrics
from hourglass.processes import processors
from hourglass.settings import AnalysisType, Settings, load_settings


class _Command(click.Command):
    """A command that names the nearest flag when one is unknown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as fault:
            hint = did_you_mean(fault.option_name, [flag for parameter in self.params for flag in parameter.opts])
            raise InputError(fault.option_name, found="an unknown flag", expected=f"a flag of {ctx.info_name}", hint=hint) from fault


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hourglass")
def cli() -> None:
    """Hourglass, the open model monitor."""


Command = Callable[..., None]
PREPARE: Mapping[AnalysisType, Callable[[Settings], Job]] = {
    AnalysisType.DATA_QUALITY: data_quality.prepare,
    AnalysisType.MODEL_QUALITY: model_quality.prepare,
}


def _settings_flags(*jobs: str) -> Callable[[Command], Command]:
    """Adds a flag for each setting; those of other jobs than these, which share the environment, are not shown."""
    return partial(_with_flags, jobs)


def _with_flags(jobs: Sequence[str], command: Command) -> Command:
    """Flags have no defaults of their own, so that what was said can be told from what was not."""
    for name, field in reversed(Settings.model_fields.items()):
        flag = name.replace("_", "-")
        switch = field.annotation is bool
        said_by_default = f" [default: {field.default}]" if field.default not in {None, PydanticUndefined, ()} and not switch else ""
        described = str(field.description)
        ours = [job for job in jobs if described.endswith(f" {job} only.")]
        if len(jobs) == 1 and ours:
            described = described.removesuffix(f" {jobs[0]} only.")
        command = click.option(
            f"--{flag}/--no-{flag}" if switch else f"--{flag}",
            name,
            default=None,
            metavar=None if switch else _metavar(field.annotation),
            help=f"{described}{said_by_default}",
            hidden=described.endswith(" only.") and not ours,
        )(command)
    command = click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")(command)
    return click.option("--config", metavar="FILE", help="YAML file with the same keys; flags and environment overrule it.")(command)


def _metavar(annotation: Any) -> str:
    """What a flag takes, by its type: the choices, or a word.

    >>> _metavar(Literal["file", "put"] | None), _metavar(datetime | None)
    ('file|put', 'TIME')
    """
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    words = {int: "NUMBER", float: "SHARE", datetime: "TIME", timedelta: "LENGTH"}
    inner = [_metavar(part) for part in get_args(annotation)]
    return next((word for word in inner if word != "TEXT"), words.get(annotation, "TEXT"))


@cli.command("data-quality", cls=_Command)
@_settings_flags("Data quality")
def data_quality_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Suggest a data-quality baseline, or hold captured data against one.

    Without --baseline-constraints and --baseline-statistics a baseline is suggested. Every flag is also an environment
    variable (dataset_source) and a key in the YAML file; a flag wins over the environment, the environment over YAML.
    """
    _run(load_settings(flags, os.environ, config), AnalysisType.DATA_QUALITY, as_json=as_json)


@cli.command("model-quality", cls=_Command)
@_settings_flags("Model quality")
def model_quality_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Suggest thresholds of a model's metrics, or hold merged captures against them.

    Without --baseline-constraints thresholds are suggested. A data set has its label in a column, captures that
    hourglass merge has joined with labels have it in each record.
    """
    _run(load_settings(flags, os.environ, config), AnalysisType.MODEL_QUALITY, as_json=as_json)


@cli.command("run", cls=_Command)
@_settings_flags("Data quality", "Model quality")
def run_command(config: str | None, as_json: bool, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Run the job that the container's environment asks for."""
    settings = load_settings(flags, os.environ, config)
    if settings.ground_truth_source is not None:
        run_merge(settings, as_json=as_json)
    else:
        _run(settings, settings.analysis_type, as_json=as_json)


@cli.command("backfill", cls=_Command)
@_settings_flags("Data quality", "Model quality")
@click.option("--from", "from_", metavar="TIME", help="The same as --start-time.")
@click.option("--to", metavar="TIME", help="The same as --end-time.")
def backfill_command(config: str | None, as_json: bool, from_: str | None, to: str | None, **flags: Any) -> None:  # noqa: FBT001 click passes by keyword
    """Fill the store with the hours that it lacks, and with those whose files came later or changed.

    A run that is stopped goes on where it was: what is read is kept after every 24 hours.
    """
    flags["start_time"] = flags["start_time"] or from_
    flags["end_time"] = flags["end_time"] or to
    settings = load_settings(flags, os.environ, config, stands_for={"output_path": "state_root"})  # no reports are written
    job = PREPARE[settings.analysis_type](settings)
    if "" in {file.partition for file in job.listing.files}:
        hint = f"hourglass {job.monitor.name} reads a data set"
        raise InputError(settings.dataset_source, found="data outside of yyyy/mm/dd/hh folders", expected="a tree of hours", hint=hint)
    with terminal.progress(quiet=as_json, logs=True) as step, _engine(job, step) as (engine, parallelism, _):
        refreshed = fill(job, engine, parallelism, _hours_read(step))
    terminal.show_refreshed(refreshed, settings, as_json=as_json)


@cli.command("demo")
@click.option("--directory", default="demo", show_default=True, help="Where captures and reports are written.")
def demo_command(directory: str) -> None:
    """Replay UCI Adult as a day of captured traffic with known faults, and find them."""
    from hourglass.demo import demo

    demo.run(directory)


@cli.command("metrics")
@click.option("--own-metrics", metavar="FILE", help="Python file that registers statistics and comparisons of your own.")
def metrics_command(own_metrics: str | None) -> None:
    """Print every state, statistic, comparison and check with its definition, as Markdown."""
    if own_metrics is not None:
        register_own_metrics(own_metrics)
    click.echo(metrics_markdown(), nl=False)


cli.add_command(states_group)
cli.add_command(compare_command)
cli.add_command(merge_command)
cli.add_command(thresholds_command)


def _run(settings: Settings, analysis: AnalysisType, *, as_json: bool) -> None:
    """The job from its settings to its exit code; whatever its end, the message file says it."""
    try:
        outcome = _outcome(settings, analysis, quiet=as_json)
    except Exception as fault:
        write_message(settings.container_root, f"Failed: {fault if isinstance(fault, HourglassError) else unexpected(fault)}")
        raise
    write_message(settings.container_root, outcome.message)
    if as_json:
        click.echo(terminal.as_json(outcome, settings))
    else:
        terminal.show(outcome, settings)
    if settings.fail_on_violations and outcome.violations:
        sys.exit(VIOLATIONS_EXIT)


def _outcome(settings: Settings, analysis: AnalysisType, *, quiet: bool) -> Outcome:
    job = PREPARE[analysis](settings)
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
    from hourglass.spark.session import deequ_settings, start_session

    own = load_own_checks(Script.read(settings.own_checks)) if settings.own_checks else None
    more = deequ_settings(settings.deequ_jar) if own else {}
    step("starting Spark")
    session = start_session(f"hourglass {job.monitor.name}", more)
    try:
        yield *spark_engine(session), row_checks(session, own) if own else None
    finally:
        session.stop()


def _hours_read(step: Callable[[str], None]) -> Callable[[int, int], None]:
    return lambda done, all_: step(f"read {done} of {all_} hours")


def write_message(root: str, sentence: str) -> None:
    """Writes the message file, where the platform's folder is."""
    if storage.is_directory(root):
        storage.write_files(root, {MESSAGE_FILE: to_message(sentence)})


def _container_root() -> str:
    """The platform's folder before there are settings."""
    said = {name.lower(): value for name, value in os.environ.items()}.get("container_root")
    default = str(Settings.model_fields["container_root"].default)
    return storage.normalise(said) if said and "://" not in said else default


def unexpected(fault: Exception) -> str:
    """What the message file says of an error that nobody foresaw."""
    return f"unexpected {type(fault).__name__}: {shorten(' '.join(str(fault).split()), 600)}. Hint: please report it with the log"


def main(arguments: list[str] | None = None) -> None:
    """Entry point: turns errors into one sentence on standard error, the message file, and an exit code."""
    try:
        cli.main(arguments, prog_name="hourglass", standalone_mode=False)
    except click.ClickException as fault:
        fault.show()
        sys.exit(2)
    except click.Abort:
        click.echo("hourglass: stopped. What is in the store stays, and the same command goes on from there", err=True)
        sys.exit(130)
    except HourglassError as fault:
        if isinstance(fault, SettingsError):  # there are no settings yet that say where the message file is
            write_message(_container_root(), f"Failed: {fault}")
        click.echo(f"hourglass: {fault}", err=True)
        sys.exit(fault.exit_code)
    except Exception as fault:  # noqa: BLE001 the last net: whatever it is, the exit code is 1 and the reason is said
        traceback.print_exc()
        click.echo(f"hourglass: {unexpected(fault)}", err=True)
        sys.exit(1)
