"""Message ids that are being published now: brokers want them unique among the messages in flight."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager


class InFlight:
    """Lets one request at a time publish under an id."""

    def __init__(self) -> None:
        self._ids: dict[str, asyncio.Event] = {}

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    @asynccontextmanager
    async def claim(self, ids: Collection[str]) -> AsyncIterator[None]:
        """Wait until nobody publishes under any of these ids, then hold all of them. Holds none while it waits."""
        while ended := next((self._ids[id] for id in ids if id in self._ids), None):
            await ended.wait()
        ended = asyncio.Event()
        self._ids.update(dict.fromkeys(ids, ended))
        try:
            yield
        finally:
            for id in {*ids}:
                del self._ids[id]
            ended.set()
