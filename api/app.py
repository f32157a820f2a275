"""The edge as one ASGI application."""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware
from prometheus_client import CollectorRegistry, ProcessCollector

from api import faults
from api.edge import Edge
from api.endpoints import ROUTERS
from api.engine_metrics import EngineCollector
from api.guesses import Guesses
from api.http_metrics import HttpMetrics
from api.middleware.accounting import Accounting
from api.middleware.body_limits import BodyLimits
from api.middleware.client_address import ClientAddress
from api.middleware.correlating import Correlating
from api.middleware.failures import Failures
from api.middleware.rate_limits import RateLimits
from api.middleware.security import DOCS, SecurityHeaders
from api.openapi import DocumentedApi
from api.rates import Rate, Rates
from api.sender import Sender


def create_app(edge: Edge, routers: Iterable[APIRouter] = ROUTERS) -> FastAPI:
    """The application, with these endpoints. It connects to nothing by itself; one process may have several."""
    registry = CollectorRegistry()
    registry.register(EngineCollector(edge.status, edge.health))
    ProcessCollector(registry=registry)
    rates = Rates(edge.now, edge.gateway.shared, edge.gateway.replicas)
    app = DocumentedApi(
        title="Warren",
        version=edge.version,
        docs_url=DOCS,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=_middleware(edge, rates, HttpMetrics(registry)),
    )
    app.state.edge = edge
    app.state.registry = registry
    app.state.sender = Sender(edge.publisher, edge.patience)
    app.state.guesses = Guesses(rates)
    faults.install(app)
    for router in routers:
        app.include_router(router)
    return app


def _middleware(edge: Edge, rates: Rates, metrics: HttpMetrics) -> list[Middleware]:
    """What every request passes, from the outside in."""
    gateway = edge.gateway
    limits = []
    if gateway.requests_per_minute:
        limits.append(Middleware(RateLimits, rates=rates, rate=Rate("requests", gateway.requests_per_minute, 60)))
    return [
        Middleware(ClientAddress, trusted=gateway.trusted_proxies),
        Middleware(Correlating, ids=edge.ids),
        Middleware(Accounting, metrics=metrics),
        Middleware(SecurityHeaders),
        Middleware(Failures),
        Middleware(BodyLimits),
        *limits,
    ]
