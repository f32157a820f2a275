"""A shop whose log gets other numbers of partitions."""

import asyncio
import json
import operator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from stores.port import Store
from streams import App, Stream
from streams.embedded import Embedded
from streams.limits import Limits
from streams.move import Reader
from streams.repartition import Repartition, Repartitioned
from streams.source import partition_of
from streams.surroundings import Surroundings
from tests.streams.engine.stage import Counted, Order, Stage, topology, until
from tests.streams.engine.test_due_times import Reminder
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
    names = {n for e in range(1, 6) for n in with_orders(5, e).logs["orders"].partition_names}
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
            store or stage.store,
            stage.broker,
            stage.topology,
            "tool-moving",
            10.0,
            users,
            stage.now,
            Random(7),
            Limits(),
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
