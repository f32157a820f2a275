"""Notices on RabbitMQ, where connections break."""

import asyncio

import pytest

from streams.errors import BrokerUnavailable
from tests.streams.broker.exchange import until
from tests.streams.rabbitmq.conftest import Breakable
from tests.streams.rabbitmq.foreign import Foreign

SECONDS = 20.0


async def test_a_listener_ends_with_its_connection_and_another_one_hears_again(
    breakable: Breakable, foreign: Foreign
) -> None:
    await foreign.exchange("news")
    broker = breakable.broker
    async with asyncio.timeout(SECONDS):
        async with broker.listen("news", ["#"]) as listener:
            broker.tell("news", "a", b"before")
            assert [notice.body for notice in await anext(listener)] == [b"before"]
            breakable.cut()
            with pytest.raises(BrokerUnavailable):
                await anext(listener)
        async with broker.listen("news", ["#"]) as listener:
            heard = asyncio.ensure_future(anext(listener))
            while not heard.done():
                broker.tell("news", "a", b"after")
                await asyncio.wait([heard], timeout=0.1)
            assert heard.result()[0].body == b"after"


async def test_the_queue_of_a_listener_goes_with_it(breakable: Breakable, foreign: Foreign) -> None:
    await foreign.exchange("news")
    async with breakable.broker.listen("news", ["#"]):
        await until(lambda: queues(foreign, 1))
    await until(lambda: queues(foreign, 0))


async def queues(foreign: Foreign, count: int) -> bool:
    return len((await foreign.manage("GET", "queues/{vhost}")).json()) == count
