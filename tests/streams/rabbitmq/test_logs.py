"""Reading logs of a real RabbitMQ by the stream protocol."""

import asyncio
import time
from contextlib import suppress
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import HeadersType
from rstream import AMQPMessage, CompressionType, Producer, Properties
from rstream.schema import Deliver

from streams.broker import Chunk, Envelope, Extent, LogReader, Message, Outcome
from streams.errors import AccessRefused, BrokerUnavailable, NoSuchTarget
from streams.rabbitmq import RabbitMQ
from streams.rabbitmq.log_reader import MOST_CREDIT, LogSubscription
from tests.servers.address import RabbitMQ as Server
from tests.streams.rabbitmq.conftest import Breakable, close_connections
from tests.streams.rabbitmq.foreign import Foreign

SECONDS = 20.0


def message(log: str, body: bytes) -> Message:
    return Message(exchange="", routing_key=log, body=body, message_id=str(uuid4()), type="order.created")


async def fill(broker: RabbitMQ, log: str, start: int, stop: int) -> None:
    outcomes = await broker.publish([message(log, b"%d" % number) for number in range(start, stop)])
    assert set(outcomes) == {Outcome.CONFIRMED}


async def chunk(reader: LogReader) -> Chunk:
    async with asyncio.timeout(SECONDS):
        return await anext(reader)


async def envelopes(reader: LogReader, count: int, start: int = 0) -> list[Envelope]:
    found: list[Envelope] = []
    while len(found) < count:
        found += reader.scan(await chunk(reader), start, ())
    return found


def numbers(found: list[Envelope]) -> list[int]:
    return [int(envelope.body) for envelope in found]


async def test_a_log_is_read_from_its_beginning_from_an_offset_and_from_its_end(
    broker: RabbitMQ, foreign: Foreign
) -> None:
    await foreign.log("log")
    await fill(broker, "log", 0, 1000)
    async with broker.read("log", "first") as reader:
        found = await envelopes(reader, 1000)
        assert [envelope.offset for envelope in found] == list(range(1000))
        assert numbers(found) == list(range(1000))
    async with broker.read("log", 700) as reader:
        first = await chunk(reader)
        assert first.first <= 700 < first.first + len(first.raws)
        assert numbers(reader.scan(first, 700, ()))[0] == 700
    async with broker.read("log", "next") as reader:
        await fill(broker, "log", 1000, 1010)
        assert numbers(await envelopes(reader, 10)) == list(range(1000, 1010))


async def test_the_time_of_a_chunk_and_the_fingerprint_of_a_message_are_the_same_at_every_reading(
    broker: RabbitMQ, foreign: Foreign
) -> None:
    await foreign.log("log")
    await fill(broker, "log", 0, 10)
    seen = []
    for _ in range(2):
        async with broker.read("log", "first") as reader:
            found: dict[int, tuple[int, bytes]] = {}
            while len(found) < 10:
                part = await chunk(reader)
                for offset in range(part.first, part.first + len(part.raws)):
                    found[offset] = part.time, reader.fingerprint(part, offset)
            seen.append(found)
    assert seen[0] == seen[1]
    assert all(abs(taken / 1000 - time.time()) < 60 for taken, _ in seen[0].values())
    assert len({fingerprint for _, fingerprint in seen[0].values()}) == 10
    assert {len(fingerprint) for _, fingerprint in seen[0].values()} == {8}


