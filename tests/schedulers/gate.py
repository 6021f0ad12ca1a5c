"""A gate before a server, that lets through what an IAM policy document allows and answers everything else with 403.

It reads what a request asks for from its method, path and query, as S3 does; of other services their operation's name.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LOOPBACK = "127.0.0.1"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
Right = tuple[str, str]  # action and resource


@dataclass
class Gate:
    """Which policy holds, and which rights requests have asked for, and which of them it refused."""

    policy: Mapping[str, Any] | None = None  # all are let through and written down
    asked: set[Right] = field(default_factory=set)
    refused: set[Right] = field(default_factory=set)
    endpoint: str = ""

    def allows(self, right: Right, body: bytes = b"") -> bool:
        self.asked.add(right)
        if self.policy is None or any(permits(statement, right, body) for statement in self.policy["Statement"]):
            return True
        self.refused.add(right)
        return False


def permits(statement: Mapping[str, Any], right: Right, body: bytes = b"") -> bool:
    """Whether a statement allows an action on a resource; of conditions it knows the one of CloudWatch's namespaces."""
    action, resource = right
    condition = statement.get("Condition", {})
    if condition:
        assert set(condition) == {"StringEquals"}, condition
        assert set(condition["StringEquals"]) == {"cloudwatch:namespace"}, condition
        if not any(space.encode() in body for space in condition["StringEquals"]["cloudwatch:namespace"]):
            return False
    return action in statement["Action"] and any(matches(pattern, resource) for pattern in statement["Resource"])


def matches(pattern: str, resource: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), resource) is not None


def rights_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> list[Right]:
    """What a request to S3 needs a right to."""
    url = urlsplit(target)
    bucket, _, key = unquote(url.path).lstrip("/").partition("/")
    query = parse_qs(url.query, keep_blank_values=True)
    arn = f"arn:aws:s3:::{bucket}"
    if not key:
        if method == "POST" and "delete" in query:
            return [("s3:DeleteObject", f"{arn}/{name}") for name in re.findall(r"<Key>([^<]+)</Key>", body.decode())]
        return [("s3:ListBucket" if method in {"GET", "HEAD"} else "s3:CreateBucket", arn)]
    place = f"{arn}/{key}"
    if method == "DELETE":
        return [("s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject", place)]
    if method in {"GET", "HEAD"}:
        return [("s3:GetObject", place)]
    copied = headers.get("x-amz-copy-source")
    source = [("s3:GetObject", f"arn:aws:s3:::{unquote(copied).lstrip('/')}")] if copied else []
    return [*source, ("s3:PutObject", place)]


def operation(target: str, headers: Mapping[str, str], body: bytes) -> str:
    """The operation of a service that is no S3, in any of its protocols."""
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2]
    if "/operation/" in target:
        return target.rpartition("/")[2]
    return parse_qs(body.decode())["Action"][0]


class Handler(BaseHTTPRequestHandler):
    """One connection of a client's."""

    protocol_version = "HTTP/1.1"
    server: Server

    def handle_request(self) -> None:
        gate, service = self.server.gate, self.server.service
        headers = {name.lower(): value for name, value in self.headers.items()}
        chunked = headers.get("transfer-encoding", "") == "chunked"
        body = b"".join(self.chunks()) if chunked else self.rfile.read(int(headers.get("content-length", 0)))
        if service == "s3":
            rights = rights_of(self.command, self.path, headers, body)
        else:
            rights = [(f"{service}:{operation(self.path, headers, body)}", "*")]
        if not all([gate.allows(right, body) for right in rights]):  # noqa: C419 each of them is written down
            self.answer(403, {"content-type": "application/xml"}, DENIED)
            return
        status, answered, content = self.forward(body, chunked=chunked)
        bucket = urlsplit(self.path).path.lstrip("/").partition("/")[0]
        # who may not list a bucket is not told that a key is not in it
        if service == "s3" and status == 404 and not gate.allows(("s3:ListBucket", f"arn:aws:s3:::{bucket}")):
            status, answered, content = 403, {"content-type": "application/xml"}, DENIED
        self.answer(status, answered, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815 the base class's names

    def chunks(self) -> Iterator[bytes]:
        """The body of a request that does not say how long it is: an upload's part."""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        list(iter(lambda: self.rfile.readline().strip(), b""))  # trailers, such as a checksum's

    def forward(self, body: bytes, *, chunked: bool) -> tuple[int, dict[str, str], bytes]:
        behind = self.server.behind
        connection = http.client.HTTPConnection(behind.hostname or LOOPBACK, behind.port, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # the signature is of the host that the client knows
            connection.putheader(name, value)
        whole = body or None
        connection.endheaders([body] if chunked and body else whole, encode_chunked=chunked)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response_only(status)
        length = str(len(content))
        for name, value in headers.items():
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


class Server(ThreadingHTTPServer):
    """What the handlers of all connections know."""

    daemon_threads = True

    def __init__(self, server: str, service: str) -> None:
        super().__init__((LOOPBACK, 0), Handler)
        self.behind, self.service = urlsplit(server), service
        self.gate = Gate(endpoint=f"http://{LOOPBACK}:{self.server_port}")


@contextmanager
def gate(server: str, service: str = "s3") -> Iterator[Gate]:
    """A gate before a server on the loopback."""
    with Server(server, service) as before:
        thread = threading.Thread(target=before.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield before.gate
        finally:
            before.shutdown()
            thread.join()


DENIED = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
