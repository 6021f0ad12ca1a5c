"""Files on local disk and in object stores, by path or `s3://` URI (`s3a://` is taken as the same)."""

from __future__ import annotations

import glob
import os
import posixpath
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO

import pyarrow.fs as pafs

from hourglass.errors import InputError

_LONGEST_WRITE_S = 3600


def normalise(path: str) -> str:
    """One spelling for each place: `s3a://` becomes `s3://`, no slash at the end, local paths are absolute.

    >>> normalise("s3a://bucket/capture/")
    's3://bucket/capture'
    """
    scheme, separator, rest = path.partition("://")
    if separator and scheme in {"s3", "s3a", "s3n"}:
        return f"s3://{rest.rstrip('/')}"
    if separator and scheme == "file":
        path = rest
    elif separator:
        raise InputError(f"path {path!r}", found=f"{scheme}://", expected="a local path or s3://", hint="mount it or copy it")
    return os.path.abspath(path)


def is_local(path: str) -> bool:
    """Whether a normalised path is on this machine's disk."""
    return not path.startswith("s3://")


def lies_in(path: str, folder: str) -> bool:
    """Whether a normalised path is a folder or anything below it.

    >>> lies_in("/data/out", "/data"), lies_in("/data-out", "/data")
    (True, False)
    """
    return f"{path}/".startswith(f"{folder}/")


def join(base: str, *names: str) -> str:
    """`base/name/…` for either kind of path."""
    return posixpath.join(base, *names)


@lru_cache(maxsize=64)
def _s3(bucket: str) -> pafs.S3FileSystem:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        scheme, _, host = endpoint.rpartition("://")
        return pafs.S3FileSystem(endpoint_override=host, scheme=scheme or "https", region=region or "us-east-1")
    return pafs.S3FileSystem(region=region or pafs.resolve_s3_region(bucket))


def filesystem(path: str) -> tuple[pafs.FileSystem, str]:
    """The file system of a normalised path, and the path as that file system spells it."""
    if is_local(path):
        return _LOCAL, path
    key = path.removeprefix("s3://")
    return _s3(key.partition("/")[0]), key


_LOCAL = pafs.LocalFileSystem()


def listing(path: str, *, recursive: bool) -> list[pafs.FileInfo]:
    """What is under a directory, in order of path; empty when there is no such directory."""
    files, inner = filesystem(path)
    try:
        found = files.get_file_info(pafs.FileSelector(inner, recursive=recursive, allow_not_found=True))
    except NotADirectoryError:
        found = [files.get_file_info(inner)]
    except OSError as fault:
        raise _unreadable(path, fault) from fault
    return sorted(found, key=lambda info: info.path)


def file_info(path: str) -> pafs.FileInfo:
    """Kind and size of one path."""
    files, inner = filesystem(path)
    try:
        return files.get_file_info(inner)
    except OSError as fault:
        raise _unreadable(path, fault) from fault


def is_directory(path: str) -> bool:
    """Whether there is such a directory."""
    return bool(file_info(path).type == pafs.FileType.Directory)


def spelled(path: str, like: str) -> str:
    """A path as a listing gave it, with the scheme of the place that was listed."""
    return path if is_local(like) else f"s3://{path}"


def read_bytes(path: str) -> bytes:
    """The whole file."""
    try:
        if is_local(path):
            return Path(path).read_bytes()
        files, inner = filesystem(path)
        with files.open_input_stream(inner) as stream:
            return bytes(stream.read())
    except OSError as fault:
        raise _unreadable(path, fault) from fault


def read_if_there(path: str) -> bytes | None:
    """The whole file, None where there is none: another run may just have removed it."""
    try:
        return read_bytes(path)
    except InputError as fault:
        if isinstance(fault.__cause__, FileNotFoundError):
            return None
        raise


def write_files(base: str, contents: Mapping[str, bytes], *, remove: tuple[str, ...] = ()) -> None:
    """Writes files under `base`, each whole or not at all, after all of them could be staged; removes stale ones.

    Locally every file is written beside its place, flushed to the disk, and renamed at the end; in an object store
    an upload becomes visible when it is complete.
    """
    try:
        if is_local(base):
            _write_local(Path(base), contents, remove)
        else:
            _write_remote(base, contents, remove)
    except OSError as fault:
        raise unwritable(base, fault) from fault


