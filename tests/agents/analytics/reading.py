"""The agent at work on events in a given order, and what its tables hold then."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from random import Random
from typing import Any

from agents.analytics.tables import app
from agents.registry import load
from stores.memory import MemoryStore
from streams import Publisher, Views, Worker
from streams.codec import encode, event_type
from streams.embedded import Embedded
from streams.limits import Limits
from streams.testing.virtual_time import VirtualTimeLoop
from tests.agents.analytics.life import DAY, NOON, Happening
from topology.load import load_shop
from topology.spec import Topology

Tables = dict[str, dict[str, Any]]
"""Table -> key -> value, over all partitions."""

LOG = "analytics.all.events"
SHOP = load_shop()


def parted(partitions: int) -> Topology:
    """The shop, with so many partitions of the analytics log."""
    services = [
        replace(service, logs=tuple(_parted(log, partitions) if log.name == LOG else log for log in service.logs))
        for service in SHOP.services
    ]
    return Topology(tuple(services))


def _parted(log: Any, partitions: int) -> Any:
    return replace(log, partitions=partitions)


def tables_after(happenings: Sequence[Happening], *, partitions: int = 1, batch: int = 1_000) -> Tables:
    """What the tables hold once the agent has read these events, in this order. Runs in virtual time."""
    load(["analytics"])
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(_read(happenings, parted(partitions), batch))


async def _read(happenings: Sequence[Happening], topology: Topology, batch: int) -> Tables:
    def now() -> int:
        return NOON + 20 * DAY + round(asyncio.get_running_loop().time() * 1000)

    server = Embedded(topology, clock=now)
    broker, store = server.connect("warren"), MemoryStore()
    publisher = Publisher(broker, topology, service="gateway", now=now, ids=Random(0))
    await store.open()
    await store.apply(app.specs())
    worker = Worker(
        [app],
        broker=broker,
        stores={app.id: store},
        topology=topology,
        now=now,
        ids=Random(1),
        limits=Limits(events=batch),
    )
    await worker.start()
    await publisher.publish([_message(publisher, happening) for happening in happenings])
    await _all_counted(worker, len(happenings))
    await worker.stop()
    await server.close()
    return await kept(Views({app.id: store}))


def _message(publisher: Publisher, happening: Happening) -> Any:
    name, record = event_type(type(happening.record)) or "", happening.record
    key = str(getattr(record, "user_id", None) or getattr(record, "session_id", ""))
    return publisher.message("order.events", name, encode(record), key=key, time=happening.at)


async def _all_counted(worker: Worker, count: int) -> None:
    async with asyncio.timeout(3_600):
        while sum(status.handled for status in worker.status() if status.agent == "analytics") < count:
            assert not any(status.dead for status in worker.status())
            await asyncio.sleep(0.1)


async def kept(views: Views) -> Tables:
    """Every table, merged over partitions."""
    return {name: await _rows(views, name) for name in app.tables}


async def _rows(views: Views, name: str) -> dict[str, Any]:
    table, cursor = app.tables[name], None
    parts: dict[str, list[Any]] = {}
    while True:
        page = await views.of(app.id, table).query(limit=1_000, cursor=cursor)
        for key, value in page.items:
            parts.setdefault(key, []).append(value)
        cursor = page.cursor
        if cursor is None:
            assert table.merge is not None
            return {key: reduce(table.merge, values) for key, values in parts.items()}
