"""What the contract says of documents runs on stores that keep nothing else, too."""

from pathlib import Path

import pytest

from stores.port import Store
from tests.stores.places import Place, place_of
from tests.stores.samples import COLLECTIONS


@pytest.fixture(params=["memory", "sqlite", "postgres", "mongodb", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a store of each kind lives."""
    return place_of(request.param, request.getfixturevalue, tmp_path)


@pytest.fixture
async def store(bare: Store) -> Store:
    """An open store with the collections of `COLLECTIONS`."""
    await bare.apply(COLLECTIONS)
    return bare
