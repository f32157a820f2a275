"""Stores in PostgreSQL, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stores.postgres import PostgresStore


@asynccontextmanager
async def opened(url: str, schema: str, lease: float = 10) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, schema, lease=lease)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
