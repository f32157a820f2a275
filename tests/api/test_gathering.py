"""Messages of different requests that go to the broker together."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from api.gathering import Gathering
from streams.broker import Message, Outcome

CONFIRMED, REFUSED = Outcome.CONFIRMED, Outcome.REFUSED
PATIENCE = 60.0


def message(id: str) -> Message:
    return Message(exchange="x", routing_key="k", body=b"{}", message_id=id, type="k")


class Broker:
    """Notes the groups that it is sent. `refused` are ids it does not take; it waits until it is `open`."""

    def __init__(self, *refused: str) -> None:
        self.groups: list[list[str]] = []
        self.asked = asyncio.Semaphore(0)
        self.open = asyncio.Event()
        self.open.set()
        self._refused = refused

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        self.groups.append([message.message_id for message in messages])
        self.asked.release()
        await self.open.wait()
        return [REFUSED if message.message_id in self._refused else CONFIRMED for message in messages]


async def test_what_is_given_at_once_goes_together_and_each_is_told_its_own_outcome() -> None:
    broker = Broker("b")
    gathering = Gathering(broker.send, PATIENCE)
    outcomes = await asyncio.gather(*(gathering.send(message(id)) for id in "abc"))
    assert outcomes == [CONFIRMED, REFUSED, CONFIRMED]
    assert broker.groups == [["a", "b", "c"]]


async def test_two_groups_are_under_way_and_what_comes_meanwhile_goes_together() -> None:
    broker = Broker()
    broker.open.clear()
    gathering = Gathering(broker.send, PATIENCE)
    sends = []
    for id in "ab":
        sends.append(asyncio.create_task(gathering.send(message(id))))
        await broker.asked.acquire()
    for id in "cde":
        sends.append(asyncio.create_task(gathering.send(message(id))))
        await asyncio.sleep(0)
    broker.open.set()
    assert {*await asyncio.gather(*sends)} == {CONFIRMED}
    assert broker.groups == [["a"], ["b"], ["c", "d", "e"]]


async def test_who_goes_away_before_the_group_leaves_is_not_sent() -> None:
    broker = Broker()
    broker.open.clear()
    gathering = Gathering(broker.send, PATIENCE)
    sends = []
    for id in "ab":
        sends.append(asyncio.create_task(gathering.send(message(id))))
        await broker.asked.acquire()
    gone, stays = (asyncio.create_task(gathering.send(message(id))) for id in "cd")
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    broker.open.set()
    assert await stays is CONFIRMED
    assert broker.groups[-1] == ["d"]


async def test_ids_of_a_group_differ() -> None:
    broker = Broker()
    gathering = Gathering(broker.send, PATIENCE)
    elsewhere = replace(message("a"), routing_key="l")
    await asyncio.gather(*(gathering.send(each) for each in (message("a"), message("b"), elsewhere)))
    assert sorted(map(sorted, broker.groups)) == [["a"], ["a", "b"]]


async def test_an_event_that_comes_again_and_again_goes_once_and_all_are_told_its_outcome() -> None:
    broker = Broker("a")
    broker.open.clear()
    gathering = Gathering(broker.send, PATIENCE)
    sends = [asyncio.create_task(gathering.send(message(id))) for id in "aab"]
    await broker.asked.acquire()
    sends += [asyncio.create_task(gathering.send(message("a"))) for _ in range(1_000)]
    await asyncio.sleep(0)
    broker.open.set()
    assert [await send for send in sends] == [REFUSED, REFUSED, CONFIRMED, *[REFUSED] * 1_000]
    assert broker.groups == [["a", "b"]]
    assert await gathering.send(message("a")) is REFUSED
    assert broker.groups == [["a", "b"], ["a"]]


async def test_an_event_goes_again_where_whoever_brought_it_first_has_gone() -> None:
    broker = Broker()
    gathering = Gathering(broker.send, PATIENCE)
    gone, stays = (asyncio.create_task(gathering.send(message("a"))) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(30):
        assert await stays is CONFIRMED


async def test_who_goes_away_takes_nobody_along() -> None:
    broker = Broker()
    broker.open.clear()
    gathering = Gathering(broker.send, PATIENCE)
    gone, stays = (asyncio.create_task(gathering.send(message(id))) for id in "ab")
    await broker.asked.acquire()
    gone.cancel()
    await asyncio.wait([gone])
    broker.open.set()
    assert await stays is CONFIRMED


async def test_a_failure_is_everybodys() -> None:
    async def fail(messages: Sequence[Message]) -> list[Outcome]:
        raise ZeroDivisionError

    gathering = Gathering(fail, PATIENCE)
    found = await asyncio.gather(*(gathering.send(message(id)) for id in "ab"), return_exceptions=True)
    assert [type(error) for error in found] == [ZeroDivisionError, ZeroDivisionError]


async def test_nobody_who_waits_makes_no_noise(recwarn: pytest.WarningsRecorder) -> None:
    broker = Broker()
    gathering = Gathering(broker.send, PATIENCE)
    alone = asyncio.create_task(gathering.send(message("a")))
    await asyncio.sleep(0)
    alone.cancel()
    await asyncio.wait([alone])
    assert await gathering.send(message("b")) is CONFIRMED
    assert not recwarn.list


async def test_who_waits_too_long_is_told_so_and_not_sent() -> None:
    broker = Broker()
    broker.open.clear()
    gathering = Gathering(broker.send, 0.05)
    for id in "ab":
        asyncio.create_task(gathering.send(message(id))).add_done_callback(asyncio.Task.exception)
        await broker.asked.acquire()
    with pytest.raises(TimeoutError):
        await gathering.send(message("c"))
    broker.open.set()
    await Gathering(broker.send, PATIENCE).send(message("d"))
    assert await gathering.send(message("e")) is CONFIRMED
    assert broker.groups == [["a"], ["b"], ["d"], ["e"]]
