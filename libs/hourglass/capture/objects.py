"""Objects of an S3 store, whose answers take longer than their bytes: small ones by one request, large ones read ahead."""

from __future__ import annotations

import http.client
import io
import os
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pyarrow as pa

from hourglass import storage

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_FIRST_BYTES, _CHUNK_BYTES = 64 << 10, 4 << 20
_IN_FLIGHT = 4  # chunks: 16 MB are what 200 MB/s bring in 80 ms
_FAULTS = (OSError, http.client.HTTPException)


class ReadAhead(io.RawIOBase):
    """An object as a stream that asks for bytes up to `end` before they are wanted, and for those beyond a little at a time.

    Only a little is asked for after a `seek` too, since many look at a file's head and no further.
    """

    def __init__(self, file: pa.NativeFile, end: int, path: str = "") -> None:
        self._file = file
        self._path = path
        self._size = file.size()
        self._end = min(end, self._size)
        self._threads = ThreadPoolExecutor(_IN_FLIGHT)
        self._restart(0)

    def _restart(self, place: int) -> None:
        self._asked: deque[Future[bytes]] = deque()
        self._unasked = place
        self._chunk, self._chunk_start, self._at = b"", place, place
        self._begun = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        place: int = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if self._chunk_start <= place <= self._chunk_start + len(self._chunk):
            self._at = place
        else:
            self._restart(place)
        return place

    def readinto(self, buffer: Any) -> int:
        if self._at == self._chunk_start + len(self._chunk):
            self._ask()
            if not self._asked:
                return 0
            with storage.asking(self._path):
                self._chunk, self._chunk_start = self._asked.popleft().result(), self._at
        place = self._at - self._chunk_start
        part = self._chunk[place : place + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _ask(self) -> None:
        ahead = self._begun and self._unasked < self._end
        while len(self._asked) < (_IN_FLIGHT if ahead else 1) and self._unasked < self._size:
            length = min(_CHUNK_BYTES, self._end - self._unasked) if ahead else min(_FIRST_BYTES, self._size - self._unasked)
            self._asked.append(self._threads.submit(self._file.read_at, length, self._unasked))
            self._unasked += length
            ahead = ahead and self._unasked < self._end
        self._begun = True

    def close(self) -> None:
        if not self.closed:
            self._threads.shutdown(cancel_futures=True)
            self._file.close()
        super().close()


class Bucket:
    """A bucket whose whole objects are read with one request each.

    Arrow's S3 asks for an object's size before it reads it, and gives no way to tell it. With 20,000 small files that is
    half of all requests. Whatever is not simply answered here, from missing credentials to a redirect, is left to Arrow,
    which knows better and whose errors are the ones that are shown.
    """

    def __init__(self, url: str, region: str, credentials: Credentials | None) -> None:
        parts = urlsplit(url)
        self._host, self._prefix, self._url = parts.netloc, parts.path, url
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._region = region
        self._credentials = credentials
        self._local = threading.local()
        self._usable = credentials is not None

    def read(self, key: str) -> bytes | None:
        """The object's bytes, or None if they did not come at once."""
        if not self._usable:
            return None
        path = quote(key, safe="/-_.~")
        try:
            connection = self._connection()
            connection.request("GET", f"{self._prefix}/{path}", headers=self._signed(f"{self._url}/{path}"))
            response = connection.getresponse()
            data = response.read()
        except _FAULTS:
            self._local.connection = None
            return None
        # a missing object or a busy store is no reason to give up on the others
        self._usable = response.status < 300 or response.status == 404 or response.status >= 500
        return data if response.status == 200 else None

    def _connection(self) -> http.client.HTTPConnection:
        """The calling thread's own, which stays open."""
        if getattr(self._local, "connection", None) is None:
            self._local.connection = self._connect(self._host, timeout=storage.Limits.said().silent_s)
        return self._local.connection  # type: ignore[no-any-return]

    def _signed(self, url: str) -> dict[str, str]:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("GET", url)
        S3SigV4Auth(self._credentials.get_frozen_credentials(), "s3", self._region).add_auth(request)  # type: ignore[union-attr]
        return dict(request.headers)


def bucket(name: str) -> Bucket:
    """A bucket by its name, where and as whom Arrow reads it."""
    with _LOCK:  # many threads ask at once, and the cache alone would let each of them look for credentials
        return _bucket(name, storage.endpoint())


_LOCK = threading.Lock()


@lru_cache(maxsize=64)
def _bucket(name: str, endpoint: str | None) -> Bucket:
    from botocore.session import get_session

    region = storage.filesystem(f"s3://{name}")[0].region
    if endpoint:
        url = f"{endpoint.rstrip('/') if '://' in endpoint else f'https://{endpoint}'}/{name}"
    else:
        store = f"s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        url = f"https://{store}/{name}" if "." in name else f"https://{name}.{store}"
    return Bucket(url, region, get_session().get_credentials())
