"""The network between one worker and its servers: it can be cut, and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from tests.servers.address import RabbitMQ as Address
from tests.streams.rabbitmq.proxy import Proxy, proxied

_OUTAGE_SECONDS: Final = 0.3


class Network:
    """Three proxies."""

    def __init__(self, amqp: Proxy, stream: Proxy, postgres: Proxy) -> None:
        self._proxies = (amqp, stream, postgres)
        self._amqp, self._stream, self._postgres = self._proxies

    def rabbitmq(self, address: Address) -> Address:
        """The broker by way of this network."""
        return Address(self._amqp.at(address.amqp), self._stream.at(address.stream), address.management)

    def postgres(self, url: str) -> str:
        """The database by way of this network."""
        return self._postgres.at(url)

    def cut(self) -> None:
        """Break everything, and every attempt from now on."""
        for proxy in self._proxies:
            proxy.refuse(True)

    def mend(self) -> None:
        """Let new connections through."""
        for proxy in self._proxies:
            proxy.refuse(False)

    async def standstill(self, seconds: float) -> None:
        """What servers say is kept back for so long."""
        for proxy in self._proxies:
            proxy.hold()
        await asyncio.sleep(seconds)
        for proxy in self._proxies:
            proxy.release()

    async def outage(self, seconds: float = _OUTAGE_SECONDS) -> None:
        """Cut, and mended after a while."""
        self.cut()
        await asyncio.sleep(seconds)
        self.mend()


@asynccontextmanager
async def network(address: Address, postgres: str) -> AsyncIterator[Network]:
    """To these servers, in good order."""
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(proxied(url)) for url in (address.amqp, address.stream, postgres)]
        yield Network(*proxies)
