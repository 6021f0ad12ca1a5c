"""Files on local disk and in object stores, by path or `s3://` URI (`s3a://` is taken as the same)."""

from __future__ import annotations

import errno
import glob
import os
import posixpath
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import IO

import pyarrow as pa
import pyarrow.fs as pafs

from hourglass.errors import HourglassError, InputError, StoreFault
from hourglass.stopping import undisturbed
from hourglass.store_faults import missing_bucket, parse_fault, store_fault

_LONGEST_WRITE_S = 3600
_WRITERS = 16  # uploads at a time
_STAGING = ".staging-"


@dataclass(frozen=True)
class Limits:
    """How long an object store is waited for, and how often it is asked again.

    A request ends when nothing was connected within `connect_s`, or nothing was sent for `silent_s`: Arrow's own 3 seconds are
    too few for a busy store, whose listings take 5. After the first attempt Arrow waits 25 ms, and twice as long after each
    other one: 11 attempts are 26 seconds, in which S3 makes room for more requests; Arrow's own 3 are 2 at most. So `longest_s`
    bounds what a request can take, 191 seconds, but where a store goes on sending a byte now and then.
    """

    connect_s: float = 5.0
    silent_s: float = 15.0
    attempts: int = 11

    @classmethod
    def said(cls) -> Limits:
        """As the environment has them: HOURGLASS_S3_TIMEOUT, in seconds, and HOURGLASS_S3_ATTEMPTS."""
        silent_s = _number("HOURGLASS_S3_TIMEOUT", cls.silent_s, "seconds, 1 to 3600", most=3600)
        # the wait before the 16th would be seven minutes
        attempts = _number("HOURGLASS_S3_ATTEMPTS", cls.attempts, "a number, 1 to 15", most=15)
        return cls(min(cls.connect_s, silent_s), silent_s, int(attempts))

    @property
    def longest_s(self) -> float:
        """The most that one request takes with all its attempts."""
        return self.attempts * self.silent_s + 0.025 * ((1 << self.attempts - 1) - 1)


def _number(name: str, default: float, expected: str, *, most: float) -> float:
    text = os.environ.get(name, "").strip() or str(default)
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not 1 <= found <= most:
        raise InputError(name, found=repr(text), expected=expected)
    return found


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


def endpoint() -> str | None:
    """The address of the object store, where it is not Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


@lru_cache(maxsize=64)
def _s3(bucket: str, url: str | None, region: str | None, limits: Limits) -> pafs.S3FileSystem:
    options = {
        # the other strategy, Arrow's own choice, has a hundred retries for all threads together: of 32 that a store throttles
        # at once each would get three
        "retry_strategy": pafs.AwsDefaultS3RetryStrategy(max_attempts=limits.attempts - 1),
        "connect_timeout": limits.connect_s,
        "request_timeout": limits.silent_s,
        # a small object is one request, of which nothing is left when it fails; else it is an upload in three
        "allow_delayed_open": True,
    }
    if url:
        scheme, _, host = url.rpartition("://")
        return pafs.S3FileSystem(endpoint_override=host, scheme=scheme or "https", region=region or "us-east-1", **options)
    return pafs.S3FileSystem(region=region or pafs.resolve_s3_region(bucket), **options)


def filesystem(path: str) -> tuple[pafs.FileSystem, str]:
    """The file system of a normalised path, and the path as that file system spells it."""
    if is_local(path):
        return _LOCAL, path
    key = path.removeprefix("s3://")
    bucket = key.partition("/")[0]
    if not bucket:
        raise InputError(f"path {path!r}", found="no bucket", expected="s3://bucket/prefix")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    try:
        return _s3(bucket, endpoint(), region, Limits.said()), key
    except FileNotFoundError as fault:  # whose region is looked for
        raise missing_bucket(path) from fault
    except OSError as fault:
        said = parse_fault(str(fault))
        hint = "set AWS_REGION to the bucket's region"
        told = store_fault(path, said, 1) if said else InputError(path, found=fault, expected="the region of a bucket", hint=hint)
        raise told from fault


_LOCAL = pafs.LocalFileSystem()


@contextmanager
def asking(path: str) -> Iterator[None]:
    """What an object store says of itself, while a file of it is asked for, becomes StoreFault; the file's own faults stay OSError."""
    try:
        yield
    except OSError as fault:
        told = _store_fault(path, fault)
        if told is None:
            raise
        raise told from fault


