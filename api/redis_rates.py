"""Rates that several processes share, in Redis, by the library `limits`."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from api.rates import PATIENCE, Rate, SharedUnavailable

PREFIX: Final = "warren-rates"
"""Of all keys."""
_CONNECTIONS = 16


class RedisWindows:
    """Moving windows in one Redis. Processes' clocks should differ by less than a window."""

    def __init__(self, url: str) -> None:
        """Connects at the first question. `url` is redis://…, rediss://… or unix://…"""
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=PATIENCE,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            # A count that is sent twice would count twice.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        # Documented, and missing in its types. With it, the URL only names the kind of server.
        pool: dict[str, Any] = {"connection_pool": self._pool}
        storage = RedisStorage("async+redis://localhost:6379", implementation="redispy", key_prefix=PREFIX, **pool)
        self._limiter = MovingWindowRateLimiter(storage)

    async def take(self, rate: Rate, key: str) -> int:
        item = _item(rate)
        async with _translated():
            if await self._limiter.hit(item, key):
                return 0
            reset, _ = await self._limiter.get_window_stats(item, key)
        return max(1, int((reset - time.time()) * 1000))

    async def forget(self, rate: Rate, key: str) -> None:
        async with _translated():
            await self._limiter.clear(_item(rate), key)

    async def close(self) -> None:
        await self._pool.aclose()


def _item(rate: Rate) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(rate.most, rate.seconds, namespace=rate.name)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise SharedUnavailable(f"Redis: {error}") from error
