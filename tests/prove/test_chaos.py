"""Three minutes, every strike once or twice; `make prove-chaos` has a quarter of an hour of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prove.chaos import SHORT, run
from tests.servers.guard import Guard
from tests.servers.server import PostgresServer, RabbitMQServer


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.mark.timeout(900)
async def test_everything_is_struck_and_every_event_counts_once(
    own_rabbitmq: RabbitMQServer, own_postgres: PostgresServer, tmp_path: Path, guard: Guard
) -> None:
    report = await run(SHORT, own_rabbitmq, own_postgres, tmp_path, guard)
    assert report.proves, report.told()
    assert report.verdict.events >= SHORT.entries
