"""The migrations make what the models say, in a database of either kind, once."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from agents.auth.database import Database, open_database
from agents.auth.errors import AccountsMissing, AccountsRefused, AccountsUnavailable
from agents.auth.models import Model
from agents.auth.schema import migrate, pending


async def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Model.metadata))

    async with database.connection() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_plan_shows_the_statements_and_takes_none(place: tuple[str, str]) -> None:
    database = open_database(*place)
    try:
        for _ in range(2):
            (step,) = await pending(database)
            assert (step.revision, step.title) == ("0001", "accounts")
            assert "CREATE TABLE users" in step.statements
        with pytest.raises(AccountsMissing, match="warren stores apply"):
            async with database.transaction() as db:
                await db.execute(Model.metadata.tables["users"].select())
    finally:
        await database.close()


async def test_migrating_again_and_by_several_at_once_does_nothing_more(place: tuple[str, str]) -> None:
    databases = [open_database(*place) for _ in range(8)]
    try:
        taken = await asyncio.gather(*(migrate(database) for database in databases))
        assert sorted(len(steps) for steps in taken) == [0] * 7 + [1]
        assert await pending(databases[0]) == []
    finally:
        for database in databases:
            await database.close()


def test_a_store_that_cannot_keep_accounts_is_refused_with_what_to_do() -> None:
    with pytest.raises(AccountsRefused, match="give WARREN_STORE_AUTH a URL that begins with postgresql://"):
        open_database("redis://localhost")


async def test_a_database_that_is_away_is_told_without_its_password() -> None:
    database = open_database("postgresql://warren:hunter2@127.0.0.1:1/warren")
    with pytest.raises(AccountsUnavailable, match="cannot be used now") as caught:
        await pending(database)
    assert "hunter2" not in str(caught.value)
    await database.close()
