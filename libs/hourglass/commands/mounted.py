"""What the platform's folders say where the environment says nothing: a processing job of SageMaker Clarify has no other settings."""

from __future__ import annotations

from collections.abc import Mapping

from pyarrow.fs import FileType

from hourglass import storage
from hourglass.settings import container_root_of

ANALYSIS_CONFIG = "processing/input/config/analysis_config.json"
# the other two folders of such a job; the SageMaker Python SDK names the three and leaves no choice
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
    said = {name.lower() for name, value in environment.items() if value}
    mounts = {"analysis_config": path, **{name: storage.join(root, folder) for name, folder in FOLDERS.items()}}
    return {**environment, **{name: place for name, place in mounts.items() if name not in said}}
