import asyncio

from streams.broker import Outcome
from tests.streams.broker.conftest import Connect
from tests.streams.broker.exchange import bodies, message, numbered, read, send, topology, until
from topology.spec import Binding, Exchange, Log, Queue

EVENTS = topology(Exchange("events"), Log("orders", (Binding("events", "order.#"),)))


async def test_outcomes_stand_in_the_order_of_the_messages(connect: Connect) -> None:
    broker = await connect(EVENTS)
    published = [message("events", key) for key in ("order.a", "nobody", "order.b", "nobody.either", "order.c")]
    confirmed, unroutable = Outcome.CONFIRMED, Outcome.UNROUTABLE
    assert await broker.publish(published) == [confirmed, unroutable, confirmed, unroutable, confirmed]


async def test_messages_are_kept_in_the_order_in_which_they_were_published(connect: Connect) -> None:
    broker = await connect(EVENTS)
    await send(broker, *numbered("events", "order.created", range(1_000)))
    await send(broker, *numbered("events", "order.created", range(1_000, 2_000)))
    assert bodies(await read(broker, "orders", 2_000)) == [str(number) for number in range(2_000)]


async def test_calls_at_once_each_keep_their_own_order(connect: Connect) -> None:
    broker = await connect(EVENTS)
    calls = [numbered("events", f"order.{call}", range(call * 100, call * 100 + 50)) for call in range(8)]
    await asyncio.gather(*(send(broker, *call) for call in calls))
    found = [int(body) for body in bodies(await read(broker, "orders", 400))]
    assert len(set(found)) == len(found) == 400
    for call in range(8):
        assert [number for number in found if number // 100 == call] == list(range(call * 100, call * 100 + 50))


async def test_an_exchange_that_is_not_declared_takes_nothing_and_breaks_nothing_for_long(connect: Connect) -> None:
    broker = await connect(EVENTS)
    (outcome,) = await broker.publish([message("evnts", "order.created")])
    assert outcome is not Outcome.CONFIRMED

    async def works() -> bool:
        return await broker.publish([message("events", "order.created")]) == [Outcome.CONFIRMED]

    await until(works)
    assert any("evnts" in problem for problem in broker.health().problems)


async def test_a_body_that_is_too_large_is_refused_and_the_others_are_kept(connect: Connect) -> None:
    broker = await connect(EVENTS)
    largest = broker.capabilities.max_message_bytes
    published = [message("events", "order.a", body) for body in (b"1", b"x" * (largest + 1), b"2")]
    assert await broker.publish(published) == [Outcome.CONFIRMED, Outcome.REFUSED, Outcome.CONFIRMED]
    assert bodies(await read(broker, "orders", 2)) == ["1", "2"]


async def test_bodies_may_be_empty_large_and_of_any_bytes(connect: Connect) -> None:
    broker = await connect(EVENTS)
    contents = [b"", bytes(range(256)), b"x" * 400_000, "é€\N{PILE OF POO}".encode()]
    await send(broker, *(message("events", "order.a", body) for body in contents))
    assert [envelope.body for envelope in await read(broker, "orders", 4)] == contents


async def test_nothing_can_be_published(connect: Connect) -> None:
    assert await (await connect(EVENTS)).publish([]) == []


async def test_a_message_that_was_confirmed_can_be_read(connect: Connect) -> None:
    broker = await connect(EVENTS)
    for number in range(20):
        await send(broker, *numbered("events", "order.a", [number]))
        assert bodies(await read(broker, "orders", number + 1))[-1] == str(number)


async def test_closing_waits_for_what_is_being_published_and_may_be_repeated(connect: Connect) -> None:
    broker = await connect(topology(Exchange("events"), Queue("orders", (Binding("events", "#"),), ())))
    publishing = asyncio.create_task(broker.publish(numbered("events", "order.a", range(500))))
    await asyncio.sleep(0)
    await broker.close()
    await broker.close()
    assert await publishing == [Outcome.CONFIRMED] * 500


async def test_health_tells_idle_from_connected(connect: Connect) -> None:
    broker = await connect(EVENTS)
    assert broker.health().state == "idle"
    await broker.open()
    assert broker.health().state == "connected"
    assert broker.health().problems == ()
