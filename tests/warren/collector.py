"""A collector of spans, as `WARREN_TRACES` names one."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Collected:
    """A span. Ids as bytes; `parent` is empty for the first of a trace."""

    service: str
    name: str
    trace: bytes
    id: bytes
    parent: bytes


@dataclass(slots=True)
class Collector:
    """What came, and where it is sent to."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    """As they came, unpacked."""

    @property
    def spans(self) -> list[Collected]:
        """All of them."""
        return [span for body in self.bodies for span in _spans(body)]


@contextmanager
def collecting() -> Iterator[Collector]:
    """As long as the context lasts, a collector listens on loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.bodies.append(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _spans(body: bytes) -> Iterator[Collected]:
    for part in ExportTraceServiceRequest.FromString(body).resource_spans:
        (service,) = [a.value.string_value for a in part.resource.attributes if a.key == "service.name"]
        for scope in part.scope_spans:
            for span in scope.spans:
                yield Collected(service, span.name, span.trace_id, span.span_id, span.parent_span_id)
