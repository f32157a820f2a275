"""Serving over real sockets."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.server import CannotListen, serve
from tests.api.shop import ACTIVITY, Shop, order, until

HOST = "127.0.0.1"


class Slow:
    """An app that answers when it may."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


async def test_it_serves_on_a_free_port_until_it_is_left(shop: Shop) -> None:
    async with httpx.AsyncClient() as client:
        async with serve(create_app(shop.edge), HOST, 0) as port:
            url = f"http://{HOST}:{port}"
            assert (await client.get(f"{url}/healthz")).json() == {"status": "ok"}
            headers = {"Idempotency-Key": "k"}
            assert (await client.post(f"{url}/api/orders", json=order(), headers=headers)).status_code == 202
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/healthz")


async def test_it_leaves_signals_alone(shop: Shop) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve(create_app(shop.edge), HOST, 0):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_a_request_under_way_is_answered_before_it_stops() -> None:
    app = Slow()
    async with httpx.AsyncClient() as client:
        async with serve(app, HOST, 0) as port:
            asking = asyncio.create_task(client.get(f"http://{HOST}:{port}/"))
            await app.asked.wait()
            asyncio.get_running_loop().call_later(0.05, app.may_answer.set)
        assert (await asking).text == "ok"


async def test_a_request_that_does_not_end_is_broken_off_after_grace() -> None:
    app = Slow()
    async with httpx.AsyncClient() as client:
        async with serve(app, HOST, 0, grace=0) as port:
            asking = asyncio.create_task(client.get(f"http://{HOST}:{port}/"))
            await app.asked.wait()
        with pytest.raises(httpx.HTTPError):
            (await asking).raise_for_status()


async def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    app = Slow()
    async with serve(app, HOST, 0) as port:
        with pytest.raises(CannotListen, match=rf"port {port} of 127.0.0.1 is taken: stop .* or choose another"):
            async with serve(app, HOST, port):
                pass


@pytest.mark.parametrize(("host", "port"), [("203.0.113.7", 0), ("no.such.host.invalid", 0), (HOST, 70_000)])
async def test_an_address_that_is_not_ours_is_told(host: str, port: int) -> None:
    with pytest.raises(CannotListen, match="choose an address"):
        async with serve(Slow(), host, port):
            pass


async def test_lines_are_streamed_through_a_socket(shop: Shop) -> None:
    async def lines() -> AsyncIterator[bytes]:
        for start in range(0, 20_000, 1_000):
            yield b"".join(json.dumps({"data": {"n": n}}).encode() + b"\n" for n in range(start, start + 1_000))

    async with serve(create_app(shop.edge), HOST, 0) as port, httpx.AsyncClient(timeout=60) as client:
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await client.post(f"http://{HOST}:{port}{ACTIVITY}", content=lines(), headers=headers)
    assert answer.json() == {"accepted": 20_000, "rejected": []}


async def _counted(client: httpx.AsyncClient) -> str | None:
    """The metrics, once the request that has no answer stands in them."""
    text = (await client.get("/metrics")).text
    return text if "/api/events/" in text else None


async def test_a_client_that_goes_away_keeps_what_was_confirmed_and_harms_nobody(shop: Shop) -> None:
    async with serve(create_app(shop.edge), HOST, 0) as port:
        head = (
            f"POST {ACTIVITY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 9999\r\n\r\n"
        )
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write(head.encode() + b'{"data": {"n": 1}}\n{"data"')
        await writer.drain()
        await until(shop.first_seen)
        writer.close()
        await writer.wait_closed()
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as client:
            assert 'status="499"' in await until(lambda: _counted(client))
    assert len(await shop.log("analytics.all.events")) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /api/orders HTTP/1.1\r\nContent-Length: x\r\n\r\n"],
)
async def test_what_is_no_http_is_refused(shop: Shop, garbage: bytes) -> None:
    async with serve(create_app(shop.edge), HOST, 0) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(garbage)
        async with asyncio.timeout(30):
            assert (await reader.read()).startswith((b"HTTP/1.1 400", b"HTTP/1.1 505"))
        writer.close()
        await writer.wait_closed()


async def test_the_answer_to_a_body_that_is_too_large_arrives_though_all_of_it_was_sent(shop: Shop) -> None:
    async with serve(create_app(shop.edge), HOST, 0) as port, httpx.AsyncClient() as client:
        for content in (b" " * (8 << 20), spaces()):
            headers = {"Content-Type": "application/json"}
            answer = await client.post(f"http://{HOST}:{port}/api/orders", content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def spaces() -> AsyncIterator[bytes]:
    for _ in range(128):
        yield b" " * 65_536
