"""SMS and push messages by webhooks: a real receiver on loopback, and one that misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agents.notifications.carriers.port import Letter, Receipt, Result
from agents.notifications.carriers.webhook import WebhookCarrier
from api.server import serve

LETTER = Letter("1:order_paid:sms:99", "+31612345689", "Paid", "long", "<p>", "It is paid: 10 €.", datetime.now(UTC))


class Gateway:
    """Takes messages; answers with `status`, after it was told to."""

    def __init__(self) -> None:
        self.status = 202
        self.silent = False
        self.got: list[tuple[dict[str, Any], str, str]] = []

    async def take(self, request: Request) -> Response:
        headers = request.headers
        self.got.append((await request.json(), headers["idempotency-key"], headers.get("authorization", "")))
        while self.silent and (await request.receive())["type"] != "http.disconnect":
            pass
        return Response(status_code=self.status)


@asynccontextmanager
async def open_gateway(user: str = "", patience: float = 5.0) -> AsyncIterator[tuple[Gateway, WebhookCarrier]]:
    gateway = Gateway()
    app = Starlette(routes=[Route("/sms", gateway.take, methods=["POST"])])
    async with serve(app, "127.0.0.1", 0, grace=1) as port:
        carrier = WebhookCarrier(f"http://{user}127.0.0.1:{port}/sms", patience=patience)
        yield gateway, carrier
        await carrier.close()


async def test_a_message_arrives_with_its_idempotency_key() -> None:
    async with open_gateway(user="shop:secret@") as (gateway, carrier):
        assert await carrier.send(LETTER) == Receipt(Result.SENT)
    ((body, key, authorization),) = gateway.got
    assert body == {"id": LETTER.id, "to": "+31612345689", "title": "Paid", "text": "It is paid: 10 €."}
    assert key == LETTER.id
    assert authorization.startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.SENT),
        (400, Result.REFUSED),
        (410, Result.REFUSED),
        (429, Result.UNKNOWN),
        (500, Result.UNKNOWN),
        (302, Result.UNKNOWN),
    ],
)
async def test_a_status_says_what_became_of_it(status: int, result: Result) -> None:
    async with open_gateway() as (gateway, carrier):
        gateway.status = status
        assert (await carrier.send(LETTER)).result is result


async def test_silence_is_unknown() -> None:
    async with open_gateway(patience=0.3) as (gateway, carrier):
        gateway.silent = True
        assert (await carrier.send(LETTER)).result is Result.UNKNOWN
    assert len(gateway.got) == 1


async def test_an_answer_that_cannot_be_unpacked_is_unknown() -> None:
    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(mumble, "127.0.0.1", 0)
    carrier = WebhookCarrier(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/sms")
    async with server:
        assert (await carrier.send(LETTER)).result is Result.UNKNOWN
    await carrier.close()


async def test_a_broken_connection_is_unknown_and_nobody_there_is_not_sent() -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    carrier = WebhookCarrier(f"http://127.0.0.1:{port}/sms")
    async with server:
        assert (await carrier.send(LETTER)).result is Result.UNKNOWN
    assert (await carrier.send(LETTER)).result is Result.NOT_SENT
    await carrier.close()
