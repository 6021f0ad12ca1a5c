"""A proxy before the object store that fails as object stores do, at the requests that a test chooses.

It passes bytes on as they are, the Host header too, so the signatures of what goes through stay those of the client and the
store checks them. What it answers in the store's place is what S3 documents, body and headers.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from tests.servers import LOOPBACK

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """A request as it came: its method, the path with its query, and everything of it in bytes."""

    method: str
    target: str
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        """Method and target, which rules are held against."""
        return f"{self.method} {self.target}"


Answer = Callable[[Request, "Ways"], Awaitable[None]]


@dataclass
class Rule:
    """What becomes of requests whose line matches; of the first `times` of them after `after` others, or of all."""

    pattern: str
    answer: Answer
    times: int | None = None
    after: int = 0

    def takes(self, request: Request) -> bool:
        """Whether this rule is to answer; counts down."""
        if not re.search(self.pattern, request.line):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass
class Ways:
    """The two ends of a connection: to the client, and to the store for whoever asks it."""

    client: asyncio.StreamWriter
    ask: Callable[[Request], Awaitable[tuple[bytes, bytes]]]


def refusal(status: int, code: str, message: str, *, headers: str = "", more: str = "") -> Answer:
    """An error document of S3; an answer to HEAD has no body, as with S3."""

    async def answer(request: Request, ways: Ways) -> None:
        xml = f"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
        body = b"" if request.method == "HEAD" else xml.encode()
        head = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n{headers}"
        ways.client.write(f"{head}x-amz-request-id: PROXY\r\nConnection: close\r\n\r\n".encode() + body)
        await ways.client.drain()
        ways.client.close()

    return answer


SLOW_DOWN = refusal(503, "SlowDown", "Please reduce your request rate.")
EXPIRED = refusal(400, "ExpiredToken", "The provided token has expired.")
EXPIRED_ROLE = refusal(403, "ExpiredToken", "The security token included in the request is expired")
DENIED = refusal(403, "AccessDenied", "Access Denied")
NO_BUCKET = refusal(404, "NoSuchBucket", "The specified bucket does not exist")
WRONG_REGION = refusal(
    400,
    "AuthorizationHeaderMalformed",
    "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'",
    headers="x-amz-bucket-region: eu-central-1\r\n",
    more="<Region>eu-central-1</Region>",
)
MOVED = refusal(
    301,
    "PermanentRedirect",
    "The bucket you are attempting to access must be addressed using the specified endpoint.",
    headers="x-amz-bucket-region: eu-central-1\r\n",
    more="<Endpoint>s3.eu-central-1.amazonaws.com</Endpoint>",
)


def cut(share: float) -> Answer:
    """The store's own answer up to a share of its body; then the connection is gone."""

    async def answer(request: Request, ways: Ways) -> None:
        head, body = await ways.ask(request)
        ways.client.write(head + body[: int(len(body) * share)])
        await ways.client.drain()
        ways.client.transport.abort() if share == 0 else ways.client.close()

    return answer


async def hang_up(_request: Request, ways: Ways) -> None:
    """The connection is gone before any answer, and the store has heard nothing."""
    ways.client.transport.abort()


async def silence(_request: Request, _ways: Ways) -> None:
    """No answer, ever; the connection stays."""
    await asyncio.sleep(3600)


def late(seconds: float) -> Answer:
    """The store's own answer, so many seconds late."""

    async def answer(request: Request, ways: Ways) -> None:
        await asyncio.sleep(seconds)
        head, body = await ways.ask(request)
        ways.client.write(head + body)
        await ways.client.drain()

    return answer


@dataclass
class FaultProxy:
    """A proxy that is up: the rules that it goes by, and the lines of all requests that came."""

    port: int = 0
    rules: list[Rule] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Where S3 clients find it."""
        return f"http://{LOOPBACK}:{self.port}"

    def fail(self, pattern: str, answer: Answer, times: int | None = None, after: int = 0) -> None:
        """Has requests whose `METHOD /path?query` matches fail from now on."""
        self.rules.append(Rule(pattern, answer, times, after))

    def mend(self) -> None:
        """Passes everything on from now on, and forgets what came."""
        self.rules.clear()
        self.seen.clear()

    def count(self, pattern: str) -> int:
        """How many of the requests match."""
        return sum(1 for line in self.seen if re.search(pattern, line))


@contextmanager
def fault_proxy(store_port: int) -> Iterator[FaultProxy]:
    """Starts a proxy before a store on the loopback, in a thread of its own."""
    proxy = FaultProxy()
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(partial(_connection, proxy, store_port), LOOPBACK, 0)
        proxy.port = server.sockets[0].getsockname()[1]
        started.set()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop).result()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _connection(proxy: FaultProxy, port: int, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
    """One connection of a client, with one of its own to the store."""
    upstream: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(request: Request) -> tuple[bytes, bytes]:
        if not upstream:
            upstream.append(await asyncio.open_connection(LOOPBACK, port))
        from_store, to_store = upstream[0]
        to_store.write(request.head + request.body)
        await to_store.drain()
        while True:
            head = await from_store.readuntil(_HEAD_END)
            if not head.startswith(b"HTTP/1.1 100"):
                return head, await _body(head, from_store, is_head=request.method == "HEAD")

    try:
        while not client.is_closing():
            head = await reader.readuntil(_HEAD_END)
            if b"100-continue" in head.lower():
                client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            request = Request(method, target, head, await _body(head, reader, is_head=False, default=0))
            proxy.seen.append(request.line)
            rule = next((rule for rule in proxy.rules if rule.takes(request)), None)
            if rule is not None:
                await rule.answer(request, Ways(client, ask))
            else:
                client.write(b"".join(await ask(request)))
                await client.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        pass  # the client has gone, or the proxy ends
    finally:
        for writer in (client, *(writer for _, writer in upstream)):
            with suppress(Exception):
                writer.close()


async def _body(head: bytes, reader: asyncio.StreamReader, *, is_head: bool, default: int | None = None) -> bytes:
    """What follows a head, in the form in which it came."""
    lowered = head.lower()
    if is_head or re.match(rb"http/1\.1 (204|304)", lowered):
        return b""
    if b"transfer-encoding: chunked" in lowered:
        parts = []
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            parts += [line, await reader.readexactly(size + 2)]
            if size == 0:
                return b"".join(parts)
    length = re.search(rb"content-length: *(\d+)", lowered)
    if length:
        return await reader.readexactly(int(length[1]))
    return b"" if default is not None else await reader.read()
