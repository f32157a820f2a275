"""Shops for tests of the edge."""

from collections.abc import AsyncIterator

import pytest

from tests.api.auth_scene import AuthShop, open_auth_shop
from tests.api.shop import Shop, open_shop
from tests.api.split_scene import open_split


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """A shop whose agents do not run: what is published stays in the logs."""
    async with open_shop() as shop:
        yield shop


@pytest.fixture
async def impatient_shop() -> AsyncIterator[Shop]:
    """As `shop`; its edge soon gives a broker up."""
    async with open_shop(patience=1.0) as shop:
        yield shop


@pytest.fixture
async def working_shop() -> AsyncIterator[Shop]:
    """A shop whose agents run."""
    async with open_shop(work=True) as shop:
        yield shop


@pytest.fixture
async def auth_shop() -> AsyncIterator[AuthShop]:
    """A shop with accounts, in which other endpoints are open."""
    async with open_auth_shop() as shop:
        yield shop


@pytest.fixture(params=["whole", "split"])
async def guarded_shop(request: pytest.FixtureRequest) -> AsyncIterator[AuthShop]:
    """A shop with accounts, in which every endpoint asks who is calling: served by one process, or in parts."""
    if request.param == "split":
        async with open_split() as split:
            yield split.shop
    else:
        async with open_auth_shop(auth_required=True) as shop:
            yield shop
