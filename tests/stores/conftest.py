"""Every test of the contract runs on a store of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stores.port import Store
from tests.stores.places import MemoryPlace, Place, PostgresPlace, SqlitePlace
from tests.stores.samples import SPECS


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a store of each kind lives."""
    if request.param == "memory":
        return MemoryPlace()
    if request.param == "sqlite":
        return SqlitePlace(tmp_path / "store.db")
    return PostgresPlace(request.getfixturevalue("postgres"), request.getfixturevalue("postgres_schema"))


@pytest.fixture
async def bare(place: Place) -> AsyncIterator[Store]:
    """An open store without any table."""
    store = place.store()
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def store(bare: Store) -> Store:
    """An open store with the tables of `SPECS`."""
    await bare.apply(SPECS)
    return bare
