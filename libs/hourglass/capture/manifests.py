"""Batch transform's capture: manifests that name the data files of an hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

import orjson

from hourglass import storage
from hourglass.capture.files import InputFile
from hourglass.capture.window import hour_of
from hourglass.errors import HourglassError

LARGEST_MANIFEST = 16 << 20
_THREADS = 16


@dataclass(frozen=True)
class BatchFile:
    """A data file of a batch transform job, with the file of its input where that was captured apart."""

    file: InputFile
    input_path: str | None = None


def expand_manifests(files: Iterable[InputFile]) -> tuple[list[InputFile], list[BatchFile]]:
    """Parts files into ordinary ones and those that manifests among them name.

    A manifest is `[{"prefix": "s3://…/"}, "a.csv.out", …]`; an empty name is the prefix itself. Where a tree holds
    manifests under `input/` and `output/`, an output `a.csv.out` goes with the input `a.csv` of the same hour.
    """
    files = list(files)
    suspects = [file for file in files if file.path.endswith(".json") and file.size <= LARGEST_MANIFEST]
    with ThreadPoolExecutor(_THREADS) as threads:
        contents = dict(zip(suspects, threads.map(_manifest, suspects), strict=True))
    ordinary = [file for file in files if contents.get(file) is None]
    named = [(manifest, path) for manifest, paths in contents.items() for path in paths or ()]
    inputs = {_key(manifest, path): path for manifest, path in named if "/input/" in manifest.path}
    outputs = [(manifest, path) for manifest, path in named if "/input/" not in manifest.path]
    if not outputs:
        outputs, inputs = named, {}
    return ordinary, list(_batch_files(outputs, inputs))


def _batch_files(outputs: Sequence[tuple[InputFile, str]], inputs: dict[tuple[str, str], str]) -> Iterator[BatchFile]:
    with ThreadPoolExecutor(_THREADS) as threads:
        infos = list(threads.map(storage.file_info, (path for _, path in outputs)))
    for (manifest, path), info in zip(outputs, infos, strict=True):
        yield BatchFile(InputFile.of(path, info, manifest.partition), inputs.get(_key(manifest, path)))


def _key(manifest: InputFile, path: str) -> tuple[str, str]:
    return hour_of(manifest.partition), PurePosixPath(path).name.removesuffix(".out")


def _manifest(file: InputFile) -> list[str] | None:
    """The paths that a manifest names, or None if the file is none."""
    try:
        document = orjson.loads(storage.read_bytes(file.path))
    except (HourglassError, orjson.JSONDecodeError):
        return None
    if not isinstance(document, list) or not document or not isinstance(document[0], dict) or set(document[0]) != {"prefix"}:
        return None
    prefix = str(document[0]["prefix"])
    return [storage.normalise(prefix + str(name)) for name in document[1:]]
