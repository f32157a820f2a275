"""The payments service at work in virtual time, with a provider that is watched."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import wraps
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec

from agents.payments.agent import outcomes
from agents.payments.events import (
    PaymentAuthorize,
    PaymentCapture,
    PaymentOperation,
    PaymentQuery,
    PaymentRefund,
    PaymentVoid,
)
from agents.payments.provider.port import Answer, Operation, Outcome, Provider
from agents.payments.provider.simulator import Simulator
from agents.payments.rules.happened import Happened
from agents.payments.rules.keys import Command
from agents.payments.tables import Balance, Entry, Payment, balances, ledger, payments
from agents.payments.till import till
from agents.registry import load
from stores.memory import MemoryStore
from streams import Publisher, Worker
from streams.embedded import Embedded
from streams.testing.virtual_time import VirtualTimeLoop
from streams.views import Views
from topology.load import load_shop

TEN: Final = Decimal("10.00")
ORDER: Final = UUID(int=1)
USER: Final = UUID(int=2)
REFUND: Final = UUID(int=3)
OF_ORDER: Final = (ORDER, USER, TEN, "EUR")


def authorize(token: str = "tok_ok") -> PaymentAuthorize:
    return PaymentAuthorize(*OF_ORDER, token)


def capture(amount: Decimal = TEN) -> PaymentCapture:
    return PaymentCapture(ORDER, USER, amount, "EUR")


def void() -> PaymentVoid:
    return PaymentVoid(*OF_ORDER)


def refund(amount: Decimal = TEN, id: UUID = REFUND) -> PaymentRefund:
    return PaymentRefund(ORDER, USER, amount, "EUR", id)


def query(operation: PaymentOperation) -> PaymentQuery:
    return PaymentQuery(*OF_ORDER, operation, REFUND if operation is PaymentOperation.REFUND else None)


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test in virtual time."""

    @wraps(test)
    def run(*args: Any, **options: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **options))

    return run


class Watched:
    """A provider that counts what it has done, and what for."""

    def __init__(self) -> None:
        self.simulator = Simulator()
        self.done: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()

    async def ask(self, key: str, operation: Operation) -> Answer:
        before = self.simulator.known(key).outcome
        answer = await self.simulator.ask(key, operation)
        self.asked[key.partition(":")[2]] += 1
        if before is not Outcome.DONE and self.simulator.known(key).outcome is Outcome.DONE:
            self.done[key.partition(":")[2]] += 1
        return answer

    async def look_up(self, key: str) -> Answer:
        return await self.simulator.look_up(key)


@dataclass(frozen=True, slots=True)
class News:
    """An event that was told."""

    id: str
    type: str
    event: Happened

    @property
    def code(self) -> str | None:
        code: str | None = getattr(self.event, "code", None)
        return code


class Place:
    """The service, its broker and its store."""

    def __init__(self) -> None:
        topology, (app,) = load_shop(), load(["payments"])
        self.store = MemoryStore()
        self.server = Embedded(topology, clock=self.now)
        self.broker = self.server.connect("payments")
        self._app = app
        self._orders = Publisher(self.server.connect("orders"), topology, service="orders", now=self.now, ids=Random(2))
        self.publisher = Publisher(self.broker, topology, service="payments", now=self.now, ids=Random(3))
        self._topology = topology
        self.worker = self._new_worker()

    def now(self) -> int:
        return 1_767_268_800_000 + round(asyncio.get_running_loop().time() * 1000)

    def _new_worker(self) -> Worker:
        return Worker(
            [self._app],
            broker=self.broker,
            stores={"payments": self.store},
            topology=self._topology,
            now=self.now,
            ids=Random(1),
        )

    async def start(self) -> None:
        await self.store.open()
        await self.store.apply(self._app.specs())
        await self.worker.start()

    async def crash(self) -> None:
        """The process dies where it stands; another one takes its place."""
        await self.worker.abandon()
        self.worker = self._new_worker()
        await self.worker.start()

    async def close(self) -> None:
        await self.worker.stop()
        await self.server.close()

    async def command(self, *commands: Command, seconds: float = 1) -> None:
        """Publish them, and let some time go by."""
        for each in commands:
            await self._orders.publish([self._orders.record("commands", each, key=str(each.order_id))])
        await asyncio.sleep(seconds)

    async def told(self) -> list[News]:
        """Every event that was published, repeats too."""
        return [
            News(envelope.id, envelope.type, outcomes.decoders[envelope.type](envelope.body))
            for envelope in await self.log("payments.ledger")
        ]

    async def types(self) -> list[str]:
        return [news.type.removeprefix("payment.") for news in await self.told()]

    async def log(self, name: str) -> list[Any]:
        """What a log holds."""
        end = (await self.broker.extent(name)).last
        found: list[Any] = []
        if end < 0:
            return found
        async with self.broker.read(name, "first") as reader:
            async for chunk in reader:
                found += reader.scan(chunk, chunk.first, frozenset())
                if len(found) > end:
                    return found
        return found

    async def payment(self) -> Payment:
        payment, _ = await payments.get(ORDER)
        assert payment is not None
        return payment

    async def lines(self) -> list[Entry]:
        page = await Views({"payments": self.store}).of("payments", ledger).query()
        return [entry for _, entry in page.items]

    async def balance(self) -> Balance | None:
        balance: Balance | None = await Views({"payments": self.store}).of("payments", balances).get(ORDER)
        return balance

    async def dump(self) -> bytes:
        """Every row and message, as they are kept."""
        rows = [row.value for name in ("payments", "ledger", "balances") for row in (await self.store.query(name)).rows]
        messages = [envelope.body for log in ("payments.ledger", "dead.letters") for envelope in await self.log(log)]
        return msgspec.json.encode([part.decode() for part in (*rows, *messages)])


@asynccontextmanager
async def place(provider: Provider) -> AsyncIterator[Place]:
    """The service at work, with this provider."""
    service = Place()
    with till.served_by(provider):
        await service.start()
        yield service
        await service.close()
