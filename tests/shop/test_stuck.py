"""A refund of which nobody knows whether it has come through: what the books may say meanwhile, and who ends it."""

import asyncio
from collections.abc import Awaitable
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from agents.orders.events import Line, OrderCancel, OrderPlace, OrderRefund
from agents.payments.provider.port import Answer, Operation, Refund
from agents.payments.provider.simulator import Simulator
from agents.payments.till import till
from streams import Record
from streams.testing import VirtualTimeLoop
from tests.shop.invariants.checker import breaches
from tests.shop.invariants.evidence import Evidence
from tests.shop.invariants.rows import Entry, Order, read_all
from tests.shop.life import COMMANDS, HOME
from tests.shop.outside import SILENCE, FarProvider
from tests.shop.place import Shop, shop

TEA, ORDER, USER = (UUID(int=n) for n in (1, 2, 3))
PRICE = Decimal("10.00")
CANCEL = OrderCancel(ORDER, "support")
ALL = OrderRefund(ORDER, UUID(int=9), "support")
HALF = OrderRefund(ORDER, UUID(int=10), "support", PRICE / 2)


class Mute(FarProvider):
    """Carries out refunds, or does not, and says nothing of them until it is `well`."""

    def __init__(self, simulator: Simulator, *, carries_out: bool) -> None:
        super().__init__(simulator, Random(0), 0.0)
        self.carries_out = carries_out
        self.well = False

    async def ask(self, key: str, operation: Operation) -> Answer:
        if self.well or not isinstance(operation, Refund):
            return await super().ask(key, operation)
        if self.carries_out:
            await super().ask(key, operation)
        return SILENCE

    async def look_up(self, key: str) -> Answer:
        return await super().look_up(key) if self.well or ":refund" not in key else SILENCE


async def lived(carries_out: bool, *wishes: Record, found_out: bool) -> Evidence:
    """A paid order, of which these things are wanted; in the end somebody may ask what became of its money."""
    async with shop() as place:
        mute = Mute(place.world.provider, carries_out=carries_out)
        with till.served_by(mute):
            await paid(place)
            for wish in wishes:
                await place.publish(COMMANDS, wish, str(ORDER))
                await place.rests()
            if found_out:
                mute.well = True
                await place.publish(COMMANDS, ALL, str(ORDER))
            return await place.evidence()


async def paid(place: Shop) -> None:
    await place.publish(COMMANDS, ProductPut(TEA, "tea", PRICE, "EUR"), "main")
    await place.publish(COMMANDS, InventoryReceive(UUID(int=8), [StockLine(TEA, 5)]), "main")
    await place.rests()
    order = OrderPlace(ORDER, USER, [Line(TEA, 1, PRICE)], "EUR", "tok_ok", HOME)
    await place.publish(COMMANDS, order, str(ORDER))
    await place.rests()


def evidence_of(life: Awaitable[Evidence]) -> Evidence:
    async def awaited() -> Evidence:
        return await life

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(awaited())


def outcomes(evidence: Evidence) -> list[str]:
    lines = read_all(Entry, evidence.rows("payments.ledger").values())
    return sorted(line.outcome for line in lines if ":refund" in line.operation_key)


def order_in(evidence: Evidence) -> Order:
    (order,) = read_all(Order, evidence.rows("orders.orders").values())
    return order


@pytest.mark.parametrize("carries_out", [True, False])
@pytest.mark.parametrize("wishes", [(CANCEL,), (HALF,), (HALF, CANCEL)])
def test_the_books_agree_but_for_what_is_told_to_be_stuck(carries_out: bool, wishes: tuple[Record, ...]) -> None:
    evidence = evidence_of(lived(carries_out, *wishes, found_out=False))
    assert "refund_stuck" in outcomes(evidence)
    assert "refunded" not in outcomes(evidence)
    assert breaches(evidence) == []


@pytest.mark.parametrize("carries_out", [True, False])
@pytest.mark.parametrize("wishes", [(CANCEL,), (HALF,), (HALF, CANCEL)])
def test_who_wants_all_of_it_back_finds_out(carries_out: bool, wishes: tuple[Record, ...]) -> None:
    evidence = evidence_of(lived(carries_out, *wishes, found_out=True))
    assert outcomes(evidence).count("refunded") == (2 if HALF in wishes else 1)
    assert order_in(evidence).payment_status == "REFUNDED"
    assert breaches(evidence) == []
