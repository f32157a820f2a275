"""Where a store of each kind lives during a test."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import asyncpg
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from stores.memory import MemoryStore
from stores.mongo import MongoStore
from stores.port import Store
from stores.postgres import PostgresStore
from stores.redis import RedisStore
from stores.sqlite import SqliteStore

_ENGINE = ("warren_checkpoints", "warren_ids", "warren_due", "warren_dead")


class Place(Protocol):
    """One store's data, apart from the objects that open it."""

    def store(self, births: Callable[[], str] | None = None) -> Store:
        """A store over the data, not open yet."""

    async def elapse(self, seconds: float) -> None:
        """Lets heartbeats grow older, without waiting."""

    async def empty(self, tables: Sequence[str]) -> None:
        """Removes all rows of those tables and of the engine's."""


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _birth() -> str:
    return "born"


class MemoryPlace:
    def __init__(self) -> None:
        self._clock = ManualClock()
        self._store: MemoryStore | None = None

    def store(self, births: Callable[[], str] | None = None) -> Store:
        self._store = self._store or MemoryStore(self._clock, births or _birth)
        return self._store

    async def elapse(self, seconds: float) -> None:
        self._clock.now += seconds

    async def empty(self, tables: Sequence[str]) -> None:
        self._store = None


class SqlitePlace:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._clock = ManualClock()

    def store(self, births: Callable[[], str] | None = None) -> Store:
        return SqliteStore(self.path, self._clock, births or _birth)

    async def elapse(self, seconds: float) -> None:
        self._clock.now += seconds

    async def empty(self, tables: Sequence[str]) -> None:
        with sqlite3.connect(self.path) as connection:
            for table in [*tables, *_ENGINE]:
                connection.execute(f'DELETE FROM "{table}"')
        connection.close()


class PostgresPlace:
    def __init__(self, url: str, schema: str) -> None:
        self.url = url
        self.schema = schema

    def store(self, births: Callable[[], str] | None = None) -> Store:
        return PostgresStore(self.url, self.schema, births=births or _birth)

    async def elapse(self, seconds: float) -> None:
        older = f"UPDATE {self.schema}.warren_workers SET expires = expires - make_interval(secs => $1)"
        await self._execute([(older, (seconds,))])

    async def empty(self, tables: Sequence[str]) -> None:
        names = [*tables, *_ENGINE, "warren_workers"]
        await self._execute([(f'DELETE FROM {self.schema}."{name}"', ()) for name in names])

    async def _execute(self, statements: Sequence[tuple[str, tuple[float, ...]]]) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            for statement, arguments in statements:
                await connection.execute(statement, *arguments)
        finally:
            await connection.close()


class RedisPlace:
    """For documents alone."""

    def __init__(self, url: str, service: str) -> None:
        self.url = url
        self.service = service

    def store(self, births: Callable[[], str] | None = None) -> Store:
        return RedisStore(self.url, self.service)

    async def elapse(self, seconds: float) -> None:
        """There are no heartbeats."""

    async def empty(self, tables: Sequence[str]) -> None:
        async with Redis.from_url(self.url) as client:
            for table in tables:
                async for key in client.scan_iter(f"warren:{{{self.service}}}:{table}*"):
                    await client.delete(key)


class MongoPlace:
    def __init__(self, url: str, service: str) -> None:
        self.url = url
        self.service = service

    def store(self, births: Callable[[], str] | None = None) -> Store:
        return MongoStore(self.url, self.service, timeout=30, births=births or _birth)

    async def elapse(self, seconds: float) -> None:
        older = {"$set": {"expires": {"$subtract": ["$expires", round(seconds * 1000)]}}}
        async with AsyncMongoClient[dict[str, object]](self.url) as client:
            await client[self.service]["warren_workers"].update_many({}, [older])

    async def empty(self, tables: Sequence[str]) -> None:
        engine = [f"warren_{name}" for name in ("checkpoints", "ids", "due", "dead", "workers")]
        async with AsyncMongoClient[dict[str, object]](self.url) as client:
            for name in [*tables, *engine]:
                await client[self.service][name].delete_many({})


def place_of(kind: str, fixture: Callable[[str], str], directory: Path) -> Place:
    """A place of that kind; `fixture` gives the values of the fixtures that name a server and a part of it."""
    match kind:
        case "memory":
            return MemoryPlace()
        case "sqlite":
            return SqlitePlace(directory / "store.db")
        case "postgres":
            return PostgresPlace(fixture("postgres"), fixture("postgres_schema"))
        case "mongodb":
            return MongoPlace(fixture("mongodb"), fixture("mongodb_service"))
        case "redis":
            return RedisPlace(fixture("redis"), fixture("redis_service"))
    raise ValueError(f"there is no store of the kind {kind!r}")
