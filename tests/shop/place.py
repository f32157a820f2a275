"""The whole shop in this process, on the embedded broker and in virtual time, with the evidence that it leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from agents.registry import load
from stores.port import Store
from streams import Publisher, Record, Views, Worker
from streams.broker import Message
from streams.embedded import Break, Embedded, Fate
from streams.testing.remains import all_messages
from streams.testing.rest import Watch, told
from streams.testing.sink import Sink
from tests.shop.collecting import EVENTS, copy_of, due_in, logs_of, tables_of
from tests.shop.invariants.again import REBUILT, REPEATED
from tests.shop.invariants.events import DEAD
from tests.shop.invariants.evidence import Commit, Evidence, Rows
from tests.shop.life import COMMANDS, USERS
from tests.shop.outside import Outside, outside
from tests.shop.recording import RecordingStore
from topology.load import load_shop

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, in ms."""
PATIENCE = 12
"""Times twenty minutes: who gets no answer is asked again every ten minutes in the end."""
PUBLISHERS = {COMMANDS: "gateway", USERS: "auth"}
"""Who publishes to which exchange, of those who are no agents."""


class Witness:
    """Sees every event that is published, and disturbs nothing."""

    def __init__(self) -> None:
        self.published: dict[str, str] = {}

    def publishing(self, user: str, message: Message) -> Fate:
        """Keep it."""
        if message.exchange in EVENTS:
            self.published[message.message_id] = message.type
        return Fate.KEPT

    def delivering(self, target: str) -> Break | None:
        """Go on."""
        return None


class Shop:
    """See the module's text."""

    def __init__(self, world: Outside) -> None:
        self.topology = load_shop()
        self.world = world
        self._jumped = 0
        self._witness = Witness()
        self.history: list[Commit] = []
        self.server = Embedded(self.topology, clock=self.now, faults=self._witness)
        self.broker = self.server.connect("outside")
        self.apps = load()
        self.stores: dict[str, Store] = {
            app.id: RecordingStore(app.id, self.history, clock=_seconds) for app in self.apps
        }
        self.views = Views(self.stores)
        self._publishers = {
            exchange: Publisher(self.broker, self.topology, service=service, now=self.now, ids=Random(service))
            for exchange, service in PUBLISHERS.items()
        }
        self.worker = Worker(
            self.apps,
            broker=self.server.connect("warren"),
            stores=self.stores,
            topology=self.topology,
            now=self.now,
            ids=Random(1),
        )

    def now(self) -> int:
        """Ms since 1970."""
        return NOON + self._jumped + round(_seconds() * 1000)

    def jump(self, seconds: float) -> None:
        """Everybody's clock is so much later, at once."""
        self._jumped += round(seconds * 1000)

    async def open(self) -> None:
        """Make its tables and start its agents."""
        for app in self.apps:
            await self.stores[app.id].open()
            await self.stores[app.id].apply(app.specs())
        await self.worker.start()

    async def close(self) -> None:
        """Stop it all."""
        await self.worker.stop()
        await self.server.close()

    async def publish(self, exchange: str, record: Record, key: str, *, id: str | None = None) -> None:
        """As the edge does, and auth."""
        publisher = self._publishers[exchange]
        await publisher.publish([publisher.record(exchange, record, key=key, id=id)])

    # --- at rest ---

    async def rests(self) -> None:
        """Wait until nothing is left to be done, nor due. Raises AssertionError if that does not come."""
        watch, left = Watch(self.apps, self.topology, self.stores, self.broker), [""]
        for _ in range(PATIENCE):
            left = await watch.comes_to_rest()
            if not left:
                return
        raise AssertionError("\n".join([*left, *told(self.worker.status())]))

    async def evidence(self) -> Evidence:
        """All there is to know, with every event repeated and all tables made once more. It is over then."""
        await self.rests()
        operations, accounts = self.world.book()
        evidence = Evidence(
            tables=await tables_of(self.apps, self.stores),
            logs=await logs_of(self.topology, self.broker),
            history=tuple(self.history),
            operations=operations,
            accounts=accounts,
            now=self.now(),
            due=await due_in(self.stores),
            published=dict(self._witness.published),
            letters=tuple(self.world.pigeons.arrived),
        )
        evidence.again = {REPEATED: await self._repeated(), REBUILT: await self._rebuilt()}
        return evidence

    async def _repeated(self) -> dict[str, Rows]:
        """The tables after every message of every log came a second time, from whom it came first."""
        for name in (log for log in self.topology.logs if log not in DEAD):
            for envelope in await all_messages(self.broker, name):
                await self.server.connect(envelope.user).publish([copy_of(envelope, name)])
        await self.rests()
        return await tables_of(self.apps, self.stores, documents=False)

    async def _rebuilt(self) -> dict[str, Rows]:
        """The tables that other agents make of the same logs, from empty ones."""
        await self.worker.stop()
        sink = Sink(self.broker)
        stores: dict[str, Store] = {app.id: RecordingStore(app.id, [], clock=_seconds) for app in self.apps}
        for app in self.apps:
            await stores[app.id].apply(app.specs())
        worker = Worker(self.apps, broker=sink, stores=stores, topology=self.topology, now=self.now, ids=Random(2))
        await worker.start()
        left = await Watch(self.apps, self.topology, stores, sink).comes_to_rest()
        assert not left, left
        await worker.stop()
        return await tables_of(self.apps, stores, documents=False)


@asynccontextmanager
async def shop(seed: int = 0, lost: float = 0.0) -> AsyncIterator[Shop]:
    """A shop at work; `lost` is the share of calls to the world outside that come to no answer."""
    with outside(Random(seed), lost) as world:
        place = Shop(world)
        await place.open()
        yield place
        await place.close()


def _seconds() -> float:
    return asyncio.get_running_loop().time()
