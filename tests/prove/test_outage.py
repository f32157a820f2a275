"""RabbitMQ is away for some seconds; `make prove-outage` has a minute of it."""

from tests.prove.outage import PATIENCE, run
from tests.servers.server import RabbitMQServer


async def test_whoever_publishes_over_http_is_answered_soon_and_nothing_accepted_is_lost(
    own_rabbitmq: RabbitMQServer,
) -> None:
    outage = await run(own_rabbitmq, 1.0)
    assert (outage.lost, outage.wrong) == (set(), [])
    assert max(outage.seconds) < PATIENCE + 5.0
    assert "free memory or disk space" in outage.blocked
