"""The HTTP edge of a process, made from what the process has open."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from agents.auth.callers import Callers
from agents.registry import load
from api.auth_service import AuthService
from api.cache import Cache
from api.cached_views import CachedViews
from api.declared import documents_of, records_of, tables_of
from api.edge import Edge
from api.gateway import Gateway
from api.published import PublishedEndings, PublishedKeys
from api.rates import SharedWindows
from api.redis_cache import RedisCache
from api.redis_rates import RedisWindows
from api.service_passes import ServicePasses
from api.upstreams import Upstream
from streams import Views
from streams.status import Status
from warren.accounts import AUTH
from warren.settings import Settings
from warren.split import handed_on
from warren.system import System, now

GATEWAY = "gateway"
"""The service as which the edge publishes."""


def edge_of(
    system: System,
    status: Callable[[], list[Status]] = list,
    shared: SharedWindows | None = None,
    views: Views | None = None,
    upstreams: Mapping[str, Upstream] | None = None,
    part: str | None = None,
) -> Edge:
    """The edge on the system's stores and broker; `status` tells how the agents of this process do, `shared` counts
    rates over all processes, `views` are read instead of the stores, `upstreams` are processes of other parts, by
    service; `part` is the part that this one is."""
    elsewhere, apps = upstreams or {}, load()  # this process may keep the tables of a few
    tables, documents = tables_of(apps), documents_of(apps)
    owners = {name: service for name, (service, _) in {**tables, **documents}.items()}
    passes = None if part else passes_of(system.settings, elsewhere)
    handed = {} if part else handed_on(elsewhere, owners)
    return Edge(
        broker=system.broker,
        publisher=system.publisher(GATEWAY),
        views=views or system.views,
        topology=system.topology,
        now=now,
        ids=system.ids,
        health=system.broker.health,
        status=status,
        tables=tables,
        documents=documents,
        records=records_of(apps),
        version=version("warren"),
        opened_accounts=system.accounts.accounts if system.accounts else None,
        published_callers=published_callers(system.settings, elsewhere),
        auth_required=system.settings.auth == "required",
        gateway=gateway_of(system.settings, shared, handed, passes, part),
    )


def published_callers(settings: Settings, upstreams: Mapping[str, Upstream]) -> Callers | None:
    """Who is calling, by what the part auth publishes; None where this process has the accounts itself."""
    if AUTH not in upstreams:
        return None
    auth = AuthService(upstreams[AUTH])
    return Callers(PublishedKeys(auth, now), PublishedEndings(auth, now), now=now, issuer=settings.issuer)


def gateway_of(
    settings: Settings,
    shared: SharedWindows | None,
    upstreams: Mapping[str, Upstream],
    passes: ServicePasses | None,
    part: str | None,
) -> Gateway:
    """How the settings let the world in."""
    return Gateway(
        requests_per_minute=settings.rate_limit,
        trusted_proxies=settings.trusted_proxies,
        origins=settings.cors_origins,
        shared=shared,
        replicas=settings.replicas,
        upstreams=upstreams,
        passes=passes,
        part=part,
    )


def passes_of(settings: Settings, upstreams: Mapping[str, Upstream]) -> ServicePasses | None:
    """What a gateway shows to the parts behind it; None where they do not ask for it."""
    if settings.auth == "off" or AUTH not in upstreams or not settings.service_secrets:
        return None
    return ServicePasses(AuthService(upstreams[AUTH]), settings.service_secrets[0].get_secret_value(), now)


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
