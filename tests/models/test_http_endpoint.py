"""A model behind an HTTP address: asked in batches, again when it is busy, and given up in the end."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from hourglass.errors import InputError, ModelError
from hourglass.models import Predictor, Rows, endpoint, open_model
from tests.models.conftest import Answer, Endpoint

Serve = Callable[[Callable[[bytes], Answer]], Endpoint]
ROWS = Rows(("a", "b"), np.column_stack([np.arange(10.0), np.arange(10.0) / 4]), {})
SUMS = ROWS.matrix.sum(axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited between calls, which takes no time here."""
    waited: list[float] = []
    monkeypatch.setattr(endpoint, "time", SimpleNamespace(sleep=waited.append))  # other threads may sleep as they like
    return waited


def sums(body: bytes) -> Answer:
    return 200, "\n".join(str(sum(map(float, line.split(",")))) for line in body.decode().split("\n")).encode()


def test_rows_are_sent_in_batches_and_say_whose_they_are(serve: Serve) -> None:
    """With content types, and the tag by which capture can leave them out."""
    server = serve(sums)
    model = open_model(Predictor(f"{server.url}/score?v=1", batch_rows=4))
    assert (model.kind, model.names, model.labels, model.estimator) == ("http", None, None, None)
    np.testing.assert_allclose(model.predict(ROWS), SUMS)
    assert [body.count(b"\n") + 1 for body in server.bodies] == [4, 4, 2]
    assert set(server.paths) == {"/score?v=1"}
    for headers in server.headers:
        assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "hourglass-attribution"
        assert (headers["Content-Type"], headers["Accept"]) == ("text/csv", "text/csv")


def test_a_password_in_the_address_is_sent_and_never_told(serve: Serve) -> None:
    """As basic authentication; errors have the address without it."""
    server = serve(lambda _: (403, b"go away"))
    address = server.url.replace("http://", "http://me:p%40ss@")
    with pytest.raises(ModelError, match=rf"^model {server.url}: found HTTP 403 go away; expected HTTP 200$"):
        open_model(Predictor(address)).predict(ROWS)
    assert base64.b64decode(server.headers[0]["Authorization"].removeprefix("Basic ")) == b"me:p@ss"
    assert len(server.bodies) == 1


def test_json_goes_both_ways(serve: Serve) -> None:
    """Several scores a row are several outputs."""

    def answer(body: bytes) -> Answer:
        rows = json.loads(body)["instances"]
        return 200, json.dumps({"predictions": [{"scores": [row["a"], row["b"]]} for row in rows]}).encode()

    settings = {"content_template": '{"instances":$records}', "record_template": "$features_kvp", "probability": "predictions[*].scores"}
    model = open_model(Predictor(serve(answer).url, content_type="application/json", labels=("x", "y"), **settings))
    np.testing.assert_allclose(model.predict(ROWS), ROWS.matrix)
    assert model.labels == ("x", "y")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_endpoint_is_asked_again(serve: Serve, waits: list[float], status: int) -> None:
    """After growing waits, or as long as it asks for."""
    calls = count()

    def answer(body: bytes) -> Answer:
        number = next(calls)
        return sums(body) if number == 3 else (status, b"busy", {"Retry-After": "7"} if number == 2 else {})

    np.testing.assert_allclose(open_model(Predictor(serve(answer).url)).predict(ROWS), SUMS)
    assert [low <= wait <= 1.5 * low for wait, low in zip(waits, [0.25, 0.5, 7], strict=True)] == [True] * 3


def test_no_endpoint_makes_us_wait_for_hours(serve: Serve, waits: list[float]) -> None:
    """However long it asks for."""
    with pytest.raises(ModelError, match=r"found HTTP 503 later, the last of 2 calls; expected an answer within 60 s\. Hint: is it up"):
        open_model(Predictor(serve(lambda _: (503, b"later", {"Retry-After": "86400"})).url, attempts=2)).predict(ROWS)
    assert len(waits) == 1
    assert waits[0] <= 45


def test_what_cannot_pass_is_not_tried_again(serve: Serve) -> None:
    """A refusal, or a redirect, which might lead elsewhere with a password."""
    for status in (400, 404, 302):
        server = serve(lambda _, status=status: (status, b"", {"Location": "http://127.0.0.1:9/"}))
        with pytest.raises(ModelError, match=f"found HTTP {status}; expected HTTP 200"):
            open_model(Predictor(server.url)).predict(ROWS)
        assert len(server.bodies) == 1


def test_a_batch_that_is_too_large_is_halved_for_good(serve: Serve) -> None:
    """Until it fits, and the batches after it are as small."""
    server = serve(lambda body: sums(body) if body.count(b"\n") < 2 else (413, b"too much"))
    np.testing.assert_allclose(open_model(Predictor(server.url)).predict(ROWS), SUMS)
    assert [body.count(b"\n") + 1 for body in server.bodies] == [10, 5, 2, 2, 2, 2, 2]


def test_a_row_that_is_too_large_is_told(serve: Serve) -> None:
    """It cannot be halved."""
    with pytest.raises(ModelError, match="found HTTP 413 too much for one row; expected an endpoint that takes a row"):
        open_model(Predictor(serve(lambda _: (413, b"too much")).url)).predict(ROWS[:1])


def test_a_slow_endpoint_is_given_up(serve: Serve) -> None:
    """After the time that was set, as many times as were set."""
    done = threading.Event()
    server = serve(lambda _: (200, b"1" * done.wait(5)))
    begin = time.monotonic()
    with pytest.raises(ModelError, match=r"ReadTimeoutError: .*the last of 2 calls; expected an answer within 0\.2 s"):
        open_model(Predictor(server.url, timeout_s=0.2, attempts=2)).predict(ROWS)
    done.set()
    assert time.monotonic() - begin < 4
    assert len(server.bodies) == 2


def test_an_unreachable_endpoint_is_given_up(waits: list[float]) -> None:
    """Nobody listens on port 9."""
    with pytest.raises(ModelError, match=r"model http://127.0.0.1:9/: found NewConnectionError: .*refused.*the last of 3 calls"):
        open_model(Predictor("http://127.0.0.1:9/", attempts=3)).predict(ROWS)
    assert len(waits) == 2


def test_an_endpoint_that_hangs_up_is_asked_again(serve: Serve) -> None:
    """A fault of the connection may pass."""
    calls = count()
    server = serve(lambda body: sums(body) if next(calls) else (200, b"1", {"Content-Length": "99", "Connection": "close"}))
    np.testing.assert_allclose(open_model(Predictor(server.url)).predict(ROWS), SUMS)
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"1\n2", "found 2 predictions; expected 10, one for each row of the call"),
        (b"1\n" * 9 + b"nan", "found nan for "),
        (b"yes\n" * 10, "could not convert string to float: 'yes' in a list"),
        (b"1\n" * 9 + b"1,2", "inhomogeneous shape"),
        (b"", "found 0 predictions; expected 10"),
    ],
)
def test_an_answer_that_is_no_prediction_is_told(serve: Serve, answer: bytes, message: str) -> None:
    """It is not asked for again."""
    server = serve(lambda _: (200, answer))
    with pytest.raises(ModelError, match=rf"model {server.url}: .*{message}"):
        open_model(Predictor(server.url)).predict(ROWS)
    assert len(server.bodies) == 1


def test_an_address_that_is_none_is_told() -> None:
    """Before any call."""
    with pytest.raises(InputError, match=r"^model http://\[::1: found no address; expected http"):
        open_model(Predictor("http://me:word@[::1"))
