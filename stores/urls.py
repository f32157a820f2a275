"""From a URL to a store. A new kind of store is one line in `STORES`."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Protocol, cast

from stores.errors import StoreError
from stores.names import checked_name
from stores.port import Store


class Kind(Protocol):
    """A kind of store."""

    def from_url(self, url: str, service: str, lease: float) -> Store:
        """The store of a service, not connected yet."""


STORES: Mapping[str, str] = {
    "memory": "stores.memory:MemoryStore",
    "mongodb": "stores.mongo:MongoStore",
    "mongodb+srv": "stores.mongo:MongoStore",
    "postgresql": "stores.postgres:PostgresStore",
    "redis": "stores.redis:RedisStore",
    "rediss": "stores.redis:RedisStore",
    "sqlite": "stores.sqlite:SqliteStore",
}
"""Scheme -> Kind, by its name: all drivers together are a quarter of what a process has to import."""


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
    kind = cast(Kind, resolve_name(STORES[scheme]))
    return kind.from_url(url, checked_name(service), lease)
