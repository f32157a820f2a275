"""The clients of the HTTP benchmarks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.clients import request
from benchmarks.load import GREETING, Load, Plan, load, quantile
from benchmarks.publishing import ARRAY, LINES

ASKED = request("POST", "/events", b"hello", Content_Type="text/plain")


@asynccontextmanager
async def answering(*statuses: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers with these by turns, on every connection; its port, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(65_536):
            status = statuses[len(asked) % len(statuses)]
            asked.append(head)
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nno".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def found(port: int, count: int, connections: int) -> Load:
    return await load(Plan(port, [ASKED], count, connections, 202))


async def test_every_request_is_sent_once_by_whichever_client_is_free_when_all_have_been_served() -> None:
    async with answering(202) as (port, asked):
        seen = await found(port, 50, 7)
    assert asked == [GREETING] * 7 + [ASKED] * 50
    assert seen.wrong == []
    assert 0 < seen.median <= seen.slow <= seen.seconds


async def test_another_status_than_the_planned_one_is_told() -> None:
    async with answering(202, 503) as (port, _):
        seen = await found(port, 50, 1)
    assert seen.wrong == ["503 no"]


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 100.0)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert quantile([float(number) for number in range(1, 101)], share) == value


def test_requests_hold_as_many_events_as_they_are_told_to() -> None:
    for publishing, mark in ((LINES, b"}\n{"), (ARRAY, b"},{")):
        requests = publishing.requests(10, "/events")
        assert len(requests) == 100
        assert {body.count(mark) for body in requests} == {9}
