"""The edge in several processes: which part serves what, and whose stores it opens."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter

from agents.registry import AGENTS
from api.endpoints import OPERATIONS, ROUTERS, analytics, auth, live, order_commands, orders, products, users
from api.upstreams import Upstream, client
from warren.settings import Settings

GATEWAY: Final = "gateway"
"""The part that clients reach: it hands on what others serve, and serves the rest."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind of process serves: all that is under its prefixes. `stores` are the services whose stores it opens:
    auth, to know its callers."""

    prefixes: tuple[str, ...]
    routers: tuple[APIRouter, ...]
    stores: tuple[str, ...]


PARTS: Final[Mapping[str, Part]] = {
    "auth": Part(("/api/auth", "/api/users"), (auth.router, users.router), ("auth",)),
    "orders": Part(
        ("/api/orders", "/api/products"),
        (orders.router, order_commands.router, products.router),
        ("orders", "inventory", "gateway", "auth"),
    ),
    "analytics": Part(("/api/analytics",), (analytics.router, live.router), ("analytics", "auth")),
}


def part_of(name: str, settings: Settings) -> tuple[Settings, Iterable[str], Iterable[APIRouter]]:
    """The settings, services and endpoints of a process that serves this part alone."""
    if name == GATEWAY:
        elsewhere = {service for service, urls in settings.upstreams.items() if urls} - {"auth"}
        return settings, [service for service in AGENTS if service not in elsewhere], ROUTERS
    part = PARTS[name]
    # It hands nothing on: it is what others hand on to.
    alone = settings.model_copy(update={f"upstream_{service}": () for service in PARTS})
    return alone, part.stores, (*part.routers, *OPERATIONS)


def takes_orders(settings: Settings, routers: Iterable[APIRouter]) -> bool:
    """Whether a process with these endpoints takes orders itself, and so seals payment tokens."""
    return orders.router in routers and not settings.upstream_orders


@asynccontextmanager
async def open_upstreams(settings: Settings) -> AsyncIterator[Mapping[str, Upstream]]:
    """Prefix -> the processes that the settings name for it, for as long as the context lasts."""
    clock = asyncio.get_running_loop().time
    async with client() as connections:
        upstreams: dict[str, Upstream] = {}
        for service, urls in settings.upstreams.items():
            if urls:
                upstream = Upstream(service, urls, connections, clock)
                upstreams.update(dict.fromkeys(PARTS[service].prefixes, upstream))
        yield upstreams
