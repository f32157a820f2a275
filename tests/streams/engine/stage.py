"""A small service on the embedded broker and memory stores, with virtual time and faults to order."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from stores.memory import MemoryStore
from stores.port import Commit, Store
from streams import App, Publisher, Record, Worker
from streams.broker import Broker, Chunk, Envelope, LogReader, Message
from streams.embedded import Break, Embedded, Fate
from streams.limits import Limits
from streams.status import Status
from streams.tracing import Tracer
from tests.virtual import in_virtual_time
from topology.spec import TABLE_CHANGES, Binding, Exchange, Log, Queue, Service, Topology

EPOCH_MS = 1_700_000_000_000


class Order(Record, event="order"):
    """What comes in."""

    user: str
    amount: int = 1


class Counted(Record, event="counted"):
    """What goes out."""

    user: str
    total: int


def topology(*, retry: tuple[str, ...] = ("1s", "5s")) -> Topology:
    """`in` (exchange) → `orders` (log) and `jobs` (queue); `out` (exchange) → `counted` (log)."""
    shared = Service(
        "shared",
        exchanges=(Exchange("dlx"), Exchange(TABLE_CHANGES)),
        logs=(Log("dead.letters", (Binding("dlx", "#"),)),),
    )
    counter = Service(
        "counter",
        exchanges=(Exchange("in"), Exchange("out")),
        publishes={"in": ("order", "noise"), "out": ("counted",)},
        logs=(Log("orders", (Binding("in", "#"),)), Log("counted", (Binding("out", "#"),))),
        queues=(Queue("jobs", (Binding("in", "order"),), retry=retry, delivery_limit=5),),
    )
    return Topology((shared, counter))


def counting(app: App, **options: Any) -> Any:
    """An agent that counts per user and tells each new total."""
    totals = app.Table("totals", default=int)
    orders = app.topic("orders", value_type=Order, **options)
    out = app.topic("out", value_type=Counted)

    @app.agent(orders, name="count")
    async def count(stream: Any) -> None:
        async for order in stream:
            totals[order.user] += order.amount
            await out.send(value=Counted(order.user, totals[order.user]), key=order.user)

    return totals


class Scripted:
    """Faults by plan: fates of the next messages published to an exchange, breaks of the next deliveries."""

    def __init__(self) -> None:
        self.fates: dict[str, list[Fate]] = {}
        self.breaks: dict[str, list[Break | None]] = {}

    def publishing(self, user: str, message: Message) -> Fate:
        plan = self.fates.get(message.exchange)
        return plan.pop(0) if plan else Fate.KEPT

    def delivering(self, target: str) -> Break | None:
        plan = self.breaks.get(target)
        return plan.pop(0) if plan else None


class Stage:
    """Everything a test of the engine needs; `run` starts a worker on it."""

    def __init__(self, topology_: Topology | None = None) -> None:
        self.topology = topology_ or topology()
        self.faults = Scripted()
        self.server = Embedded(self.topology, clock=self.now, faults=self.faults)
        self.broker: Broker = self.server.connect("counter")
        self.store: Store = MemoryStore(clock=lambda: asyncio.get_running_loop().time())
        self.workers = 0
        self.outdated = asyncio.Event()
        self.publisher = Publisher(
            self.server.connect("guest"), self.topology, service="counter", now=self.now, ids=Random(0)
        )

    def now(self) -> int:
        """Milliseconds since 1970, by the virtual clock."""
        return EPOCH_MS + round(asyncio.get_running_loop().time() * 1000)

    async def start(
        self, app: App, *, limits: Limits | None = None, store: Store | None = None, tracer: Tracer | None = None
    ) -> Worker:
        """A worker with this app, started."""
        await self.store.open()
        await self.store.apply(app.specs())
        self.workers += 1
        worker = Worker(
            [app],
            broker=self.broker,
            stores={app.id: store or self.store},
            topology=self.topology,
            now=self.now,
            ids=Random(self.workers),
            limits=limits,
            tracer=tracer,
            outdated=self.outdated,
        )
        await worker.start()
        return worker

    async def send(self, *orders: Order, ids: list[str] | None = None, **options: Any) -> None:
        """Publish orders as a foreign client would."""
        names: Sequence[str | None] = ids or [None] * len(orders)
        messages = [
            self.publisher.record("in", order, key=order.user, id=name, **options)
            for order, name in zip(orders, names, strict=True)
        ]
        await self.publisher.publish(messages)

    async def raw(self, body: bytes, *, type: str = "order", **options: Any) -> None:
        """Publish any body under any type."""
        message = self.publisher.message("in", type, body, **options)
        await self.publisher.publish([message])

    async def table(self, name: str) -> dict[str, bytes]:
        """A table's rows."""
        return await self.store.scan(name, 0)

    async def log(self, name: str) -> list[Envelope]:
        """Everything in a log."""
        found: list[Envelope] = []
        if (await self.broker.extent(name)).last < 0:
            return found
        last = (await self.broker.extent(name)).last
        async with self.broker.read(name, "first") as reader:
            async for chunk in reader:
                found += reader.scan(chunk, 0, ())
                if chunk.first + len(chunk.raws) > last:
                    return found
        return found

    async def dead(self) -> list[tuple[Envelope, dict[str, Any]]]:
        """The dead letters with their headers."""
        found: list[tuple[Envelope, dict[str, Any]]] = []
        if (await self.broker.extent("dead.letters")).last < 0:
            return found
        async with self.broker.read("dead.letters", "first") as reader:
            chunk: Chunk = await anext(aiter(reader))
            found += [(e, dict(_details(reader, e))) for e in reader.scan(chunk, 0, ())]
            last = (await self.broker.extent("dead.letters")).last
            while chunk.first + len(chunk.raws) <= last:
                chunk = await anext(aiter(reader))
                found += [(e, dict(_details(reader, e))) for e in reader.scan(chunk, 0, ())]
        return found


