"""A run with violations tells an address: what it posts, when it tries again, and that its failure is not the run's."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hourglass import http_post
from hourglass.errors import InputError, SettingsError
from hourglass.http_post import NotDelivered, post
from hourglass.notify import Notice, deliver
from hourglass.settings import load_settings
from tests.engine import capture_line, run, write_hour
from tests.models.conftest import Answer, Endpoint
from tests.servers import LOOPBACK

Serve = Callable[[Callable[[bytes], Answer]], Endpoint]


@pytest.fixture
def refusing_then(serve: Serve) -> Callable[..., Endpoint]:
    """A server that gives the answers one after the other, and then 204."""

    def start(*answers: Answer) -> Endpoint:
        left: Iterator[Answer] = iter(answers)
        return serve(lambda _: next(left, (204, b"")))

    return start


def test_a_run_with_violations_posts_what_was_violated_and_where_its_report_is(
    serve: Serve, tmp_path: Path, violated: dict[str, Any]
) -> None:
    """As JSON, with a text for chat programs; the same windows have the same id."""
    server = serve(lambda _: (200, b"ok"))
    asked = {**violated, "sagemaker_endpoint_name": "shop", "notify": f"{server.url}/hook/T0/secret"}
    outcome = run(tmp_path / "out", **asked, notify_link="https://reports.example/shop")
    assert outcome.warnings == ()
    body = json.loads(server.bodies[0])
    assert (body["version"], body["monitor"], body["endpoint"], body["violations"]) == ("1.0", "data-quality", "shop", outcome.violations)
    window = body["windows"][0]
    assert (window["start"], window["rows"]) == ("2026-11-21T09:00:00Z", 200)
    assert {key: window["violations"][0][key] for key in ("feature", "check", "value", "threshold")} == {
        "feature": "age",
        "check": "data_type_check",
        "value": 0.0,
        "threshold": 1.0,
    }
    assert body["report"] == "https://reports.example/shop/2026/11/21/09/report.html"
    assert (tmp_path / "out" / "2026/11/21/09/report.html").exists()
    assert "- age (data_type_check): Data type match requirement is not met." in body["text"]
    assert body["report"] in body["text"]
    assert server.headers[0]["Idempotency-Key"] == body["id"]
    run(tmp_path / "out", **asked)
    again = json.loads(server.bodies[1])
    assert again["id"] == body["id"]
    assert again["report"] == str(tmp_path / "out" / "2026/11/21/09/report.html")


def test_a_clean_run_tells_nobody(serve: Serve, tmp_path: Path, violated: dict[str, Any]) -> None:
    """Nor does one without data, or a suggestion."""
    server = serve(lambda _: (200, b""))
    write_hour(tmp_path / "clean", "2026/11/21/09", [capture_line(f"0.{i % 10}", str(i % 50)) for i in range(200)])
    assert run(tmp_path / "out", **{**violated, "dataset_source": tmp_path / "clean"}, notify=server.url).violations == 0
    run(tmp_path / "out", **{**violated, "dataset_source": tmp_path / "nothing"}, notify=server.url)
    run(tmp_path / "out", dataset_source=tmp_path / "training.csv", notify=server.url)
    assert server.bodies == []


def test_a_target_that_fails_is_said_and_the_run_is_done(
    serve: Serve, tmp_path: Path, violated: dict[str, Any], waits: list[float]
) -> None:
    """The warning has the host, and not the secret in the path; the other target is told."""
    broken, sound = serve(lambda _: (500, b"out of order")), serve(lambda _: (200, b""))
    outcome = run(tmp_path / "out", **violated, notify=f"{broken.url}/T0/secret,{sound.url}")
    assert outcome.message.startswith("CompletedWithViolations")
    assert outcome.warnings == (
        f"not told of the violations: {broken.url}/…: found HTTP 500 out of order in 3 attempts; expected HTTP 2xx",
    )
    assert (len(broken.bodies), len(sound.bodies), len(waits)) == (3, 1, 2)


def test_what_may_pass_is_tried_again_after_the_time_that_the_server_asks_for(
    refusing_then: Callable[..., Endpoint], notice: Notice, waits: list[float]
) -> None:
    """At most ten seconds."""
    server = refusing_then((503, b"", {"Retry-After": "3"}), (429, b"", {"Retry-After": "3600"}))
    assert deliver(notice, server.url) == ""
    assert len(server.bodies) == 3
    assert waits == [3.0, 10.0]


@pytest.mark.parametrize(("status", "found"), [(404, "HTTP 404 no such hook"), (302, "HTTP 302 no such hook")])
def test_what_will_not_pass_is_not_tried_again(serve: Serve, notice: Notice, status: int, found: str) -> None:
    """A redirect is not followed: it might lead elsewhere with the secret."""
    server = serve(lambda _: (status, b"no such hook", {"Location": "http://127.0.0.1:9/elsewhere"}))
    with pytest.raises(NotDelivered, match=f"found {found}; expected HTTP 2xx$"):
        deliver(notice, server.url)
    assert len(server.bodies) == 1


def test_nobody_at_the_address_is_given_up_after_three_attempts(notice: Notice, waits: list[float]) -> None:
    """Port 9 discards."""
    with pytest.raises(NotDelivered, match=r"^http://127\.0\.0\.1:9/…: found NewConnectionError in 3 attempts"):
        deliver(notice, "http://127.0.0.1:9/secret")
    assert len(waits) == 2


def test_a_server_that_says_nothing_is_not_waited_for(notice: Notice, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and never answers."""
    monkeypatch.setattr(http_post, "READ_S", 0.1)
    with socket.create_server((LOOPBACK, 0)) as server:
        start = time.perf_counter()
        with pytest.raises(NotDelivered, match="found ReadTimeoutError in 3 attempts"):
            deliver(notice, f"http://{LOOPBACK}:{server.getsockname()[1]}/secret")
    assert time.perf_counter() - start < 3
    assert len(waits) == 2


