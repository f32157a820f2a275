"""Workers are struck at every point on their way, on RabbitMQ and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prove.matrix import ALL, Matrix
from tests.prove.points import POINTS
from tests.prove.spring import WAYS, Way
from tests.servers.address import RabbitMQ
from tests.servers.guard import Guard


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("way", WAYS)
async def test_every_event_counts_once_whoever_is_struck(
    way: Way, rabbitmq: RabbitMQ, postgres: str, tmp_path: Path, guard: Guard
) -> None:
    """Every eighth point in each way, each another; `make prove-points` has all of them in all ways."""
    points = POINTS[WAYS.index(way) :: 2 * len(WAYS)]
    matrix = Matrix(rabbitmq, postgres, guard, print)
    trials = [t for t in ALL if t.way == way and t.point in points]
    await matrix.run(trials, tmp_path)
    assert matrix.failures == {}
    assert len(matrix.verdicts) == len(trials)
