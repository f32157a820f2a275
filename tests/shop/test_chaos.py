"""The shop on servers while everything is struck once or twice; `make prove-shop` has minutes of it."""

from pathlib import Path

import pytest

from tests.servers.server import PostgresServer, RabbitMQServer
from tests.shop.chaos import Chaos, guarded
from tests.shop.course import SHORT
from tests.shop.invariants.checker import breaches


@pytest.mark.timeout(300)
async def test_every_invariant_holds_though_everything_is_struck(
    own_rabbitmq: RabbitMQServer, own_postgres: PostgresServer, tmp_path: Path
) -> None:
    with guarded() as guard:
        evidence = await Chaos(SHORT, own_rabbitmq, own_postgres).run(guard, tmp_path)
    assert breaches(evidence) == []
    assert len(evidence.rows("orders.orders")) == SHORT.ways.orders
    assert evidence.history, "no history was kept"
