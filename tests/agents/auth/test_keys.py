"""The keys that tokens are signed with, as a process knows them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from agents.auth.database import Database, open_database
from agents.auth.keys import Keys
from agents.auth.schema import migrate


class Slow(Database):
    """The transaction that is held has done its work, and ends when `goes_on` is set."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine, database.schema)
        self.hold_next = False
        self.held = asyncio.Event()
        self.goes_on = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        hold, self.hold_next = self.hold_next, False
        async with super().transaction() as session:
            yield session
        if hold:
            self.held.set()
            await self.goes_on.wait()


@pytest.fixture
async def database() -> AsyncIterator[Slow]:
    database = Slow(open_database("memory:"))
    await migrate(database)
    yield database
    await database.close()


def keys_of(database: Database) -> Keys:
    return Keys(database, lambda: time.time_ns() // 1_000_000, random.SystemRandom())


async def test_keys_that_were_rotated_while_they_were_read_are_read_again(database: Slow) -> None:
    keys = keys_of(database)
    old = await keys_of(database).rotate()
    database.hold_next = True
    asked = asyncio.create_task(keys.proving(old))
    await database.held.wait()
    new = await keys.rotate(leaked=True)
    database.goes_on.set()
    assert await asked is None
    assert await keys.proving(new) is not None
    assert await keys.proving(old) is None


async def test_a_rotation_while_keys_are_read_is_the_only_one(database: Slow) -> None:
    keys = keys_of(database)
    await keys_of(database).rotate()
    database.hold_next = True
    asked = asyncio.create_task(keys.signing())
    await database.held.wait()
    new = await keys.rotate()
    database.goes_on.set()
    assert (await asked).id == new
