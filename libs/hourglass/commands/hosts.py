"""What `hourglass run` does where the platform has started it on several hosts: one of them runs the job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from hourglass import storage
from hourglass.errors import InputError
from hourglass.monitors.job import json_object
from hourglass.outputs.message import failure_in_message, write_message
from hourglass.settings import Settings
from hourglass.spark.hosts import Hosts, follow, lead, read_hosts

JOB_REQUEST = "config/processingjobconfig.json"


@contextmanager
def on_its_hosts(settings: Settings) -> Iterator[bool]:
    """Whether this host runs the job, on Spark that spans all of them; another one works until it has ended."""
    with failure_in_message(settings.container_root):
        hosts = read_hosts(settings.container_root)
        if hosts is None:
            yield True
            return
        need_whole_inputs(settings, hosts)
        if not hosts.is_first:
            follow(hosts, settings.host_wait)
            write_message(
                settings.container_root, f"Completed: {hosts.current} has worked for {hosts.first}, whose message tells of the job."
            )
            yield False
            return
        reason = reason_to_stay(settings)
        if reason is not None:
            click.echo(f"hourglass: {hosts.first} runs the job by itself: {reason}", err=True)
        with lead(hosts, settings.host_wait, alone=reason is not None):
            yield True


def reason_to_stay(settings: Settings) -> str | None:
    """Why the first host has to run a job without the others, if it has."""
    if settings.engine == "local":
        return "engine is local"
    if settings.ground_truth_source is not None and storage.is_local(settings.output_path):
        return f"the merge's workers write to output_path, and {settings.output_path} is another disk on each host; s3:// is one for all"
    return None


def need_whole_inputs(settings: Settings, hosts: Hosts) -> None:
    """InputError for an input of the settings of which each host has another part: the job lists files on the first one."""
    path = storage.join(settings.container_root, JOB_REQUEST)
    data = storage.read_if_there(path)
    if data is None:
        return
    said = [(name, value) for name, value in settings if isinstance(value, str) and value.startswith("/")]
    for name, folder in sharded(json_object(data, path)):
        for setting, value in said:
            if storage.lies_in(value, folder) or storage.lies_in(folder, value):
                found = f"ShardedByS3Key among {len(hosts.names)} hosts, which gives each another part of {setting}"
                hint = f"or name the data's s3:// address in {setting}: then the hosts share the reading, and none copies it first"
                raise InputError(f"input {name} in {folder}", found=found, expected="FullyReplicated", hint=hint)


def sharded(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The name and the folder of each input that is spread over the hosts by its keys."""
    asked_for = request.get("ProcessingInputs") or []
    if not isinstance(asked_for, list) or not all(isinstance(asked, Mapping) for asked in asked_for):
        raise InputError(f"{JOB_REQUEST}: ProcessingInputs", found=type(asked_for).__name__, expected="a list of objects")
    for asked in asked_for:
        s3, definition = asked.get("S3Input") or {}, asked.get("DatasetDefinition") or {}
        if "ShardedByS3Key" in {s3.get("S3DataDistributionType"), definition.get("DataDistributionType")}:
            yield str(asked.get("InputName")), storage.normalise(str(s3.get("LocalPath") or definition.get("LocalPath")))
