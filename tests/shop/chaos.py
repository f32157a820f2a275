"""The whole shop on RabbitMQ and PostgreSQL, struck again and again while people live their lives in it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from agents.registry import load
from stores.errors import StoreError
from stores.port import Store
from stores.postgres import PostgresStore
from streams import Publisher
from streams.broker import Message
from streams.delivery import deliver
from streams.errors import BrokerError
from streams.graph import is_log_agent
from streams.rabbitmq import RabbitMQ
from streams.testing.rest import Watch
from tests.servers.guard import Guard
from tests.servers.server import PostgresServer, RabbitMQServer
from tests.shop.invariants.evidence import Evidence
from tests.shop.life import Life, Ways
from tests.shop.on_servers import evidence_on, keep_history
from tests.shop.place import PUBLISHERS
from tests.shop.staff import CREWS, SERVICES, Staff
from topology.load import load_shop
from warren.outside import BOOK

OPENING: Final = 120.0
"""Seconds that workers have to start in."""
REPEATED: Final = 0.05
"""Share of messages that are published twice on purpose."""


@dataclass(frozen=True, slots=True)
class Course:
    """What happens in a run."""

    ways: Ways
    strikes: Mapping[str, int]
    seconds: float
    """Over which strikes are spread, and orders too."""
    rest_within: float
    """Seconds after the last order in which everything has to come to rest."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """More of the workers' environment."""
    seed: int = 0


class Chaos:
    """One run on servers of its own."""

    def __init__(self, course: Course, rabbitmq: RabbitMQServer, postgres: PostgresServer) -> None:
        self._course = course
        self._rabbitmq = rabbitmq
        self._postgres = postgres
        self._random = random.Random(course.seed)
        self._topology = load_shop()
        self._apps = load(SERVICES)

    async def run(self, guard: Guard, directory: Path) -> Evidence:
        """Live, be struck, come to rest. Raises AssertionError where it does not."""
        async with AsyncExitStack() as stack:
            address, url = self._rabbitmq.address, self._postgres.url
            staff = Staff(guard, address, url, directory, self._course.settings)
            await stack.enter_async_context(staff)
            await staff.prepare()
            # What RabbitMQ was told to make in its last second may go with it.
            await asyncio.to_thread(self._rabbitmq.restart)
            await keep_history(url)
            broker = RabbitMQ(address.amqp, address.stream, address.management)
            stack.push_async_callback(broker.close)
            stores: dict[str, Store] = {}
            for app in self._apps:
                stores[app.id] = store = PostgresStore(url, app.id)
                await store.open()
                stack.push_async_callback(store.close)
            for crew in CREWS:
                await staff.start(crew)
            await self._opens(stores, staff)
            await asyncio.gather(self._feed(broker), self._strike(staff))
            await self._rests(Watch(self._apps, self._topology, stores, broker), staff)
            return await evidence_on(
                self._topology,
                self._apps,
                stores=stores,
                broker=broker,
                postgres=url,
                book=directory / BOOK,
                now=_now(),
            )

    async def _opens(self, stores: Mapping[str, Store], staff: Staff) -> None:
        """Wait until every log agent is at work."""
        deadline = time.monotonic() + OPENING
        agents = {
            name for app in self._apps for name, agent in app.agents.items() if is_log_agent(agent, self._topology)
        }
        while agents - {each.slot.agent for store in stores.values() for each in await store.standings()}:
            assert time.monotonic() < deadline, staff.report()
            await asyncio.sleep(0.2)

    async def _feed(self, broker: RabbitMQ) -> None:
        publishers = {
            exchange: Publisher(broker, self._topology, service=service, now=_now, ids=self._random)
            for exchange, service in PUBLISHERS.items()
        }
        began, due = time.monotonic(), 0.0
        for act in Life(random.Random(self._course.seed), self._course.ways).acts():
            due += act.after
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            message = publishers[act.exchange].record(act.exchange, act.record, key=act.key, id=act.id)
            messages: list[Message] = [message] * (2 if self._random.random() < REPEATED else 1)
            for each in messages:
                await deliver(broker, [each], lambda trouble: None, self._random)

    async def _strike(self, staff: Staff) -> None:
        order = [name for name, times in self._course.strikes.items() for _ in range(times)]
        self._random.shuffle(order)
        for name in order:
            await asyncio.sleep(self._course.seconds / len(order))
            await self._kinds(staff)[name]()

    def _kinds(self, staff: Staff) -> Mapping[str, Callable[[], Awaitable[None]]]:
        victim = self._random.choice(list(CREWS))
        return {
            "killed": partial(staff.revive, victim),
            "frozen": partial(staff.freeze, victim),
            "cut": partial(staff.cut, victim),
            "delayed": partial(staff.delay, victim),
            "broker killed": partial(_struck, self._rabbitmq),
            "database killed": partial(_struck, self._postgres),
        }

    async def _rests(self, watch: Watch, staff: Staff) -> None:
        deadline = time.monotonic() + self._course.rest_within
        while left := await _undone(watch):
            assert time.monotonic() < deadline, "\n".join([*left, staff.report()])
            await asyncio.sleep(0.3)


async def _undone(watch: Watch) -> list[str]:
    """What is left to do, or why nobody can tell: servers may only be coming back."""
    try:
        return await watch.undone()
    except (BrokerError, StoreError) as error:
        return [str(error)]


async def _struck(server: RabbitMQServer | PostgresServer) -> None:
    """SIGKILL, and started again at once."""
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


@contextmanager
def guarded() -> Iterator[Guard]:
    """A guard, for as long as the context lasts."""
    guard = Guard()
    try:
        yield guard
    finally:
        guard.close()


def _now() -> int:
    return time.time_ns() // 1_000_000
