"""The replay on RabbitMQ and PostgreSQL, a process for each service: everything is killed, nothing counts twice."""

import pytest

from tests.replay.contents import Contents, contents, in_postgres
from tests.replay.course import KILL_REPLAY, run
from tests.replay.oracle import truth
from tests.replay.shop import Shop
from tests.servers.guard import Guard
from tests.servers.server import PostgresServer, RabbitMQServer

ORDERS = 20_000


@pytest.mark.timeout(900)
async def test_every_figure_is_the_data_s_though_every_process_is_killed(
    guard: Guard, own_rabbitmq: RabbitMQServer, own_postgres: PostgresServer
) -> None:
    with Shop(guard, own_rabbitmq, own_postgres) as shop:
        strikes = [*shop.kills_of_workers(), KILL_REPLAY, *shop.kills_of_servers()]
        run(lambda: shop.replay(ORDERS), ORDERS, strikes)
        found = await contents(in_postgres(own_postgres.url))
        assert found.without_digest() == Contents.expected(truth(ORDERS))

        before = shop.counted()
        run(lambda: shop.replay(ORDERS), ORDERS)
        after = shop.counted()
        assert after["orders", "handled"] == before["orders", "handled"]
        assert after["orders", "repeats"] >= before["orders", "repeats"] + ORDERS, "the second run sent no orders"
        assert await contents(in_postgres(own_postgres.url)) == found
