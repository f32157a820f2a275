from streams.broker import Broker, Details, Envelope
from tests.streams.broker.conftest import Connect
from tests.streams.broker.exchange import (
    bodies,
    delivered,
    deliveries,
    drain,
    message,
    numbered,
    read_details,
    send,
    topology,
    until_depth,
)
from topology.spec import Binding, Exchange, Queue

JOBS = topology(Exchange("events"), Queue("jobs", (Binding("events", "#"),), retry=("300ms",), delivery_limit=2))


async def dead_letter(broker: Broker) -> tuple[Envelope, Details]:
    ((envelope, details),) = await read_details(broker, "dead.letters", 1)
    return envelope, details


async def test_what_is_rejected_goes_to_the_dead_letters_with_its_queue_as_key(connect: Connect) -> None:
    broker = await connect(JOBS)
    sent = message("events", "order.created", b"bad", headers={"key": "k", "n": 1})
    sent.correlation_id = "c"
    await send(broker, sent)
    async with delivered(broker, "jobs", 1) as (reader, (delivery,)):
        await reader.reject(delivery.envelope.offset, requeue=False)
        envelope, details = await dead_letter(broker)
    assert (envelope.id, envelope.type, envelope.user) == (sent.message_id, "order.created", broker.user)
    assert (envelope.body, envelope.key) == (b"bad", "k")
    assert details == Details({"key": "k", "n": 1}, "c", None, None, "dlx", "jobs", "rejected")
    await until_depth(broker, "jobs", 0)


async def test_what_was_delivered_too_often_goes_to_the_dead_letters(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", range(2)))
    async with broker.consume("jobs", 1) as reader:
        for seen in range(3):
            (delivery,) = await deliveries(reader, 1)
            assert (bodies([delivery]), delivery.deliveries) == (["0"], seen)
            await reader.reject(delivery.envelope.offset, requeue=True)
        envelope, details = await dead_letter(broker)
        assert bodies(await deliveries(reader, 1)) == ["1"]
    assert (envelope.body, details.routing_key, details.death) == (b"0", "jobs", "delivery_limit")


async def test_consumers_that_break_count_towards_the_delivery_limit(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", [0]))
    for seen in range(3):
        await until_depth(broker, "jobs", 1)
        async with delivered(broker, "jobs", 1) as (_, (delivery,)):
            assert delivery.deliveries == seen
    _, details = await dead_letter(broker)
    assert details.death == "delivery_limit"
    await until_depth(broker, "jobs", 0)


async def test_the_rung_of_the_ladder_stays_the_first_reason(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("retry.300ms", "jobs", [0]))
    async with delivered(broker, "jobs", 1) as (reader, (delivery,)):
        await reader.reject(delivery.envelope.offset, requeue=False)
        _, details = await dead_letter(broker)
    assert (details.routing_key, details.death) == ("jobs", "expired")


async def test_only_the_rejected_message_leaves(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", range(3)))
    async with delivered(broker, "jobs", 3) as (reader, found):
        await reader.reject(found[1].envelope.offset, requeue=False)
        assert (await dead_letter(broker))[0].body == b"1"
    assert bodies(await drain(broker, "jobs", 2)) == ["0", "2"]
