"""Accounts for tests: on SQLite and on PostgreSQL, with a clock that stands still and passwords that hash fast."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from agents.auth.accounts import Accounts
from agents.auth.database import Database, open_database
from agents.auth.schema import migrate
from tests.agents.auth.scene import Clock, fast_passwords


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The URL of a store, and the service whose it is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/auth.db", "auth"
    return request.getfixturevalue("postgres"), request.getfixturevalue("postgres_schema")


@pytest.fixture
async def database(place: tuple[str, str]) -> AsyncIterator[Database]:
    """An empty database of accounts, with its tables."""
    database = open_database(*place)
    await migrate(database)
    yield database
    await database.close()


@pytest.fixture
async def accounts(database: Database, clock: Clock) -> AsyncIterator[Accounts]:
    accounts = Accounts(database, fast_passwords(), now=clock, chance=Random(1))
    yield accounts
    await accounts.close()
