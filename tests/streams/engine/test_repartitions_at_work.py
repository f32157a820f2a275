"""A log gets another number of partitions while its workers are at work."""

import asyncio
from random import Random

import pytest

from stores.port import Slot
from streams import Worker
from streams.custody import AtWork, custody
from tests.streams.engine.moving import USERS, Shop, app_of
from tests.streams.engine.stage import Stage, on_stage
from tests.streams.engine.test_rebuilds_at_work import Late


@on_stage
async def test_a_worker_that_wakes_up_with_the_topology_before_leaves_everything_to_others(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    before = stage.topology
    shop.say(3, 2)
    await shop.repartition()
    await shop.send(*USERS)
    stage.topology = before
    sleeper = await stage.start(app_of())  # as after SIGCONT: nobody has anything yet
    await asyncio.sleep(5)
    assert {status.state for status in sleeper.status()} == {"halted"}
    assert all("`edition: 2`" in status.reason for status in sleeper.status())
    shop.say(3, 2)
    await shop.work()
    assert (await stage.store.roster()).workers == frozenset()
    await sleeper.stop()


async def orders(shop: Shop, *, rounds: int) -> None:
    for _ in range(rounds):
        await shop.send(*USERS)
        await asyncio.sleep(0.2)


async def left(stage: Stage, worker: Worker) -> None:
    """Wait until a worker has left its service to others."""
    async with asyncio.timeout(60):
        await stage.outdated.wait()
    assert {status.state for status in worker.status()} == {"halted"}


async def moved_at_work(stage: Stage, before: int, after: int) -> None:
    """Orders come in all the while; a worker of the topology before is at work, and then one of the new topology."""
    shop = Shop(stage)
    shop.say(before, 1)
    earlier = await stage.start(app_of())
    coming = asyncio.create_task(orders(shop, rounds=100))
    await asyncio.sleep(5)
    shop.say(after, 2)
    done = await shop.repartition()
    assert done.before == before
    assert any(one.rows for one in done.readers)
    await left(stage, earlier)
    later = await stage.start(app_of())
    await coming
    await shop.is_right()
    await later.stop()
    await earlier.stop()
    assert await shop.told() == {user: list(range(1, 101)) for user in USERS}


NUMBERS = [(2, 5), (5, 2), (1, 3), (3, 1)]


@on_stage
@pytest.mark.parametrize(("before", "after"), NUMBERS)
async def test_orders_that_come_in_meanwhile_count_once(stage: Stage, before: int, after: int) -> None:
    await moved_at_work(stage, before, after)


@on_stage
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("before", "after"), NUMBERS)
async def test_they_do_however_long_the_store_takes(stage: Stage, before: int, after: int, seed: int) -> None:
    stage.store = Late(stage.store, Random(seed))
    await moved_at_work(stage, before, after)


@on_stage
@pytest.mark.parametrize(("before", "after"), NUMBERS)
async def test_a_worker_that_has_the_new_topology_already_goes_on_by_itself(
    stage: Stage, before: int, after: int
) -> None:
    shop = Shop(stage)
    shop.say(before, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(after, 2)
    worker = await stage.start(app_of())
    await asyncio.sleep(30)
    await shop.repartition()
    await shop.send(*USERS)
    await shop.is_right()
    assert not stage.outdated.is_set()
    await worker.stop()
    assert await shop.told() == {user: [1, 2] for user in USERS}


@on_stage
async def test_one_tool_at_a_time(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(3, 2)
    async with custody(Slot("count"), stage.store, "tool-another", 10):
        with pytest.raises(AtWork, match="tool-another"):
            await shop.repartition()
    await shop.repartition()
    await shop.work()
