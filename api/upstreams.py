"""The processes that serve a part of the edge, where it is split: which one is asked, and which is left alone."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ssl import create_default_context
from typing import Final

import httpx

from streams.breaker import Breaker, Limits, Ticket

CONNECT_WITHIN: Final = 2.0


@dataclass(slots=True)
class Process:
    """One process, by its address."""

    url: str
    breaker: Breaker = field(default_factory=Breaker)


class Upstream:
    """All processes of one service. They are asked in turn; one that fails too often rests (`streams/breaker.py`)."""

    def __init__(
        self, service: str, urls: Sequence[str], client: httpx.AsyncClient, clock: Callable[[], float]
    ) -> None:
        """`clock` gives seconds, from any beginning."""
        self.service = service
        self.client = client
        self.processes = [Process(url.rstrip("/")) for url in urls]
        self._clock = clock
        self._next = 0

    def admitted(self) -> Iterator[tuple[Process, Ticket]]:
        """Whom to ask, one after another; each that is taken has to be told of by `record`."""
        self._next += 1
        for n in range(len(self.processes)):
            process = self.processes[(self._next + n) % len(self.processes)]
            ticket = process.breaker.admit(self._clock())
            if ticket is not None:
                yield process, ticket

    async def silent(self, within: float) -> int:
        """How many of its processes do not say within these seconds that they are alive. Breakers do not count it."""

        async def alive(process: Process) -> bool:
            try:
                return (await self.client.get(f"{process.url}/healthz", timeout=within)).is_success
            except httpx.TransportError:
                return False

        return (await asyncio.gather(*map(alive, self.processes))).count(False)

    def record(self, process: Process, ticket: Ticket, *, ok: bool) -> None:
        """How asking went."""
        process.breaker.record(ticket, self._clock(), ok=ok)


def client(patience: float = 60.0) -> httpx.AsyncClient:
    """Connections to upstreams, kept. `patience`: seconds that a process may take to answer."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    timeout = httpx.Timeout(patience, connect=CONNECT_WITHIN)
    return httpx.AsyncClient(timeout=timeout, limits=limits, verify=create_default_context(), trust_env=False)


REST: Final = Limits().rest
"""Seconds after which one that rests is tried again."""
