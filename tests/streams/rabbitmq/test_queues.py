"""Consuming from queues of a real RabbitMQ."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import aio_pika
import aiormq
import pytest
from aio_pika.abc import HeadersType
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import marshal

from streams.broker import Delivery, Message, Outcome, QueueReader
from streams.errors import AccessRefused, BrokerError, BrokerUnavailable, ConsumerCancelled, NoSuchTarget
from streams.rabbitmq import RabbitMQ
from streams.rabbitmq.frames import ack
from tests.servers.address import RabbitMQ as Server
from tests.streams.broker.exchange import until_depth
from tests.streams.rabbitmq.conftest import Breakable, close_connections
from tests.streams.rabbitmq.foreign import Arguments, Foreign

SECONDS = 20.0


async def fill(broker: RabbitMQ, queue: str, count: int) -> None:
    messages = [
        Message(exchange="", routing_key=queue, body=b"%d" % number, message_id=str(uuid4()), type="order.created")
        for number in range(count)
    ]
    assert await broker.publish(messages) == [Outcome.CONFIRMED] * count


async def deliveries(reader: QueueReader, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            found += await anext(reader)
    return found


def tags(found: Sequence[Delivery]) -> list[int]:
    return [delivery.envelope.offset for delivery in found]


def numbers(found: Sequence[Delivery]) -> list[int]:
    return [int(delivery.envelope.body) for delivery in found]


async def test_messages_come_in_order_with_their_fields_and_details(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.exchange("events")
    await foreign.queue("queue", "events")
    sent = Message(
        exchange="events",
        routing_key="order.created",
        body="{'ä'}".encode(),
        message_id="an id",
        type="order.created",
        headers={"key": "k €", "time": 5, "lane": "a/b/0@c", "seq": 2**40, "floor": 0, "other": True},
        correlation_id="c",
        timestamp=1_700_000_000,
        app_id="orders",
    )
    await broker.publish([sent])
    async with broker.consume("queue", 10) as reader:
        (found,) = await deliveries(reader, 1)
        envelope, details = found.envelope, reader.details(found.envelope)
    assert (found.redelivered, found.deliveries) == (False, 0)
    assert (envelope.id, envelope.type, envelope.user, envelope.body) == (
        sent.message_id,
        sent.type,
        "guest",
        sent.body,
    )
    assert (envelope.key, envelope.time, envelope.lane, envelope.seq, envelope.floor) == ("k €", 5, "a/b/0@c", 2**40, 0)
    assert details.headers == sent.headers
    assert (details.correlation_id, details.timestamp, details.app_id) == ("c", 1_700_000_000, "orders")
    assert (details.exchange, details.routing_key, details.death) == ("events", "order.created", None)


async def test_no_more_than_the_prefetch_is_unsettled(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await fill(broker, "queue", 25)
    async with broker.consume("queue", 10) as reader:
        first = await deliveries(reader, 10)
        await until_depth(broker, "queue", 15)
        await reader.ack(tags(first[:4]))
        second = await deliveries(reader, 4)
        assert numbers(first + second) == list(range(14))
        await until_depth(broker, "queue", 11)


async def test_what_is_acknowledged_in_any_order_does_not_come_again(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await fill(broker, "queue", 100)
    async with broker.consume("queue", 100) as reader:
        found = await deliveries(reader, 100)
        await reader.ack(tags(found[50:60]))
        await reader.ack(tags(found[:10]))
        await reader.ack(tags(found[20:30] + found[10:15] + found[99:]))
        await reader.ack([])
    left = {*range(15, 20), *range(30, 50), *range(60, 99)}
    await until_depth(broker, "queue", len(left))
    async with broker.consume("queue", 100) as reader:
        again = await deliveries(reader, len(left))
        assert set(numbers(again)) == left
        assert all(delivery.redelivered for delivery in again)
        await reader.ack(tags(again))
    await until_depth(broker, "queue", 0)


async def test_leaving_returns_what_has_arrived_and_was_never_looked_at(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await fill(broker, "queue", 50)
    async with broker.consume("queue", 50):
        await until_depth(broker, "queue", 0)
    await until_depth(broker, "queue", 50)


async def test_given_back_messages_come_again_and_count_towards_the_limit(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("dead")
    dead_letters: Arguments = {"x-delivery-limit": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    await foreign.queue("queue", arguments=dead_letters)
    await fill(broker, "queue", 1)
    async with broker.consume("queue", 1) as reader:
        for count in range(3):
            (found,) = await deliveries(reader, 1)
            assert (found.deliveries, found.redelivered) == (count, count > 0)
            await reader.reject(found.envelope.offset, requeue=True)
    async with broker.consume("dead", 1) as reader:
        (found,) = await deliveries(reader, 1)
        assert reader.details(found.envelope).death == "delivery_limit"


async def test_rejected_messages_are_dead_lettered(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("dead")
    await foreign.queue("queue", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    await fill(broker, "queue", 2)
    async with broker.consume("queue", 2) as reader:
        first, second = await deliveries(reader, 2)
        await reader.reject(second.envelope.offset, requeue=False)
        await reader.ack([first.envelope.offset])
    async with broker.consume("dead", 2) as reader:
        (found,) = await deliveries(reader, 1)
        assert reader.details(found.envelope).death == "rejected"
        assert (found.envelope.body, found.envelope.user) == (b"1", "guest")


async def test_settling_twice_is_an_error_and_harms_nothing(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await fill(broker, "queue", 3)
    async with broker.consume("queue", 3) as reader:
        found = await deliveries(reader, 3)
        await reader.ack(tags(found[:1]))
        with pytest.raises(BrokerError, match="settle each once"):
            await reader.ack(tags(found[:2]))
        with pytest.raises(BrokerError, match="settle each once"):
            await reader.reject(999, requeue=True)
        await reader.ack(tags(found[1:]))
    await until_depth(broker, "queue", 0)


async def test_a_large_body_and_an_empty_one_arrive_whole(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    bodies = [b"", bytes(range(256)) * 40_960, b"x"]
    await broker.publish(
        [Message(exchange="", routing_key="queue", body=body, message_id=str(uuid4()), type="t") for body in bodies]
    )
    async with broker.consume("queue", 3) as reader:
        assert [delivery.envelope.body for delivery in await deliveries(reader, 3)] == bodies


async def test_a_reader_may_stop_waiting_and_lose_nothing(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    async with broker.consume("queue", 3) as reader:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reader), 0.01)
        await fill(broker, "queue", 1)
        assert len(await deliveries(reader, 1)) == 1


async def test_thousands_of_deliveries_are_settled(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await fill(broker, "queue", 5000)
    async with broker.consume("queue", 500) as reader:
        found: list[Delivery] = []
        while len(found) < 5000:
            batch = await deliveries(reader, 1)
            await reader.ack(tags(batch))
            found += batch
    assert numbers(found) == list(range(5000))
    await until_depth(broker, "queue", 0)


async def test_several_consumers_share_a_queue(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await fill(broker, "queue", 20)
    async with broker.consume("queue", 10) as one, broker.consume("queue", 10) as other:
        found = await deliveries(one, 10) + await deliveries(other, 10)
        assert sorted(numbers(found)) == list(range(20))


# --- other publishers ---


async def test_headers_of_every_kind_are_read(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    headers: HeadersType = {
        "key": 42,
        "time": -5,
        "seq": "text",
        "float": 1.5,
        "bytes": bytearray(b"raw"),
        "table": {"a": 1},
        "list": [1, "a"],
        "none": None,
        "long": "x" * 5000,
        "yes": True,
    }
    await foreign.publish("", "queue", aio_pika.Message(b"bare"))
    await foreign.publish(
        "", "queue", aio_pika.Message(b"odd", headers=headers, expiration=60, priority=3, reply_to="r")
    )
    async with broker.consume("queue", 2) as reader:
        # RabbitMQ 4.3 delivers what has a priority first.
        bare, odd = sorted(await deliveries(reader, 2), key=lambda delivery: delivery.envelope.body)
        details = reader.details(odd.envelope)
    assert (bare.envelope.type, bare.envelope.user, bare.envelope.key, bare.envelope.seq) == ("", "", "", -1)
    assert (odd.envelope.key, odd.envelope.time, odd.envelope.seq) == ("42", -5, -1)
    expected = {"key": 42, "time": -5, "seq": "text", "float": "1.5", "bytes": "raw", "long": "x" * 5000, "yes": True}
    assert details.headers == expected


async def publish_raw(server: Server, queue: str, header: bytes, body: bytes) -> None:
    """Publish with a content header that no library would write."""
    connection = await aiormq.connect(server.amqp)
    channel = await connection.channel()
    method = commands.Basic.Publish(exchange="", routing_key=queue)
    frames = marshal(method, channel.number)
    frames += b"\x02" + channel.number.to_bytes(2, "big") + len(header).to_bytes(4, "big") + header + b"\xce"
    frames += marshal(ContentBody(body), channel.number)
    frame = aiormq.abc.ChannelFrame(payload=frames, should_close=False)
    await connection.write_queue.put(frame)
    await channel.queue_declare(queue, passive=True)
    await connection.close()


async def test_a_message_that_other_clients_choke_on_stops_nobody(
    broker: RabbitMQ, foreign: Foreign, rabbitmq_vhost: Server
) -> None:
    await foreign.queue("queue")
    message_id, timestamp, type_ = 1 << 7, 1 << 6, 1 << 5
    flags = (message_id | timestamp | type_).to_bytes(2, "big")
    head = b"\0\x3c\0\0" + (4).to_bytes(8, "big")
    # An id and a type that are not UTF-8, and a time that no calendar has.
    await publish_raw(rabbitmq_vhost, "queue", head + flags + b"\x02\xff\xfe" + b"\xff" * 8 + b"\x01\xc3", b"evil")
    await fill(broker, "queue", 1)
    async with broker.consume("queue", 2) as reader:
        evil, good = await deliveries(reader, 2)
        assert (evil.envelope.body, evil.envelope.id, evil.envelope.type) == (b"evil", "\\xff\\xfe", "\\xc3")
        assert reader.details(evil.envelope).timestamp == 2**64 - 1
        assert good.envelope.body == b"0"
        await reader.ack(tags([evil, good]))


# --- depth ---


async def test_the_depth_counts_what_is_ready(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    assert await broker.depth("queue") == 0
    await fill(broker, "queue", 7)
    await until_depth(broker, "queue", 7)


async def test_asking_for_several_depths_at_once_mixes_nothing_up(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await fill(broker, "queue", 3)
    await until_depth(broker, "queue", 3)
    names = ["queue", "missing", "queue", "other", "queue", "ö"]
    found = await asyncio.gather(*(broker.depth(name) for name in names), return_exceptions=True)
    assert [each if isinstance(each, int) else type(each) for each in found] == [
        3,
        NoSuchTarget,
        3,
        NoSuchTarget,
        3,
        NoSuchTarget,
    ]
    assert "'missing'" in str(found[1])
    assert "'other'" in str(found[3])


# --- what goes wrong ---


async def test_a_queue_that_is_not_there_is_said_by_name(broker: RabbitMQ, foreign: Foreign) -> None:
    with pytest.raises(NoSuchTarget, match="'nowhere'") as caught:
        async with broker.consume("nowhere", 1):
            pass
    assert caught.value.__cause__ is not None
    await foreign.queue("queue")
    async with broker.consume("queue", 1):
        pass


async def test_a_queue_that_may_not_be_read_is_refused(foreign: Foreign, rabbitmq_vhost: Server) -> None:
    await foreign.queue("queue")
    name = f"user-{uuid4().hex}"
    await foreign.manage("PUT", f"users/{name}", {"password": "secret", "tags": ""})
    await foreign.manage("PUT", f"permissions/{{vhost}}/{name}", {"configure": "", "write": ".*", "read": ""})
    broker = RabbitMQ(rabbitmq_vhost.amqp.replace("guest:guest@", f"{name}:secret@"), rabbitmq_vhost.stream)
    with pytest.raises(AccessRefused, match="'queue'"):
        async with broker.consume("queue", 1):
            pass
    await broker.close()
    await foreign.manage("DELETE", f"users/{name}")


async def test_a_queue_that_is_deleted_cancels_its_consumer(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await foreign.queue("other")
    await fill(broker, "queue", 1)
    async with broker.consume("queue", 1) as reader, broker.consume("other", 1) as other:
        found = await deliveries(reader, 1)
        waiting = asyncio.create_task(deliveries(reader, 1))
        await asyncio.sleep(0)
        await foreign.delete("queue")
        with pytest.raises(ConsumerCancelled, match="'queue'"):
            await waiting
        await reader.ack(tags(found))
        await fill(broker, "other", 1)
        assert len(await deliveries(other, 1)) == 1


async def test_a_broken_connection_ends_the_consumer_and_its_acks(breakable: Breakable, foreign: Foreign) -> None:
    broker = breakable.broker
    await foreign.queue("queue")
    await fill(broker, "queue", 10)
    async with broker.consume("queue", 10) as reader:
        found = await deliveries(reader, 10)
        breakable.amqp.cut()
        with pytest.raises(BrokerUnavailable, match="'queue'") as caught:
            await deliveries(reader, 1)
        assert caught.value.__cause__ is not None
        with pytest.raises(BrokerUnavailable):
            await reader.ack(tags(found))
        with pytest.raises(BrokerUnavailable):
            await reader.reject(found[0].envelope.offset, requeue=True)
    async with broker.consume("queue", 10) as reader:
        again = await deliveries(reader, 10)
        assert sorted(numbers(again)) == list(range(10))
        assert all(delivery.redelivered and delivery.deliveries == 1 for delivery in again)
        await reader.ack(tags(again))
    await until_depth(broker, "queue", 0)


async def test_a_connection_cut_in_the_middle_of_a_delivery_gives_whole_messages_only(
    breakable: Breakable, foreign: Foreign
) -> None:
    broker = breakable.broker
    await foreign.queue("queue")
    await fill(broker, "queue", 500)
    found: list[Delivery] = []
    breakable.amqp.cut_after_reply(30_000)
    with pytest.raises(BrokerUnavailable):
        async with broker.consume("queue", 500) as reader:
            await deliveries(reader, 500)
    async with broker.consume("queue", 500) as reader:
        found = await deliveries(reader, 500)
    assert sorted(numbers(found)) == list(range(500))


async def test_a_consuming_connection_that_the_server_closes_raises(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    async with broker.consume("queue", 1) as reader:
        waiting = asyncio.create_task(deliveries(reader, 1))
        await close_connections(foreign, "warren consumes")
        with pytest.raises(BrokerUnavailable):
            await waiting
    async with broker.consume("queue", 1):
        assert broker.health().state == "connected"


async def test_a_channel_that_the_server_closes_takes_no_other_with_it(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    await foreign.queue("other")
    async with broker.consume("queue", 1) as reader, broker.consume("other", 1) as other:
        waiting = asyncio.create_task(deliveries(reader, 1))
        await asyncio.sleep(0)
        wire = await broker._consuming.open()
        wire.send(ack(reader.number, 12345, multiple=False))  # type: ignore[attr-defined]  # a tag it never gave
        with pytest.raises(BrokerUnavailable, match="unknown delivery tag"):
            await waiting
        await fill(broker, "other", 1)
        assert len(await deliveries(other, 1)) == 1


async def test_closing_the_broker_ends_its_consumers(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    async with broker.consume("queue", 1) as reader:
        waiting = asyncio.create_task(deliveries(reader, 1))
        await asyncio.sleep(0)
        await broker.close()
        with pytest.raises(BrokerUnavailable):
            await waiting