def test_a_password_is_sent_and_never_told(serve: Serve, waits: list[float]) -> None:
    """As basic authentication; the address of an error is without it."""
    answers = count()
    server = serve(lambda _: (200, b"") if next(answers) == 0 else (403, b"go away"))
    address = server.url.replace("http://", "http://me:p%40ss@")
    post(f"{address}/hook", b"{}", {})
    assert server.headers[0]["Authorization"] == "Basic bWU6cEBzcw=="
    with pytest.raises(NotDelivered) as caught:
        post(f"{address}/hook", b"{}", {})
    assert "p%40ss" not in str(caught.value)
    assert waits == []


@pytest.mark.parametrize("target", ["mailto:me@example.org", "arn:aws:s3:::bucket", "http://", "arn:aws:sns:eu-west-1:1:topic"])
def test_a_target_of_no_known_kind_is_refused_before_anything_is_read(target: str) -> None:
    """With the kinds that there are."""
    for name in ("notify", "notify_retrain"):
        with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')}: found "):
            load_settings({"dataset_source": "/a", "output_path": "/b", name: target}, {})


def test_a_secret_in_a_wrong_address_is_not_told() -> None:
    """Only its host is."""
    with pytest.raises(InputError) as caught:
        post("ftp://host.example/secret?key=abc", b"", {})
    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_the_first_fifty_violations_are_told_and_the_rest_counted(serve: Serve, tmp_path: Path) -> None:
    """So that every channel takes the message."""
    names = [f"f{i}" for i in range(70)]
    (tmp_path / "training.csv").write_text(",".join(names) + "\n" + (",".join("1" for _ in names) + "\n") * 50)
    run(tmp_path / "baseline", dataset_source=tmp_path / "training.csv")
    (tmp_path / "now.csv").write_text(",".join(names) + "\n" + (",".join("x" for _ in names) + "\n") * 50)
    server = serve(lambda _: (200, b""))
    run(tmp_path / "out", dataset_source=tmp_path / "now.csv", baseline_constraints=tmp_path / "baseline", notify=server.url)
    body = json.loads(server.bodies[0])
    assert len(body["windows"][0]["violations"]) == 50
    assert body["windows"][0]["violation_count"] == body["violations"] > 50
    assert f"- and {body['violations'] - 50} more" in body["text"]
