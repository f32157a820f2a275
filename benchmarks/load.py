"""`python -m benchmarks.load`: clients of an HTTP server, in a process of their own.

Each has one connection, kept alive, and asks again as soon as it is answered. The plan is read from standard input as
JSON, what was found is written to standard output. It sees every status, and tells what CPU it took itself: that is a
small part of what a server takes, so that the server is what is measured.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import cast

import httptools
import msgspec
import uvloop

GREETING = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
"""Before the clock starts, whatever is answered. A busy server on uvloop accepts one connection in a turn of its loop:
those that it has not accepted yet would wait until all others have no more to ask."""
PROBLEMS = 3
"""Answers that are told of those that should not be."""


class Plan(msgspec.Struct, frozen=True):
    """What to ask. `requests` are whole requests as they stand on the wire, sent by turns."""

    port: int
    requests: list[bytes]
    count: int
    connections: int
    status: int
    """Of every answer that is right."""


class Load(msgspec.Struct, frozen=True):
    """What the clients found."""

    seconds: float
    """From the first request to the last answer; connections stand before, and have been served once."""
    median: float
    """Seconds that an answer took; half of them took no longer."""
    slow: float
    """99 of 100 took no longer."""
    cpu: float
    """Seconds of CPU that the clients took."""
    wrong: list[str]
    """Answers with another status, the first ones."""


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, plan: Plan, left: Iterator[bytes], seconds: list[float], wrong: list[str]) -> None:
        self._plan = plan
        self._left = left
        self._seconds = seconds
        self._wrong = wrong
        self._transport = asyncio.Transport()
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._asked = 0.0
        self.greeted = asyncio.get_running_loop().create_future()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by their class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._wrong.append(f"the connection was closed: {exc}")
            self.done.set_result(None)
        if not self.greeted.done():
            self.greeted.set_result(None)

    async def greet(self) -> None:
        """Wait until the connection is served."""
        self._transport.write(GREETING)
        await self.greeted

    def ask(self) -> None:
        """Send the next request; none is left: hang up."""
        request = next(self._left, None)
        if request is None or self._wrong:
            self.done.set_result(None)
            self._transport.close()
            return
        self._asked = time.perf_counter()
        self._transport.write(request)

    # httptools calls these.

    def on_body(self, body: bytes) -> None:
        self._body = body

    def on_message_complete(self) -> None:
        if not self.greeted.done():
            self.greeted.set_result(None)
            return
        self._seconds.append(time.perf_counter() - self._asked)
        status = self._parser.get_status_code()
        if status != self._plan.status:
            self._wrong.append(f"{status} {self._body[:300].decode(errors='replace')}")
        self.ask()


async def load(plan: Plan) -> Load:
    """Send all that is planned."""
    loop = asyncio.get_running_loop()
    seconds: list[float] = []
    wrong: list[str] = []
    left = islice(cycle(plan.requests), plan.count)
    clients: list[Client] = []
    for _ in range(min(plan.connections, plan.count)):
        _, client = await loop.create_connection(lambda: Client(plan, left, seconds, wrong), "127.0.0.1", plan.port)
        await client.greet()
        clients.append(client)
    began, cpu = time.perf_counter(), time.process_time()
    for client in clients:
        client.ask()
    await asyncio.gather(*(client.done for client in clients))
    seconds.sort()
    return Load(
        seconds=time.perf_counter() - began,
        median=quantile(seconds, 0.5),
        slow=quantile(seconds, 0.99),
        cpu=time.process_time() - cpu,
        wrong=wrong[:PROBLEMS],
    )


def quantile(ordered: list[float], share: float) -> float:
    """The smallest of the values that this share of them does not exceed; 0 where there are none."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def main() -> None:
    """Read the plan, send it, tell."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(load(plan))))


if __name__ == "__main__":
    main()
