import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from streams.broker import Broker, Message, Outcome
from streams.embedded import Break, Embedded, Fate
from streams.errors import BrokerError, BrokerUnavailable, ConsumerCancelled
from tests.streams.broker.exchange import (
    bodies,
    delivered,
    deliveries,
    drain,
    envelopes,
    message,
    numbered,
    read,
    send,
    topology,
)
from topology.spec import Binding, Exchange, Log, Queue

PARTS = topology(
    Exchange("events"), Log("log", (Binding("events", "#"),)), Queue("jobs", (Binding("events", "#"),), retry=())
)


@dataclass
class Plan:
    """Fates by the body of the message, and the breaks of the next deliveries."""

    fates: dict[bytes, Fate] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)

    def publishing(self, user: str, message: Message) -> Fate:
        return self.fates.get(message.body, Fate.KEPT)

    def delivering(self, target: str) -> Break | None:
        return self.breaks.pop() if self.breaks else None


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
async def server(plan: Plan) -> AsyncIterator[Embedded]:
    server = Embedded(PARTS, faults=plan)
    yield server
    await server.close()


@pytest.fixture
def broker(server: Embedded) -> Broker:
    return server.connect("shop")


@pytest.mark.parametrize(
    ("fate", "outcomes", "kept"),
    [
        (Fate.REFUSED, [Outcome.CONFIRMED, Outcome.REFUSED, Outcome.CONFIRMED], ["0", "2"]),
        (Fate.LOST, [Outcome.CONFIRMED, Outcome.LOST, Outcome.LOST], ["0"]),
        (Fate.UNCONFIRMED, [Outcome.CONFIRMED, Outcome.LOST, Outcome.LOST], ["0", "1"]),
    ],
)
async def test_a_message_meets_its_fate(
    broker: Broker, plan: Plan, fate: Fate, outcomes: list[Outcome], kept: list[str]
) -> None:
    plan.fates[b"1"] = fate
    assert await broker.publish(numbered("events", "a", range(3))) == outcomes
    assert (await broker.extent("log")).last == len(kept) - 1
    assert bodies(await read(broker, "log", len(kept))) == kept


async def test_a_reader_of_a_log_is_cut_and_a_new_one_reads_on(broker: Broker, plan: Plan) -> None:
    await send(broker, *numbered("events", "a", range(3)))
    plan.breaks = [Break.CUT]
    with pytest.raises(BrokerUnavailable):
        await read(broker, "log", 3)
    assert bodies(await read(broker, "log", 3)) == ["0", "1", "2"]


async def test_a_consumer_that_is_cut_loses_its_deliveries_to_the_next(broker: Broker, plan: Plan) -> None:
    await send(broker, *numbered("events", "a", range(2)))
    async with delivered(broker, "jobs", 1) as (reader, (delivery,)):
        plan.breaks = [Break.CUT]
        await reader.reject(delivery.envelope.offset, requeue=True)
        with pytest.raises(BrokerUnavailable):
            await anext(reader)
        assert await broker.depth("jobs") == 2
        with pytest.raises(BrokerUnavailable):
            await reader.ack([2])
    async with delivered(broker, "jobs", 2) as (_, found):
        assert [(bodies([one]), one.deliveries) for one in found] == [(["0"], 2), (["1"], 0)]


async def test_a_consumer_that_is_cancelled_may_still_settle_what_it_has(broker: Broker, server: Embedded) -> None:
    await send(broker, *numbered("events", "a", range(2)))
    async with broker.consume("jobs", 2) as reader:
        found = await deliveries(reader, 2)
        waiting = asyncio.create_task(deliveries(reader, 1))
        await asyncio.sleep(0)
        server.cancel("jobs")
        with pytest.raises(ConsumerCancelled):
            await waiting
        await reader.ack([found[0].envelope.offset])
        assert await broker.depth("jobs") == 0
    assert bodies(await drain(broker, "jobs", 1)) == ["1"]


async def test_a_consumer_is_cancelled_by_plan_and_its_messages_come_again(broker: Broker, plan: Plan) -> None:
    await send(broker, *numbered("events", "a", [0]))
    async with broker.consume("jobs", 1) as reader:
        plan.breaks = [Break.CANCELLED]
        with pytest.raises(ConsumerCancelled):
            await anext(reader)
    assert bodies(await drain(broker, "jobs", 1)) == ["0"]


async def test_settling_twice_is_an_error_that_settles_nothing(broker: Broker) -> None:
    await send(broker, *numbered("events", "a", range(2)))
    async with delivered(broker, "jobs", 2) as (reader, (first, second)):
        await reader.ack([first.envelope.offset])
        with pytest.raises(BrokerError, match="no delivery 1 to settle"):
            await reader.ack([second.envelope.offset, first.envelope.offset])
    assert bodies(await drain(broker, "jobs", 1)) == ["1"]


async def test_a_reader_that_waits_is_cut(broker: Broker, server: Embedded) -> None:
    async with broker.read("log", "first") as reader, broker.consume("jobs", 1) as consumer:
        waiting = [asyncio.create_task(envelopes(reader, 1)), asyncio.create_task(deliveries(consumer, 1))]
        await asyncio.sleep(0)
        server.cut("log")
        server.cut("jobs")
        for task in waiting:
            with pytest.raises(BrokerUnavailable, match="was cut"):
                await task


async def test_while_the_broker_is_down_nothing_works_and_then_everything_again(
    broker: Broker, server: Embedded
) -> None:
    await send(broker, *numbered("events", "a", [0]))
    async with delivered(broker, "jobs", 1) as (reader, _):
        server.go_down()
        with pytest.raises(BrokerUnavailable, match="is down"):
            await anext(reader)
        assert await broker.publish(numbered("events", "a", range(2))) == [Outcome.LOST] * 2
        assert (broker.health().state, len(broker.health().problems)) == ("down", 1)
        for call in (broker.open(), broker.depth("jobs"), broker.extent("log"), read(broker, "log", 1)):
            with pytest.raises(BrokerUnavailable):
                await call
        server.come_back()
    assert broker.health().state == "connected"
    await send(broker, *numbered("events", "a", [1]))
    assert bodies(await read(broker, "log", 2)) == bodies(await drain(broker, "jobs", 2)) == ["0", "1"]


async def test_what_is_being_published_when_the_broker_goes_down_is_lost_to_its_publisher(
    broker: Broker, server: Embedded
) -> None:
    await broker.open()
    publishing = asyncio.create_task(broker.publish(numbered("events", "a", [0])))
    await asyncio.sleep(0)
    server.go_down()
    assert await publishing == [Outcome.LOST]
    server.come_back()
    assert bodies(await read(broker, "log", 1)) == ["0"]


async def test_one_user_closing_leaves_the_others_alone(server: Embedded) -> None:
    one, other = server.connect("one"), server.connect("other")
    async with one.read("log", "first") as ended, other.read("log", "first") as going_on:
        await one.close()
        with pytest.raises(BrokerUnavailable, match="'one' was closed"):
            await anext(ended)
        await send(other, message("events", "a", b"x"))
        (envelope,) = await envelopes(going_on, 1)
    assert (envelope.user, envelope.body) == ("other", b"x")
    assert await one.publish([message("events", "a")]) == [Outcome.LOST]
    assert (one.health().state, other.health().state) == ("idle", "connected")


async def test_a_closed_server_says_so(server: Embedded, broker: Broker) -> None:
    await broker.open()
    await server.close()
    with pytest.raises(BrokerUnavailable, match="was closed"):
        await broker.open()
    assert await broker.publish([message("events", "a")]) == [Outcome.LOST]
    assert broker.health().state == "down"
