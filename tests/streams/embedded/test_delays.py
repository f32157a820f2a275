import asyncio

from streams.embedded import Embedded
from tests.streams.broker.exchange import bodies, message, numbered, send, topology
from tests.streams.embedded.virtual_time import BEGIN, clock, in_virtual_time
from topology.spec import Queue, Service, Topology

LADDER = topology(Queue("jobs"))


async def arrivals(server: Embedded, count: int) -> list[tuple[str, int]]:
    """Bodies of the next messages of `jobs`, and the seconds at which they come."""
    found: list[tuple[str, int]] = []
    async with server.connect("shop").consume("jobs", 1) as reader:
        while len(found) < count:
            (delivery,) = await anext(reader)
            found.append((delivery.envelope.body.decode(), (clock() - BEGIN) // 1000))
            await reader.ack([delivery.envelope.offset])
    return found


@in_virtual_time
async def test_every_rung_takes_its_time() -> None:
    server = Embedded(LADDER, clock=clock)
    rungs = ["10m", "2m", "30s", "5s", "1s"]
    await send(server.connect("shop"), *(message(f"retry.{rung}", "jobs", rung.encode()) for rung in rungs))
    expected = [("1s", 1), ("5s", 5), ("30s", 30), ("2m", 120), ("10m", 600)]
    assert await arrivals(server, 5) == expected
    await server.close()


@in_virtual_time
async def test_each_message_waits_from_its_own_publishing_on() -> None:
    server = Embedded(LADDER, clock=clock)
    broker = server.connect("shop")
    for number in range(3):
        await send(broker, *numbered("retry.5s", "jobs", [number]))
        await asyncio.sleep(2)
    assert await arrivals(server, 3) == [("0", 6), ("1", 7), ("2", 9)]
    await server.close()


@in_virtual_time
async def test_a_delay_queue_can_be_consumed_before_its_messages_are_due() -> None:
    server = Embedded(LADDER, clock=clock)
    broker = server.connect("shop")
    await send(broker, *numbered("retry.10m", "jobs", range(2)))
    async with broker.consume("retry.10m", 1) as reader:
        (first,) = await anext(reader)
        await reader.ack([first.envelope.offset])
        (second,) = await anext(reader)
        assert bodies([first, second]) == ["0", "1"]
    assert await arrivals(server, 1) == [("1", 600)]
    await server.close()


@in_virtual_time
async def test_a_message_that_has_nowhere_to_go_is_reported_and_holds_nothing_up() -> None:
    server = Embedded(Topology((Service("shop", queues=(Queue("jobs"),)),)), clock=clock)
    broker = server.connect("shop")
    await send(broker, *numbered("retry.1s", "nobody", [0]), *numbered("retry.1s", "jobs", [1]))
    assert await arrivals(server, 1) == [("1", 1)]
    (problem,) = broker.health().problems
    assert "cannot go back to the queue 'nobody'" in problem
    await server.close()
