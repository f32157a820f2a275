"""The stream protocol's client, against a server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams.broker import Chunk, LogReader
from streams.errors import BrokerUnavailable
from streams.rabbitmq import RabbitMQ
from streams.rabbitmq.log_reader import CREDIT, MOST_CREDIT, SHARE, SMALL
from streams.rabbitmq.stream_client import Answer, BytewiseText
from tests.streams.rabbitmq.amqp10_writer import as_3_10
from tests.streams.rabbitmq.fake_stream import FakeStream, chunk, closing, fake_stream, frame, moved


@pytest.fixture
async def server() -> AsyncIterator[FakeStream]:
    async with fake_stream() as server:
        yield server


@asynccontextmanager
async def reading(server: FakeStream) -> AsyncIterator[LogReader]:
    broker = RabbitMQ("amqp://127.0.0.1:1/", server.url)
    async with broker.read("log", "first") as reader:
        yield reader
    await broker.close()


async def take(reader: LogReader) -> Chunk:
    async with asyncio.timeout(20):
        return await anext(reader)


async def take_all(reader: LogReader, count: int) -> None:
    for _ in range(count):
        await take(reader)


async def credit_granted(server: FakeStream) -> int:
    """What the server has been granted, once no more comes."""
    before = -1
    while before != server.grants:
        before = server.grants
        await asyncio.sleep(0.05)
    return server.credits


async def test_credit_is_given_back_when_chunks_are_taken_and_not_when_they_arrive(server: FakeStream) -> None:
    large = as_3_10(body=bytes(SMALL))
    async with reading(server) as reader:
        server.say(b"".join(chunk(number, large) for number in range(CREDIT)))
        first = await take(reader)
        assert (first.first, first.time) == (0, 5)
        assert reader.scan(first, 0, ())[0].type == "order.created"
        assert server.credits == 0
        await take_all(reader, CREDIT - 1)
        assert await credit_granted(server) == CREDIT


async def test_small_chunks_earn_more_credit_up_to_a_bound_and_large_ones_take_it_back(server: FakeStream) -> None:
    small, large = as_3_10(), as_3_10(body=bytes(SMALL))
    sent = 0
    async with reading(server) as reader:
        for message, bound in ((small, MOST_CREDIT), (large, CREDIT)):
            taken = 3 * MOST_CREDIT
            server.say(b"".join(chunk(sent + number, message) for number in range(taken)))
            await take_all(reader, taken)
            sent += taken
            under_way = CREDIT + await credit_granted(server) - sent
            assert bound * (1 - 1 / SHARE) < under_way <= bound


async def test_a_chunk_with_a_wrong_checksum_is_not_read(server: FakeStream) -> None:
    async with reading(server) as reader:
        server.say(chunk(0, as_3_10()) + chunk(1, as_3_10(), checksum=1))
        await take(reader)
        with pytest.raises(BrokerUnavailable, match="checksum"):
            await take(reader)


async def test_a_chunk_that_is_shorter_than_it_says_is_not_read(server: FakeStream) -> None:
    async with reading(server) as reader:
        whole = chunk(0, b"", b"", b"")
        server.say(whole.replace(b"\0\x03\0\0\0\x03", b"\0\x04\0\0\0\x04"))
        with pytest.raises(BrokerUnavailable, match="offset 0 is cut"):
            await take(reader)


async def test_a_server_that_says_goodbye_is_answered_and_its_reason_told(server: FakeStream) -> None:
    async with reading(server) as reader:
        server.say(closing("shutting down"))
        with pytest.raises(BrokerUnavailable, match="shutting down"):
            await take(reader)
        async with asyncio.timeout(20):
            while 22 | 0x8000 not in server.asked:  # noqa: ASYNC110 - the answer arrives when it arrives
                await asyncio.sleep(0.01)


async def test_a_log_whose_member_stops_is_to_be_read_elsewhere(server: FakeStream) -> None:
    async with reading(server) as reader:
        server.say(chunk(0, as_3_10()) + moved("log"))
        await take(reader)
        with pytest.raises(BrokerUnavailable, match="moved to another node"):
            await take(reader)


async def test_a_frame_that_nobody_knows_ends_the_connection(server: FakeStream) -> None:
    async with reading(server) as reader:
        server.say(frame(999, b""))
        with pytest.raises(BrokerUnavailable):
            await take(reader)


async def test_a_server_that_goes_silent_is_given_up(server: FakeStream) -> None:
    server.heartbeat = 1
    async with reading(server) as reader:
        with pytest.raises(BrokerUnavailable, match="gone silent"):
            await take(reader)


async def test_who_waits_for_an_answer_can_always_be_cancelled() -> None:
    answer = asyncio.get_running_loop().create_future()

    async def wait() -> object:
        return await Answer(answer, 5.0)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    answer.set_result("an answer")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await Answer(asyncio.get_running_loop().create_future(), 0.01)


def test_texts_count_their_bytes() -> None:
    assert len(BytewiseText("log ✓")) == 7
