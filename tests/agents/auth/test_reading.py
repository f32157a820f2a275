"""One read at a time, for all who want it."""

import asyncio

import pytest

from agents.auth.reading import Reading


class Source:
    """What is read: it is there when somebody says so."""

    def __init__(self) -> None:
        self.reads = 0
        self.there = asyncio.Event()
        self.fault: Exception | None = None

    async def read(self) -> None:
        self.reads += 1
        await self.there.wait()
        if self.fault:
            raise self.fault


@pytest.fixture
def source() -> Source:
    return Source()


async def test_all_who_want_it_meanwhile_wait_for_one_read_and_go_on_in_the_same_turn(source: Source) -> None:
    reading, turns = Reading(source.read), []
    turn = 0

    async def want() -> None:
        await reading.done()
        turns.append(turn)

    waiting = [asyncio.create_task(want()) for _ in range(1_000)]
    await asyncio.sleep(0)
    source.there.set()
    while not all(task.done() for task in waiting):
        await asyncio.sleep(0)
        turn += 1
    assert source.reads == 1
    assert len(set(turns)) == 1
    await reading.done()
    assert source.reads == 2


async def test_a_fault_is_everybodys_and_the_next_reads_again(source: Source) -> None:
    reading = Reading(source.read)
    source.fault = ConnectionError("the database is away")
    source.there.set()
    found = await asyncio.gather(*(reading.done() for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [ConnectionError] * 3
    source.fault = None
    await reading.done()
    assert source.reads == 2


async def test_who_goes_away_takes_nobody_along(source: Source) -> None:
    reading = Reading(source.read)
    gone, stays = (asyncio.create_task(reading.done()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    source.there.set()
    await stays
    assert source.reads == 1


async def test_what_is_outdated_is_read_anew_for_whoever_comes_then(source: Source) -> None:
    reading = Reading(source.read)
    first = asyncio.create_task(reading.done())
    await asyncio.sleep(0)
    reading.outdated()
    second = asyncio.create_task(reading.done())
    await asyncio.sleep(0)
    source.there.set()
    await asyncio.gather(first, second)
    assert source.reads == 2
