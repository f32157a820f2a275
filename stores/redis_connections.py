"""Connections to one Redis server, and what a break of one means."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from stores.calls import Calls
from stores.errors import StoreError, StoreUnavailable
from stores.port import Capabilities
from stores.redis_errors import translated
from stores.redis_grade import Settings, grade

_CONNECTIONS = 16

Answer = list[bytes | int | None] | int
"""What the scripts here give back."""


class Connections:
    """A pool of connections, open between `open` and `close`."""

    def __init__(self, url: str, timeout: float) -> None:
        """`timeout` is how long one answer, and a free connection, may take, in seconds."""
        self._url = url
        self._timeout = timeout
        self._client: Redis | None = None
        self._calls = Calls()

    async def open(self) -> Capabilities:
        """Connect, and judge the server's settings. Raises StoreRefused, StoreUnavailable."""
        self._client = self._client or self._made()
        async with self.client() as client:
            return grade(await _info(client), await _policy(client))

    def _made(self) -> Redis:
        try:
            pool = BlockingConnectionPool.from_url(
                self._url,
                max_connections=_CONNECTIONS,
                timeout=self._timeout,
                socket_timeout=self._timeout,
                socket_connect_timeout=self._timeout,
                # A write that is sent twice would be judged twice: whether to try again is the caller's to say.
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
        except ValueError:
            # Not its text: a part of the password may be in it.
            raise StoreError("this is no URL of a Redis: write redis://user:password@host:6379/0") from None
        return Redis(connection_pool=pool)

    async def close(self) -> None:
        """Waits for calls under way. May be called twice."""
        client, self._client = self._client, None
        if client is None:
            return
        await self._calls.ended()
        await client.aclose()
        await client.connection_pool.aclose()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        """What to call Redis by. The driver's errors come as ours."""
        if self._client is None:
            raise StoreUnavailable("the store is not open: call `open` first")
        with self._calls.one(), translated():
            yield self._client


async def run(client: Redis, script: str, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Answer:
    """Run a script of Lua. Redis keeps those it has seen, and does nothing else meanwhile."""
    made = AsyncScript(client, script)
    return cast(Answer, await made(keys=list(keys), args=list(arguments)))


async def _info(client: Redis) -> Settings:
    found = cast(dict[str, object], await cast(Awaitable[object], client.info()))
    return {name: str(value) for name, value in found.items()}


async def _policy(client: Redis) -> Settings:
    try:
        return cast(Settings, await cast(Awaitable[object], client.config_get("*append*fsync*")))
    except ResponseError:
        return {}
