"""The edge in several processes: which part serves what, and whose stores it opens."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter

from agents.registry import AGENTS
from api.endpoints import (
    OPERATIONS,
    ROUTERS,
    analytics,
    auth,
    changes,
    live,
    order_commands,
    orders,
    products,
    service,
    tables,
    users,
)
from api.upstreams import Upstream, client
from warren.accounts import AUTH
from warren.errors import SettingsError
from warren.settings import Settings

GATEWAY: Final = "gateway"
"""The part that clients reach: it hands on what others serve, and serves the rest."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind of process serves, all that is under its prefixes, and the services whose stores it opens."""

    prefixes: tuple[str, ...]
    routers: tuple[APIRouter, ...]
    stores: tuple[str, ...]


PARTS: Final[Mapping[str, Part]] = {
    "auth": Part(("/api/auth", "/api/users"), (auth.router, service.router, users.router), ("auth",)),
    "orders": Part(
        ("/api/orders", "/api/products"),
        (orders.router, order_commands.router, products.router),
        ("orders", "inventory", "gateway"),
    ),
    "analytics": Part(("/api/analytics",), (analytics.router, live.router), ("analytics",)),
}


TABLES: Final = (tables.router, changes.router)
"""Every part serves the tables of the services whose stores it opens."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process serves, of which services it opens the stores, and as which part: then it serves its gateway
    alone."""

    settings: Settings
    services: tuple[str, ...]
    routers: tuple[APIRouter, ...]
    part: str | None = None


def share_of(name: str, settings: Settings) -> Share:
    """The share of a process that serves this part alone. Raises SettingsError where it could know no caller."""
    if name == GATEWAY:
        _check_gateway(settings)
        elsewhere = {service for service, urls in settings.upstreams.items() if urls}
        return Share(settings, tuple(service for service in AGENTS if service not in elsewhere), ROUTERS)
    part = PARTS[name]
    # It hands nothing on: it is what others hand on to. But for auth itself, it asks auth who is calling.
    none = {f"upstream_{service}": () for service in PARTS if service != AUTH or name == AUTH}
    routers = (*part.routers, *TABLES, *OPERATIONS)
    if settings.auth == "off":
        return Share(settings.model_copy(update=none), part.stores, routers)
    _check_part(name, settings)
    # The gateway limits rates; other parts ask as often as they have to.
    return Share(settings.model_copy(update={**none, "rate_limit": 0}), part.stores, routers, name)


def _check_gateway(settings: Settings) -> None:
    if settings.auth == "off" or not any(settings.upstreams.values()):
        return
    if not settings.upstream_auth:
        raise SettingsError(f"WARREN_UPSTREAM_AUTH is missing: with WARREN_AUTH=required, {_ASKED}")
    if not settings.service_secrets:
        raise SettingsError(f"WARREN_SERVICE_SECRETS is missing: {_SECRETS}")


def _check_part(name: str, settings: Settings) -> None:
    if name != AUTH and not settings.upstream_auth:
        raise SettingsError(f"WARREN_UPSTREAM_AUTH is missing: with WARREN_AUTH=required, {_ASKED}")
    if name == AUTH and not settings.service_secrets:
        raise SettingsError(f"WARREN_SERVICE_SECRETS is missing: {_SECRETS}")


_ASKED: Final = "parts ask `warren api --service auth` who is calling; name its addresses"
_SECRETS: Final = "by it auth knows the gateway. Make one by `openssl rand -hex 32`, and give both the same"


def takes_orders(settings: Settings, routers: Iterable[APIRouter]) -> bool:
    """Whether a process with these endpoints takes orders itself, and so seals payment tokens."""
    return orders.router in routers and not settings.upstream_orders


@asynccontextmanager
async def open_upstreams(settings: Settings) -> AsyncIterator[Mapping[str, Upstream]]:
    """Service -> the processes that the settings name for it, for as long as the context lasts."""
    clock = asyncio.get_running_loop().time
    async with client(settings.upstream_patience) as connections:
        yield {
            service: Upstream(service, urls, connections, clock) for service, urls in settings.upstreams.items() if urls
        }


def handed_on(upstreams: Mapping[str, Upstream], owners: Mapping[str, str]) -> dict[str, Upstream]:
    """Prefix of paths -> who serves them. `owners` says of each table and collection whose it is."""
    prefixes = {prefix: upstream for service, upstream in upstreams.items() for prefix in PARTS[service].prefixes}
    rows = {f"/api/tables/{name}": upstreams[owner] for name, owner in owners.items() if owner in upstreams}
    return {**prefixes, **rows}
