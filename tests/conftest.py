"""Fixtures that give tests real servers.

A server that cannot be had skips the test on a laptop, and fails it where `CI` or `WARREN_TEST_REQUIRE_SERVERS` is set.
"""

import asyncio
import gc
import os
import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
import structlog
from pymongo import MongoClient
from redis import Redis

from tests.servers.address import MONGODB, RabbitMQ
from tests.servers.errors import ServerUnavailable
from tests.servers.management import create_vhost, delete_vhost
from tests.servers.server import PostgresServer, RabbitMQServer, RedisServer
from tests.servers.supply import AnyServer, Supply

T = TypeVar("T")


def _required() -> bool:
    return any(os.environ.get(name, "0") not in {"", "0", "false"} for name in ("CI", "WARREN_TEST_REQUIRE_SERVERS"))


def _have(get: Callable[[], T]) -> T:
    try:
        return get()
    except ServerUnavailable as problem:
        if _required():
            pytest.fail(str(problem), pytrace=False)
        pytest.skip(str(problem))


def pytest_configure() -> None:
    """Time limits are pytest's: on a busy machine Hypothesis's own, per example, would fail now and then. Tracebacks in
    logs are plain, as the shop's are: structlog's own, with all variables, take seconds each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    hypothesis.settings.register_profile("warren", deadline=None)
    hypothesis.settings.load_profile("warren")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need servers, so that `-m "not servers"` leaves them out. Files with long tests come first.

    Processes take file after file: with a long one at the end, all but one of them would wait.
    """
    for item in items:
        if isinstance(item, pytest.Function) and {"supply", "mongodb"} & {*item.fixturenames}:
            item.add_marker("servers")
    long = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture
def pymongo_sockets() -> Iterator[None]:
    """Collects the sockets that PyMongo drops when its watch over a server is ended while it connects.

    `pymongo.pool_shared._async_create_connection` closes them after an OSError, not when it is cancelled. Without this
    they would be collected in another test, which then fails.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed <socket", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(scope="session")
def supply() -> Iterator[Supply]:
    """All servers of this run."""
    with Supply() as supply:
        yield supply


@pytest.fixture(scope="session")
def rabbitmq(supply: Supply) -> RabbitMQ:
    """The shared RabbitMQ's default virtual host. Make nothing in it: see `rabbitmq_vhost`."""
    return _have(lambda: supply.rabbitmq)


@pytest.fixture(scope="session")
def postgres(supply: Supply) -> str:
    """The URL of the shared PostgreSQL's database. Make nothing in its public schema: see `postgres_schema`."""
    return _have(lambda: supply.postgres)


@pytest.fixture(scope="session")
def redis(supply: Supply) -> str:
    """The URL of the shared Redis. Make nothing in it but under a name of the test's own: see `redis_service`."""
    return _have(lambda: supply.redis)


@pytest.fixture(scope="session")
def mongodb() -> str:
    """The URL of a MongoDB, where one is named: none can be installed from the registries that `make test` uses."""
    url = os.environ.get(MONGODB)
    if not url:
        pytest.skip(f"NOT TESTED: the store in MongoDB, because {MONGODB} names no server")
    return url


@pytest.fixture
def mongodb_service(mongodb: str) -> Iterator[str]:
    """The name of a service, whose database is this test's alone."""
    name = f"test-{uuid4().hex}"
    yield name
    with MongoClient[dict[str, object]](mongodb) as client:
        client.drop_database(name)


@pytest.fixture
def rabbitmq_vhost(rabbitmq: RabbitMQ) -> Iterator[RabbitMQ]:
    """A virtual host for this test alone."""
    own = rabbitmq.at(f"test-{uuid4().hex}")
    create_vhost(own)
    yield own
    delete_vhost(own)


@pytest.fixture
def postgres_schema(postgres: str) -> Iterator[str]:
    """The name of a schema, made for this test alone."""
    name = f"test_{uuid4().hex}"
    asyncio.run(_execute(postgres, f"CREATE SCHEMA {name}"))
    yield name
    asyncio.run(_execute(postgres, f"DROP SCHEMA {name} CASCADE"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def redis_service(redis: str) -> Iterator[str]:
    """The name of a service, whose keys are this test's alone."""
    name = f"test-{uuid4().hex}"
    yield name
    with Redis.from_url(redis) as client:
        for key in client.scan_iter(f"warren:{{{name}}}*"):
            client.delete(key)


@pytest.fixture
def own_rabbitmq(supply: Supply) -> Iterator[RabbitMQServer]:
    """A RabbitMQ for this test alone, which it may stop, kill and restart. It takes seconds to start."""
    yield from _own(supply.own_rabbitmq)


@pytest.fixture
def own_postgres(supply: Supply) -> Iterator[PostgresServer]:
    """A PostgreSQL for this test alone, which it may stop, kill and restart."""
    yield from _own(supply.own_postgres)


@pytest.fixture
def own_redis(supply: Supply) -> Iterator[RedisServer]:
    """A Redis for this test alone, which it may stop, kill and restart."""
    yield from _own(supply.own_redis)


@pytest.fixture(scope="module")
def module_rabbitmq(supply: Supply) -> Iterator[RabbitMQServer]:
    """A RabbitMQ for the tests of one module, which each leave it running."""
    yield from _own(supply.own_rabbitmq)


@pytest.fixture(scope="module")
def module_postgres(supply: Supply) -> Iterator[PostgresServer]:
    """A PostgreSQL for the tests of one module, which each leave it running."""
    yield from _own(supply.own_postgres)


def _own(make: Callable[[], AnyServer]) -> Iterator[AnyServer]:
    server = _have(make)
    yield server
    server.close()
