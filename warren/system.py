"""The composition root: from settings to a broker, stores, agents and the HTTP edge."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agents.auth.relay import Relay
from agents.inventory.terms import Terms, terms
from agents.notifications.post import post
from agents.notifications.watch import Watch
from agents.orders.patience import patience
from agents.registry import AGENTS, load
from stores.port import Store
from stores.urls import open_store
from streams import App, Publisher, Views, Worker
from streams.broker import Broker, Message
from streams.changes import Changes
from streams.delivery import Trouble, deliver
from streams.embedded import Embedded
from streams.rabbitmq import RabbitMQ
from streams.tracing import Tracer
from topology.load import load_shop
from topology.spec import Topology
from warren.accounts import AUTH, OpenAccounts, open_accounts
from warren.errors import SettingsError
from warren.outside import open_outside
from warren.settings import Settings
from warren.spans import open_tracer

USER = "warren"
"""The embedded broker's only user."""
NOTIFICATIONS = "notifications"


def now() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class System:
    """Everything that one process has open."""

    settings: Settings
    topology: Topology
    broker: Broker
    apps: tuple[App, ...]
    stores: dict[str, Store]
    ids: random.Random
    changes: Changes
    tracer: Tracer | None = None
    """Takes the spans of agents and requests, if anybody wants them."""
    accounts: OpenAccounts | None = None
    """None where the process does not serve auth."""

    @property
    def views(self) -> Views:
        """Read access to the services whose stores are open."""
        return Views(self.stores, self.changes)

    def publisher(self, service: str) -> Publisher:
        """A way to publish as a service."""
        return Publisher(self.broker, self.topology, service=service, now=now, ids=self.ids)

    def worker(self, services: Iterable[str] = AGENTS, outdated: asyncio.Event | None = None) -> Worker:
        """A worker for the agents of these services, to be started. For `outdated` see Worker."""
        chosen = [app for app in self.apps if app.id in set(services)]
        return Worker(
            chosen,
            broker=self.broker,
            stores=self.stores,
            topology=self.topology,
            now=now,
            ids=self.ids,
            lease=self.settings.lease,
            tracer=self.tracer,
            outdated=outdated,
        )

    def watches(self) -> list[Watch]:
        """What looks after the ways out of notifications, to be run beside its agents; none where it does not run."""
        return [Watch(post)] if NOTIFICATIONS in self.stores else []

    def relays(self) -> list[Relay]:
        """What publishes the events of accounts, to be run beside the agents of auth; none where accounts are not
        open."""
        if self.accounts is None:
            return []

        async def publish(messages: Sequence[Message], trouble: Trouble) -> None:
            await deliver(self.broker, messages, trouble, self.ids)

        return [Relay(self.accounts.database, self.publisher(AUTH), publish, now)]


@asynccontextmanager
async def open_system(settings: Settings, services: Iterable[str] = AGENTS) -> AsyncIterator[System]:
    """Connect to what the settings name. The embedded kind makes its own tables; servers are prepared by
    `warren topology apply` and `warren stores apply`."""
    settings.check_services(AGENTS)
    topology = load_shop()
    async with AsyncExitStack() as stack:
        tracer = open_tracer(settings, stack)
        broker = await _broker(settings, topology, stack)
        apps = tuple(load(services))
        stores: dict[str, Store] = {}
        for app in apps:
            stores[app.id] = await open_service_store(settings, app, stack)
        open_outside(settings, stack)
        _use_terms(settings, stack)
        ids = random.SystemRandom()
        accounts = await open_accounts(settings, stack, now=now, chance=ids) if AUTH in stores else None
        changes = Changes(broker, ids)
        stack.push_async_callback(changes.close)
        yield System(settings, topology, broker, apps, stores, ids, changes, tracer, accounts)


def _use_terms(settings: Settings, stack: AsyncExitStack) -> None:
    """What the shop's own decisions are made on."""
    stack.enter_context(terms.on(Terms(timedelta(seconds=settings.hold), settings.low_stock)))
    stack.enter_context(patience.on(timedelta(seconds=settings.patience)))


async def _broker(settings: Settings, topology: Topology, stack: AsyncExitStack) -> Broker:
    if settings.broker is None or settings.stream is None:
        _make_room(settings.data)
        server = Embedded(topology, file=settings.data / "broker.db")
        stack.push_async_callback(server.close)
        broker = server.connect(USER)
    else:
        broker = RabbitMQ(
            settings.broker.get_secret_value(),
            settings.stream.get_secret_value(),
            settings.management.get_secret_value() if settings.management else None,
        )
    stack.push_async_callback(broker.close)
    await broker.open()
    return broker


def _make_room(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{data} cannot be the directory of the data ({error.strerror}): name one that you may write to, "
            "by WARREN_DATA or `warren demo --data`"
        ) from error


async def open_service_store(settings: Settings, app: App, stack: AsyncExitStack) -> Store:
    """A service's store, open; a store that only this process has is given its tables at once."""
    store = open_store(settings.store_url(app.id).get_secret_value(), app.id, lease=settings.lease)
    await store.open()
    stack.push_async_callback(store.close)
    if store.capabilities.exclusive:
        await store.apply(app.specs())
    return store
