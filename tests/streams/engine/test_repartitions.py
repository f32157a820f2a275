"""A log gets another number of partitions: what its agents keep is moved, and every event still counts once."""

import asyncio
import json
import operator
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from stores.errors import CommitUnknown, StoreError, StoreUnavailable
from stores.port import Checkpoint, Commit, Slot, Store
from streams import App, Stream
from streams.custody import AtWork
from streams.embedded import Embedded
from streams.limits import Limits
from streams.rebuild import Rebuild
from streams.repartition import NotMoved, Reader, Repartition, Repartitioned
from streams.source import partition_of, sources
from streams.surroundings import Surroundings
from tests.streams.engine.stage import Counted, Order, Stage, on_stage, topology, until
from tests.streams.engine.test_due_times import Reminder
from tests.streams.engine.test_replays import buried, replay
from topology.spec import Log, Topology

USERS = tuple("abcdefghij")


def app_of(*, well: bool = True) -> App:
    """Counts by user: in a table, in windows, and in a table of parts; sends each new total, and is reminded an hour
    after the last order. While it is not well it fails on 13."""
    app = App("counter")
    totals = app.Table("totals", default=int)
    windows = app.Table("windows", default=int).tumbling(timedelta(days=400))
    parts = app.Table("parts", default=int, merge=operator.add)
    reminded = app.Table("reminded", default=int)
    out = app.topic("out", value_type=Counted)

    @app.agent(app.topic("orders", value_type=Order | Reminder), name="count")
    async def count(stream: Stream[Any]) -> None:
        async for event in stream.events():
            order = event.value
            if isinstance(order, Reminder):
                reminded[order.user] += 1
                continue
            if order.amount == 13 and not well:
                raise ValueError("thirteen")
            totals[order.user] += 1
            windows[order.user] += 1
            parts["all"] += 1
            await out.send(value=Counted(order.user, totals[order.user]), key=order.user)
            stream.schedule(order.user, event.time + timedelta(hours=1), Reminder(order.user, 1))

    return app


def with_orders(partitions: int, edition: int) -> Topology:
    """The topology as the workers have it."""
    shared, counter = topology().services
    orders, *others = counter.logs
    orders = replace(orders, partitions=partitions, edition=edition, key="user", due=("reminder",))
    return Topology((shared, replace(counter, logs=(orders, *others))))


def with_all_streams() -> Topology:
    """The topology as the broker has it: with the partitions of every edition."""
    shared, counter = topology().services
    names = {n for e in range(1, 5) for n in with_orders(5, e).logs["orders"].partition_names}
    return Topology((shared, replace(counter, logs=(*counter.logs, *(Log(name) for name in sorted(names))))))


