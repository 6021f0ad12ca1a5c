"""A gate before a server, that lets through what an IAM policy document allows and answers everything else with 403.

It reads what a request asks for from its method, path and query, as S3 does; of other services their operation's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fault_proxy import DENIED, Request, Ways, fault_proxy

Right = tuple[str, str]  # action and resource


@dataclass
class Gate:
    """Which policy holds, and which rights requests have asked for, and which of them it refused."""

    service: str
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

    async def answer(self, request: Request, ways: Ways) -> None:
        """The server's own answer, or 403."""
        if not all([self.allows(right, request.body) for right in self.rights(request)]):  # noqa: C419 each of them is written down
            return await DENIED(request, ways)
        head, body = await ways.ask(request)
        # who may not list a bucket is not told that a key is not in it
        bucket = urlsplit(request.target).path.lstrip("/").partition("/")[0]
        if self.service == "s3" and b" 404 " in head.partition(b"\r\n")[0] and not self.allows(("s3:ListBucket", f"arn:aws:s3:::{bucket}")):
            return await DENIED(request, ways)
        ways.client.write(head + body)
        return await ways.client.drain()

    def rights(self, request: Request) -> list[Right]:
        """What a request needs rights to."""
        lines = request.head.decode("latin-1").split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if self.service == "s3":
            return rights_of(request.method, request.target, headers, request.body)
        return [(f"{self.service}:{operation(request.target, headers, request.body)}", "*")]


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


@contextmanager
def gate(server: str, service: str = "s3") -> Iterator[Gate]:
    """A gate before a server on the loopback."""
    with fault_proxy(urlsplit(server).port or 80) as proxy:
        before = Gate(service, endpoint=proxy.endpoint)
        proxy.fail("", before.answer)
        yield before
