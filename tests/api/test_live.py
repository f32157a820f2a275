"""The live figures: what readers are told, and when they are shown out."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from agents.analytics.visitor import Funnel
from agents.auth.tokens import ACCESS_LIFE
from api.app import create_app
from api.edge import Edge
from api.gateway import Gateway
from api.live import Live, Sections, State, told
from api.server import serve
from stores.errors import StoreUnavailable
from streams import Views
from streams.keys import instant
from tests.api.auth_scene import AuthShop, open_auth_shop
from tests.api.shop import Shop, now, open_shop
from tests.api.test_tables import keep

HOST = "127.0.0.1"


@asynccontextmanager
async def watching(edge: Edge, **options: Any) -> AsyncIterator[ClientConnection]:
    async with (
        serve(create_app(edge), HOST, 0, grace=1) as port,
        connect(f"ws://{HOST}:{port}/api/analytics/live", proxy=None, **options) as socket,
    ):
        yield socket


async def heard(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 10))
    return message


async def test_a_reader_hears_a_snapshot_and_then_what_changes(shop: Shop) -> None:
    async with watching(shop.edge) as socket:
        first = await heard(socket)
        assert (first["type"], first["number"]) == ("snapshot", 1)
        assert set(first["data"]) == {"over", "minutes", "revenue", "funnel", "products"}
        assert first["data"]["funnel"]["viewed"] == 0
        day = f"all|{_midnight()}"
        await keep(shop, "analytics", funnel={day: Funnel(3)})
        message = await heard(socket)
        while "funnel" not in message["data"]:
            message = await heard(socket)
    assert message["type"] == "change"
    assert message["since"] < message["number"]
    assert message["data"]["funnel"]["viewed"] == 3
    assert "revenue" not in message["data"]


def _midnight() -> str:
    return instant(now() // 86_400_000 * 86_400_000)


async def test_without_a_token_a_guarded_shop_closes_with_4401(guarded_shop: AuthShop) -> None:
    async with watching(guarded_shop.shop.edge) as socket:
        assert await _closed(socket) == 4401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://[", "http://"])
async def test_pages_of_other_origins_are_refused(shop: Shop, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with watching(shop.edge, origin=Origin(origin)):
            pass
    assert refused.value.response.status_code == 403


async def test_pages_from_here_and_of_origins_that_are_named_may_listen(shop: Shop) -> None:
    named = replace(shop.edge, gateway=Gateway(origins=("https://shop.example",)))
    async with watching(named, origin=Origin("https://shop.example")) as socket:
        assert (await heard(socket))["type"] == "snapshot"
    async with (
        serve(create_app(shop.edge), HOST, 0, grace=1) as port,
        connect(f"ws://{HOST}:{port}/api/analytics/live", proxy=None, origin=Origin(f"http://{HOST}:{port}")) as socket,
    ):
        assert (await heard(socket))["type"] == "snapshot"


async def test_without_the_scope_it_closes_with_4403(guarded_shop: AuthShop) -> None:
    headers = await guarded_shop.bearer("customer")
    async with watching(guarded_shop.shop.edge, additional_headers=headers) as socket:
        assert await _closed(socket) == 4403


async def test_it_closes_with_4401_when_the_token_ends() -> None:
    later = [0]
    async with open_auth_shop(auth_required=True, clock=lambda: now() + later[0]) as guarded:
        headers = await guarded.bearer("analyst")
        async with watching(guarded.shop.edge, additional_headers=headers) as socket:
            assert (await heard(socket))["type"] == "snapshot"
            later[0] = ACCESS_LIFE * 1_000
            assert await _closed(socket) == 4401


async def test_it_closes_with_4401_when_the_session_ends(guarded_shop: AuthShop) -> None:
    headers = await guarded_shop.bearer("analyst")
    async with watching(guarded_shop.shop.edge, additional_headers=headers) as socket:
        assert (await heard(socket))["type"] == "snapshot"
        await guarded_shop.client.post("/api/auth/logout", headers=headers)
        assert await _closed(socket) == 4401


async def test_a_browser_sends_its_token_as_a_subprotocol(guarded_shop: AuthShop) -> None:
    token = (await guarded_shop.bearer("analyst"))["Authorization"].removeprefix("Bearer ")
    async with watching(guarded_shop.shop.edge, subprotocols=["warren", f"bearer.{token}"]) as socket:
        assert socket.subprotocol == "warren"
        assert (await heard(socket))["type"] == "snapshot"


async def _closed(socket: ClientConnection) -> int | None:
    """The code it is closed with, whatever is told until then."""
    await asyncio.wait_for(socket.wait_closed(), 10)
    return socket.close_code


def test_a_change_tells_the_sections_that_differ_since_what_the_reader_knows() -> None:
    one, two, three = State(1, {"a": 1, "b": 1}), State(2, {"a": 2, "b": 1}), State(3, {"a": 2, "b": 3})
    assert told(None, one) == {"type": "snapshot", "number": 1, "data": {"a": 1, "b": 1}}
    assert told(one, two) == {"type": "change", "number": 2, "since": 1, "data": {"a": 2}}
    assert told(one, three) == {"type": "change", "number": 3, "since": 1, "data": {"a": 2, "b": 3}}


class Figures:
    """Figures to be read, and how often they were."""

    def __init__(self) -> None:
        self.now: Sections = {"a": 1}
        self.failing = False
        self.reads = 0

    async def read(self) -> Sections:
        self.reads += 1
        if self.failing:
            self.failing = False
            raise StoreUnavailable
        return self.now


async def test_a_slow_reader_hears_of_everything_it_missed_at_once() -> None:
    figures = Figures()
    live = Live(figures.read, every=0.001)
    async with asyncio.timeout(10):
        with live.watched():
            slow = quick = await live.after(None)
            for number in range(2, 6):
                figures.now = {"a": number, "b": 0}
                quick = await live.after(quick)
            assert quick.number == 5
            assert told(slow, await live.after(slow)) == {
                "type": "change",
                "number": 5,
                "since": 1,
                "data": {"a": 5, "b": 0},
            }


async def test_it_is_read_while_somebody_watches_and_not_otherwise() -> None:
    figures = Figures()
    live = Live(figures.read, every=0.001)
    async with asyncio.timeout(10):
        with live.watched(), live.watched():
            first = await live.after(None)
        reads = figures.reads
        await asyncio.sleep(0.02)
        assert figures.reads == reads
        with live.watched():
            again = await live.after(None)
    assert again.number == first.number + 1


async def test_a_store_that_is_away_for_a_while_ends_nothing() -> None:
    figures = Figures()
    figures.failing = True
    live = Live(figures.read, every=0.001)
    async with asyncio.timeout(10):
        with live.watched():
            assert (await live.after(None)).sections == {"a": 1}
    assert figures.reads == 2


async def test_a_process_that_does_not_read_analytics_tells_nothing_and_lives() -> None:
    async with open_shop() as shop:
        here = {service: store for service, store in shop.stores.items() if service != "analytics"}
        async with watching(replace(shop.edge, views=Views(here))) as socket:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.3)