def _details(reader: LogReader, envelope: Envelope) -> dict[str, Any]:
    return dict(reader.details(envelope).headers)


async def until(condition: Callable[[], Awaitable[bool]], *, within: float = 3_600.0) -> None:
    """Wait, in virtual time, until a condition holds."""
    deadline = asyncio.get_running_loop().time() + within
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to pass"
        await asyncio.sleep(0.05)


async def totals_are(stage: Stage, **wanted: int) -> None:
    """Wait until the table `totals` has these rows and no others."""

    async def right() -> bool:
        return {k: int(v) for k, v in (await stage.table("totals")).items()} == wanted

    await until(right)


async def told(stage: Stage) -> list[tuple[str, int]]:
    """What downstream readers count: the first message of each number on each lane."""
    seen: dict[int, tuple[str, int]] = {}
    for envelope in await stage.log("counted"):
        value = json.loads(envelope.body)
        seen.setdefault(envelope.seq, (value["user"], value["total"]))
    return [seen[seq] for seq in sorted(seen)]


async def handled(worker: Worker, count: int, agent: str | None = None) -> None:
    """Wait until an agent has handled (or buried) so many events."""

    async def enough() -> bool:
        status = status_of(worker, agent)
        return status.handled + status.dead >= count

    await until(enough)


def status_of(worker: Worker, agent: str | None = None) -> Status:
    """The status of the only agent, or of the one named."""
    (status,) = [s for s in worker.status() if agent in (None, s.agent)]
    return status


async def at_end(stage: Stage, worker: Worker) -> None:
    """Wait until the log of orders is committed to its end."""

    async def there() -> bool:
        return status_of(worker).position == (await stage.broker.extent("orders")).last

    await until(there)


class Unsteady:
    """A store that fails to order: the next commits, by plan."""

    def __init__(self, store: Store, plan: list[tuple[str, BaseException] | None]) -> None:
        """Each commit takes one entry: None is well; ("before", e) raises instead; ("after", e) writes, then raises."""
        self._store = store
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, commit: Commit) -> None:
        step = self._plan.pop(0) if self._plan else None
        if step is None or step[0] == "after":
            await self._store.commit(commit)
        if step is not None:
            raise step[1]


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    await stage.server.close()


on_stage = in_virtual_time(_stage)
"""Run a test on a stage of its own, in virtual time. Its first parameter is the stage."""
