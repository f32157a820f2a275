"""Payments on RabbitMQ and PostgreSQL, with a provider behind HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

from agents.payments.events import PaymentOperation
from agents.payments.provider.client import HttpProvider
from agents.payments.provider.service import Service
from agents.payments.provider.simulator import Simulator
from agents.payments.rules.keys import Command
from agents.payments.tables import Balance, balances, ledger
from agents.payments.till import till
from agents.registry import load
from api.server import serve
from stores.postgres import PostgresStore
from streams import Publisher, Views, Worker
from streams.rabbitmq import RabbitMQ
from tests.agents.payments.place import ORDER, TEN, authorize, capture, query, refund
from tests.servers.address import RabbitMQ as Address
from topology.diff import diff
from topology.load import load_shop
from topology.management import Management
from topology.observe import observe
from topology.rabbitmq import apply


def now() -> int:
    return time.time_ns() // 1_000_000


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 60
    while not await condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)


class Place:
    """The service on servers of its own."""

    def __init__(self, address: Address, store: PostgresStore) -> None:
        self._topology, (self._app,) = load_shop(), load(["payments"])
        self._store = store
        self._broker = RabbitMQ(address.amqp, address.stream, address.management)
        self._views = Views({"payments": store})
        self._orders = Publisher(self._broker, self._topology, service="orders", now=now, ids=Random(0))
        self._address = address

    async def prepare(self, stack: AsyncExitStack) -> None:
        """Make what is declared, and connect until the stack is left."""
        async with Management(self._address.management) as management:
            plan = diff(self._topology, await observe(management, self._address.vhost))
            await apply(management, self._address.vhost, plan.steps)
        stack.push_async_callback(self._store.close)
        await self._store.open()
        await self._store.apply(self._app.specs())
        stack.push_async_callback(self._broker.close)
        await self._broker.open()

    async def start(self) -> Worker:
        stores = {"payments": self._store}
        worker = Worker(
            [self._app], broker=self._broker, stores=stores, topology=self._topology, now=now, ids=Random(1), lease=2.0
        )
        await worker.start()
        return worker

    async def command(self, *commands: Command) -> None:
        await self._orders.publish([self._orders.record("commands", each, key=str(ORDER)) for each in commands])

    async def recorded(self, *outcomes: str) -> None:
        """Wait until the ledger has these lines."""

        async def lines() -> bool:
            page = await self._views.of("payments", ledger).query(orderId=str(ORDER))
            return sorted(entry.outcome for _, entry in page.items) == sorted(outcomes)

        await until(lines)

    async def balance(self) -> Balance:
        balance = await self._views.of("payments", balances).get(ORDER)
        assert balance is not None
        return balance


@asynccontextmanager
async def provider_behind_http() -> AsyncIterator[None]:
    """Payments ask a provider that is a web service, for 0.3 s each time."""
    async with serve(Service(Simulator()).app(), "127.0.0.1", 0, grace=1) as port:
        provider = HttpProvider(f"http://127.0.0.1:{port}", timeout=0.3)
        with till.served_by(provider):
            yield
        await provider.close()


async def test_money_is_taken_and_given_back_once_over_a_lost_answer_repeats_and_a_restart(
    rabbitmq_vhost: Address, postgres: str, postgres_schema: str
) -> None:
    place = Place(rabbitmq_vhost, PostgresStore(postgres, postgres_schema))
    async with provider_behind_http(), AsyncExitStack() as stack:
        await place.prepare(stack)
        first = await place.start()
        await place.command(authorize("tok_lost"))
        await place.recorded("unknown")
        await first.abandon()
        stack.push_async_callback((await place.start()).stop)
        await place.command(query(PaymentOperation.AUTHORIZE), authorize("tok_lost"))
        await place.recorded("unknown", "authorized")
        await place.command(capture(), capture())
        await place.recorded("unknown", "authorized", "captured")
        await place.command(refund(), refund())
        await place.recorded("unknown", "authorized", "captured", "refunded")
        balance = await place.balance()
    assert (balance.authorized, balance.captured, balance.refunded) == (TEN, TEN, TEN)
