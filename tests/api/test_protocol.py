"""Slow clients, endless heads, and clients that do not read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send

from api import protocol
from api.server import serve

HOST = "127.0.0.1"
PATIENT = 2.0
HEAD = b"GET / HTTP/1.1\r\nHost: shop\r\n"


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Where a server waits shortly for a head."""
    monkeypatch.setattr(protocol.PatientProtocol, "_within", 0.2)
    async with serve(hello, HOST, 0) as port:
        yield port


@pytest.fixture
async def patient_port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Where a server waits so long that a head which is sent at once comes in time on any machine."""
    monkeypatch.setattr(protocol.PatientProtocol, "_within", PATIENT)
    async with serve(hello, HOST, 0) as port:
        yield port


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server closes."""
    async with asyncio.timeout(30):
        return await reader.read()


async def answer(port: int, first: bytes, then: bytes = b"") -> bytes:
    """What the server says to `first`, and `then` again and again until it says something.

    Who writes to a connection that was closed is told so. A StreamReader then forgets what came, a socket does not.
    """
    with socket.socket() as client:
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (HOST, port))
        await loop.sock_sendall(client, first)
        answered = asyncio.create_task(loop.sock_recv(client, 1000))
        async with asyncio.timeout(30):
            while not answered.done():
                with suppress(ConnectionError):
                    client.send(then)
                await asyncio.wait({answered}, timeout=0.02)
        return await answered


@pytest.mark.parametrize("sent", [b"", b"\r\n", HEAD, HEAD + b"X-A: "])
async def test_a_head_that_does_not_come_is_408_and_the_end(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(sent)
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_head_that_trickles_is_cut_off_too(port: int) -> None:
    assert (await answer(port, HEAD, b"X-A: b\r\n")).startswith(b"HTTP/1.1 408 ")


async def test_the_second_head_of_a_connection_has_its_time_too(patient_port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, patient_port)
    writer.write(HEAD + b"\r\n")
    assert b"hi" in await reader.readuntil(b"hi")
    writer.write(HEAD)
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_connection_that_keeps_asking_is_kept(patient_port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, patient_port)
    deadline = asyncio.get_running_loop().time() + 1.5 * PATIENT
    while asyncio.get_running_loop().time() < deadline:
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"hi")
        await asyncio.sleep(0.05)
    writer.close()


async def test_a_head_without_end_is_431(patient_port: int) -> None:
    assert (await answer(patient_port, HEAD + b"X-A: " + b"a" * 70_000)).startswith(b"HTTP/1.1 431 ")


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
        async with asyncio.timeout(30):
            await gone.wait()
        writer.close()
