"""A cache that several processes share, in Redis."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from api.cache import PATIENCE, Encoded, SharedCacheUnavailable

PREFIX: Final = "warren-cache:"
"""Of all keys."""
_CONNECTIONS = 16


class RedisCache:
    """Entries in one Redis, which may forget any of them at any time."""

    def __init__(self, url: str) -> None:
        """Connects at the first question. `url` is redis://…, rediss://… or unix://…"""
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=PATIENCE,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._redis = Redis.from_pool(pool)

    async def get(self, names: Sequence[str]) -> list[Encoded | None]:
        async with _translated():
            found = await self._redis.mget([PREFIX + name for name in names])
            return [entry if isinstance(entry, bytes) else None for entry in found]

    async def put(self, entries: Mapping[str, Encoded], seconds: float) -> None:
        async with _translated(), self._redis.pipeline(transaction=False) as pipeline:
            for name, entry in entries.items():
                _ = pipeline.set(PREFIX + name, entry, px=max(1, int(seconds * 1000)))
            await pipeline.execute()

    async def close(self) -> None:
        await self._redis.aclose()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise SharedCacheUnavailable(f"Redis: {error}") from error
