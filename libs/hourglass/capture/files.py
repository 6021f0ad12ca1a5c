"""Which files a job reads: hours are listed by their prefix, never by walking a bucket."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Self

import pyarrow.fs as pafs

from hourglass import storage
from hourglass.capture.window import Window, hour_of, partition_of, source_of

_PARTITION_DEPTH = 3  # <root>/<endpoint>/<variant>/yyyy at most
_LISTING_THREADS = 16
_OWN = {"merge_report.json", "bad_lines.jsonl", "cloudwatch_metrics.jsonl"}  # what our runs report beside data that others read


@dataclass(frozen=True)
class InputFile:
    """A file to read: its path, its size in bytes, its partition, and when it was last changed.

    The partition is `endpoint/variant/yyyy/mm/dd/hh`, "" outside of a tree of hours. `modified` is in nanoseconds since
    1970 as the file system's listing has it, 0 if it has none.
    """

    path: str
    size: int
    partition: str
    modified: int = 0

    @classmethod
    def of(cls, path: str, info: pafs.FileInfo, partition: str) -> Self:
        """A file as it was listed; one that is not there has no bytes."""
        return cls(path, max(0, info.size or 0), partition, info.mtime_ns or 0)


@dataclass(frozen=True)
class Listing:
    """The files that were found, the prefixes under which they were looked for, and whose traffic that is.

    `sources` are the trees of hours, `endpoint/variant`, also those that have no files in the window.
    """

    files: tuple[InputFile, ...]
    looked_at: tuple[str, ...]
    sources: frozenset[str] = frozenset()


def list_files(root: str, window: Window | None) -> Listing:
    """The files under `root`; in a tree of hour partitions only those of the window's hours.

    Names that begin with a dot or an underscore are no data, nor are our own reports beside merged files. A root that does
    not exist has no files.
    """
    root = storage.normalise(root)
    info = storage.file_info(root)
    if info.type == pafs.FileType.File:
        return _listing([InputFile.of(root, info, partition_of(root))], [root])
    bases = list(_partitioned(root)) if window else []
    if not bases or window is None:
        files = tuple(_data_files(root))
        if window is not None:
            wanted = set(window.hours())
            files = tuple(file for file in files if not file.partition or hour_of(file.partition) in wanted)
        return _listing(files, [root])
    prefixes = tuple(storage.join(base, hour) for base in bases for hour in window.hours())
    with ThreadPoolExecutor(_LISTING_THREADS) as threads:
        found = list(chain.from_iterable(threads.map(_data_files, prefixes)))
    return _listing(found, prefixes)


def _listing(files: Iterable[InputFile], prefixes: Iterable[str]) -> Listing:
    files, prefixes = tuple(files), tuple(prefixes)
    places = [file.partition for file in files] + [partition_of(prefix) for prefix in prefixes]
    return Listing(files, prefixes, frozenset(source_of(place) for place in places if place))


def _partitioned(root: str) -> Iterable[str]:
    """The directories at or below `root` whose children are years."""
    level = [root]
    for _ in range(_PARTITION_DEPTH):
        children = [
            (base, storage.spelled(info.path, base))
            for base in level
            for info in storage.listing(base, recursive=False)
            if info.type == pafs.FileType.Directory and not _hidden(info.base_name)
        ]
        years = {base for base, child in children if _is_year(PurePosixPath(child).name)}
        yield from sorted(years)
        level = [child for base, child in children if base not in years]


def _is_year(name: str) -> bool:
    return len(name) == 4 and name.isdigit()


def _data_files(prefix: str) -> list[InputFile]:
    return [
        InputFile.of(path, info, partition_of(path))
        for info in storage.listing(prefix, recursive=True)
        if info.type == pafs.FileType.File and not _hidden(info.base_name)
        for path in (storage.spelled(info.path, prefix),)
    ]


def _hidden(name: str) -> bool:
    return name.startswith((".", "_")) or name in _OWN