class Stage:
    """A file that is being written under a name that no reader takes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.dropped = False
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Writes more of it."""
        self._stream.write(data)

    def drop(self) -> None:
        """Says that it is not wanted after all."""
        self.dropped = True


@contextmanager
def staged(path: str, token: str) -> Iterator[Stage]:
    """A file of any size that `unstage` will put in its place; it is gone when the writing fails or when it is dropped."""
    place = staged_name(path, token)
    files, inner = filesystem(place)
    wanted = False
    try:
        if is_local(place):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
        try:
            with Path(place).open("wb") if is_local(place) else files.open_output_stream(inner) as stream:
                stage = Stage(stream)
                yield stage
                if is_local(place) and not stage.dropped:
                    stream.flush()
                    os.fsync(stream.fileno())
            wanted = not stage.dropped
        finally:
            if not wanted:
                with suppress(FileNotFoundError):
                    files.delete_file(inner)
    except OSError as fault:
        raise unwritable(path, fault) from fault


def staged_name(path: str, token: str) -> str:
    """Under which name a file is staged."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.{token}.part"


def unstage(folder: str, tokens: Mapping[str, str]) -> dict[str, int]:
    """Puts staged files of a folder, by name, in their places: a reader sees the file that was there or this one.

    Gives each file's time of change, in nanoseconds. Locally it is the staged file's, which a rename keeps, so that it is
    never that of a file which another run puts there. In an object store the file is copied, and its time is as a listing
    has it right after; the store's answer for the one object may be of another precision.
    """
    times = {}
    for name, token in sorted(tokens.items()):
        path = join(folder, name)
        files, inner = filesystem(path)
        staged_at = filesystem(staged_name(path, token))[1]
        try:
            if is_local(path):
                times[name] = files.get_file_info(staged_at).mtime_ns or 0
            files.move(staged_at, inner)
        except OSError as fault:
            raise unwritable(path, fault) from fault
    if tokens and not is_local(folder):
        times = {info.base_name: info.mtime_ns or 0 for info in listing(folder, recursive=False) if info.base_name in tokens}
    return times


def remove(path: str) -> None:
    """Removes a file, if it is there."""
    files, inner = filesystem(path)
    try:
        if files.get_file_info(inner).type == pafs.FileType.File:
            files.delete_file(inner)
    except OSError as fault:
        raise unwritable(path, fault) from fault


def unwritable(path: str, fault: OSError) -> InputError:
    """The error of a place that cannot be written to."""
    return InputError(
        f"output {path}", found=fault.strerror or fault, expected="a place that can be written to", hint="check rights and space"
    )


def need_writable(folder: str, flag: str) -> None:
    """InputError when a local folder, which a flag names, cannot be written to; an object store says so when it is."""
    if not is_local(folder):
        return
    place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        found = "no right to write" if place.is_dir() else f"{place} is a file"
        raise InputError(f"{flag} {folder}", found=found, expected="a folder that can be written to", hint=f"choose another {flag}")


def _write_local(base: Path, contents: Mapping[str, bytes], remove: tuple[str, ...]) -> None:
    staged: list[tuple[Path, Path]] = []
    mine = f"{os.getpid()}-{secrets.token_hex(4)}"  # two runs may write the same files at the same time
    try:
        for name, data in contents.items():
            target = base / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _sweep(target)
            temporary = target.with_name(f".{target.name}.{mine}.part")
            staged.append((temporary, target))
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        while staged:
            temporary, target = staged[0]
            os.replace(temporary, target)
            staged.pop(0)
        for name in remove:
            (base / name).unlink(missing_ok=True)
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Removes what killed runs left of a file; a younger one may be another run's at work."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LONGEST_WRITE_S:
                left.unlink()


def _write_remote(base: str, contents: Mapping[str, bytes], remove: tuple[str, ...]) -> None:
    files, inner = filesystem(base)
    for name, data in contents.items():
        with files.open_output_stream(posixpath.join(inner, name)) as stream:
            stream.write(data)
    for name in remove:
        if files.get_file_info(posixpath.join(inner, name)).type == pafs.FileType.File:
            files.delete_file(posixpath.join(inner, name))


def _unreadable(path: str, fault: OSError) -> InputError:
    hint = "check the path" if is_local(path) else "check the path, the credentials and AWS_ENDPOINT_URL"
    return InputError(path, found=fault.strerror or str(fault), expected="a readable file or directory", hint=hint)
