"""What the contract says of documents runs on stores that keep nothing else, too."""

from pathlib import Path

import pytest

from stores.port import Store
from tests.stores.places import MemoryPlace, Place, PostgresPlace, RedisPlace, SqlitePlace
from tests.stores.samples import COLLECTIONS


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a store of each kind lives."""
    match request.param:
        case "memory":
            return MemoryPlace()
        case "sqlite":
            return SqlitePlace(tmp_path / "store.db")
        case "redis":
            return RedisPlace(request.getfixturevalue("redis"), request.getfixturevalue("redis_service"))
    return PostgresPlace(request.getfixturevalue("postgres"), request.getfixturevalue("postgres_schema"))


@pytest.fixture
async def store(bare: Store) -> Store:
    """An open store with the collections of `COLLECTIONS`."""
    await bare.apply(COLLECTIONS)
    return bare
