"""Spans on their way to a collector, by OpenTelemetry's own exporter (OTLP over HTTP). Imported where spans are wanted:
its packages are the extra `tracing`."""

import threading
from functools import cache
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from streams.tracing import Kind, Span

KINDS: Final = {Kind.SERVER: SpanKind.SERVER, Kind.CONSUMER: SpanKind.CONSUMER}
GRACE: Final = 5.0
"""Seconds that queued spans have at stop."""
_RECORDED: Final = TraceFlags(TraceFlags.SAMPLED)


def exporter(url: str) -> "Telemetry":
    """To the collector at this address, `http://collector:4318/v1/traces`: in batches, from a thread of its own. While
    there is no collector the last spans wait, up to a bound. `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_BSP_…` count."""
    return Telemetry(OTLPSpanExporter(endpoint=url))


class Telemetry:
    """A `streams.tracing.Tracer`."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._processor = BatchSpanProcessor(exporter)

    def ended(self, span: Span) -> None:
        """Queue it."""
        self._processor.on_end(readable(span))

    def close(self) -> None:
        """Send what is queued. Blocks, for GRACE at the most."""
        late = threading.Timer(GRACE, self._exporter.shutdown)  # which ends its tries: they go on for half a minute
        late.start()
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # OpenTelemetry has no types here
        late.cancel()


def readable(span: Span) -> ReadableSpan:
    """The span as exporters want it."""
    return ReadableSpan(
        span.name,
        context=_context(span.trace_id, span.span_id, remote=False),
        parent=None if span.parent_id is None else _context(span.trace_id, span.parent_id, remote=True),
        resource=_resource(span.service),
        attributes=span.attributes,
        kind=KINDS[span.kind],
        status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
        start_time=span.began,
        end_time=span.ended,
    )


def _context(trace_id: str, span_id: str, *, remote: bool) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, _RECORDED)


@cache
def _resource(service: str) -> Resource:
    return Resource.create({SERVICE_NAME: service, "service.namespace": "warren"})
