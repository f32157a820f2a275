"""Shoppers in the whole shop, in virtual time: they live every part of its life."""

import asyncio
import json
from random import Random
from uuid import UUID, uuid5

import pytest
from structlog.testing import capture_logs

from agents.inventory.events import InventoryReceive, ProductPut, StockLine
from streams.testing import VirtualTimeLoop
from tests.api.auth_scene import open_auth_shop
from tests.shop.front import Front, front
from tests.shop.invariants.checker import breaches
from tests.shop.invariants.evidence import Evidence
from tests.shop.invariants.rows import Order, read_all
from tests.shop.life import COMMANDS
from tests.shop.place import shop
from warren.catalog import demo_products
from warren.customers import Customers
from warren.log_in import LogIn
from warren.staff import new_staff
from warren.visit import Visit

VISITORS = 120


async def visited() -> Evidence:
    random = Random(7)
    async with shop() as place:
        for product in demo_products():
            put = ProductPut(product.id, product.name, product.price, product.currency)
            await place.publish(COMMANDS, put, str(product.id))
            goods = InventoryReceive(product.id, [StockLine(product.id, 30)])
            await place.publish(COMMANDS, goods, str(product.id))
        await asyncio.sleep(1)
        door = front(place)
        await asyncio.gather(*(visits(door, number, Random(random.random())) for number in range(VISITORS)))
        return await place.evidence()


async def visits(door: Front, number: int, random: Random) -> None:
    async with door.visitor(f"10.0.0.{number}") as client:
        await Visit(client, random, UUID(int=number % 20)).run()


def test_shoppers_use_the_whole_life_of_the_shop() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        evidence = runner.run(visited())
    assert breaches(evidence) == []
    orders = read_all(Order, evidence.rows("orders.orders").values())
    assert {"DELIVERED", "CANCELLED", "PAYMENT_FAILED"} <= {order.status for order in orders}
    assert {"REFUNDED", "PARTIALLY_REFUNDED", "CAPTURED"} <= {order.payment_status for order in orders}
    refunded = {order.id for order in orders if order.payment_status == "REFUNDED" and order.status == "DELIVERED"}
    unpacked = {str(uuid5(UUID(item.product_id), order.id)) for order in orders for item in order.items}
    received = {row["id"] for row in map(json.loads, evidence.rows("inventory.receipts").values())}
    assert refunded, "nobody has returned anything"
    assert len(unpacked & received) >= len(refunded), "what was sent back is not on the shelf"
    told = {message.type for message in evidence.logs["analytics.all.events"]}
    assert {f"user.activity.{what}" for what in ("product_viewed", "cart_added", "checkout_started")} <= told


async def test_shoppers_and_the_shop_s_people_log_in_where_they_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warren.visit.PAUSE", 0.05)
    random, customers, staff = Random(7), Customers(Random(7)), new_staff(Random(7))
    async with open_auth_shop(work=True, auth_required=True) as shop:
        await shop.accounts.register(staff)
        people = LogIn(staff.email, staff.password)
        with capture_logs() as lines:
            for _ in range(12):
                one = await customers.next(shop.client)
                await Visit(shop.client, random, one.id, one.log_in, people).run()
        orders = (await shop.client.get("/api/orders", auth=LogIn(staff.email, staff.password))).json()["items"]
    assert [line for line in lines if "shopper" in line["event"]] == []
    assert {"DELIVERED"} <= {order["status"] for order in orders}
