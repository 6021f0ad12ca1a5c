"""What the tests of models share: an HTTP server on the loopback that answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers import LOOPBACK

Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]


@dataclass
class Endpoint:
    """A server's address, and the bodies, headers and paths that it was sent."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[bytes], Answer]) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            endpoint.bodies.append(body)
            endpoint.headers.append(self.headers)
            endpoint.paths.append(self.path)
            status, content, *more = answer(body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(more[0] if more else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that has gone is what some tests are about."""

    server = Server((LOOPBACK, 0), Handler)
    endpoint = Endpoint(f"http://{LOOPBACK}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[bytes], Answer]], Endpoint]]:
    """Starts a server with a function of a body that gives status, body and headers."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(serving(answer))
