"""OpenTelemetry: a trace of the run's stages and metrics of what they did, by OTLP/HTTP, with the extra `otel`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from hourglass import __version__
from hourglass.errors import EnvironmentFault, HourglassError, shorten
from hourglass.http_post import shown
from hourglass.logs import warn
from hourglass.stages import RUN, Done
from hourglass.watching.run import Run

_TIMEOUT_S = 5.0  # for the traces, and again for the metrics
# facts of stages that are counted: metric, unit, what it is
COUNTED = {
    "records": ("hourglass.records", "{record}", "Records that were read"),
    "lines": ("hourglass.lines", "{line}", "Lines that were read, the bad ones included"),
    "label_lines": ("hourglass.label_lines", "{line}", "Lines of ground truth that were read"),
    "state_bytes": ("hourglass.state.size", "By", "States that were written to the store"),
    "delivered": ("hourglass.notices", "{notice}", "Targets that were told of violations"),
}
BAD, LAG, SECONDS, VIOLATIONS = "hourglass.bad_lines", "hourglass.lag", "hourglass.stage.duration", "hourglass.violations"
# of a stage's seconds: from a small file to a cluster's hours
_BOUNDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)


class Telemetry:
    """Collects spans and metrics while a run lasts, and sends both at its end: two requests, whatever the run does.

    Headers, certificates and compression are those of OTEL_EXPORTER_OTLP_…, the resource's attributes those of
    OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. A run whose environment has TRACEPARENT is part of that trace.
    """

    def __init__(self, run: Run, endpoint: str) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from opentelemetry.trace import Span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._endpoint = endpoint.rstrip("/")
        self._names = {f"hourglass.{name}": value for name, value in run.names.items()}
        self._run = run
        named = (
            {}
            if "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
            else {"service.name": "hourglass"}
        )
        resource = Resource.create({**named, "service.version": __version__})
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._tracer = self._tracers.get_tracer("hourglass", __version__)
        self._meters = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        meter = self._meters.get_meter("hourglass", __version__)
        self._counters = {fact: meter.create_counter(name, unit, text) for fact, (name, unit, text) in COUNTED.items()}
        self._bad = meter.create_counter(BAD, "{line}", "Lines that could not be used, by reason")
        self._lag = meter.create_gauge(LAG, "s", "How long the newest hour with data is over")
        self._violations = meter.create_gauge(VIOLATIONS, "{violation}", "Violations of the run's windows")
        self._seconds = meter.create_histogram(SECONDS, "s", "How long a stage took", explicit_bucket_boundaries_advisory=list(_BOUNDS))
        self._parent = TraceContextTextMapPropagator().extract({"traceparent": os.environ.get("TRACEPARENT", "")})
        self._open: list[Span] = []

    @classmethod
    def asked(cls, run: Run) -> Self | None:
        """Where the settings name an endpoint; EnvironmentFault where the packages are missing."""
        endpoint = run.settings.otlp_endpoint
        if endpoint is None:
            return None
        try:
            import opentelemetry.exporter.otlp.proto.http
            import opentelemetry.sdk  # noqa: F401 the extra has both
        except ImportError as fault:
            hint = "pip install 'hourglass-monitor[otel]'"
            raise EnvironmentFault("otlp_endpoint", found=f"no package {fault.name}", expected="the extra otel", hint=hint) from fault
        return cls(run, endpoint)

    def begins(self, stage: str) -> None:
        """A span in that of the stage around it."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        around = set_span_in_context(self._open[-1]) if self._open else self._parent
        name = f"hourglass {self._run.job}" if stage == RUN else stage
        more = {"hourglass.run": self._run.id, "hourglass.settings_hash": self._run.settings_hash} if stage == RUN else {}
        self._open.append(self._tracer.start_span(name, around, SpanKind.INTERNAL, {**self._names, **more}))

    def ends(self, done: Done) -> None:
        """The end of its span, and the metrics of what it did; with the run's end all is sent."""
        from opentelemetry.trace import Status, StatusCode

        span = self._open.pop()
        span.set_attributes(dict(_attributes(done.facts)))
        if done.fault is not None:
            sentence = shorten(str(done.fault) if isinstance(done.fault, HourglassError) else repr(done.fault), 1000)
            span.add_event("exception", {"exception.type": type(done.fault).__name__, "exception.message": sentence})
            span.set_status(Status(StatusCode.ERROR, sentence))
        span.end()
        self._measure(done)
        if done.stage == RUN:
            self._send()

    def _measure(self, done: Done) -> None:
        outcome = "ok" if done.fault is None else "error"
        self._seconds.record(done.seconds, {**self._names, "hourglass.stage": done.stage, "hourglass.outcome": outcome})
        for fact, counter in self._counters.items():
            if fact in done.facts:
                counter.add(done.facts[fact], self._names)
        for reason, count in done.facts.get("bad_lines_by_reason", {}).items():
            self._bad.add(count, {**self._names, "hourglass.reason": reason})
        if "lag_s" in done.facts:
            self._lag.set(done.facts["lag_s"], self._names)
        if "violations" in done.facts:
            self._violations.set(done.facts["violations"], self._names)

    def _send(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        spans, metrics = self._spans.get_finished_spans(), self._reader.get_metrics_data()
        refused = []
        with _quiet():
            traces = OTLPSpanExporter(f"{self._endpoint}/v1/traces", timeout=_TIMEOUT_S)
            if traces.export(spans).name != "SUCCESS":
                refused.append("traces")
            points = OTLPMetricExporter(f"{self._endpoint}/v1/metrics", timeout=_TIMEOUT_S)
            if metrics is not None and points.export(metrics).name != "SUCCESS":
                refused.append("metrics")
            for exporter in (traces, points):
                exporter.shutdown()
            self._meters.shutdown()
            self._tracers.shutdown()
        if refused:
            found = f"{' and '.join(refused)} were not taken"
            warn(f"otlp_endpoint {shown(self._endpoint)}: {found}; the run goes on")


def _attributes(facts: Mapping[str, Any]) -> Iterator[tuple[str, str | int | float]]:
    for name, value in facts.items():
        if isinstance(value, str | int | float):
            yield f"hourglass.{name}", value


@contextmanager
def _quiet() -> Iterator[None]:
    """Has the exporters' own logging say nothing: what failed is said once, in our words."""
    logger = logging.getLogger("opentelemetry")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
