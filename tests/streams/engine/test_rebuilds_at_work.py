"""An agent that is at work goes on while it is rebuilt: the tool has its slot for the last stretch alone."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from functools import partial
from random import Random
from typing import Any

import pytest

from stores.port import Commit, Store
from streams import Worker
from streams.limits import Limits
from streams.ownership import LOOK
from streams.rebuild import NEAR
from tests.streams.engine.stage import Order, Stage, at_end, handled, on_stage, status_of, until
from tests.streams.engine.test_rebuilds import ORDERS, app_of, count, rebuild


async def stream_of(stage: Stage, orders: int, *, every: float) -> None:
    for number in range(orders):
        await stage.send(Order("ab"[number % 2], number), ids=[f"order-{number}"])
        await asyncio.sleep(every)


async def at_end_again(stage: Stage, worker: Worker) -> None:
    """Wait until the worker has its slot, and everything is committed. It may have come to the end before the tool took
    the slot, and has it back some time after the tool is done."""

    async def has_it() -> bool:
        return (status_of(worker).owner, status_of(worker).state) == (worker.id, "running")

    await until(has_it, within=120)
    await at_end(stage, worker)


@pytest.mark.parametrize("limits", [Limits(), Limits(events=2)])
@on_stage
async def test_an_agent_at_work_goes_on_while_it_is_rebuilt(stage: Stage, limits: Limits) -> None:
    await goes_on(stage, limits)


@pytest.mark.parametrize("seed", range(20))
@on_stage
async def test_it_goes_on_however_long_its_store_takes(stage: Stage, seed: int) -> None:
    stage.store = Late(stage.store, Random(seed))
    await goes_on(stage, Limits())


async def goes_on(stage: Stage, limits: Limits) -> None:
    """Two hundred orders come in twenty seconds, and meanwhile the agent is rebuilt."""
    await count(stage, *ORDERS, wrong=True)
    worker = await stage.start(app_of(), limits=limits)
    coming = asyncio.create_task(stream_of(stage, 200, every=0.1))
    await handled(worker, 20)
    done = await rebuild(stage, swap=True, limits=limits)
    assert (done.differences[0].missing, done.differences[0].extra) == (("left out",), ("invented",))
    await coming
    await at_end_again(stage, worker)
    assert status_of(worker).takeovers == 2
    assert await stage.table("totals") == {"a": b"9918", "left out": b"2", "b": b"10003"}
    assert (await rebuild(stage)).differences[0].rows == 0
    await worker.stop()
    sent = [envelope.seq for envelope in await stage.log("counted") if envelope.seq >= 5 << 16]
    assert list(dict.fromkeys(sent)) == [(5 + number) << 16 for number in range(200)]


@on_stage
async def test_nobody_waits_for_a_rebuild_until_it_has_come_near(stage: Stage) -> None:
    await count(stage, *[Order("a") for _ in range(300)])
    worker = await stage.start(app_of())
    slow = asyncio.create_task(rebuild(slowed(stage), swap=True, limits=Limits(events=1)))
    began = asyncio.get_running_loop().time()
    coming = asyncio.create_task(stream_of(stage, 100, every=0.5))
    paused = 0.0
    while not slow.done():
        await asyncio.sleep(0.1)
        paused += 0.1 * (status_of(worker).owner != worker.id)
    assert asyncio.get_running_loop().time() - began > 30
    assert paused < 2 * NEAR + 2 * LOOK
    await asyncio.gather(slow, coming)
    await at_end(stage, worker)
    assert sum(map(int, (await stage.table("totals")).values())) == 300 + 4_950
    await worker.stop()


def slowed(stage: Stage) -> Stage:
    """The same stage, where each commit of a rebuild takes a tenth of a second."""

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(stage.store, name)

        async def commit(self, commit: Commit) -> None:
            await asyncio.sleep(0.1)
            await stage.store.commit(commit)

    other = copy(stage)
    other.store = Slow()
    return other


class Late:
    """A store whose every answer takes as long as chance will have it, up to three seconds."""

    def __init__(self, store: Store, chance: Random) -> None:
        self._store = store
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return partial(self._call, found) if asyncio.iscoroutinefunction(found) else found

    async def _call(self, method: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        await asyncio.sleep(self._chance.choice((0, 1.5)) * self._chance.random())
        answer = await method(*args, **options)
        await asyncio.sleep(self._chance.choice((0, 1.5)) * self._chance.random())
        return answer