@contextmanager
def opened(path: str) -> Iterator[pa.NativeFile]:
    """A file, open for reading at any place. StoreFault when its store fails, OSError when the file does."""
    files, inner = filesystem(path)
    with asking(path), files.open_input_file(inner) as stream:
        yield stream


def _store_fault(path: str, fault: OSError, subject: str = "") -> StoreFault | None:
    """What a store has said, asked once more where its answer had no reason in it; None for a file's own fault."""
    if is_local(path) or (said := parse_fault(str(fault))) is None:
        return None
    if said.is_mute or (said.is_elsewhere and not said.region):
        files, inner = filesystem(path)
        for place in (inner.partition("/")[0], pafs.FileSelector(inner, allow_not_found=True)):
            try:
                files.get_file_info(place)
            except OSError as again:
                more = parse_fault(str(again))
                if more is not None and (more.region or not more.is_mute):
                    said = more
                    break
    return store_fault(path, said, Limits.said().attempts, subject)


@lru_cache(maxsize=64)
def _need_bucket(path: str, _url: str | None) -> None:
    """StoreFault for a bucket that is not there: of one Arrow says that nothing is in it, as of an empty one."""
    files, bucket = filesystem(path)
    with suppress(OSError):  # a listing may be allowed where the bucket as a whole is not
        if files.get_file_info(bucket).type == pafs.FileType.NotFound:
            raise missing_bucket(path)


def _nothing_there(path: str) -> None:
    if not is_local(path):
        _need_bucket("s3://" + path.removeprefix("s3://").partition("/")[0], endpoint())


def listing(path: str, *, recursive: bool) -> list[pafs.FileInfo]:
    """What is under a directory, in order of path; empty when there is no such directory."""
    files, inner = filesystem(path)
    try:
        found = files.get_file_info(pafs.FileSelector(inner, recursive=recursive, allow_not_found=True))
    except NotADirectoryError:
        found = [files.get_file_info(inner)]
    except OSError as fault:
        raise _unreadable(path, fault) from fault
    if not found:
        _nothing_there(path)
    return sorted(found, key=lambda info: info.path)


def file_info(path: str) -> pafs.FileInfo:
    """Kind and size of one path."""
    files, inner = filesystem(path)
    try:
        found = files.get_file_info(inner)
    except OSError as fault:
        raise _unreadable(path, fault) from fault
    if found.type == pafs.FileType.NotFound:
        _nothing_there(path)
    return found


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

    Locally every file is written beside its place, flushed to the disk, and renamed at the end; in an object store, where an
    upload becomes visible when it is complete, several are uploaded beside their places and copied by the store at the end.
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
                with suppress(OSError):  # what made it fail is what is to be said
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


_HINTS: Mapping[int | None, str] = MappingProxyType(
    {
        errno.ENOSPC: "make room, or choose another place",
        errno.EDQUOT: "make room within the quota, or choose another place",
        errno.EROFS: "mount it for writing, or choose another place",
    }
)


def unwritable(path: str, fault: OSError) -> HourglassError:
    """The error of a place that cannot be written to."""
    told = _store_fault(path, fault, f"output {path}")
    if told is not None:
        return told
    hint = _HINTS.get(fault.errno, "check rights and space")
    return InputError(f"output {path}", found=fault.strerror or fault, expected="a place that can be written to", hint=hint)


