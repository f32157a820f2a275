"""The notifications service for one test: embedded, in virtual time, with a carrier and a store that have faults."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from random import Random
from typing import Any

from agents.notifications.carriers.port import Letter, Receipt, Result
from agents.notifications.post import post
from agents.notifications.tables import Channel, Notification, notifications
from agents.registry import load
from stores.errors import StoreUnavailable
from stores.memory import MemoryStore
from stores.port import Put
from streams import Publisher, Record, Worker
from streams.embedded import Embedded
from streams.testing.virtual_time import VirtualTimeLoop
from topology.load import load_shop

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""
EXCHANGES = {"order": "order.events", "user": "user.events", "payment": "payment.events"}


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test in virtual time."""

    @wraps(test)
    def run(*args: Any, **options: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **options))

    return run


class Pigeon:
    """A carrier that does as it is told: `script` has the receipts of the next letters, then all arrive.

    A receipt UNKNOWN means here that the letter did arrive.
    """

    def __init__(self, *, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.script: list[Receipt | Callable[[], Awaitable[Receipt]]] = []
        self.arrived: list[Letter] = []
        self.given = 0

    async def send(self, letter: Letter) -> Receipt:
        self.given += 1
        receipt = self.script.pop(0) if self.script else Receipt(Result.SENT)
        if callable(receipt):
            receipt = await receipt()
        known = self.repeatable and any(letter.id == other.id for other in self.arrived)
        if receipt.result in (Result.SENT, Result.UNKNOWN) and not known:
            self.arrived.append(letter)
        return receipt

    async def check(self) -> str:
        return ""

    async def close(self) -> None: ...


class Fragile(MemoryStore):
    """A store whose next writes fail, as often as `failures` says, after so many that do not."""

    def __init__(self) -> None:
        super().__init__()
        self.before = 0
        self.failures = 0

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        if self.before:
            self.before -= 1
        elif self.failures:
            self.failures -= 1
            raise StoreUnavailable("the store is away")
        return await super().write(documents, puts)


class Office:
    """Everything of one test."""

    def __init__(self, pigeon: Pigeon) -> None:
        self.pigeon = pigeon
        self.topology = load_shop()
        self.server = Embedded(self.topology, clock=now)
        self.store = Fragile()
        (self.app,) = load(["notifications"])
        self.worker = self._worker()
        self._publishers = {
            service: Publisher(
                self.server.connect(service), self.topology, service=service, now=now, ids=Random(service)
            )
            for service in ("orders", "auth", "payments")
        }

    def _worker(self) -> Worker:
        broker = self.server.connect("notifications")
        stores = {"notifications": self.store}
        return Worker([self.app], broker=broker, stores=stores, topology=self.topology, now=now, ids=Random(1))

    async def hear(self, *records: Record, after: float = 0.0, at: int | None = None) -> None:
        """These events come in, one after another; then so many seconds pass."""
        for record in records:
            service = {"order": "orders", "user": "auth", "payment": "payments"}[self._kind(record)]
            publisher = self._publishers[service]
            message = publisher.record(EXCHANGES[self._kind(record)], record, key="k", time=now() if at is None else at)
            await publisher.publish([message])
            await asyncio.sleep(0.1)
        await asyncio.sleep(after)

    def _kind(self, record: Record) -> str:
        assert record.__event__
        return record.__event__.partition(".")[0]

    async def crash(self) -> None:
        """The worker dies; another one starts."""
        await self.worker.abandon()
        self.worker = self._worker()
        await self.worker.start()

    async def kept(self) -> dict[str, Notification]:
        """Notifications by template and channel."""
        return {f"{one.template} {one.type}": one for one in await self.everything()}

    async def everything(self) -> list[Notification]:
        """Every notification, by id."""
        rows = (await self.store.query(notifications.name)).rows
        found = [await notifications.get(row.key) for row in rows]
        return [one for one, _ in found if one is not None]

    async def told(self) -> list[str]:
        """The events of notifications, by type, in order."""
        broker = self.server.connect("analytics")
        end = (await broker.extent("analytics.all.events")).last
        types: list[str] = []
        if end < 0:
            return types
        async with broker.read("analytics.all.events", "first") as reader:
            async for chunk in reader:
                types += [envelope.type for envelope in reader.scan(chunk, chunk.first, frozenset())]
                if len(types) > end:
                    break
        return [type.removeprefix("notification.") for type in types if type.startswith("notification.")]


def now() -> int:
    """Milliseconds since 1970, by the virtual clock."""
    return NOON + round(asyncio.get_running_loop().time() * 1000)


@asynccontextmanager
async def opened(pigeon: Pigeon | None = None, *, operators: str | None = None) -> AsyncIterator[Office]:
    """An office at work, whose mail goes by this pigeon."""
    office = Office(pigeon or Pigeon())
    await office.store.open()
    await office.store.apply(office.app.specs())
    with post.served_by(dict.fromkeys(Channel, office.pigeon), operators=operators):
        await office.worker.start()
        yield office
        await office.worker.stop()
    await office.server.close()
