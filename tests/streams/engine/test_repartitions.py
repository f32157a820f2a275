"""A log gets another number of partitions: what its agents keep is moved, and every event still counts once."""

import asyncio
import json
from dataclasses import replace

import pytest

from stores.port import Checkpoint, Commit, Slot
from streams import App
from streams.move import NotMoved
from streams.rebuild import Rebuild
from streams.source import partition_of, sources
from tests.streams.engine.moving import USERS, Shop, app_of
from tests.streams.engine.stage import Order, Stage, on_stage
from tests.streams.engine.test_replays import buried, replay


@on_stage
@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2), (2, 3), (1, 3), (2, 1), (5, 1)])
async def test_what_is_kept_lies_by_the_new_number_and_everybody_goes_on(stage: Stage, before: int, after: int) -> None:
    shop = Shop(stage)
    shop.say(before, 1)
    await shop.send(*USERS, *USERS)
    await shop.work()
    shop.say(after, 2)
    done = await shop.repartition()
    assert done.before == before
    assert await shop.totals() == shop.wanted
    await shop.send(*USERS)
    await shop.work()
    assert await shop.told() == {user: [1, 2, 3] for user in USERS}


@on_stage
@pytest.mark.parametrize("after", [3, 1])
async def test_what_was_forwarded_and_not_committed_counts_once(stage: Stage, after: int) -> None:
    shop, forwarder = Shop(stage), Slot("forward:orders")
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    committed = await stage.store.acquire(forwarder, "looks", 0)
    assert committed is not None
    await shop.send(*USERS)
    await shop.work()
    owned = await stage.store.acquire(forwarder, "killed", 0)
    assert owned is not None
    await stage.store.commit(replace(as_it_is(committed), epoch=owned.epoch, forget_ids_to=owned.position))
    await stage.store.release(forwarder, owned.epoch)
    shop.say(after, 2)
    done = await shop.repartition()
    assert done.position == committed.position
    await shop.send(*USERS)
    await shop.work()
    assert await shop.told() == {user: [1, 2, 3] for user in USERS}


def as_it_is(checkpoint: Checkpoint) -> Commit:
    c = checkpoint
    return Commit(c.slot, c.epoch, c.position, c.anchor, c.seen, c.watermark)


@on_stage
async def test_what_was_not_read_yet_is_read_first(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    await shop.send(*USERS)
    forwarding = App("counter")
    worker = await stage.start(forwarding)  # a service without the agent: its log is forwarded all the same
    await asyncio.sleep(10)
    await worker.stop()
    shop.say(5, 2)
    await shop.repartition()
    assert await shop.totals() == shop.wanted == dict.fromkeys(USERS, 2)
    await shop.work()
    assert await shop.told() == {user: [1, 2] for user in USERS}


@on_stage
@pytest.mark.parametrize("partitions", [5, 1])
async def test_due_times_come_in_their_new_partitions(stage: Stage, partitions: int) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(partitions, 2)
    (moved,) = (await shop.repartition()).readers
    assert moved.due > 0
    worker = await stage.start(app_of())
    await asyncio.sleep(2 * 3_600)
    await worker.stop()
    assert await shop.sums("reminded") == len(USERS)


@on_stage
@pytest.mark.parametrize("partitions", [5, 1])
async def test_a_dead_letter_is_replayed_in_its_new_partition(stage: Stage, partitions: int) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await stage.send(*[Order(user, 13) for user in USERS])
    worker = await stage.start(app_of(well=False))
    letters = await buried(stage, len(USERS))
    await worker.stop()
    shop.say(partitions, 2)
    await shop.repartition()
    for user in USERS:
        number = partition_of(user, partitions)
        assert len(await stage.store.dead(Slot("count", number), None)) == sum(
            partition_of(other, partitions) == number for other in USERS
        )
    for letter, headers in letters:
        await replay(stage, letter, headers, times=2)
        shop.wanted[json.loads(letter.body)["user"]] += 1
    await shop.work()


@on_stage
async def test_tables_can_be_made_again_afterwards(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(3, 2)
    await shop.repartition()
    await shop.send(*USERS)
    await shop.work()
    for source in sources(stage.topology.logs["orders"]):
        app = app_of()
        rebuild = Rebuild(app, app.agents["count"], source, shop.surroundings())
        await stage.store.apply(app.specs())
        found = await rebuild.run(swap=True)
        assert all(difference.rows == 0 for difference in found.differences if difference.table != "parts")
    await shop.work()


@on_stage
async def test_an_agent_that_is_new_reads_everything(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    worker = await stage.start(App("counter"))
    await asyncio.sleep(10)
    await worker.stop()
    shop.say(3, 2)
    (moved,) = (await shop.repartition()).readers
    assert moved.position == -1
    await shop.work()


@on_stage
async def test_events_without_a_key_are_told_once(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await stage.raw(b"{}")
    await shop.work()
    shop.say(3, 2)
    await shop.repartition()
    await stage.raw(b"{}")
    await shop.work()
    assert [headers["dead-offset"] for _, headers in await stage.dead()] == [10, 11]


@on_stage
async def test_nobody_goes_on_before_all_is_moved(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    counted = dict(shop.wanted)
    await shop.send(*USERS)
    shop.say(3, 2)
    (reason,) = await shop.idle()
    assert "warren agents repartition orders" in reason
    shop.say(2, 1)
    assert await shop.totals() == counted


@on_stage
async def test_another_number_in_the_same_edition_halts_the_forwarder(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(3, 1)
    (reason,) = await shop.idle()
    assert "say `edition: 2`" in reason
    with pytest.raises(NotMoved, match="say `edition: 2`"):
        await shop.repartition()


@on_stage
async def test_one_edition_follows_another(stage: Stage) -> None:
    shop = Shop(stage)
    await shop.send(*USERS)
    await shop.work()
    for edition, partitions in enumerate((2, 1, 5, 3), 2):
        shop.say(partitions, edition)
        await shop.repartition()
        await shop.send(*USERS)
        await shop.work()
    assert await shop.told() == {user: [1, 2, 3, 4, 5] for user in USERS}


@on_stage
async def test_repeats_of_what_a_forwarder_has_read_are_known_in_one_partition(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    orders, ids = [Order(user) for user in USERS], [f"order-{user}" for user in USERS]
    await stage.send(*orders, ids=ids)
    shop.wanted = dict.fromkeys(USERS, 1)
    await shop.work()
    shop.say(1, 2)
    await shop.repartition()
    await stage.send(*orders, ids=ids)
    await shop.send("a")
    await shop.work()
    assert shop.wanted["a"] == 2


@on_stage
async def test_one_partition_is_not_moved_to_one(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(1, 2)
    await shop.repartition()
    shop.say(1, 3)
    with pytest.raises(NotMoved, match="say `edition: 2` again"):
        await shop.repartition()
