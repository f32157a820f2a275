"""200 people want one of the last ten pieces, at once, over HTTP."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from streams.testing import VirtualTimeLoop
from tests.shop.front import Front, front
from tests.shop.invariants.checker import breaches
from tests.shop.invariants.evidence import Evidence
from tests.shop.invariants.rows import Order, Stock, read_all
from tests.shop.life import COMMANDS
from tests.shop.place import Shop, shop

BUYERS, PIECES = 200, 10
LAMP = UUID(int=7)


def test_of_200_buyers_of_ten_pieces_exactly_ten_pay_and_nothing_stays_reserved() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        evidence = runner.run(rush())
    orders = read_all(Order, evidence.rows("orders.orders").values())
    assert len(orders) == BUYERS
    assert [order.status for order in orders].count("PAID") == PIECES
    assert {order.status for order in orders} == {"PAID", "REJECTED"}
    (stock,) = read_all(Stock, evidence.rows("inventory.stock").values())
    assert (stock.on_hand, stock.reserved) == (0, 0)
    assert breaches(evidence) == []


async def rush() -> Evidence:
    """Everybody orders, and sends the order again; one of them tries much too often."""
    async with shop() as place:
        await stocked(place)
        door = front(place)
        await asyncio.gather(*(buys(door, number) for number in range(BUYERS)))
        await insists(door)
        evidence = await place.evidence()
    return replace(evidence, requests=door.requests, admissions=door.admissions)


async def stocked(place: Shop) -> None:
    await place.publish(COMMANDS, ProductPut(LAMP, "lamp", Decimal("49.00"), "EUR"), "main")
    await place.publish(COMMANDS, InventoryReceive(UUID(int=8), [StockLine(LAMP, PIECES)]), "main")
    await asyncio.sleep(1)


async def buys(door: Front, number: int) -> None:
    user = UUID(int=1_000 + number)
    async with door.visitor(f"10.0.{number // 100}.{number % 100}") as client:
        for _ in range(2):
            answer = await door.order(client, user, LAMP, "my-only-order", "tok_ok")
            assert answer.status_code in {202, 409}, answer.text


async def insists(door: Front) -> None:
    async with door.visitor("10.1.0.1") as client:
        answers = [(await client.get("/api/products")).status_code for _ in range(150)]
    assert answers.count(200) == 100
    assert answers.count(429) == 50
