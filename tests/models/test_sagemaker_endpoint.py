"""A SageMaker endpoint, by botocore against a server of our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count

import boto3
import numpy as np
import pytest

from hourglass.errors import EnvironmentFault, ModelError
from hourglass.models import Predictor, Rows, endpoint, open_model
from tests.models.conftest import Answer, Endpoint

Serve = Callable[[Callable[[bytes], Answer]], Endpoint]
ROWS = Rows(("a", "b"), np.column_stack([np.arange(10.0), np.arange(10.0) / 4]), {})
SUMS = ROWS.matrix.sum(axis=1, keepdims=True)
CHURN = "sagemaker:churn"


@pytest.fixture
def sagemaker(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """A server in the place of SageMaker's runtime; waits take no time."""
    monkeypatch.setattr(endpoint.time, "sleep", lambda _: None)

    def start(answer: Callable[[bytes], Answer]) -> Endpoint:
        server = serve(answer)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server.url)
        open_model.__globals__["_opened"].cache_clear()  # the server's address is no part of the predictor
        return server

    return start


def sums(body: bytes) -> Answer:
    return 200, "\n".join(str(sum(json.loads(line)["f"])) for line in body.decode().split("\n")).encode()


def lines(**settings: object) -> Predictor:
    return Predictor(CHURN, content_type="application/jsonlines", content_template='{"f":$features}', accept_type="text/csv", **settings)


def refusal(status: int, code: str, **more: object) -> Answer:
    return status, json.dumps({"Message": "no", **more}).encode(), {"x-amzn-ErrorType": code, "Content-Type": "application/json"}


def test_an_endpoint_is_invoked_in_batches_that_say_whose_they_are(sagemaker: Serve) -> None:
    """With the variant that was named, and the tag that capture keeps."""
    server = sagemaker(sums)
    model = open_model(lines(batch_rows=4, variant="blue"))
    assert (model.kind, model.estimator) == ("sagemaker", None)
    np.testing.assert_allclose(model.predict(ROWS), SUMS)
    assert server.paths == ["/endpoints/churn/invocations"] * 3
    headers = server.headers[0]
    assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "hourglass-attribution"
    assert headers["X-Amzn-SageMaker-Target-Variant"] == "blue"
    assert (headers["Content-Type"], headers["Accept"]) == ("application/jsonlines", "text/csv")


@pytest.mark.parametrize(
    "busy",
    [
        refusal(503, "ServiceUnavailable"),
        refusal(400, "ThrottlingException"),
        refusal(429, "ModelNotReadyException"),
        refusal(424, "ModelError", OriginalStatusCode=503, OriginalMessage="no"),
    ],
)
def test_a_busy_endpoint_is_asked_again(sagemaker: Serve, busy: Answer) -> None:
    """Whether the service or the model in it says so; each call is counted, none is hidden in botocore."""
    calls = count()
    server = sagemaker(lambda body: busy if next(calls) < 2 else sums(body))
    np.testing.assert_allclose(open_model(lines()).predict(ROWS), SUMS)
    assert len(server.bodies) == 3


@pytest.mark.parametrize("too_large", [refusal(413, "RequestEntityTooLarge"), refusal(424, "ModelError", OriginalStatusCode=413)])
def test_a_batch_that_is_too_large_is_halved(sagemaker: Serve, too_large: Answer) -> None:
    """Told by the service, or by the model in it."""
    server = sagemaker(lambda body: sums(body) if body.count(b"\n") < 5 else too_large)
    np.testing.assert_allclose(open_model(lines()).predict(ROWS), SUMS)
    assert [body.count(b"\n") + 1 for body in server.bodies] == [10, 5, 5]


def test_a_batch_over_the_services_limit_is_halved_before_it_is_sent(sagemaker: Serve) -> None:
    """Six megabytes."""
    server = sagemaker(lambda body: (200, b"1\n" * (body.count(b"\n") + 1)))
    rows = Rows(("a",), np.zeros((4, 1)), {"a": ("x" * (2 << 20),)})
    assert open_model(Predictor(CHURN)).predict(rows).shape == (4, 1)
    assert [len(body) >> 20 for body in server.bodies] == [4, 4]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            refusal(400, "ValidationError"),
            "found ValidationError 400: no; expected an answer. Hint: check the name, the variant and the right",
        ),
        (refusal(424, "ModelError", OriginalStatusCode=400), "found ModelError 400: no"),
        (refusal(500, "InternalFailure"), "found InternalFailure 500: no, the last of 4 calls"),
    ],
)
def test_an_endpoint_that_refuses_is_told(sagemaker: Serve, answer: Answer, message: str) -> None:
    """With the service's words."""
    sagemaker(lambda _: answer)
    with pytest.raises(ModelError, match=f"model sagemaker:churn: {message}"):
        open_model(lines()).predict(ROWS)


def test_an_unreachable_endpoint_is_given_up(sagemaker: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """After as many calls as were set."""
    sagemaker(sums)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"found EndpointConnectionError: .*the last of 2 calls"):
        open_model(lines(attempts=2)).predict(ROWS)


def test_a_machine_without_region_or_credentials_is_told(sagemaker: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault of the model's."""
    sagemaker(sums)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which remembers them
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(EnvironmentFault, match="found Unable to locate credentials"):
        open_model(lines()).predict(ROWS)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(EnvironmentFault, match=r"found You must specify a region\.; expected a region. Hint: set AWS_REGION"):
        open_model(lines(batch_rows=3))
