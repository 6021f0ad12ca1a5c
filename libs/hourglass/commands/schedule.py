"""`hourglass schedule`: what a schedule runs, and what AWS needs for it."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import click

from hourglass import storage
from hourglass.capture.window import parse_time
from hourglass.errors import InputError, did_you_mean
from hourglass.outputs.documents import to_json
from hourglass.schedules.policies import policies
from hourglass.schedules.schedule import read_schedule
from hourglass.schedules.state_machine import Platform
from hourglass.schedules.template import template

_FILE = click.argument("file")
_PLATFORM = click.option(
    "--platform",
    type=click.Choice([platform.value for platform in Platform]),
    default=Platform.SAGEMAKER.value,
    show_default=True,
    help="Who runs the jobs.",
)


@click.group("schedule")
def schedule_group() -> None:
    """Look at a schedule, and make what AWS Step Functions needs of it. FILE is such a one as conf/schedule.yaml."""


@schedule_group.command("show")
@_FILE
@click.option("--start-time", metavar="TIME", help="Begin of the hours that the run is about; the last whole ones when absent.")
@click.option("--endpoint", "endpoints", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
def show_command(file: str, start_time: str | None, endpoints: tuple[str, ...]) -> None:
    """Print the commands of a run, in their order, as a shell takes them: in a crontab, `hourglass schedule show FILE | sh`."""
    schedule = read_schedule(file)
    every = schedule.document.every
    run = schedule.run(parse_time(start_time) + every if start_time else datetime.now(UTC) - schedule.document.wait)
    for endpoint in endpoints:
        if endpoint not in schedule.endpoints:
            known = [*schedule.endpoints]
            raise InputError("--endpoint", found=repr(endpoint), expected=", ".join(known), hint=did_you_mean(endpoint, known))
    for endpoint in endpoints or schedule.endpoints:
        click.echo(f"# {endpoint}: {run}")
        for job in schedule.endpoints[endpoint]:
            click.echo(shlex.join(["hourglass", *job.words(run)]))


@schedule_group.command("template")
@_FILE
@_PLATFORM
def template_command(file: str, platform: str) -> None:
    """Print the CloudFormation template: state machines, the rules that start them, roles, and the topic."""
    click.echo(to_json(template(read_schedule(file), Platform(platform))).decode(), nl=False)


@schedule_group.command("policies")
@_FILE
@_PLATFORM
@click.option("--account", required=True, metavar="ID", help="The AWS account's number.")
@click.option("--region", required=True, metavar="NAME", help="The AWS region.")
@click.option("--output-path", required=True, metavar="PATH", help="Directory or URI of the documents.")
def policies_command(file: str, platform: str, account: str, region: str, output_path: str) -> None:
    """Write the IAM policy documents with the least rights of each job, of the state machines and of what starts them."""
    found = policies(read_schedule(file), Platform(platform), account, region)
    storage.write_files(storage.normalise(output_path), {f"{name}.json": to_json(document) for name, document in found.items()})
    click.echo(f"{len(found)} policies in {output_path}: {', '.join(found)}")
