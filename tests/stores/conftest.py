"""Every test of the contract runs on a store of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from stores.port import Store
from tests.stores.places import Place, place_of
from tests.stores.samples import SPECS


@pytest.fixture(params=["memory", "sqlite", "postgres", "mongodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a store of each kind lives."""
    return place_of(request.param, request.getfixturevalue, tmp_path)


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


@pytest.fixture
async def administrator(postgres: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever works on the server by SQL."""
    connection = await asyncpg.connect(postgres)
    yield connection
    await connection.close()
