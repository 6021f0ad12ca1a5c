"""The hours' states on disk or in an object store: one Parquet file an hour.

    <state root>/<monitor>/<endpoint>/<variant>/yyyy/mm/dd/hh/states.parquet
    <state root>/<monitor>/<endpoint>/<variant>/yyyy/mm/dd/day.parquet

The second is the sum of a day's hours, kept so that a month costs thirty files and not 720. It names the hours that it
was made of with their sizes and times, and is made again when they are others: deleting it loses nothing.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from hourglass import __version__, storage
from hourglass.capture.files import InputFile
from hourglass.capture.payloads import NAMED
from hourglass.capture.window import hour_of, partition_of
from hourglass.errors import InputError, StoreFault
from hourglass.hours import HourStates, StateRow, UnknownStateError, known_state
from hourglass.schemas import BAD_LINE, STORED_ROWS

FORMAT = 1
HOUR_FILE, DAY_FILE = "states.parquet", "day.parquet"
_HEADER = b"hourglass"
_READERS = 4  # whole hours in memory at a time
_THREADS = 32  # answers of an object store take longer than their bytes


class StateError(InputError):
    """A file in the store that cannot be used. `ours` tells a damaged file of ours, which may be replaced, from others."""

    def __init__(self, path: str, *, found: object, expected: object, hint: str, ours: bool) -> None:
        super().__init__(f"stored states {path}", found=found, expected=expected, hint=hint)
        self.ours = ours


@dataclass(frozen=True)
class Reading:
    """The way in which states were read: fingerprints of what makes their columns, their segments and their kept rows.

    `names` are those that columns with positions only were given.
    """

    columns: str = ""
    names: str = ""
    segments: str = ""
    sample: str = ""


@dataclass(frozen=True)
class Header:
    """What a state file says of itself: how it was read, of which files (by name: size, time), and its states' versions."""

    reading: Reading
    inputs: Mapping[str, tuple[int, int]]
    positional: bool = False
    release: str = __version__
    checksum: int = 0
    states: Mapping[str, int] = field(default_factory=dict)

    def serves(self, wanted: Reading) -> bool:
        """Whether these states can be among states that are wanted as read in some way.

        Columns must have been read alike, by the same names where they have positions only, and segments, where they are
        wanted, must be the same ones.
        """
        return (
            self.reading.columns == wanted.columns
            and (not self.positional or self.reading.names == wanted.names)
            and wanted.segments in {"", self.reading.segments}
        )

    def to_bytes(self) -> bytes:
        """The header as the file's metadata hold it; packed, since an hour may have twenty thousand inputs."""
        return base64.b64encode(zlib.compress(orjson.dumps({"format": FORMAT, **asdict(self)})))


@dataclass(frozen=True)
class StoredHour:
    """An hour in the store, as its folder lists it."""

    partition: str
    size: int
    modified: int


