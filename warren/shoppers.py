"""Simulated shoppers: a crowd of them, each on a visit of their own (`visit.py`)."""

import asyncio
from random import Random
from typing import Final
from uuid import UUID

import httpx

from warren.visit import LOOKS_AWAY, Visit

MOST: Final = 500
"""Visitors at a time: where the shop is slower than they come, they wait outside."""
STAYING: Final = (1 - LOOKS_AWAY) ** 2
"""Share of visitors who order."""


class Shoppers:
    """Keep coming until they are cancelled, so many as order `per_second`. A server that is away for a while makes no
    difference to them."""

    def __init__(self, url: str, random: Random, *, per_second: float = 2.0) -> None:
        self._url = url
        self._random = random
        self._pause = STAYING / per_second
        self._users = [UUID(int=random.getrandbits(128), version=4) for _ in range(20)]

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
                visit = visits.create_task(Visit(client, self._random, self._random.choice(self._users)).run())
                visit.add_done_callback(lambda _: room.release())
                await asyncio.sleep(self._random.expovariate(1 / self._pause))
