"""The edge as one ASGI application."""

from collections.abc import Iterable, Sequence
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry, ProcessCollector

from api import faults
from api.access_log import AccessLog
from api.cache_metrics import CacheCollector
from api.cached_views import CachedViews
from api.edge import Edge
from api.endpoints import ROUTERS
from api.engine_metrics import EngineCollector
from api.guesses import Guesses
from api.http_metrics import HttpMetrics
from api.inlets import Inlets
from api.lean import Lean
from api.live import Live
from api.live_figures import LiveFigures
from api.middleware.body_limits import BodyLimits
from api.middleware.client_address import ClientAddress
from api.middleware.envelope import Envelope
from api.middleware.failures import Failures
from api.middleware.heads import Heads
from api.middleware.origins import Origins
from api.middleware.proxying import Proxying
from api.middleware.rate_limits import RateLimits
from api.middleware.service_guard import ServiceGuard
from api.middleware.sockets import Sockets
from api.openapi import DocumentedApi
from api.queries import known_query
from api.rates import Rate, Rates
from api.sender import Sender
from api.socket_log import SocketLog

REQUEST_HEADERS: Final = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "Prefer"),
    *("X-Request-ID", "traceparent", "tracestate"),
)
"""What pages of other origins may send."""
ANSWER_HEADERS: Final = (
    *("ETag", "Idempotent-Replayed", "Location", "Preference-Applied", "Retry-After", "WWW-Authenticate"),
    "X-Request-ID",
)
"""What they may read."""
PREFLIGHT: Final = 600
"""Seconds for which a browser remembers that it may."""

_NONE_OF_ITS_OWN: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""What FastAPI tells of requests is told already: see `access_log.py` and `middleware/tracing.py`."""


def create_app(edge: Edge, routers: Iterable[APIRouter] = ROUTERS) -> FastAPI:
    """The application, with these endpoints. It connects to nothing by itself; one process may have several."""
    registry = CollectorRegistry()
    registry.register(EngineCollector(edge.status, edge.health))
    views = edge.views
    if isinstance(views, CachedViews):
        registry.register(CacheCollector(lambda: views.uses))
    ProcessCollector(registry=registry)
    served = tuple(routers)
    rates = Rates(edge.now, edge.gateway.shared, edge.gateway.replicas)
    app = DocumentedApi(
        title="Warren",
        version=edge.version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(known_query)],
        generate_unique_id_function=lambda route: route.name,
        telemetry=_NONE_OF_ITS_OWN,
        middleware=[*_middleware(edge, rates, registry), Middleware(Lean, routers=served)],
    )
    app.state.edge = edge
    app.state.registry = registry
    app.state.sender = Sender(edge.publisher, edge.patience)
    app.state.inlets = Inlets(edge)
    app.state.guesses = Guesses(rates)
    app.state.live = Live(LiveFigures(edge).read)
    faults.install(app)
    for router in served:
        app.include_router(router)
    return app


def _middleware(edge: Edge, rates: Rates, registry: CollectorRegistry) -> list[Middleware]:
    """What every request passes, from the outside in."""
    gateway = edge.gateway
    limits = []
    if gateway.requests_per_minute:
        limits.append(Middleware(RateLimits, rates=rates, rate=Rate("requests", gateway.requests_per_minute, 60)))
    return [
        *([Middleware(ClientAddress, trusted=gateway.trusted_proxies)] if gateway.trusted_proxies else ()),
        Middleware(Envelope, log=AccessLog(HttpMetrics(registry)), ids=edge.ids),
        Middleware(Sockets, log=SocketLog(registry), ids=edge.ids),
        *([_cors(gateway.origins)] if gateway.origins else ()),
        # What comes to a part has been let in by its gateway, under another host's name.
        *([] if gateway.part else [Middleware(Origins, allowed=gateway.origins)]),
        Middleware(Failures),
        Middleware(BodyLimits),
        *limits,
        *([Middleware(ServiceGuard, callers=edge.callers(), part=gateway.part)] if gateway.part else ()),
        *([Middleware(Proxying, upstreams=gateway.upstreams, passes=gateway.passes)] if gateway.upstreams else ()),
        Middleware(Heads),
    ]


def _cors(origins: Sequence[str]) -> Middleware:
    """Pages of these origins may call, with a token: there are no cookies."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=REQUEST_HEADERS,
        expose_headers=ANSWER_HEADERS,
        max_age=PREFLIGHT,
    )
