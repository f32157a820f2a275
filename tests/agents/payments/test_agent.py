"""The payments agent with a provider that misbehaves, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import wraps
from random import Random
from typing import Any
from uuid import UUID

import pytest

from agents.payments.events import PaymentCapture
from agents.payments.provider.port import Answer, Operation, Outcome
from agents.payments.provider.simulator import Simulator
from agents.payments.tables import Payment, State, payments
from agents.payments.till import till
from agents.registry import load
from stores.memory import MemoryStore
from streams import Publisher, Worker
from streams.embedded import Embedded
from streams.testing.virtual_time import VirtualTimeLoop
from topology.load import load_shop

TEN = Decimal("10.00")


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


async def paid(provider: Watched, token: str, *, seconds: float = 100, times: int = 1) -> tuple[Payment, list[str]]:
    """The payment of one order after so many seconds, and the events that were told."""

    def now() -> int:
        return 1_767_268_800_000 + round(asyncio.get_running_loop().time() * 1000)

    topology, store, (app,) = load_shop(), MemoryStore(), load(["payments"])
    server = Embedded(topology, clock=now)
    broker = server.connect("payments")
    await store.open()
    await store.apply(app.specs())
    worker = Worker([app], broker=broker, stores={"payments": store}, topology=topology, now=now, ids=Random(1))
    orders = Publisher(server.connect("orders"), topology, service="orders", now=now, ids=Random(2))
    with till.served_by(provider):
        await worker.start()
        command = PaymentCapture(UUID(int=1), UUID(int=2), TEN, "EUR", token)
        for _ in range(times):
            await orders.publish([orders.record("commands", command, key="1")])
            await asyncio.sleep(seconds)
        payment, _ = await payments.get(UUID(int=1))
        told = await _told(broker)
        await worker.stop()
    await server.close()
    assert payment is not None
    return payment, told


async def _told(broker: Any) -> list[str]:
    end = (await broker.extent("payments.ledger")).last
    types: list[str] = []
    if end < 0:
        return types
    async with broker.read("payments.ledger", "first") as reader:
        async for chunk in reader:
            types += [envelope.type for envelope in reader.scan(chunk, chunk.first, frozenset())]
            if len(types) > end:
                return types
    return types


@pytest.mark.parametrize("token", ["tok_ok", "tok_flaky", "tok_lost", "tok_flaky_capture", "tok_lost_capture"])
@virtual
async def test_whatever_the_provider_does_money_is_taken_once(token: str) -> None:
    provider = Watched()
    payment, told = await paid(provider, token)
    assert (payment.state, told) == (State.CAPTURED, ["payment.captured"])
    assert provider.done == {"authorize": 1, "capture": 1}
    assert payment.reference


@virtual
async def test_a_refused_card_ends_the_payment() -> None:
    payment, told = await paid(Watched(), "tok_decline")
    assert (payment.state, payment.code, told) == (State.FAILED, "card_declined", ["payment.failed"])


@virtual
async def test_what_was_authorized_and_cannot_be_captured_is_let_go() -> None:
    provider = Watched()
    payment, told = await paid(provider, "tok_decline_capture")
    assert (payment.state, told) == (State.FAILED, ["payment.failed"])
    assert provider.done == {"authorize": 1, "void": 1}


@virtual
async def test_a_provider_that_hangs_is_asked_again_by_the_ladder_and_nothing_is_told() -> None:
    provider = Watched()
    payment, told = await paid(provider, "tok_hang", seconds=10)
    assert (payment.state, told) == (State.CAPTURING, [])
    assert provider.asked == {"authorize": 3}


@virtual
async def test_a_command_that_comes_twice_is_answered_twice_and_asked_once() -> None:
    provider = Watched()
    payment, told = await paid(provider, "tok_ok", times=2)
    assert (payment.state, told) == (State.CAPTURED, ["payment.captured"] * 2)
    assert provider.asked == {"authorize": 1, "capture": 1}