def need_writable(folder: str, flag: str) -> None:
    """InputError when a local folder, which a flag names, cannot be written to; an object store says so when it is."""
    if not is_local(folder):
        return
    place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        read_only = place.is_dir() and bool(os.statvfs(place).f_flag & os.ST_RDONLY)
        found = "a read-only file system" if read_only else "no right to write" if place.is_dir() else f"{place} is a file"
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
        with undisturbed():
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
    """One file is one upload, which is whole or not there. Of several none changes before all have been uploaded."""
    files, inner = filesystem(base)
    if len(contents) == 1:
        for name, data in contents.items():
            _upload(files, posixpath.join(inner, name), data)
    elif contents:
        _write_together(files, inner, contents)
    for name in remove:
        if files.get_file_info(posixpath.join(inner, name)).type == pafs.FileType.File:
            files.delete_file(posixpath.join(inner, name))


def _upload(files: pafs.FileSystem, key: str, data: bytes) -> None:
    with files.open_output_stream(key) as stream:
        stream.write(data)


def _write_together(files: pafs.FileSystem, inner: str, contents: Mapping[str, bytes]) -> None:
    """Uploads all files beside their places, then has the store copy them; what was there is put back when it cannot copy all.

    They are staged in one folder, since Arrow makes an empty object in the place of the folder of a file that it deletes.
    """
    staging = posixpath.join(inner, f"{_STAGING}{secrets.token_hex(8)}")
    places = {posixpath.join(inner, name): posixpath.join(staging, f".{number}.part") for number, name in enumerate(contents)}
    changed: list[str] = []
    with ThreadPoolExecutor(_WRITERS) as threads:
        try:
            _sweep_remote(files, inner)
            before = dict(zip(places, threads.map(partial(_held, files), places), strict=True))
            _all_of([threads.submit(_upload, files, staged, data) for staged, data in zip(places.values(), contents.values(), strict=True)])
            with undisturbed():
                try:
                    for place, staged in places.items():
                        changed.append(place)
                        files.copy_file(staged, place)
                except BaseException:
                    # as far as the store lets us; what made it fail is what is to be said
                    list(threads.map(lambda place: _put_back(files, place, before[place]), changed))
                    raise
        finally:
            with suppress(OSError):  # the next run sweeps
                files.delete_dir(staging)


def _all_of(uploads: Sequence[Future[None]]) -> None:
    """Waits until none is under way any more, since what ends later would not be removed; then raises the first failure."""
    wait(uploads, return_when=FIRST_EXCEPTION)
    for upload in uploads:
        upload.cancel()
    done, _ = wait(uploads)
    for upload in done:
        if not upload.cancelled():
            upload.result()


def _held(files: pafs.FileSystem, key: str) -> bytes | None:
    """What is there, None where nothing is."""
    try:
        with files.open_input_stream(key) as stream:
            return bytes(stream.read())
    except FileNotFoundError:
        return None


def _put_back(files: pafs.FileSystem, key: str, data: bytes | None) -> None:
    with suppress(OSError):
        if data is None:
            files.delete_file(key)
        else:
            _upload(files, key, data)


def _sweep_remote(files: pafs.FileSystem, inner: str) -> None:
    """Removes what killed runs left; a younger one may be another run's at work."""
    for folder in files.get_file_info(pafs.FileSelector(inner, allow_not_found=True)):
        if folder.type == pafs.FileType.Directory and folder.base_name.startswith(_STAGING):
            left = files.get_file_info(pafs.FileSelector(folder.path, allow_not_found=True))
            if all(time.time() - (info.mtime_ns or 0) / 1e9 > _LONGEST_WRITE_S for info in left):
                with suppress(OSError):
                    files.delete_dir(folder.path)


def _unreadable(path: str, fault: OSError) -> HourglassError:
    told = _store_fault(path, fault)
    if told is not None:
        return told
    if isinstance(fault, FileNotFoundError):
        _nothing_there(path)
    hint = "check the path" if is_local(path) else "check the path, the credentials and AWS_ENDPOINT_URL"
    return InputError(path, found=fault.strerror or str(fault), expected="a readable file or directory", hint=hint)
