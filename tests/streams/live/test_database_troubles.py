"""A database without room, and one whose standby takes over: agents say so, and go on by themselves."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from stores.errors import StoreRefused
from stores.postgres import PostgresStore
from streams import App, Worker
from tests.servers.address import RabbitMQ as Address
from tests.servers.guard import Guard
from tests.servers.postgres import NativePostgres, Standby
from tests.servers.server import PostgresServer
from tests.streams.engine.stage import Order, counting, status_of
from tests.streams.live.test_live import Live, reached, runs, totals_are, until

FULL = """
CREATE FUNCTION {schema}.full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER disk_full BEFORE UPDATE ON {schema}.warren_checkpoints EXECUTE FUNCTION {schema}.full()
"""


def counter() -> App:
    app = App("counter")
    counting(app)
    return app


@asynccontextmanager
async def live_on(address: Address, store: PostgresStore) -> AsyncIterator[Live]:
    async with aclosing(Live(address, store)) as live:
        await live.prepare(counter())
        yield live


async def tells(worker: Worker, reason: str) -> bool:
    return status_of(worker).state == "paused" and reason in status_of(worker).reason


async def orders(live: Live, first: int, count: int, user: str = "a") -> None:
    await live.send(*[Order(user)] * count, ids=[f"{user}{n}" for n in range(first, first + count)])


async def test_a_database_that_says_that_its_disk_is_full_pauses_the_agent(
    rabbitmq_vhost: Address, postgres: str, postgres_schema: str
) -> None:
    async with live_on(rabbitmq_vhost, PostgresStore(postgres, postgres_schema)) as live:
        worker = await live.start(counter())
        await orders(live, 0, 10)
        await totals_are(live, a=10)
        database = await asyncpg.connect(postgres)
        await database.execute(FULL.format(schema=postgres_schema))
        await orders(live, 10, 10)
        await until(partial(tells, worker, "No space left on device"))
        await database.execute(f"DROP TRIGGER disk_full ON {postgres_schema}.warren_checkpoints")
        await database.close()
        await totals_are(live, a=20)
        await until(partial(runs, worker))
        assert status_of(worker).dead == 0


@contextmanager
def small_disk(server: PostgresServer) -> Iterator[Path]:
    """A directory of 8 MB for its tables."""
    if not isinstance(server, NativePostgres) or os.geteuid() != 0:
        pytest.skip("a disk of its own can be had by root alone, for a PostgreSQL of this machine")
    place = server.directory("small")
    options = f"size=8m,mode=0700,uid={place.stat().st_uid},gid={place.stat().st_gid}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


async def test_a_disk_that_is_full_costs_nothing(rabbitmq_vhost: Address, own_postgres: PostgresServer) -> None:
    with small_disk(own_postgres) as place:
        database = await asyncpg.connect(own_postgres.url)
        await database.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        await database.execute("ALTER DATABASE warren SET default_tablespace = small")
        async with live_on(rabbitmq_vhost, PostgresStore(own_postgres.url, "counter")) as live:
            worker = await live.start(counter())
            await orders(live, 0, 10)
            await totals_are(live, a=10)
            await database.execute("CREATE TABLE filler (filling text) TABLESPACE small")
            with pytest.raises(asyncpg.DiskFullError):
                await database.execute("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 10000)")
            users = [f"{number:04}{'u' * 900}" for number in range(200)]
            await live.send(*map(Order, users), ids=[user[:4] for user in users])
            await until(partial(tells, worker, "No space left on device"))
            await database.execute("DROP TABLE filler")
            await database.close()
            await totals_are(live, a=10, **dict.fromkeys(users, 1))
            await until(partial(runs, worker))


@pytest.fixture
def standby(own_postgres: PostgresServer) -> Iterator[Standby]:
    if not isinstance(own_postgres, NativePostgres):
        pytest.skip("a standby is made of a PostgreSQL of this machine")
    guard = Guard()
    standby = Standby(guard, own_postgres)
    standby.start()
    yield standby
    standby.close()
    guard.close()


async def test_a_standby_that_is_promoted_has_everything_and_work_goes_on_there(
    rabbitmq_vhost: Address, own_postgres: PostgresServer, standby: Standby
) -> None:
    await make_synchronous(own_postgres.url)
    with pytest.raises(StoreRefused, match="standby"):
        await PostgresStore(standby.url, "counter").open()
    first, second = (urlsplit(url).netloc for url in (own_postgres.url, standby.url))
    both = f"postgresql://{first},{second.rpartition('@')[2]}/warren?target_session_attrs=primary"
    async with live_on(rabbitmq_vhost, PostgresStore(both, "counter", lease=2.0)) as live:
        worker = await live.start(counter())
        sending = asyncio.create_task(pour(live))
        await until(partial(reached, live, 100))
        await asyncio.to_thread(own_postgres.kill)
        await asyncio.to_thread(standby.promote)
        await sending
        await totals_are(live, a=600)
        await until(partial(runs, worker))


async def make_synchronous(primary: str) -> None:
    """From here on a commit has reached the standby when it is acknowledged."""
    database = await asyncpg.connect(primary)
    await database.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await database.execute("SELECT pg_reload_conf()")

    async def follows() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"))

    await until(follows)
    await database.close()


async def pour(live: Live) -> None:
    for batch in range(30):
        await orders(live, 20 * batch, 20)
        await asyncio.sleep(0.02)