@dataclass(frozen=True)
class Listed:
    """The hours that are in the store, in order, and the days, `endpoint/variant/yyyy/mm/dd`, that have been summed."""

    hours: tuple[StoredHour, ...] = ()
    summed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StateStore:
    """The states of one monitor."""

    root: str
    monitor: str

    @cached_property
    def folder(self) -> str:
        """Where the monitor's endpoints lie."""
        return storage.join(storage.normalise(self.root), self.monitor)

    def path(self, partition: str) -> str:
        """The file of an hour."""
        return storage.join(self.folder, partition, HOUR_FILE)

    def sources(self) -> list[str]:
        """Every `endpoint/variant` that has states."""
        endpoints = _folders(self.folder)
        return [f"{endpoint}/{variant}" for endpoint in endpoints for variant in _folders(storage.join(self.folder, endpoint))]

    def listed(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Listed]:
        """What is stored of each source on each day; of a source on all days where the day is ""."""
        with ThreadPoolExecutor(_THREADS) as threads:
            return dict(zip(places, threads.map(self._listed, places), strict=True))

    def _listed(self, place: tuple[str, str]) -> Listed:
        start = len(storage.filesystem(self.folder)[1]) + 1
        hours, sums = [], set()
        for info in storage.listing(storage.join(self.folder, *filter(None, place)), recursive=True):
            folder, _, name = info.path[start:].rpartition("/")
            if name == HOUR_FILE and partition_of(f"{folder}/") == folder:
                hours.append(StoredHour(folder, info.size, info.mtime_ns or 0))
            elif name == DAY_FILE:
                sums.add(folder)
        return Listed(tuple(sorted(hours, key=lambda hour: hour.partition)), frozenset(sums))

    def read(self, partition: str) -> StateFile | None:
        """The states of an hour; None when there are none. StateError, which names the file, when they cannot be used."""
        return read_states(self.path(partition))

    def header(self, partition: str) -> Header | None:
        """What the file of an hour says of itself, which costs little; None when there is none."""
        return read_header(self.path(partition))

    def damaged(self, partitions: Iterable[str]) -> set[str]:
        """Which hours cannot be used, by reading all of each: a header may be sound where the rows are not."""
        with ThreadPoolExecutor(_READERS) as threads:
            return {partition for partition in threads.map(self._unusable, partitions) if partition}

    def _unusable(self, partition: str) -> str:
        try:
            file = self.read(partition)
            if file is not None:
                file.states()
        except StateError as fault:
            return partition if fault.ours else ""
        return ""

    def write(self, partition: str, states: HourStates, header: Header) -> int:
        """Replaces an hour: whoever reads meanwhile sees the old states or the new ones. Gives the file's size in bytes.

        A day's sum that holds the old hour goes first, so that a file with its size and time is not taken for it.
        """
        day = partition[: -len("/hh")]
        if self._is_ours(day):
            storage.write_files(storage.join(self.folder, day), {}, remove=(DAY_FILE,))
        data = _to_parquet(states, header)
        storage.write_files(storage.join(self.folder, partition), {HOUR_FILE: data})
        return len(data)

    def day(self, day: str, hours: Mapping[str, tuple[int, int]], reading: Reading) -> HourStates | None:
        """The sum of a day (`endpoint/variant/yyyy/mm/dd`), if one is stored that was made of exactly these hours."""
        try:
            found = read_states(storage.join(self.folder, day, DAY_FILE))
            fits = found is not None and found.header.inputs == hours and found.header.serves(reading)
            return found.states() if found is not None and fits else None
        except StateError:  # it is made again
            return None

    def write_day(self, day: str, states: HourStates, header: Header) -> None:
        """Keeps a day's sum. A place that is not to be written to costs time, not the result."""
        with suppress(InputError, StoreFault):
            if self._is_ours(day):
                storage.write_files(storage.join(self.folder, day), {DAY_FILE: _to_parquet(states, header)})

    def _is_ours(self, day: str) -> bool:
        """Whether what stands in the place of a day's sum may be replaced: nothing, or a file of ours."""
        try:
            read_header(storage.join(self.folder, day, DAY_FILE))
        except StateError as fault:
            return fault.ours
        return True


def inputs_of(partition: str, files: Iterable[InputFile]) -> dict[str, tuple[int, int]]:
    """The files of an hour as its header keeps them: name below the hour's folder, with size and time."""
    hour = f"/{hour_of(partition)}/"
    return {file.path.rpartition(hour)[2]: (file.size, file.modified) for file in files}


def states_bytes(states: HourStates) -> bytes:
    """The file of states that are no hour's: a baseline's, or a merged window's."""
    return _to_parquet(states, Header(Reading(), {}))


@dataclass(frozen=True)
class StateFile:
    """A state file as it was read: its rows are those that were written."""

    path: str
    header: Header
    rows: tuple[StateRow, ...]

    def states(self) -> HourStates:
        """The states in it; StateError when one of them is damaged."""
        try:
            return HourStates.from_rows(self.rows)
        except InputError as fault:
            raise _damaged(self.path, fault) from fault


