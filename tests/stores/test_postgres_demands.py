"""What a store asks of a PostgreSQL server before it uses it."""

import asyncio

import asyncpg
import pytest

from stores.errors import StoreRefused, StoreUnavailable
from stores.postgres import PostgresStore
from stores.postgres_sessions import refusal
from tests.servers.server import PostgresServer

SOUND = {"version": "150000", "fsync": "on", "synchronous_commit": "on", "standby": "false"}


async def test_a_server_without_fsync_is_refused(own_postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(own_postgres.url)
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.close()
    await asyncio.to_thread(own_postgres.restart)
    with pytest.raises(StoreRefused, match="fsync is off"):
        await PostgresStore(own_postgres.url, "orders").open()


async def test_asynchronous_commits_are_refused(postgres: str) -> None:
    with pytest.raises(StoreRefused, match="synchronous_commit is off"):
        await PostgresStore(f"{postgres}?synchronous_commit=off", "orders").open()


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("version", "120019", "13 or later"),
        ("fsync", "off", "set it to on"),
        ("synchronous_commit", "off", "set it to on"),
        ("standby", "true", "target_session_attrs=primary"),
    ],
)
def test_a_server_without_the_guarantees_is_refused_with_what_to_do(setting: str, value: str, reason: str) -> None:
    assert refusal(SOUND) is None
    assert reason in (refusal(SOUND | {setting: value}) or "")


@pytest.mark.parametrize("level", ["on", "local", "remote_write", "remote_apply"])
def test_levels_of_synchronous_commit_that_reach_the_disk_are_accepted(level: str) -> None:
    assert refusal(SOUND | {"synchronous_commit": level}) is None


async def test_an_unknown_database_or_role_is_refused_and_an_unreachable_server_unavailable(postgres: str) -> None:
    with pytest.raises(StoreRefused, match="check the URL"):
        await PostgresStore(f"{postgres}_none", "orders").open()
    with pytest.raises(StoreUnavailable):
        await PostgresStore("postgresql://nobody@127.0.0.1:1/none", "orders").open()
