"""Notices: told to who listens, kept nowhere."""

import asyncio

import pytest

from streams.broker import Broker, Listener, Notice
from streams.errors import NoSuchTarget
from tests.streams.broker.conftest import Connect
from tests.streams.broker.exchange import SECONDS, message, send, topology
from topology.spec import Binding, Exchange, Log

NEWS = topology(Exchange("news"), Exchange("events"), Log("orders", (Binding("events", "#"),)))


async def heard(listener: Listener, count: int) -> list[Notice]:
    found: list[Notice] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            found += await anext(listener)
    return found


async def opened(connect: Connect) -> Broker:
    broker = await connect(NEWS)
    await broker.open()
    return broker


async def test_who_listens_hears_what_is_told_from_then_on_in_order(connect: Connect) -> None:
    broker = await opened(connect)
    broker.tell("news", "shop.orders", b"too early")
    async with broker.listen("news", ["shop.orders"]) as listener:
        broker.tell("news", "shop.orders", b"")
        broker.tell("news", "shop.other", b"unheard")
        for number in range(300):
            broker.tell("news", "shop.orders", b"%d" % number)
        notices = await heard(listener, 301)
    assert notices == [Notice("shop.orders", body) for body in (b"", *(b"%d" % n for n in range(300)))]


async def test_everybody_who_listens_hears_it_by_patterns(connect: Connect) -> None:
    broker = await opened(connect)
    async with broker.listen("news", ["#"]) as all_, broker.listen("news", ["a.*", "*.b"]) as some:
        for key in ("a.b", "c.d", "x.b"):
            broker.tell("news", key, b"{}")
        assert [notice.key for notice in await heard(all_, 3)] == ["a.b", "c.d", "x.b"]
        assert [notice.key for notice in await heard(some, 2)] == ["a.b", "x.b"]


async def test_what_is_told_to_nobody_disturbs_nothing(connect: Connect) -> None:
    broker = await opened(connect)
    for exchange in ("news", "nowhere", "news"):
        broker.tell(exchange, "shop.orders", b"{}")
        await send(broker, message("events", "order.created"))
    assert (await broker.extent("orders")).last == 2


async def test_listening_to_what_is_not_there_says_so(connect: Connect) -> None:
    broker = await opened(connect)
    with pytest.raises(NoSuchTarget, match="nws"):
        async with broker.listen("nws", ["#"]):
            pass
