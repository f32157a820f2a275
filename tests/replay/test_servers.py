"""The replay on RabbitMQ and PostgreSQL, a process for each service: everything is killed, nothing counts twice."""

from functools import partial

import pytest

from tests.replay.contents import in_postgres
from tests.replay.course import KILL_REPLAY, run
from tests.replay.examination import Place, examined
from tests.replay.shop import Shop
from tests.replay.wire import of_rabbitmq
from tests.servers.guard import Guard
from tests.servers.server import PostgresServer, RabbitMQServer

ORDERS = 4_000
RATE = 50
"""Orders a second: slow enough for all strikes to come while the replay goes on, however fast the machine."""


@pytest.mark.timeout(900)
async def test_every_figure_is_the_data_s_though_every_process_is_killed(
    guard: Guard, own_rabbitmq: RabbitMQServer, own_postgres: PostgresServer
) -> None:
    place = Place(in_postgres(own_postgres.url), partial(of_rabbitmq, own_rabbitmq.address))
    with Shop(guard, own_rabbitmq, own_postgres) as shop:
        strikes = [KILL_REPLAY, *shop.kills_of_workers(), *shop.kills_of_servers()]
        run(partial(shop.replay, ORDERS, rate=RATE), ORDERS, strikes)
        found = await examined(place, ORDERS)

        before = shop.counted()
        run(partial(shop.replay, ORDERS), ORDERS)
        after = shop.counted()
        assert after["orders", "handled"] == before["orders", "handled"]
        assert after["orders", "repeats"] >= before["orders", "repeats"] + ORDERS, "the second run sent no orders"
        assert await examined(place, ORDERS) == found
