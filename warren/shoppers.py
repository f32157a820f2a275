"""Simulated shoppers: a crowd of them, each on a visit of their own (`visit.py`)."""

import asyncio
from random import Random
from typing import Final

import httpx
import structlog

from warren.customers import Customers
from warren.log_in import LogIn
from warren.visit import LOOKS_AWAY, Visit

log = structlog.get_logger("warren.shoppers")

MOST: Final = 500
"""Visitors at a time: where the shop is slower than they come, they wait outside."""
STAYING: Final = (1 - LOOKS_AWAY) ** 2
"""Share of visitors who order."""


class Shoppers:
    """Keep coming until they are cancelled, so many as order `per_second`. A server that is away for a while makes no
    difference to them."""

    def __init__(self, url: str, random: Random, *, per_second: float = 2.0, staff: LogIn | None = None) -> None:
        """`staff` has the roles of the shop's own people; None where the edge at `url` asks nobody who they are."""
        self._url = url
        self._random = random
        self._pause = STAYING / per_second
        self._customers = Customers(random)
        self._staff = staff

    async def run(self) -> None:
        """One visitor after another, many at a time."""
        room = asyncio.Semaphore(MOST)
        limits = httpx.Limits(max_connections=50)
        async with (
            httpx.AsyncClient(base_url=self._url, timeout=30, limits=limits) as client,
            asyncio.TaskGroup() as visits,
        ):
            while True:
                await room.acquire()
                visit = visits.create_task(self._visit(client))
                visit.add_done_callback(lambda _: room.release())
                await asyncio.sleep(self._random.expovariate(1 / self._pause))

    async def _visit(self, client: httpx.AsyncClient) -> None:
        try:
            customer = await self._customers.next(client)
        except httpx.HTTPError as error:
            log.warning("a shopper could not sign up", reason=str(error) or type(error).__name__)
        else:
            await Visit(client, self._random, customer.id, customer.log_in, self._staff).run()
