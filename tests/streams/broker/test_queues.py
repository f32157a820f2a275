import asyncio

import pytest

from streams.broker import Lineage, Scalar
from streams.errors import BrokerUnavailable, NoSuchTarget
from tests.streams.broker.conftest import Connect
from tests.streams.broker.exchange import (
    bodies,
    delivered,
    deliveries,
    drain,
    message,
    numbered,
    send,
    topology,
    until_depth,
)
from topology.spec import Binding, Exchange, Queue

JOBS = topology(Exchange("events"), Queue("jobs", (Binding("events", "#"),), retry=()))


async def test_messages_come_in_the_order_in_which_they_were_published(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", range(500)))
    assert bodies(await drain(broker, "jobs", 500)) == [str(number) for number in range(500)]


async def test_a_delivery_has_the_whole_message(connect: Connect) -> None:
    broker = await connect(JOBS)
    headers: dict[str, Scalar] = {"key": "é", "time": 5, "n": 2**40, "yes": True, "x-mine": "1", "traceparent": "t"}
    sent = message("events", "order.created", b"{}", headers=headers)
    sent.correlation_id, sent.timestamp, sent.app_id = "c", 1_700_000_000, "orders"
    await send(broker, sent)
    async with delivered(broker, "jobs", 1) as (reader, (delivery,)):
        envelope, details = delivery.envelope, reader.details(delivery.envelope)
        lineage = reader.lineage(envelope)
        await reader.ack([envelope.offset])
    assert (envelope.id, envelope.type, envelope.user) == (sent.message_id, sent.type, broker.user)
    assert (envelope.key, envelope.time, envelope.lane, envelope.seq) == ("é", 5, "", -1)
    assert details.headers == {"key": "é", "time": 5, "n": 2**40, "yes": True, "traceparent": "t"}
    assert lineage == Lineage("c", "t")
    assert (details.correlation_id, details.timestamp, details.app_id) == ("c", 1_700_000_000, "orders")
    assert (details.exchange, details.routing_key, details.death) == ("events", "order.created", None)
    assert (delivery.redelivered, delivery.deliveries) == (False, 0)


async def test_no_more_than_the_prefetch_is_unsettled(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", range(10)))
    async with broker.consume("jobs", 3) as reader:
        first = await deliveries(reader, 3)
        assert len(first) == 3
        waiting = asyncio.create_task(deliveries(reader, 2))
        await until_depth(broker, "jobs", 7)
        assert not waiting.done()
        await reader.ack([delivery.envelope.offset for delivery in first[:2]])
        assert bodies(await waiting) == ["3", "4"]


async def test_what_is_acknowledged_is_gone(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", range(4)))
    async with delivered(broker, "jobs", 4) as (reader, found):
        await reader.ack([found[1].envelope.offset])
        await reader.ack([found[3].envelope.offset, found[0].envelope.offset])
    await until_depth(broker, "jobs", 1)
    assert bodies(await drain(broker, "jobs", 1)) == ["2"]


async def test_leaving_a_consumer_returns_what_is_unsettled_in_order_and_counted(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", range(5)))
    async with delivered(broker, "jobs", 4):
        pass
    await until_depth(broker, "jobs", 5)
    async with delivered(broker, "jobs", 5) as (reader, found):
        assert bodies(found) == ["0", "1", "2", "3", "4"]
        assert [(one.redelivered, one.deliveries) for one in found[:4]] == [(True, 1)] * 4
        await reader.ack([one.envelope.offset for one in found])


async def test_what_is_given_back_comes_again_before_the_rest_and_is_counted(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", range(3)))
    async with broker.consume("jobs", 1) as reader:
        for seen in range(3):
            (delivery,) = await deliveries(reader, 1)
            assert (bodies([delivery]), delivery.redelivered, delivery.deliveries) == (["0"], seen > 0, seen)
            await reader.reject(delivery.envelope.offset, requeue=True)
    assert bodies(await drain(broker, "jobs", 3)) == ["0", "1", "2"]


async def test_each_message_goes_to_one_consumer(connect: Connect) -> None:
    broker = await connect(JOBS)
    async with broker.consume("jobs", 5) as one, broker.consume("jobs", 5) as other:
        await send(broker, *numbered("events", "a", range(10)))
        found = [*await deliveries(one, 5), *await deliveries(other, 5)]
    assert sorted(bodies(found), key=int) == [str(number) for number in range(10)]


async def test_a_consumer_waits_for_messages(connect: Connect) -> None:
    broker = await connect(JOBS)
    async with broker.consume("jobs", 10) as reader:
        waiting = asyncio.create_task(deliveries(reader, 1))
        await until_depth(broker, "jobs", 0)
        assert not waiting.done()
        await send(broker, *numbered("events", "a", [1]))
        assert bodies(await waiting) == ["1"]


async def test_a_wait_that_is_given_up_loses_nothing(connect: Connect) -> None:
    broker = await connect(JOBS)
    async with broker.consume("jobs", 10) as reader:
        waiting = asyncio.create_task(anext(reader))
        await until_depth(broker, "jobs", 0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await send(broker, *numbered("events", "a", range(3)))
        assert bodies(await deliveries(reader, 3)) == ["0", "1", "2"]


async def test_settling_after_the_consumer_was_left_fails(connect: Connect) -> None:
    broker = await connect(JOBS)
    await send(broker, *numbered("events", "a", [1]))
    async with delivered(broker, "jobs", 1) as (reader, (delivery,)):
        pass
    with pytest.raises(BrokerUnavailable):
        await reader.ack([delivery.envelope.offset])
    with pytest.raises(BrokerUnavailable):
        await reader.reject(delivery.envelope.offset, requeue=True)
    with pytest.raises(BrokerUnavailable):
        await anext(reader)
    assert bodies(await drain(broker, "jobs", 1)) == ["1"]


async def test_depth_counts_what_is_ready(connect: Connect) -> None:
    broker = await connect(JOBS)
    assert await broker.depth("jobs") == 0
    await send(broker, *numbered("events", "a", range(7)))
    await until_depth(broker, "jobs", 7)
    await drain(broker, "jobs", 7)
    await until_depth(broker, "jobs", 0)


async def test_a_queue_that_does_not_exist_is_told_by_name(connect: Connect) -> None:
    broker = await connect(JOBS)
    with pytest.raises(NoSuchTarget, match="jobz"):
        async with broker.consume("jobz", 1):
            pass
    with pytest.raises(NoSuchTarget, match="jobz"):
        await broker.depth("jobz")
    await send(broker, *numbered("events", "a", [1]))
    assert bodies(await drain(broker, "jobs", 1)) == ["1"]