def read_header(path: str) -> Header | None:
    """What a state file says of itself, from its last bytes; None when there is none, StateError as of `read_states`."""
    try:
        if storage.file_info(path).type != pafs.FileType.File:
            return None
        with storage.opened(path) as stream:
            return _header(path, pq.read_metadata(stream).metadata)
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as fault:
        raise _damaged(path, fault) from fault


def read_states(path: str) -> StateFile | None:
    """A state file; None when there is none, StateError when it is damaged, of a newer release, or someone else's."""
    try:
        if storage.file_info(path).type != pafs.FileType.File:
            return None
        data = storage.read_bytes(path)
    except InputError as fault:
        if isinstance(fault.__cause__, FileNotFoundError):  # deleted between the two calls
            return None
        raise
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        header = _header(path, file.metadata.metadata)
        table = file.read(use_threads=False)
        rows = tuple(zip(*(column.to_pylist() for column in table.columns), strict=True))
    except (OSError, ValueError, pa.ArrowException) as fault:
        raise _damaged(path, fault) from fault
    if table.schema.names != STORED_ROWS.names or _checksum(rows) != header.checksum:
        raise _damaged(path, "other rows than were written")
    return StateFile(path, header, rows)


def _checksum(rows: Sequence[StateRow]) -> int:
    """What tells rows from others: Parquet's own checksums would leave out the footer, which says where the pages are."""
    names = repr([row[:-1] for row in rows]).encode("utf-8")
    return zlib.crc32(b"".join(row[-1] for row in rows), zlib.crc32(names))


def _header(path: str, metadata: Mapping[bytes, bytes] | None) -> Header:
    packed = (metadata or {}).get(_HEADER)
    if packed is None:
        hint = "is --state-root the right folder? Nothing there was changed"
        raise StateError(path, found="a Parquet file of someone else", expected="states that Hourglass wrote", hint=hint, ours=False)
    try:
        document: dict[str, Any] = orjson.loads(zlib.decompress(base64.b64decode(packed)))
        if document["format"] > FORMAT:
            found = f"format {document['format']} of release {document['release']}"
            raise StateError(path, found=found, expected=f"format {FORMAT} or older", hint="use that release", ours=False)
        inputs = {name: (size, modified) for name, (size, modified) in document["inputs"].items()}
        for kind, version in document["states"].items():
            known_state(kind, version)
        reading = Reading(**document["reading"])
        return Header(reading, inputs, *(document[name] for name in ("positional", "release", "checksum", "states")))
    except UnknownStateError as fault:
        found = f"{fault.subject} of release {document['release']}, {fault.found}"
        raise StateError(path, found=found, expected=fault.expected, hint="use that release", ours=False) from fault
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise _damaged(path, fault) from fault


def _damaged(path: str, fault: object) -> StateError:
    return StateError(
        path, found=f"a damaged file ({fault})", expected="states that Hourglass wrote", hint="delete it, or read the hour again", ours=True
    )


def _to_parquet(states: HourStates, header: Header) -> bytes:
    rows = tuple(states.rows())
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), STORED_ROWS, strict=True)]
    versions = {row[4]: row[5] for row in rows if row[4] != BAD_LINE}
    positional = any(layout != NAMED for layout in states.intake.rows)
    sealed = replace(header, positional=positional, checksum=_checksum(rows), states=versions)
    sink = pa.BufferOutputStream()
    # no statistics: they would hold the smallest and the largest state, raw rows among them, a second time
    with pq.ParquetWriter(
        sink, STORED_ROWS, compression="lz4", use_dictionary=_NAMES, write_statistics=False, store_schema=False
    ) as writer:
        writer.write_table(pa.table(columns, schema=STORED_ROWS))
        writer.add_key_value_metadata({_HEADER.decode(): sealed.to_bytes().decode()})
    return bytes(sink.getvalue().to_pybytes())


_NAMES = [field.name for field in STORED_ROWS if pa.types.is_string(field.type)]  # states differ, their subjects repeat


def _folders(path: str) -> list[str]:
    return [info.base_name for info in storage.listing(path, recursive=False) if info.type == pafs.FileType.Directory]
