"""A RabbitMQ that dies and comes back."""

import asyncio
from contextlib import suppress
from uuid import uuid4

from streams.broker import Message, Outcome
from streams.errors import BrokerUnavailable, NoSuchTarget
from streams.rabbitmq import RabbitMQ
from tests.servers.server import RabbitMQServer
from tests.streams.broker.exchange import until
from tests.streams.rabbitmq.foreign import Foreign


def numbered(start: int) -> list[Message]:
    return [
        Message(exchange="", routing_key="log", body=b"%d" % number, message_id=str(uuid4()), type="t")
        for number in range(start, start + 2000)
    ]


async def until_readable(broker: RabbitMQ) -> None:
    """The node is up before its streams are."""

    async def readable() -> bool:
        with suppress(BrokerUnavailable, NoSuchTarget):
            await broker.extent("log")
            return True
        return False

    await until(readable)


async def test_what_was_confirmed_is_there_after_the_server_was_killed(own_rabbitmq: RabbitMQServer) -> None:
    address = own_rabbitmq.address
    foreign = await Foreign.connect(address)
    await foreign.log("log")
    await foreign.close()
    # What RabbitMQ has been told in its last second is lost with it: the log must be older.
    await asyncio.to_thread(own_rabbitmq.restart)
    broker = RabbitMQ(address.amqp, address.stream)
    confirmed: list[bytes] = []

    async def publish() -> None:
        start = 0
        while True:
            messages = numbered(start)
            outcomes = await broker.publish(messages)
            confirmed.extend(m.body for m, o in zip(messages, outcomes, strict=True) if o is Outcome.CONFIRMED)
            if Outcome.LOST in outcomes:
                return
            start += 2000

    await until_readable(broker)
    async with broker.read("log", "first") as reader:
        publishing = asyncio.create_task(publish())
        await anext(reader)
        await asyncio.to_thread(own_rabbitmq.kill)
        await publishing
        with suppress(BrokerUnavailable):
            while True:
                await anext(reader)
        assert broker.health().state == "down"
    await asyncio.to_thread(own_rabbitmq.start)
    await until_readable(broker)
    kept: set[bytes] = set()
    async with asyncio.timeout(60), broker.read("log", "first") as reader:
        while not kept.issuperset(confirmed):
            kept |= {envelope.body for envelope in reader.scan(await anext(reader), 0, ())}
    assert await broker.publish(numbered(0)) == [Outcome.CONFIRMED] * 2000
    await broker.close()


async def test_what_a_queue_takes_too_is_not_confirmed_before_the_log_is_back(own_rabbitmq: RabbitMQServer) -> None:
    address = own_rabbitmq.address
    foreign = await Foreign.connect(address)
    await foreign.exchange("both")
    await foreign.log("log", "both")
    await foreign.queue("queue", "both")
    await foreign.close()
    await asyncio.to_thread(own_rabbitmq.restart)
    broker = RabbitMQ(address.amqp, address.stream)
    broker.expect(["log", "neverdeclared"])
    await asyncio.to_thread(own_rabbitmq.kill)
    starting = asyncio.create_task(asyncio.to_thread(own_rabbitmq.start))
    confirmed: list[bytes] = []
    async with asyncio.timeout(60):
        while len(confirmed) < 100:
            message = Message(
                exchange="both", routing_key="key", body=b"%d" % len(confirmed), message_id=str(uuid4()), type="t"
            )
            if await broker.publish([message]) == [Outcome.CONFIRMED]:
                confirmed.append(message.body)
    await starting
    kept: list[bytes] = []
    async with asyncio.timeout(60), broker.read("log", "first") as reader:
        while len(kept) < 100:
            kept += [envelope.body for envelope in reader.scan(await anext(reader), 0, ())]
    assert kept == confirmed
    assert broker.health().problems == ()
    await broker.close()
