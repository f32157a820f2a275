"""The HTTP edge of a process, made from what the process has open."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from api.cache import Cache
from api.cached_views import CachedViews
from api.declared import documents_of, records_of, tables_of
from api.edge import Edge
from api.gateway import Gateway
from api.rates import SharedWindows
from api.redis_cache import RedisCache
from api.redis_rates import RedisWindows
from api.upstreams import Upstream
from streams import Views
from streams.status import Status
from warren.settings import Settings
from warren.system import System, now

GATEWAY = "gateway"
"""The service as which the edge publishes."""


def edge_of(
    system: System,
    status: Callable[[], list[Status]] = list,
    shared: SharedWindows | None = None,
    views: Views | None = None,
    upstreams: Mapping[str, Upstream] | None = None,
) -> Edge:
    """The edge on the system's stores and broker; `status` tells how the agents of this process do, `shared` counts
    rates over all processes, `views` are read instead of the stores, `upstreams` serve what is under their prefixes."""
    return Edge(
        broker=system.broker,
        publisher=system.publisher(GATEWAY),
        views=views or system.views,
        topology=system.topology,
        now=now,
        ids=system.ids,
        health=system.broker.health,
        status=status,
        tables=tables_of(system.apps),
        documents=documents_of(system.apps),
        records=records_of(system.apps),
        version=version("warren"),
        opened_accounts=system.accounts.accounts if system.accounts else None,
        auth_required=system.settings.auth == "required",
        gateway=gateway_of(system.settings, shared, upstreams or {}),
    )


def gateway_of(settings: Settings, shared: SharedWindows | None, upstreams: Mapping[str, Upstream]) -> Gateway:
    """How the settings let the world in."""
    return Gateway(
        requests_per_minute=settings.rate_limit,
        trusted_proxies=settings.trusted_proxies,
        origins=settings.cors_origins,
        shared=shared,
        replicas=settings.replicas,
        upstreams=upstreams,
    )


@asynccontextmanager
async def cached_views(settings: Settings, system: System) -> AsyncIterator[Views]:
    """The system's views, of which the edge keeps what is read often, for as long as the context lasts."""
    shared = RedisCache(settings.redis.get_secret_value()) if settings.redis else None
    views = CachedViews(system.stores, system.changes, Cache(now, shared), now)
    try:
        yield views
    finally:
        await views.close()
        if shared is not None:
            await shared.close()


@asynccontextmanager
async def shared_windows(settings: Settings) -> AsyncIterator[SharedWindows | None]:
    """What the processes of the edge count rates by together, for as long as the context lasts; None without Redis."""
    if settings.redis is None:
        yield None
        return
    windows = RedisWindows(settings.redis.get_secret_value())
    try:
        yield windows
    finally:
        await windows.close()
