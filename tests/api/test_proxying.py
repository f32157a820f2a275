"""A split edge: requests are handed on, and processes that fail are left alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.app import create_app
from api.gateway import Gateway
from api.server import serve
from api.upstreams import Upstream, client
from streams.breaker import Circuit
from tests.api.shop import Shop, open_shop

HOST = "127.0.0.1"
NOBODY = "http://127.0.0.1:1"


@dataclass
class Service:
    """A process behind the gateway, which answers as it is told and remembers what it was asked."""

    status: int = 200
    hangs: bool = False
    asked: list[Scope] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope)
        if self.hangs:
            await asyncio.Event().wait()
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        self.bodies.append(size)
        headers = [(b"content-type", b"text/plain"), (b"x-own", b"1"), (b"connection", b"keep-alive")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"from the service"})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def split(
    *apps: Service, missing: int = 0, clock: Clock | None = None, patience: float = 60.0
) -> AsyncIterator[tuple[Shop, Upstream]]:
    """A gateway before processes of the orders service, some of which are not there."""
    async with client(patience) as connections:
        urls = [NOBODY] * missing
        servers = [serve(app, HOST, 0, grace=1) for app in apps]
        for server in servers:
            urls.append(f"http://{HOST}:{await server.__aenter__()}")
        upstream = Upstream("orders", urls, connections, clock or Clock())
        async with open_shop(gateway=Gateway(upstreams={"/api/orders": upstream})) as shop:
            yield shop, upstream
        for server in servers:
            await server.__aexit__(None, None, None)


def headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in scope["headers"]}


async def test_requests_under_its_prefix_go_to_the_service_with_the_user_s_token() -> None:
    service = Service(status=201)
    async with split(service) as (shop, _):
        sent = {"Authorization": "Bearer t", "X-Request-ID": "req-1", "X-Forwarded-For": "1.2.3.4", "Connection": "x"}
        answer = await shop.client.post("/api/orders/a%2Fb?x=%20y", content=b"hello", headers=sent)
        assert (answer.status_code, answer.text, answer.headers["x-own"]) == (201, "from the service", "1")
        assert "date" not in answer.headers  # which the server of the gateway writes itself
        assert (await shop.client.get("/api/products")).status_code == 200
    (scope,) = service.asked
    assert (scope["method"], scope["raw_path"], scope["query_string"]) == ("POST", b"/api/orders/a%2Fb", b"x=%20y")
    headers = headers_of(scope)
    assert headers["authorization"] == "Bearer t"
    assert headers["x-request-id"] == answer.headers["x-request-id"] == "req-1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert service.bodies == [5]


async def test_other_paths_that_begin_alike_are_not_handed_on() -> None:
    service = Service()
    async with split(service) as (shop, _):
        assert (await shop.client.get("/api/ordersx")).status_code == 404
    assert service.asked == []


async def test_limits_of_the_gateway_hold_for_what_is_handed_on() -> None:
    service = Service()
    async with split(service) as (shop, _):
        answer = await shop.client.post("/api/orders", content=b" " * (2 << 20))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_processes_are_asked_in_turn_and_one_that_is_not_there_is_passed_over() -> None:
    one, two = Service(), Service()
    async with split(one, two, missing=1) as (shop, _):
        for _ in range(6):
            assert (await shop.client.get("/api/orders")).status_code == 200
    assert len(one.asked) + len(two.asked) == 6
    assert min(len(one.asked), len(two.asked)) >= 2


async def test_without_any_process_it_is_503_at_once_and_asked_again_after_thirty_seconds() -> None:
    clock = Clock()
    async with split(missing=1, clock=clock) as (shop, upstream):
        answers = [await shop.client.get("/api/orders") for _ in range(20)]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "upstream_unavailable")}
        assert {answer.headers["retry-after"] for answer in answers} == {"30"}
        (process,) = upstream.processes
        assert process.breaker.circuit is Circuit.OPEN
        clock.now = 31
        await shop.client.get("/api/orders")
        assert process.breaker.circuit is Circuit.OPEN


async def test_a_process_that_answers_503_rests_and_comes_back_after_three_probes() -> None:
    service, clock = Service(status=503), Clock()
    async with split(service, clock=clock) as (shop, upstream):
        for _ in range(25):
            assert (await shop.client.get("/api/orders")).status_code == 503
        assert len(service.asked) == 20
        service.status, clock.now = 200, 31
        for _ in range(4):
            assert (await shop.client.get("/api/orders")).status_code == 200
        assert upstream.processes[0].breaker.circuit is Circuit.CLOSED


async def test_a_process_that_hangs_fails_what_it_was_asked_then_rests_and_comes_back() -> None:
    service, clock = Service(hangs=True), Clock()
    async with split(service, clock=clock, patience=0.2) as (shop, upstream):
        answers = await asyncio.gather(*(shop.client.get("/api/orders") for _ in range(20)))
        assert "has not answered" in answers[0].json()["detail"]
        told = {(answer.status_code, answer.json()["code"], answer.headers["retry-after"]) for answer in answers}
        assert told == {(503, "upstream_unavailable", "1")}
        at_once = await shop.client.get("/api/orders")
        assert (at_once.status_code, at_once.headers["retry-after"]) == (503, "30")
        service.hangs, clock.now = False, 31
        upstream.client.timeout = 60.0
        assert (await shop.client.get("/api/orders")).status_code == 200


async def test_refusals_of_requests_do_not_count_as_failures() -> None:
    service = Service(status=404)
    async with split(service) as (shop, _):
        for _ in range(30):
            assert (await shop.client.get("/api/orders")).status_code == 404


async def test_an_order_is_placed_through_the_gateway() -> None:
    async with open_shop() as behind, client() as connections:
        async with serve(create_app(behind.edge), HOST, 0) as port:
            upstream = Upstream("orders", [f"http://{HOST}:{port}"], connections, Clock())
            async with open_shop(gateway=Gateway(upstreams={"/api/orders": upstream})) as shop:
                answer = await shop.place()
                assert answer.status_code == 202, answer.text
                assert shop.weather.seen == []
        assert len(behind.weather.seen) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_requests_without_a_body_are_handed_on_without_one(method: str) -> None:
    service = Service()
    async with split(service) as (shop, _), asyncio.timeout(5):
        assert (await shop.client.request(method, "/api/orders/x")).status_code == 200
    assert "transfer-encoding" not in headers_of(service.asked[0])


@pytest.mark.parametrize("offered", [None, ["warren", "bearer.t"]])
async def test_a_websocket_to_nobody_is_closed_with_1013_which_a_page_can_read(offered: list[str] | None) -> None:
    async with client() as connections:
        upstream = Upstream("analytics", [NOBODY], connections, Clock())
        async with (
            open_shop(gateway=Gateway(upstreams={"/api/analytics": upstream})) as shop,
            serve(create_app(shop.edge), HOST, 0, grace=1) as port,
            connect(f"ws://{HOST}:{port}/api/analytics/live", proxy=None, subprotocols=_named(offered)) as socket,
        ):
            assert socket.subprotocol == (offered and "warren")
            await asyncio.wait_for(socket.wait_closed(), 30)
            assert (socket.close_code, socket.close_reason) == (1013, "the service 'analytics' cannot be reached")


async def test_a_websocket_ends_with_1013_when_its_process_is_gone() -> None:
    async with client() as connections, open_shop() as behind:
        app = create_app(behind.edge)
        part = serve(app, HOST, 0, grace=1)
        upstream = Upstream("analytics", [f"http://{HOST}:{await part.__aenter__()}"], connections, Clock())
        async with (
            open_shop(gateway=Gateway(upstreams={"/api/analytics": upstream})) as shop,
            serve(create_app(shop.edge), HOST, 0, grace=1) as port,
            connect(f"ws://{HOST}:{port}/api/analytics/live", proxy=None) as socket,
        ):
            assert "snapshot" in str(await asyncio.wait_for(socket.recv(), 30))
            await part.__aexit__(None, None, None)
            await asyncio.wait_for(socket.wait_closed(), 30)
            assert socket.close_code in {1012, 1013}  # the part says that it restarts, or nothing any more


async def test_a_client_that_leaves_its_websocket_is_no_fault() -> None:
    async with client() as connections, open_shop() as behind, serve(create_app(behind.edge), HOST, 0, grace=1) as part:
        upstream = Upstream("analytics", [f"http://{HOST}:{part}"], connections, Clock())
        with capture_logs() as lines:
            async with (
                open_shop(gateway=Gateway(upstreams={"/api/analytics": upstream})) as shop,
                serve(create_app(shop.edge), HOST, 0, grace=1) as port,
                connect(f"ws://{HOST}:{port}/api/analytics/live", proxy=None) as socket,
            ):
                assert "snapshot" in str(await asyncio.wait_for(socket.recv(), 30))
        assert [line for line in lines if line["log_level"] == "error"] == []


def _named(offered: list[str] | None) -> list[Subprotocol] | None:
    return None if offered is None else [Subprotocol(name) for name in offered]
