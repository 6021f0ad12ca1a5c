"""OpenTelemetry, by an OTLP receiver on the loopback that decodes what it is sent."""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from hourglass.cli import main
from hourglass.watching import telemetry
from tests.models.conftest import Answer, Endpoint
from tests.watching.conftest import arguments

Serve = Callable[[Callable[[bytes], Answer]], Endpoint]


@pytest.fixture
def receiver(serve: Serve) -> Endpoint:
    """Takes everything; an empty answer is an empty message."""
    return serve(lambda _: (200, b""))


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a dictionary."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def spans_of(receiver: Endpoint) -> tuple[dict[str, Any], list[Span]]:
    """The resource's attributes, and the spans in order of their begin."""
    body = next(body for path, body in zip(receiver.paths, receiver.bodies, strict=True) if path == "/v1/traces")
    sent = ExportTraceServiceRequest.FromString(body).resource_spans[0]
    return plain(sent.resource.attributes), sorted(
        (s for part in sent.scope_spans for s in part.spans), key=lambda s: s.start_time_unix_nano
    )


def points_of(receiver: Endpoint) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """The points of each metric: attributes, and the value or, of a histogram, its sum."""
    body = next(body for path, body in zip(receiver.paths, receiver.bodies, strict=True) if path == "/v1/metrics")
    found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data"))
                for point in data.data_points:
                    value = point.sum if hasattr(point, "sum") else getattr(point, point.WhichOneof("value"))
                    found.setdefault(f"{metric.name} {metric.unit}", []).append((plain(point.attributes), value))
    return found


def test_a_run_is_a_trace_of_its_stages(
    receiver: Endpoint, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the trace that the environment hands down; headers are the environment's too."""
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=tests")
    main(arguments(asked, otlp_endpoint=receiver.url))
    assert capfd.readouterr().err == ""
    resource, spans = spans_of(receiver)
    assert (resource["service.name"], resource["deployment.environment"]) == ("hourglass", "tests")
    assert [span.name for span in spans] == ["hourglass data-quality", "prepare", "read", "report", "write", "notify"]
    root = spans[0]
    assert root.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert root.parent_span_id.hex() == "b7ad6b7169203331"
    assert all(span.parent_span_id == root.span_id and span.trace_id == root.trace_id for span in spans[1:])
    assert all(
        root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano <= root.end_time_unix_nano for span in spans
    )
    read = plain(spans[2].attributes)
    assert (read["hourglass.records"], read["hourglass.bad_lines"], read["hourglass.endpoint"]) == (98, 2, "shop")
    assert receiver.headers[0]["Authorization"] == "Bearer abc"


def test_its_metrics_are_what_was_read_and_how_long_it_took(receiver: Endpoint, asked: dict[str, Any]) -> None:
    """Records, lines, bad lines by reason, seconds by stage, bytes of states, lag, violations."""
    main(arguments(asked, otlp_endpoint=f"{receiver.url}/"))
    points = points_of(receiver)
    names = {"hourglass.job": "data-quality", "hourglass.endpoint": "shop", "hourglass.schedule": "hourly"}
    assert points["hourglass.records {record}"] == [(names, 98)]
    assert points["hourglass.lines {line}"] == [(names, 100)]
    bad = {attributes["hourglass.reason"]: value for attributes, value in points["hourglass.bad_lines {line}"]}
    assert bad == {"not JSON": 1, "no captured data": 1}
    stored = next((asked["state_root"] / "data-quality").rglob("states.parquet")).stat().st_size
    assert points["hourglass.state.size By"] == [(names, stored)]
    ((_, lag),) = points["hourglass.lag s"]
    assert lag == pytest.approx(time.time() - 1795255200, abs=120)  # 2026-11-21T10:00:00Z
    assert points["hourglass.violations {violation}"] == [(names, 0)]
    seconds = {attributes["hourglass.stage"]: value for attributes, value in points["hourglass.stage.duration s"]}
    assert set(seconds) == {"run", "prepare", "read", "report", "write", "notify"}
    assert sum(value for stage, value in seconds.items() if stage != "run") <= seconds["run"]


def test_a_run_that_fails_is_a_trace_with_the_error(receiver: Endpoint, asked: dict[str, Any], tmp_path: Path) -> None:
    """In the stage in which it came, and in the run."""
    with pytest.raises(SystemExit):
        main(arguments(asked, otlp_endpoint=receiver.url, max_bad_lines="0.01"))
    _, spans = spans_of(receiver)
    assert {span.name: span.status.code for span in spans if span.status.code} == {"hourglass data-quality": Status.STATUS_CODE_ERROR}
    assert "2.0% of 100 lines unusable" in spans[0].status.message
    assert plain(spans[0].events[0].attributes)["exception.type"] == "InputError"
    assert not (tmp_path / "out" / "statistics.json").exists()


def test_a_collector_that_refuses_is_said_and_the_run_is_done(
    serve: Serve, asked: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Once, in a sentence with the host; as a log line where these are on."""
    server = serve(lambda _: (400, b"no"))
    main(arguments(asked, otlp_endpoint=f"{server.url}/tenant/secret", log_format="json"))
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["message"] for line in lines if line["level"] != "info"] == [
        f"otlp_endpoint {server.url}/…: traces and metrics were not taken; the run goes on"
    ]
    assert (asked["output_path"] / "statistics.json").exists()


def test_a_collector_that_is_not_there_is_given_up_soon(
    asked: dict[str, Any], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port 9 discards."""
    monkeypatch.setattr(telemetry, "_TIMEOUT_S", 0.3)
    main(arguments(asked, otlp_endpoint="http://127.0.0.1:9"))
    assert "traces and metrics were not taken" in capfd.readouterr().err
    assert (asked["output_path"] / "statistics.json").exists()


def test_without_the_packages_the_error_names_the_extra(
    asked: dict[str, Any], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="opentelemetry")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SystemExit) as caught:
        main(arguments(asked, otlp_endpoint="http://127.0.0.1:9"))
    assert caught.value.code == 2
    assert "found no package opentelemetry; expected the extra otel. Hint: pip install 'hourglass-monitor[otel]'" in capfd.readouterr().err
    assert not asked["output_path"].exists()
