from time import monotonic

from streams.broker import Outcome
from tests.streams.broker.conftest import Connect
from tests.streams.broker.exchange import (
    bodies,
    delivered,
    drain,
    message,
    numbered,
    read_details,
    send,
    topology,
    until_depth,
)
from topology.spec import Queue

LADDER = topology(Queue("jobs", retry=("300ms", "1s")), Queue("others", retry=("300ms",)))


async def test_a_message_comes_back_to_its_queue_after_the_delay(connect: Connect) -> None:
    broker = await connect(LADDER)
    began = monotonic()
    sent = message("retry.300ms", "jobs", b"again", headers={"key": "k", "attempt": 2})
    await send(broker, sent)
    async with delivered(broker, "jobs", 1) as (reader, (delivery,)):
        took = monotonic() - began
        envelope, details = delivery.envelope, reader.details(delivery.envelope)
        await reader.ack([envelope.offset])
    assert 0.25 < took < 10
    assert (envelope.id, envelope.user, envelope.key, envelope.body) == (sent.message_id, broker.user, "k", b"again")
    assert (details.headers, details.exchange, details.routing_key) == (
        {"key": "k", "attempt": 2},
        "retry.back",
        "jobs",
    )
    assert (details.death, delivery.redelivered, delivery.deliveries) == ("expired", False, 0)


async def test_messages_of_a_rung_keep_their_order_and_find_their_queues(connect: Connect) -> None:
    broker = await connect(LADDER)
    await send(broker, *numbered("retry.300ms", "jobs", range(20)), *numbered("retry.300ms", "others", range(20, 30)))
    assert bodies(await drain(broker, "jobs", 20)) == [str(number) for number in range(20)]
    assert bodies(await drain(broker, "others", 10)) == [str(number) for number in range(20, 30)]


async def test_a_short_delay_overtakes_a_long_one(connect: Connect) -> None:
    broker = await connect(LADDER)
    await send(broker, *numbered("retry.1s", "jobs", [1]), *numbered("retry.300ms", "jobs", [2]))
    assert bodies(await drain(broker, "jobs", 2)) == ["2", "1"]


async def test_delayed_messages_are_not_ready_in_their_queue(connect: Connect) -> None:
    broker = await connect(LADDER)
    await send(broker, *numbered("retry.1s", "jobs", range(3)))
    assert await broker.depth("jobs") == 0
    await until_depth(broker, "jobs", 3)


async def test_only_rungs_that_a_queue_uses_exist(connect: Connect) -> None:
    broker = await connect(LADDER)
    assert await broker.publish([message("retry.2m", "jobs")]) != [Outcome.CONFIRMED]


async def test_a_message_whose_queue_is_gone_becomes_a_dead_letter(connect: Connect) -> None:
    broker = await connect(LADDER)
    await send(broker, *numbered("retry.300ms", "gone", [1]), *numbered("retry.300ms", "jobs", [2]))
    assert bodies(await drain(broker, "jobs", 1)) == ["2"]
    ((envelope, details),) = await read_details(broker, "dead.letters", 1)
    assert (envelope.body, details.exchange, details.routing_key) == (b"1", "retry.back", "gone")
    assert details.death == "expired"
