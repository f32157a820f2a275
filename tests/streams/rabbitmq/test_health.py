"""What a broker says of itself, and how it holds back when RabbitMQ asks it to."""

import asyncio
from uuid import uuid4

import pytest
from pamqp import commands
from pamqp.frame import marshal

from streams.broker import Message, Outcome
from streams.errors import BrokerError, BrokerUnavailable
from streams.rabbitmq import RabbitMQ
from tests.servers.address import RabbitMQ as Server
from tests.streams.broker.exchange import until
from tests.streams.rabbitmq.conftest import Breakable
from tests.streams.rabbitmq.foreign import Foreign

BLOCKED = marshal(commands.Connection.Blocked("low on memory"), 0)
UNBLOCKED = marshal(commands.Connection.Unblocked(), 0)


def message(queue: str) -> Message:
    return Message(exchange="", routing_key=queue, body=b"{}", message_id=str(uuid4()), type="t")


async def until_state(broker: RabbitMQ, state: str) -> None:
    async def reached() -> bool:
        return broker.health().state == state

    await until(reached)


async def test_a_broker_is_idle_connected_and_idle_again(broker: RabbitMQ) -> None:
    assert broker.health().state == "idle"
    await broker.open()
    assert (broker.health().state, broker.health().problems) == ("connected", ())
    await broker.close()
    assert broker.health().state == "idle"


async def test_a_blocked_connection_pauses_publishing_and_shows_until_it_is_unblocked(
    breakable: Breakable, foreign: Foreign
) -> None:
    broker = breakable.broker
    await foreign.queue("queue")
    await broker.publish([message("queue")])
    breakable.amqp.say(BLOCKED)
    await until_state(broker, "blocked")
    (problem,) = broker.health().problems
    assert "free memory or disk space" in problem
    publishing = [asyncio.create_task(broker.publish([message("queue")] * 3)) for _ in range(2)]
    done, _ = await asyncio.wait(publishing, timeout=0.2)
    assert not done
    assert await broker.depth("queue") == 1
    breakable.amqp.say(UNBLOCKED)
    assert await asyncio.gather(*publishing) == [[Outcome.CONFIRMED] * 3] * 2
    assert broker.health().state == "connected"


async def test_a_blocked_connection_that_breaks_loses_what_waits(breakable: Breakable, foreign: Foreign) -> None:
    broker = breakable.broker
    await foreign.queue("queue")
    await broker.publish([message("queue")])
    breakable.amqp.say(BLOCKED)
    await until_state(broker, "blocked")
    publishing = asyncio.create_task(broker.publish([message("queue")] * 3))
    await asyncio.sleep(0)
    breakable.amqp.cut()
    assert await publishing == [Outcome.LOST] * 3
    assert await broker.publish([message("queue")]) == [Outcome.CONFIRMED]


async def test_an_outage_shows_from_the_first_failed_attempt_to_the_first_that_succeeds(
    breakable: Breakable, foreign: Foreign
) -> None:
    broker = breakable.broker
    await foreign.queue("queue")
    await broker.open()
    breakable.amqp.refuse(True)
    breakable.stream.refuse(True)
    await until_state(broker, "idle")
    assert await broker.publish([message("queue")]) == [Outcome.LOST]
    with pytest.raises(BrokerUnavailable):
        await broker.extent("log")
    health = broker.health()
    assert (health.state, len(health.problems)) == ("down", 2)
    assert "try again" in health.problems[0]
    breakable.amqp.refuse(False)
    breakable.stream.refuse(False)
    await broker.open()
    assert (broker.health().state, broker.health().problems) == ("connected", ())


async def test_it_is_said_where_to_look_and_no_password(rabbitmq_vhost: Server) -> None:
    broker = RabbitMQ(
        "amqp://me:secret@127.0.0.1:1/", "rabbitmq-stream://me:secret@127.0.0.1:1/", "http://me:secret@there"
    )
    with pytest.raises(BrokerUnavailable):
        await broker.open()
    with pytest.raises(BrokerUnavailable):
        await broker.extent("log")
    health = broker.health()
    assert health.state == "down"
    assert len(health.problems) == 2
    assert "secret" not in repr(health)
    assert broker.user == "me"
    await broker.close()


@pytest.mark.parametrize("urls", [("http://host/", "rabbitmq-stream://host/"), ("amqp://host/", "amqp://host/")])
def test_a_url_of_another_kind_is_refused_at_once(urls: tuple[str, str]) -> None:
    with pytest.raises(BrokerError, match="it should be"):
        RabbitMQ(*urls)
