"""The inventory agent: reads its log, decides by the rules, keeps the stock, tells what happened."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.inventory import rules
from agents.inventory.events import (
    MAIN,
    InventoryCommit,
    InventoryCommitted,
    InventoryExpired,
    InventoryLow,
    InventoryOverdue,
    InventoryReceive,
    InventoryRejected,
    InventoryRelease,
    InventoryReleased,
    InventoryReserved,
    InventoryRestock,
    InventoryRestocked,
    ProductPut,
    ProductUpdated,
    StockLine,
)
from agents.inventory.tables import (
    Hold,
    OfOrder,
    Reservation,
    Stock,
    app,
    order_at,
    products,
    receipts,
    reservations,
    stock,
    stock_at,
)
from agents.inventory.terms import terms
from agents.orders.events import Line, OrderCreated
from streams import Stream

commands = app.topic(
    "inventory.commands",
    value_type=OrderCreated
    | InventoryCommit
    | InventoryRelease
    | InventoryRestock
    | InventoryOverdue
    | InventoryReceive
    | ProductPut,
)
events = app.topic(
    "inventory.events",
    value_type=InventoryReserved
    | InventoryRejected
    | InventoryCommitted
    | InventoryReleased
    | InventoryExpired
    | InventoryRestocked
    | InventoryLow
    | ProductUpdated,
)


@app.agent(commands, name="inventory")
async def keep_stock(stream: Stream[Any]) -> None:
    """Each event moves one order's reservation on, or adds to the stock, or to what is offered."""
    async for event in stream.events():
        match event.value:
            case ProductPut() as command:
                await offer(command)
            case InventoryReceive() as command:
                receive(command, event.log_time)
            case value:
                await serve(value, event.log_time, stream)


async def serve(value: OfOrder, at: datetime, stream: Stream[Any]) -> None:
    """An order's reservation, as it becomes, with its due time: it has one as long as it is held."""
    place = order_at(value)
    before = reservations.get(place)
    decision = decide(before, value, at)
    put_on_shelf(decision.stock)
    after = decision.reservation
    if after is not None:
        reservations[place] = after
        if after.status is Hold.HELD:
            stream.schedule(place, after.expires_at, InventoryOverdue(after.order_id, after.warehouse))
        elif before is not None:
            stream.unschedule(place)
    for record in decision.sends:
        key = record.product_id if isinstance(record, InventoryLow) else value.order_id
        await events.send(value=record, key=key)


def decide(reservation: Reservation | None, value: OfOrder, at: datetime) -> rules.Decision:
    """The rule for each event of an order."""
    if isinstance(value, OrderCreated):
        return rules.reserve(reservation, value, shelf(value.items), at, terms.value)
    held = shelf(reservation.lines if reservation else (), value.warehouse)
    match value:
        case InventoryCommit():
            return rules.commit(reservation, value, held, at)
        case InventoryOverdue():
            return rules.expire(reservation, held, at)
    return rules.give_back(reservation, value, held, at)


def receive(command: InventoryReceive, at: datetime) -> None:
    """Goods that have arrived, once for each receipt."""
    place = command.warehouse, command.receipt_id
    received = rules.receive(receipts.get(place), command, shelf(command.lines, command.warehouse), at)
    if received is not None:
        receipts[place], arrived = received
        put_on_shelf(arrived)


async def offer(command: ProductPut) -> None:
    """A product as it is offered from now on."""
    place = command.warehouse, command.product_id
    here = stock.get(stock_at(*place))
    offered = rules.put(products.get(place), command, here.available if here else 0)
    if offered is not None:
        products[place], told = offered
        await events.send(value=told, key=command.product_id)


def shelf(lines: Iterable[Line | StockLine], warehouse: str = MAIN) -> dict[UUID, Stock]:
    """The stock of the products that these lines ask for; of an unknown one there is nothing."""
    return {
        product: stock.get(stock_at(warehouse, product)) or Stock(product, warehouse=warehouse)
        for product in {line.product_id for line in lines}
    }


def put_on_shelf(changed: Iterable[Stock]) -> None:
    """Keep the stock as it becomes."""
    for each in changed:
        stock[stock_at(each.warehouse, each.product_id)] = each
