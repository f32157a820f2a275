"""An edge in parts, all in this process: auth, orders, analytics, and the gateway that clients reach."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from agents.auth.accounts import ISSUER, Accounts
from agents.auth.callers import Callers
from agents.auth.database import open_database
from agents.auth.schema import migrate
from api import remote_copy
from api.app import create_app
from api.auth_service import AuthService
from api.edge import Edge
from api.endpoints import OPERATIONS
from api.gateway import Gateway
from api.published import PublishedEndings, PublishedKeys
from api.server import serve
from api.service_passes import ServicePasses
from api.upstreams import Upstream
from streams import Views
from tests.agents.auth.scene import fast_passwords
from tests.api.auth_scene import AuthShop
from tests.api.shop import now, open_shop
from warren.split import PARTS, TABLES, handed_on

HOST = "127.0.0.1"
SECRET = "the gateway's own secret of 32 bytes"


@dataclass
class Door:
    """A part's address: whether anybody is there, and what was asked, of nobody too."""

    app: ASGIApp | None = None
    open: bool = True
    asked: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope.get("path", ""))
        if not self.open or self.app is None:
            raise httpx.ConnectError("nobody is there")
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Split:
    """Its parts, by name; `shop` has the gateway's client."""

    shop: AuthShop
    doors: Mapping[str, Door]

    def past_the_gateway(self, part: str) -> httpx.AsyncClient:
        """A client of the part itself."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.doors[part]), base_url=f"http://{part}")


@asynccontextmanager
async def open_split(
    *, work: bool = False, clock: Callable[[], int] = now, secret: str = SECRET, gateway: Gateway | None = None
) -> AsyncIterator[Split]:
    """A shop with WARREN_AUTH=required, whose edge is split. `clock` judges tokens."""
    database = open_database("memory:")
    await migrate(database)
    accounts = Accounts(database, fast_passwords(), now=clock, chance=Random(1), service_secrets=(SECRET,))
    async with AsyncExitStack() as stack:
        # However slow the machine is, nobody makes do with what was read before.
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(remote_copy, "PATIENCE", 60.0)
        stack.push_async_callback(accounts.close)
        shop = await stack.enter_async_context(open_shop(work=work, auth_required=True))
        doors: dict[str, Door] = {part: Door() for part in PARTS}
        urls = {part: f"http://{part}" for part in PARTS}
        # WebSockets come by a port of this machine, the rest without one.
        port = await stack.enter_async_context(serve(doors["analytics"], HOST, 0, grace=1))
        urls["analytics"] = f"http://{HOST}:{port}"
        mounts = {urls[part]: httpx.ASGITransport(doors[part]) for part in PARTS}
        connections = await stack.enter_async_context(httpx.AsyncClient(mounts=mounts))

        def upstream(service: str) -> Upstream:
            return Upstream(service, [urls[service]], connections, lambda: clock() / 1000)

        for part in PARTS:
            doors[part].app = _part(part, shop.edge, accounts, upstream, clock)
        auth = upstream("auth")
        way_in = replace(
            gateway or Gateway(),
            upstreams=handed_on({part: upstream(part) for part in PARTS}, _owners(shop.edge)),
            passes=ServicePasses(AuthService(auth), secret, clock),
        )
        views = Views({service: store for service, store in shop.stores.items() if service not in PARTS})
        edge = replace(shop.edge, now=clock, views=views, published_callers=_callers(auth, clock), gateway=way_in)
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(create_app(edge), raise_app_exceptions=False), base_url="http://shop"
            )
        )
        yield Split(AuthShop(replace(shop, edge=edge, client=client), accounts, database), doors)


def _part(
    name: str, edge: Edge, accounts: Accounts, upstream: Callable[[str], Upstream], clock: Callable[[], int]
) -> FastAPI:
    known: dict[str, Any]
    if name == "auth":
        known = {"opened_accounts": accounts}
    else:
        known = {"published_callers": _callers(upstream("auth"), clock)}
    return create_app(
        replace(edge, now=clock, gateway=Gateway(part=name), **known), (*PARTS[name].routers, *TABLES, *OPERATIONS)
    )


def _owners(edge: Edge) -> dict[str, str]:
    return {name: service for name, (service, _) in {**edge.tables, **edge.documents}.items()}


def _callers(auth: Upstream, clock: Callable[[], int]) -> Callers:
    service = AuthService(auth)
    return Callers(PublishedKeys(service, clock), PublishedEndings(service, clock), now=clock, issuer=ISSUER)
