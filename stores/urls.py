"""From a URL to a store. A new kind of store is one line in `STORES`."""

from collections.abc import Callable, Mapping

from stores.errors import StoreError
from stores.memory import MemoryStore
from stores.mongo import MongoStore
from stores.names import checked_name
from stores.port import Store
from stores.postgres import PostgresStore
from stores.redis import RedisStore
from stores.sqlite import SqliteStore

STORES: Mapping[str, Callable[[str, str, float], Store]] = {
    "memory": MemoryStore.from_url,
    "mongodb": MongoStore.from_url,
    "mongodb+srv": MongoStore.from_url,
    "postgresql": PostgresStore.from_url,
    "redis": RedisStore.from_url,
    "rediss": RedisStore.from_url,
    "sqlite": SqliteStore.from_url,
}
"""Scheme -> what makes the store, from URL, service and lease."""


def open_store(url: str, service: str, *, lease: float = 10.0) -> Store:
    """The store of a service, not connected yet: `await store.open()` does that.

    `memory:` lives in this object alone. `sqlite:///PATH` is a file where PATH ends in .db, .sqlite or .sqlite3, else
    a directory with a file for each service. `postgresql://…` is a database with a schema for each service.
    `mongodb://…` is a replica set with a database for each service.
    `redis://…` and `rediss://…` (TLS) are a database with keys for each service, for documents alone. `lease` is how
    long a worker owns its slots after a heartbeat, in seconds. Raises StoreError for other URLs.
    """
    scheme = url.partition(":")[0]
    if scheme not in STORES:
        raise StoreError(f"{scheme!r} is not a kind of store: use one of {', '.join(f'{name}:' for name in STORES)}")
    return STORES[scheme](url, checked_name(service), lease)
