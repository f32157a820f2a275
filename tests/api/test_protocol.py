"""Slow clients, endless heads, and clients that do not read."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from api import protocol
from api.server import serve

HOST = "127.0.0.1"
HEAD = b"GET / HTTP/1.1\r\nHost: shop\r\n"


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(protocol.PatientProtocol, "_within", 0.2)
    async with serve(hello, HOST, 0) as port:
        yield port


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server closes."""
    async with asyncio.timeout(5):
        return await reader.read()


@pytest.mark.parametrize("sent", [b"", b"\r\n", HEAD, HEAD + b"X-A: "])
async def test_a_head_that_does_not_come_is_408_and_the_end(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(sent)
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_head_that_trickles_is_cut_off_too(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    ending = asyncio.create_task(rest(reader))
    writer.write(HEAD)
    while not ending.done():
        writer.write(b"X-A: b\r\n")
        await asyncio.wait({ending}, timeout=0.02)
    assert (await ending).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_the_second_head_of_a_connection_has_its_time_too(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(HEAD + b"\r\n")
    assert b"hi" in await reader.readuntil(b"hi")
    writer.write(HEAD)
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_connection_that_keeps_asking_is_kept(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    deadline = asyncio.get_running_loop().time() + 0.5
    while asyncio.get_running_loop().time() < deadline:
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"hi")
    writer.close()


async def test_a_head_without_end_is_431(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(HEAD + b"X-A: " + b"a" * 70_000)
    assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_whoever_does_not_read_an_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol.PatientProtocol, "_unread_within", 0.2)
    gone = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        disconnected = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not disconnected.done():
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)
        gone.set()

    async with serve(endless, HOST, 0) as port:
        _, writer = await asyncio.open_connection(HOST, port, limit=1024)
        writer.write(HEAD + b"\r\n")
        async with asyncio.timeout(10):
            await gone.wait()
        writer.close()
