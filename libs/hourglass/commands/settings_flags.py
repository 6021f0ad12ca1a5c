"""Flags made from the settings, and the command that has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import click
from pydantic_core import PydanticUndefined

from hourglass.capture.window import duration_name
from hourglass.errors import InputError, did_you_mean
from hourglass.settings import Settings

Command = Callable[..., None]
_ONLY = re.compile(r" (?P<jobs>[A-Z][\w, -]*) only\.$")


class SettingsCommand(click.Command):
    """A command that names the nearest flag when one is unknown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as fault:
            hint = did_you_mean(fault.option_name, [flag for parameter in self.params for flag in parameter.opts])
            raise InputError(fault.option_name, found="an unknown flag", expected=f"a flag of {ctx.info_name}", hint=hint) from fault


def settings_flags(
    *jobs: str,
    only: Sequence[str] = (),
    says: Mapping[str, str] = MappingProxyType({}),
    takes: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Command], Command]:
    """Adds a flag for each setting, or for those in `only`; `says` is what a setting means to this command, `takes` its choices.

    Settings of other jobs than these, which share the environment, are not shown.
    """
    return partial(_with_flags, jobs, only, says, takes)


def _with_flags(jobs: Sequence[str], only: Sequence[str], says: Mapping[str, str], takes: Mapping[str, str], command: Command) -> Command:
    """Flags have no defaults of their own, so that what was said can be told from what was not."""
    for name in reversed([*only] or [*Settings.model_fields]):
        field = Settings.model_fields[name]
        flag = name.replace("_", "-")
        switch = field.annotation is bool
        said_by_default = f" [default: {_spelled(field.default)}]" if _says_default(field.default) and not switch else ""
        described = says.get(name, str(field.description))
        said, of_jobs = jobs_of(described)
        is_ours = not of_jobs or any(job.lower() in of_jobs for job in jobs)
        if len(jobs) == 1 and is_ours:
            described = said
        command = click.option(
            f"--{flag}/--no-{flag}" if switch else f"--{flag}",
            name,
            default=None,
            metavar=None if switch else takes.get(name, _metavar(field.annotation)),
            help=f"{described}{said_by_default}",
            hidden=not is_ours,
        )(command)
    command = click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")(command)
    return click.option("--config", metavar="FILE", help="YAML file with the same keys; flags and environment overrule it.")(command)


def jobs_of(description: str) -> tuple[str, frozenset[str]]:
    """A setting's description, and the jobs that it is for; none where it is for all.

    >>> jobs_of("How many. Bias only."), jobs_of("Where.")
    (('How many.', frozenset({'bias'})), ('Where.', frozenset()))
    """
    found = _ONLY.search(description)
    if found is None:
        return description, frozenset()
    return description[: found.start()], frozenset(re.split(", | and ", found["jobs"].lower()))


def _says_default(default: object) -> bool:
    return default not in {None, PydanticUndefined, ()}


def _spelled(default: object) -> str:
    return duration_name(default) if isinstance(default, timedelta) else str(default)


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
