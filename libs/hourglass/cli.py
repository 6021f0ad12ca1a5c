"""The command `hourglass`: its commands, and one exit code a kind of ending."""

from __future__ import annotations

import os
import sys
import traceback

import click

from hourglass import __version__, logs
from hourglass.commands.alarms import alarms_command
from hourglass.commands.compare import compare_command
from hourglass.commands.merge import merge_command
from hourglass.commands.monitor import (
    attribution_command,
    backfill_command,
    bias_command,
    data_quality_command,
    model_quality_command,
    run_command,
)
from hourglass.commands.replay import calibrate_command, replay_command
from hourglass.commands.schedule import schedule_group
from hourglass.commands.states import states_group
from hourglass.commands.thresholds import thresholds_command
from hourglass.errors import HourglassError
from hourglass.outputs.message import unexpected, write_failure
from hourglass.outputs.metrics_table import metrics_markdown
from hourglass.own_metrics import register_own_metrics
from hourglass.settings import container_root_of
from hourglass.stopping import Stopped, stop_on_sigterm

SIGINT_EXIT, SIGTERM_EXIT = 130, 143  # as a shell has it: 128 and the signal's number


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hourglass")
def cli() -> None:
    """Hourglass, the open model monitor."""


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


for command in (
    *(data_quality_command, merge_command, model_quality_command, bias_command, attribution_command, run_command, backfill_command),
    *(states_group, compare_command, thresholds_command, calibrate_command, replay_command, alarms_command, schedule_group),
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: turns errors into one sentence on standard error, the message file, and an exit code."""
    if form := logs.asked_format(sys.argv[1:] if arguments is None else arguments, os.environ):
        logs.install(form)
    stop_on_sigterm()
    try:
        cli.main(arguments, prog_name="hourglass", standalone_mode=False)
    except click.ClickException as fault:
        write_failure(container_root_of(os.environ), fault)
        if logs.are_on():
            logs.failed(fault, fault.format_message(), 2)
        else:
            fault.show()
        sys.exit(2)
    except click.Abort as fault:
        notes = getattr(fault.__cause__, "__notes__", ())
        click.echo("\n".join(["hourglass: stopped. What is in the store stays, and the same command goes on from there", *notes]), err=True)
        sys.exit(SIGTERM_EXIT if isinstance(fault.__cause__, Stopped) else SIGINT_EXIT)
    except HourglassError as fault:
        write_failure(container_root_of(os.environ), fault)  # of a job that had begun it says so already, in the same words
        logs.failed(fault, "\n".join([str(fault), *getattr(fault, "__notes__", ())]), fault.exit_code)
        sys.exit(fault.exit_code)
    except Exception as fault:  # noqa: BLE001 the last net: whatever it is, the exit code is 1 and the reason is said
        write_failure(container_root_of(os.environ), fault)
        if not logs.are_on():
            traceback.print_exc()
        logs.failed(fault, unexpected(fault), 1)
        sys.exit(1)
    finally:
        logs.remove()