async def test_types_that_are_skipped_leave_the_offsets_of_the_others(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    sent = [message("log", b"%d" % number) for number in range(6)]
    sent[2].type = sent[4].type = "order.paid"
    await broker.publish(sent)
    async with broker.read("log", "first") as reader:
        found: list[Envelope] = []
        while not found or found[-1].offset < 5:
            found += reader.scan(await chunk(reader), 1, {"order.paid"})
    assert [(envelope.offset, envelope.body) for envelope in found] == [(1, b"1"), (3, b"3"), (5, b"5")]


async def test_a_reader_that_waits_gets_what_is_published_later(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    async with broker.read("log", "first") as reader:
        waiting = asyncio.create_task(envelopes(reader, 1))
        await asyncio.sleep(0)
        await fill(broker, "log", 0, 1)
        assert numbers(await waiting) == [0]


async def test_a_reader_may_stop_waiting_and_lose_nothing(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    async with broker.read("log", "first") as reader:
        for number in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(reader), 0.01)
            await fill(broker, "log", number, number + 1)
            assert numbers(await envelopes(reader, 1)) == [number]


async def test_what_is_read_ahead_is_bounded_by_credit(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    count = 2 * MOST_CREDIT
    for number in range(count):
        await fill(broker, "log", number, number + 1)
    async with broker.read("log", "first") as reader:
        assert isinstance(reader, LogSubscription)
        first = await chunk(reader)
        # The answer to a request comes behind all chunks that there was credit for.
        assert await broker.extent("log") == Extent(0, count - 1)
        await asyncio.sleep(0.1)
        ahead: list[Deliver] = list(reader._chunks)
        assert len(ahead) <= MOST_CREDIT
        rest = await envelopes(reader, count - len(first.raws))
    assert numbers(reader.scan(first, 0, ()) + rest) == list(range(count))


# --- other publishers ---


async def test_messages_of_stream_clients_are_read_alone_and_in_batches(
    broker: RabbitMQ, foreign: Foreign, rabbitmq_vhost: Server
) -> None:
    await foreign.log("log")
    port = int(rabbitmq_vhost.stream.rpartition(":")[2].partition("/")[0])
    producer = Producer("127.0.0.1", port, username="guest", password="guest", vhost=rabbitmq_vhost.vhost)
    sent = [
        AMQPMessage(
            body=b"%d" % number,
            properties=Properties(message_id=f"id-{number}", user_id=b"orders", subject="order.created"),
            application_properties={"key": f"k{number}"},
        )
        for number in range(9)
    ]
    async with producer:
        await producer.send_wait("log", sent[0])
        await producer.send_sub_entry("log", sent[1:4], CompressionType.No)
        await producer.send_sub_entry("log", sent[4:8], CompressionType.Gzip)
        await producer.send_wait("log", sent[8])
        async with broker.read("log", "first") as reader:
            found = await envelopes(reader, 9)
    assert [envelope.offset for envelope in found] == list(range(9))
    # rstream holds batches back a little.
    assert sorted(numbers(found)) == list(range(9))
    assert {(envelope.type, envelope.user) for envelope in found} == {("order.created", "")}
    assert all(envelope.key == f"k{int(envelope.body)}" for envelope in found)
    assert await broker.extent("log") == Extent(0, 8)


async def test_what_a_foreign_client_leaves_out_is_absent(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    await foreign.publish("", "log", aio_pika.Message(b"bare"))
    headers: HeadersType = {"key": 42, "time": 5, "seq": "no number", "table": {"a": 1}, "float": 1.5, "none": None}
    await foreign.publish("", "log", aio_pika.Message(b"odd", type="t", message_id="m", headers=headers))
    async with broker.read("log", "first") as reader:
        bare, odd = await envelopes(reader, 2)
        details = reader.details(odd)
    assert (bare.type, bare.user, bare.body, bare.key, bare.time, bare.seq) == ("", "", b"bare", "", -1, -1)
    assert (odd.type, odd.id, odd.key, odd.time, odd.seq) == ("t", "m", "42", 5, -1)
    assert details.headers == {"key": 42, "time": 5, "seq": "no number", "float": "1.5"}


# --- extents ---


async def test_the_extent_of_an_empty_log_is_empty(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    assert await broker.extent("log") == Extent(-1, -1)


async def test_an_extent_ends_with_the_last_message_and_begins_where_retention_left_off(
    broker: RabbitMQ, foreign: Foreign
) -> None:
    await foreign.log("log", arguments={"x-max-length-bytes": 20_000, "x-stream-max-segment-size-bytes": 10_000})
    for number in range(100):
        await broker.publish([message("log", b"%01000d" % number)])
    extent = await broker.extent("log")
    async with broker.read("log", "first") as reader:
        first = await chunk(reader)
        found = reader.scan(first, 0, ())
        while found[-1].offset < extent.last:
            found += reader.scan(await chunk(reader), 0, ())
    assert first.first == extent.first > 0
    assert int(found[-1].body) == 99
    # RabbitMQ numbers its own entries, which readers do not see, like messages.
    assert extent.last >= 99


async def test_many_extents_may_be_asked_for_at_once(broker: RabbitMQ, foreign: Foreign) -> None:
    for number in range(5):
        await foreign.log(f"log-{number}")
        await fill(broker, f"log-{number}", 0, number + 1)
    extents = await asyncio.gather(*(broker.extent(f"log-{number}") for number in (0, 1, 2, 3, 4, 4, 0)))
    assert [extent.last for extent in extents] == [0, 1, 2, 3, 4, 4, 0]


# --- what goes wrong ---


async def test_a_log_that_is_not_there_is_said_by_name(broker: RabbitMQ, foreign: Foreign) -> None:
    with pytest.raises(NoSuchTarget, match="'nowhere'"):
        async with broker.read("nowhere", "first"):
            pass
    with pytest.raises(NoSuchTarget, match="'nowhere'"):
        await broker.extent("nowhere")
    await foreign.log("there")
    assert await broker.extent("there") == Extent(-1, -1)


async def test_a_queue_is_no_log(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.queue("queue")
    with pytest.raises((NoSuchTarget, BrokerUnavailable)):
        async with broker.read("queue", "first"):
            pass


async def test_a_log_that_may_not_be_read_is_refused(foreign: Foreign, rabbitmq_vhost: Server) -> None:
    await foreign.log("log")
    name = f"user-{uuid4().hex}"
    await foreign.manage("PUT", f"users/{name}", {"password": "secret", "tags": ""})
    await foreign.manage("PUT", f"permissions/{{vhost}}/{name}", {"configure": "", "write": "", "read": ""})
    urls = [url.replace("guest:guest@", f"{name}:secret@") for url in (rabbitmq_vhost.amqp, rabbitmq_vhost.stream)]
    broker = RabbitMQ(*urls)
    with pytest.raises(AccessRefused, match="'log'") as caught:
        async with broker.read("log", "first"):
            pass
    assert caught.value.__cause__ is not None
    await broker.close()
    await foreign.manage("DELETE", f"users/{name}")


async def test_wrong_passwords_and_virtual_hosts_are_refused(rabbitmq_vhost: Server) -> None:
    stream = rabbitmq_vhost.stream
    for url in (stream.replace(":guest@", ":wrong@"), stream.rpartition("/")[0] + "/nowhere"):
        broker = RabbitMQ(rabbitmq_vhost.amqp, url)
        with pytest.raises(AccessRefused):
            await broker.extent("log")
        with pytest.raises(AccessRefused):
            await broker.open()
        await broker.close()


async def test_a_log_that_is_deleted_under_its_reader_ends_after_what_has_arrived(
    broker: RabbitMQ, foreign: Foreign
) -> None:
    await foreign.log("log")
    await fill(broker, "log", 0, 10)
    async with broker.read("log", "first") as reader:
        assert numbers(await envelopes(reader, 10)) == list(range(10))
        waiting = asyncio.create_task(chunk(reader))
        await asyncio.sleep(0)
        await foreign.delete("log")
        with pytest.raises(NoSuchTarget, match="'log' was deleted"):
            await waiting
    await foreign.log("log")
    async with broker.read("log", "first") as reader:
        await fill(broker, "log", 5, 6)
        assert [(e.offset, e.body) for e in await envelopes(reader, 1)] == [(0, b"5")]


async def test_a_reader_whose_connection_breaks_raises_and_can_be_opened_again(
    breakable: Breakable, foreign: Foreign
) -> None:
    broker = breakable.broker
    await foreign.log("log")
    await fill(broker, "log", 0, 10)
    async with broker.read("log", "first") as reader:
        await envelopes(reader, 10)
        breakable.stream.cut()
        with pytest.raises(BrokerUnavailable, match="'log'") as caught:
            await chunk(reader)
        assert broker.health().state == "down"
    assert caught.value.__cause__ is not None
    async with broker.read("log", 5) as reader:
        assert numbers(await envelopes(reader, 1, 5))[0] == 5
    assert broker.health().state == "connected"


async def test_a_connection_cut_in_the_middle_of_a_chunk_gives_whole_chunks_only(
    breakable: Breakable, foreign: Foreign
) -> None:
    broker = breakable.broker
    await foreign.log("log")
    await fill(broker, "log", 0, 5000)
    breakable.stream.cut_after_reply(50_000)
    found: list[Envelope] = []
    with suppress(BrokerUnavailable):
        async with broker.read("log", "first") as reader:
            while True:
                found += reader.scan(await chunk(reader), 0, ())
    assert len(found) < 5000
    assert numbers(found) == list(range(len(found)))
    async with broker.read("log", len(found)) as reader:
        assert numbers(await envelopes(reader, 5000 - len(found), len(found))) == list(range(len(found), 5000))


async def test_extents_are_asked_for_again_after_a_break(breakable: Breakable, foreign: Foreign) -> None:
    broker = breakable.broker
    await foreign.log("log")
    await fill(broker, "log", 0, 3)
    assert await broker.extent("log") == Extent(0, 2)
    breakable.stream.cut()
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                assert await broker.extent("log") == Extent(0, 2)
                break
            except BrokerUnavailable:
                continue


async def test_a_request_that_is_given_up_leaves_the_next_one_right(breakable: Breakable, foreign: Foreign) -> None:
    broker = breakable.broker
    await foreign.log("log")
    await fill(broker, "log", 0, 3)
    await broker.extent("log")
    breakable.stream.hold()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await broker.extent("log")
    breakable.stream.release()
    assert await broker.extent("log") == Extent(0, 2)


async def test_a_stream_connection_that_the_server_closes_raises(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    async with broker.read("log", "first") as reader:
        waiting = asyncio.create_task(chunk(reader))
        await close_connections(foreign, "warren reads log")
        with pytest.raises(BrokerUnavailable):
            await waiting


async def test_closing_the_broker_ends_its_readers(broker: RabbitMQ, foreign: Foreign) -> None:
    await foreign.log("log")
    async with broker.read("log", "first") as reader:
        waiting = asyncio.create_task(chunk(reader))
        await asyncio.sleep(0)
        await broker.close()
        with pytest.raises(BrokerUnavailable, match="closed"):
            await waiting


async def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up(
    rabbitmq_vhost: Server, breakable: Breakable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.rabbitmq.stream_client.CONNECT_SECONDS", 0.2)
    monkeypatch.setattr("streams.rabbitmq.link.CONNECT_SECONDS", 0.2)
    breakable.amqp.hold()
    breakable.stream.hold()
    with pytest.raises(BrokerUnavailable, match="TimeoutError"):
        await breakable.broker.extent("log")
    with pytest.raises(BrokerUnavailable, match="TimeoutError"):
        await breakable.broker.depth("queue")
    assert len(breakable.broker.health().problems) == 2