class Shop:
    """The stage, on which the number of partitions changes while nobody works."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.server = Embedded(with_all_streams(), clock=stage.now, faults=stage.faults)
        stage.broker = stage.server.connect("counter")
        stage.publisher._broker = stage.server.connect("guest")
        self.wanted: dict[str, int] = {}
        self.say(1, 1)

    def say(self, partitions: int, edition: int) -> None:
        """What the topology says from here on."""
        self.stage.topology = with_orders(partitions, edition)

    async def send(self, *users: str) -> None:
        await self.stage.send(*[Order(user) for user in users])
        for user in users:
            self.wanted[user] = self.wanted.get(user, 0) + 1

    async def work(self) -> None:
        """A worker counts what there is, and stops."""
        worker = await self.stage.start(app_of())
        await self.is_right()
        await worker.stop()

    async def idle(self) -> list[str]:
        """A worker has all the time it may want, and cannot do anything; what it says about why."""
        worker = await self.stage.start(app_of())
        await asyncio.sleep(30)
        reasons = [status.reason for status in worker.status() if status.agent.startswith("forward:")]
        await worker.stop()
        return reasons

    def surroundings(self, store: Store | None = None) -> Surroundings:
        """Those of a tool."""
        stage = self.stage
        users = frozenset(["counter"])
        return Surroundings(
            store or stage.store, stage.broker, stage.topology, "tool", 10.0, users, stage.now, Random(7), Limits()
        )

    async def repartition(self, store: Store | None = None) -> Repartitioned:
        """Run the tool."""
        app, around = app_of(), self.surroundings(store)
        log = self.stage.topology.logs["orders"]
        return await Repartition(log, [Reader(app, app.agents["count"], around)], around, "counter", Random(8)).run()

    @property
    def partitions(self) -> int:
        return self.stage.topology.logs["orders"].partitions

    async def totals(self) -> dict[str, int]:
        """All rows; each in the partition of its key."""
        rows: dict[str, int] = {}
        for number in range(6):
            for key, value in (await self.stage.store.scan("totals", number)).items():
                assert partition_of(key, self.partitions) == number
                assert key not in rows
                rows[key] = int(value)
        return rows

    async def sums(self, table: str) -> int:
        tables = [await self.stage.store.scan(table, number) for number in range(6)]
        return sum(int(value) for rows in tables for value in rows.values())

    async def is_right(self) -> None:
        """Every order counts once, and was told once."""

        async def right() -> bool:
            return await self.totals() == self.wanted

        await until(right, within=60)
        await asyncio.sleep(2)
        assert await self.totals() == self.wanted
        assert await self.sums("windows") == await self.sums("parts") == sum(self.wanted.values())

    async def told(self) -> dict[str, list[int]]:
        """The totals that were sent, by user, repeats left out as readers leave them out."""
        found: dict[str, list[int]] = {}
        for envelope in await self.stage.log("counted"):
            order = json.loads(envelope.body)
            if order["total"] not in found.setdefault(order["user"], []):
                found[order["user"]].append(order["total"])
        return found


class Breaking:
    """A store that breaks off at a step: before the call that changes something, or after it."""

    def __init__(self, store: Store, step: int, *, after: bool) -> None:
        self._store = store
        self._left = step
        self._after = after
        self.broke = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return partial(self._call, method) if name in CHANGING else method

    async def _call(self, method: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        self._left -= 1
        breaks = self._left == -1
        self.broke = self.broke or breaks
        if breaks and not self._after:
            raise StoreUnavailable()
        result = await method(*args, **options)
        if breaks:
            raise CommitUnknown()
        return result


CHANGING = ("acquire", "commit", "commit_together", "reset")


Between = tuple[int, int] | None


async def broken_off(stage: Stage, step: int, *, after: bool, before: int, between: Between) -> bool:
    """Break off at a step, let a worker run with these partitions and edition, and run it again; False past the last
    step."""
    shop = Shop(stage)
    shop.say(before, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(3, 2)
    store = Breaking(stage.store, step, after=after)
    with suppress(StoreError):
        await shop.repartition(store)
    await asyncio.sleep(60)  # its lease runs out
    if between is not None and store.broke:
        shop.say(*between)
        await shop.idle()
    shop.say(3, 2)
    await shop.repartition()
    await shop.send(*USERS)
    await shop.work()
    assert await shop.told() == {user: [1, 2] for user in USERS}
    return store.broke


@on_stage
@pytest.mark.parametrize(("before", "between"), [(2, None), (2, (2, 1)), (1, (1, 1))])
@pytest.mark.parametrize("after", [False, True])
async def test_a_tool_that_breaks_off_anywhere_is_run_again(
    stage: Stage, before: int, after: bool, between: Between
) -> None:
    step = 0
    while await broken_off(one := Stage(), step, after=after, before=before, between=between):
        await one.server.close()
        step += 1
    await one.server.close()
    assert step == {1: 8, 2: 11}[before]


@on_stage
@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2), (2, 3), (1, 3)])
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
async def test_what_was_forwarded_and_not_committed_counts_once(stage: Stage) -> None:
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
    await stage.store.commit(replace(as_it_is(committed), epoch=owned.epoch))
    await stage.store.release(forwarder, owned.epoch)
    shop.say(3, 2)
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
async def test_due_times_come_in_their_new_partitions(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()
    shop.say(5, 2)
    (moved,) = (await shop.repartition()).readers
    assert moved.due > 0
    worker = await stage.start(app_of())
    await asyncio.sleep(2 * 3_600)
    await worker.stop()
    assert await shop.sums("reminded") == len(USERS)


@on_stage
async def test_a_dead_letter_is_replayed_in_its_new_partition(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    await stage.send(*[Order(user, 13) for user in USERS])
    worker = await stage.start(app_of(well=False))
    letters = await buried(stage, len(USERS))
    await worker.stop()
    shop.say(5, 2)
    await shop.repartition()
    for user in USERS:
        number = partition_of(user, 5)
        assert len(await stage.store.dead(Slot("count", number), None)) == sum(
            partition_of(other, 5) == number for other in USERS
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
async def test_while_a_worker_is_at_work_nothing_is_moved(stage: Stage) -> None:
    shop = Shop(stage)
    shop.say(2, 1)
    await shop.send(*USERS)
    worker = await stage.start(app_of())
    await shop.is_right()
    shop.say(3, 2)
    with pytest.raises(AtWork, match="stop it first"):
        await shop.repartition()
    await worker.stop()
    shop.say(2, 1)
    await shop.send(*USERS)
    await shop.work()


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


@on_stage
async def test_one_edition_follows_another(stage: Stage) -> None:
    shop = Shop(stage)
    await shop.send(*USERS)
    await shop.work()
    for edition, partitions in enumerate((2, 5, 3), 2):
        shop.say(partitions, edition)
        await shop.repartition()
        await shop.send(*USERS)
        await shop.work()
    assert await shop.told() == {user: [1, 2, 3, 4] for user in USERS}
