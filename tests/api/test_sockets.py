"""What every WebSocket passes: its id, its line in the log, its place in the metrics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from api.app import create_app
from api.edge import Edge
from api.gateway import Gateway
from api.server import serve
from api.upstreams import Upstream, client
from tests.api.auth_scene import AuthShop
from tests.api.shop import Shop, open_shop
from tests.api.test_live import HOST, watching

LIVE = "/api/analytics/live"
ENDED = "warren_websockets_total"
SAID = "warren_websocket_messages_total"
OPEN = "warren_websockets_open"

Line = dict[str, Any]


@asynccontextmanager
async def served(edge: Edge) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    """The live figures' address, and a client of the same server."""
    async with (
        serve(create_app(edge), HOST, 0, grace=1) as port,
        httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as http,
    ):
        yield f"ws://{HOST}:{port}{LIVE}", http


async def snapshot(socket: ClientConnection) -> None:
    assert "snapshot" in str(await asyncio.wait_for(socket.recv(), 30))


async def figures(http: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families((await http.get("/metrics")).text)
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


async def until_ended(lines: list[Any]) -> Line:
    """Its line, the last one: a client has left before the edge has seen it."""
    for _ in range(3_000):
        found = [line for line in lines if line["event"] == "websocket"]
        if found:
            return dict(found[-1])
        await asyncio.sleep(0.01)
    raise AssertionError("it has no line after 30 s")


async def test_a_websocket_has_an_id_a_line_and_a_place_in_the_metrics(shop: Shop) -> None:
    with capture_logs() as lines:
        async with served(shop.edge) as (live, http):
            async with connect(live, proxy=None, additional_headers={"X-Request-ID": "abc-1"}) as socket:
                assert socket.response is not None
                assert socket.response.headers.get_all("x-request-id") == ["abc-1"]
                await snapshot(socket)
                during = await figures(http)
                await socket.close(4999)
            line = await until_ended(lines)
            after = await figures(http)
    assert during[OPEN,] == 1
    assert (after[OPEN,], after[SAID, LIVE], after[ENDED, LIVE, "other"]) == (0, 1, 1)
    assert (line["route"], line["path"], line["code"], line["by"]) == (LIVE, LIVE, 4999, "client")
    assert (line["messages"], line["client"]) == (1, HOST)


async def test_each_gets_an_id_of_its_own(shop: Shop) -> None:
    async with watching(shop.edge) as socket:
        assert socket.response is not None
        assert UUID(socket.response.headers["x-request-id"]).version == 4


async def test_one_that_the_edge_closes_is_told_by_its_code(guarded_shop: AuthShop) -> None:
    with capture_logs() as lines:
        async with watching(guarded_shop.shop.edge) as socket:
            await asyncio.wait_for(socket.wait_closed(), 30)
            line = await until_ended(lines)
    assert (line["code"], line["by"], line["messages"]) == (4401, "edge", 0)


async def test_a_server_that_stops_has_ended_them_itself(shop: Shop) -> None:
    with capture_logs() as lines:
        server = serve(create_app(shop.edge), HOST, 0, grace=1)
        async with connect(f"ws://{HOST}:{await server.__aenter__()}{LIVE}", proxy=None) as socket:
            await snapshot(socket)
            await server.__aexit__(None, None, None)
            line = await until_ended(lines)
    assert (line["code"], line["by"]) == (1012, "edge")


async def test_a_handshake_that_is_refused_is_no_open_websocket(shop: Shop) -> None:
    with capture_logs() as lines:
        async with served(shop.edge) as (live, http):
            with pytest.raises(InvalidStatus):
                await connect(live, proxy=None, origin=Origin("https://evil.example"))
            line = await until_ended(lines)
            found = await figures(http)
    assert (line["code"], line["by"], line["messages"]) == (403, "edge", 0)
    assert (found[OPEN,], found[ENDED, "403", "unmatched"]) == (0, 1)


async def test_at_a_gateway_what_is_handed_on_is_counted_by_its_prefix_with_one_id_on_both_sides() -> None:
    async with client() as connections, open_shop() as behind, serve(create_app(behind.edge), HOST, 0, grace=1) as part:
        upstream = Upstream("analytics", [f"http://{HOST}:{part}"], connections, lambda: 0.0)
        async with open_shop(gateway=Gateway(upstreams={"/api/analytics": upstream})) as shop:
            with capture_logs() as lines:
                async with (
                    serve(create_app(shop.edge), HOST, 0, grace=1) as port,
                    connect(f"ws://{HOST}:{port}{LIVE}", proxy=None) as socket,
                ):
                    await snapshot(socket)
            await shop.client.get("/api/analytics/funnel")
            found = await figures(shop.client)
    routes = {line["route"] for line in lines if line["event"] == "websocket"}
    assert routes == {LIVE, "/api/analytics/*"}
    assert found["warren_http_requests_total", "/api/analytics/*", "200", "GET"] == 1
