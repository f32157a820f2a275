"""Users of services on a real RabbitMQ: each may do what its service declares, and no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import rstream
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ProbableAuthenticationError

from tests.topology.bench import SECONDS, Bench, publish
from topology.credentials import Password
from topology.load import load_shop
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

_SECRET = "a secret: with / odd @ characters"


@dataclass(frozen=True)
class _Shop:
    """Two services with names of their own, because users belong to the whole broker."""

    bench: Bench
    topology: Topology
    writer: str
    reader: str

    @property
    def passwords(self) -> dict[str, Password]:
        return {self.writer: Password(_SECRET), self.reader: Password(_SECRET)}

    def login(self, user: str) -> AbstractAsyncContextManager[AbstractConnection]:
        return self.bench.login(user, _SECRET)

    def producer(self, user: str) -> rstream.Producer:
        host, port = self._stream_listener()
        return rstream.Producer(host, port, vhost=self.bench.vhost, username=user, password=_SECRET)

    def consumer(self, user: str) -> rstream.Consumer:
        host, port = self._stream_listener()
        return rstream.Consumer(host, port, vhost=self.bench.vhost, username=user, password=_SECRET)

    def _stream_listener(self) -> tuple[str, int]:
        parts = urlsplit(self.bench.server.stream)
        return parts.hostname or "localhost", parts.port or 5552


@pytest.fixture
async def shop(bench: Bench) -> AsyncIterator[_Shop]:
    writer, reader = f"writer-{uuid4().hex}", f"reader-{uuid4().hex}"
    news = Exchange("news", "topic", "unrouted")
    writing = Service(
        writer,
        exchanges=(news,),
        publishes={"news": ("order.created", "order.*.paid")},
        http={"news": ("user.activity.#",)},
        logs=(Log("own.log", partitions=2),),
    )
    reading = Service(reader, queues=(Queue("mail", (Binding("news", "order.#"),), retry=("1s",)),))
    topology = Topology((writing, reading, load_shop().service("shared")))
    shop = _Shop(bench, topology, writer, reader)
    await bench.apply(topology, shop.passwords)
    yield shop
    for user in (writer, reader):
        await bench.management.delete("users", user)


async def _may_publish(shop: _Shop, user: str, exchange: str, key: str) -> bool:
    async with shop.login(user) as connection:
        try:
            await publish(await connection.channel(), exchange, key)
        except ChannelAccessRefused:
            return False
        return True


async def _may_read(shop: _Shop, user: str, queue: str) -> bool:
    async with shop.login(user) as connection:
        channel = await connection.channel()
        try:
            await (await channel.get_queue(queue, ensure=False)).get(fail=False)
        except ChannelAccessRefused:
            return False
        return True


async def test_a_second_time_changes_nothing_not_even_passwords(shop: _Shop) -> None:
    assert not (await shop.bench.plan(shop.topology, shop.passwords)).steps


@pytest.mark.parametrize("key", ["order.created", "order.17.paid", "user.activity", "user.activity.viewed.twice"])
async def test_a_service_publishes_the_keys_that_it_declares(shop: _Shop, key: str) -> None:
    assert await _may_publish(shop, shop.writer, "news", key)


@pytest.mark.parametrize("key", ["order.created.twice", "order.paid", "xorder.created", "user.created", ""])
async def test_a_service_publishes_no_other_keys(shop: _Shop, key: str) -> None:
    assert not await _may_publish(shop, shop.writer, "news", key)


async def test_a_service_publishes_to_no_other_exchange(shop: _Shop) -> None:
    assert not await _may_publish(shop, shop.reader, "news", "order.created")
    assert not await _may_publish(shop, shop.writer, "retry.1s", "mail")
    assert not await _may_publish(shop, shop.writer, "unrouted", "order.created")


async def test_a_service_reaches_the_ladder_the_dead_letters_and_table_changes(shop: _Shop) -> None:
    assert await _may_publish(shop, shop.reader, "retry.1s", "mail")
    assert await _may_publish(shop, shop.reader, "dlx", "mail")
    assert await _may_publish(shop, shop.reader, "table.changes", "orders")


async def test_a_service_listens_to_table_changes_and_to_nothing_else(shop: _Shop) -> None:
    async with shop.login(shop.reader) as connection:
        queue = await (await connection.channel()).declare_queue("", exclusive=True, auto_delete=True)
        await queue.bind("table.changes", "#")
        with pytest.raises(ChannelAccessRefused):
            await queue.bind("news", "#")


async def test_a_service_with_logs_sends_to_them_by_name(shop: _Shop) -> None:
    assert await _may_publish(shop, shop.writer, "", "own.log-1")
    assert not await _may_publish(shop, shop.reader, "", "own.log-1")


async def test_a_service_reads_its_own_queues_alone(shop: _Shop) -> None:
    assert await _may_read(shop, shop.reader, "mail")
    assert not await _may_read(shop, shop.writer, "mail")


async def test_a_service_asks_for_the_depth_of_its_queue_and_declares_nothing(shop: _Shop) -> None:
    await shop.bench.publish("news", "order.created")
    async with shop.login(shop.reader) as connection:
        channel = await connection.channel()
        await channel.declare_queue("mail", passive=True)
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue("mine")


async def test_a_password_that_changes_is_set(shop: _Shop) -> None:
    changed = {**shop.passwords, shop.reader: Password("another")}
    await shop.bench.apply(shop.topology, changed)
    async with shop.bench.login(shop.reader, "another"):
        pass
    with pytest.raises(ProbableAuthenticationError):
        async with shop.login(shop.reader):
            pass


async def test_a_user_whose_password_is_not_given_keeps_it(shop: _Shop) -> None:
    assert not (await shop.bench.plan(shop.topology, {})).steps


async def test_a_service_reads_and_writes_its_own_log_over_the_stream_protocol(shop: _Shop) -> None:
    received = asyncio.Queue[bytes]()
    async with shop.producer(shop.writer) as producer:
        await producer.send_wait("own.log-0", b"event")
    async with shop.consumer(shop.writer) as consumer:
        await consumer.subscribe("own.log-0", lambda body, _: received.put_nowait(body))
        consuming = asyncio.create_task(consumer.run())
        async with asyncio.timeout(SECONDS):
            assert await received.get() == b"event"
        consuming.cancel()


async def test_a_log_of_others_is_closed_over_the_stream_protocol(shop: _Shop) -> None:
    async with shop.producer(shop.reader) as producer:
        with pytest.raises(rstream.exceptions.ServerError) as raised:
            await producer.send_wait("own.log-0", b"event")
    # Where RabbitMQ closes the connection too, rstream fails once more while it cleans up after the refusal.
    assert rstream.exceptions.AccessRefused in (type(raised.value), type(raised.value.__context__))
