"""What the platform's folders say where the environment says nothing: the job's request, and the inputs of a job of SageMaker Clarify."""

from __future__ import annotations

from collections.abc import Mapping

from pyarrow.fs import FileType

from hourglass import storage
from hourglass.errors import InputError, SettingsError
from hourglass.monitors.job import json_object
from hourglass.settings import container_root_of

REQUEST = "config/processingjobconfig.json"
ANALYSIS_CONFIG = "processing/input/config/analysis_config.json"
# the other two folders of a Clarify job, which has no other settings; the SageMaker Python SDK names the three and leaves no choice
FOLDERS = {"dataset_source": "processing/input/data", "output_path": "processing/output"}


def with_mounts(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, and below it the settings that the mounted folders stand for.

    They say something only where an analysis_config.json is mounted. Source: the developer guide's page on Clarify's
    processing jobs, and `SageMakerClarifyProcessor` of the SageMaker Python SDK.
    """
    root = container_root_of(environment)
    path = storage.join(root, ANALYSIS_CONFIG)
    if storage.file_info(path).type != FileType.File:
        return dict(environment)
    mounts = {"analysis_config": path, **{name: storage.join(root, folder) for name, folder in FOLDERS.items()}}
    return _with_less(environment, mounts)


def with_request(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, and below it that of the mounted job request, if there is one; SettingsError when it cannot be used.

    The platform gives both alike. Where somebody else starts the container, the request alone is enough.
    """
    path = storage.join(container_root_of(environment), REQUEST)
    try:
        return _with_less(environment, _environment_of(path))
    except InputError as fault:
        raise SettingsError([fault]) from fault


def _environment_of(path: str) -> Mapping[str, str]:
    data = storage.read_if_there(path)
    said = {} if data is None else json_object(data, path).get("Environment") or {}
    if not isinstance(said, Mapping):
        raise InputError(f"{path}: Environment", found=type(said).__name__, expected="an object of names and texts")
    for name, value in said.items():
        if not isinstance(value, str):
            raise InputError(f"{path}: Environment.{name}", found=repr(value), expected="a text", hint=f'write "{value}"')
    return said


def _with_less(environment: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """The environment, and of `more` what it says nothing of, in either case of letters."""
    said = {name.lower() for name, value in environment.items() if value}
    return {**environment, **{name: value for name, value in more.items() if name.lower() not in said}}
