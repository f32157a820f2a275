"""The inventory agent on the engine, in virtual time."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

import pytest

from agents.inventory.events import (
    InventoryCommit,
    InventoryExpired,
    InventoryLow,
    InventoryRejected,
    InventoryRelease,
    InventoryReserved,
    InventoryRestock,
    ProductPut,
    ProductUpdated,
    StockLine,
)
from agents.inventory.tables import Hold, products
from agents.inventory.terms import Terms
from agents.inventory.terms import terms as shop_terms
from streams import Record
from streams.graph import check
from tests.agents.inventory.stockroom import LAMP, NOON, TEA, TOPOLOGY, USER, Stockroom, app, created, received, virtual

MINUTE = 60.0
START = datetime.fromtimestamp(NOON / 1000, UTC)


def test_what_it_declares_fits_the_topology() -> None:
    check([app], TOPOLOGY)


@virtual
async def test_goods_are_received_reserved_and_leave(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 10), (LAMP, 2)), created(1, (TEA, 3), (LAMP, 1)), created(2, (LAMP, 2)))
        await room.tell(InventoryCommit(UUID(int=1), USER))
        await room.settled(worker)
        assert (await room.pieces(TEA), await room.pieces(LAMP)) == ((7, 0), (1, 0))
        assert await room.holds() == {Hold.COMMITTED: 1, Hold.REJECTED: 1}
        assert await room.told() == ["inventory.reserved", "inventory.rejected", "inventory.committed"]


@virtual
async def test_what_nobody_commits_expires_and_is_free_again(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 3)), created(1, (TEA, 3)), created(2, (TEA, 1)))
        await room.settled(worker)
        (reserved,) = await room.said(InventoryReserved)
        assert isinstance(reserved, InventoryReserved)
        assert timedelta() <= reserved.expires_at - START - timedelta(minutes=15) < timedelta(seconds=1)
        await asyncio.sleep(14 * MINUTE)
        assert await room.pieces(TEA) == (3, 3)
        await asyncio.sleep(2 * MINUTE)
        assert await room.pieces(TEA) == (3, 0)
        assert await room.said(InventoryExpired) == [InventoryExpired(UUID(int=1), USER, [StockLine(TEA, 3)])]
        await room.tell(InventoryCommit(UUID(int=1), USER), created(3, (TEA, 3)))
        await asyncio.sleep(1)
        assert len(await room.said(InventoryExpired)) == 2, "a commit too late is answered"
        assert await room.pieces(TEA) == (3, 3)


@virtual
async def test_what_left_does_not_expire_and_no_due_time_stays(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 9)), *(created(n, (TEA, 3)) for n in (1, 2, 3)))
        await room.tell(InventoryCommit(UUID(int=1), USER), InventoryRelease(UUID(int=2), USER))
        await room.settled(worker)
        (standing,) = await room.store.standings()
        assert standing.due == 1
        await asyncio.sleep(60 * MINUTE)
        assert await room.holds() == {Hold.COMMITTED: 1, Hold.RELEASED: 1, Hold.EXPIRED: 1}
        assert await room.pieces(TEA) == (6, 0)
        (standing,) = await room.store.standings()
        assert standing.due == 0


@virtual
async def test_reservations_expire_while_nobody_is_at_work(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 3)), created(1, (TEA, 3)))
        await room.settled(worker)
    await asyncio.sleep(20 * MINUTE)
    await room.tell(InventoryCommit(UUID(int=1), USER))
    async with room.at_work():
        await asyncio.sleep(1)
        assert await room.pieces(TEA) == (3, 0)
        assert set(await room.told()) == {"inventory.reserved", "inventory.expired"}


@virtual
async def test_how_long_stock_is_held_is_a_setting(room: Stockroom) -> None:
    with shop_terms.on(Terms(hold=timedelta(seconds=30))):
        async with room.at_work() as worker:
            await room.tell(received(1, (TEA, 3)), created(1, (TEA, 3)))
            await room.settled(worker)
            await asyncio.sleep(40)
            assert await room.holds() == {Hold.EXPIRED: 1}


@virtual
async def test_a_release_that_comes_before_its_order_refuses_it(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 3)), InventoryRelease(UUID(int=1), USER), created(1, (TEA, 3)))
        await room.settled(worker)
        assert await room.pieces(TEA) == (3, 0)
        assert await room.said(InventoryRejected) == [InventoryRejected(UUID(int=1), USER, [])]


def tables_after(records: Sequence[Record], times: int) -> dict[tuple[str, str], bytes]:
    """(table, key) -> row, after each of these came so many times."""
    found: dict[tuple[str, str], bytes] = {}

    @virtual
    async def run(room: Stockroom) -> None:
        async with room.at_work() as worker:
            for record in records:
                await room.tell(record, times=times)
            await room.settled(worker)
        for name in app.tables:
            found.update({(name, key): _untimed(row) for key, row in (await room.store.scan(name, 0)).items()})

    run()
    return found


def test_repeats_of_every_event_give_the_same_tables() -> None:
    """Each is a message of its own, so that nothing but the rules knows it again."""
    steps = [InventoryCommit(UUID(int=1), USER), InventoryRelease(UUID(int=1), USER), created(1, (TEA, 2), (LAMP, 1))]
    for order in permutations(steps):
        events = [ProductPut(TEA, "Tea", Decimal("7.90"), "EUR"), received(1, (TEA, 9), (LAMP, 9)), *order]
        assert tables_after(events, times=1) == tables_after(events, times=3)


@virtual
async def test_of_two_hundred_buyers_of_ten_items_ten_get_one(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 10)))
        await asyncio.gather(*(room.tell(created(n, (TEA, 1))) for n in range(1, 201)))
        await room.settled(worker)
        assert await room.holds() == {Hold.HELD: 10, Hold.REJECTED: 190}
        await asyncio.gather(*(room.tell(InventoryCommit(UUID(int=n), USER)) for n in range(1, 201)))
        await room.settled(worker)
        assert await room.pieces(TEA) == (0, 0)
        assert await room.holds() == {Hold.COMMITTED: 10, Hold.REJECTED: 190}
        assert await room.said(InventoryLow) == [InventoryLow(TEA, 4)]
        told = await room.told()
        assert (told.count("inventory.reserved"), told.count("inventory.committed")) == (10, 10)


@virtual
async def test_a_receipt_counts_once_and_a_restock_brings_back(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 3)), received(1, (TEA, 3)), received(2, (TEA, 1)), created(1, (TEA, 4)))
        await room.tell(InventoryCommit(UUID(int=1), USER))
        await room.tell(InventoryRestock(UUID(int=1), USER), times=2)
        await room.settled(worker)
        assert await room.pieces(TEA) == (4, 0)
        assert (await room.told())[-2:] == ["inventory.restocked", "inventory.restocked"]


@virtual
async def test_a_product_is_put_and_told_once(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 3)))
        await room.tell(ProductPut(TEA, "Tea", Decimal("7.90"), "EUR"), times=2)
        await room.tell(ProductPut(TEA, "Tea", Decimal("8.00"), "EUR"))
        await room.settled(worker)
        row = await room.views.of(app.id, products).get(("main", TEA))
        assert row is not None
        assert row.price == Decimal("8.00")
        told = [each.product for each in await room.said(ProductUpdated) if isinstance(each, ProductUpdated)]
        assert [(product.price, product.available) for product in told] == [(Decimal("7.90"), 3), (Decimal("8.00"), 3)]


@virtual
async def test_goods_of_no_pieces_are_a_dead_letter_at_once(room: Stockroom) -> None:
    async with room.at_work() as worker:
        await room.tell(received(1, (TEA, 0)), received(2, (TEA, -1)), received(3, (TEA, 1)))
        await room.settled(worker)
        assert await room.pieces(TEA) == (1, 0)
        assert (await room.broker.extent("dead.letters")).last == 1


@virtual
async def test_a_product_at_what_is_no_price_is_a_dead_letter_at_once(room: Stockroom) -> None:
    prices = ["-0.01", "NaN", "Infinity", "1000000000"]
    for price in prices:
        with pytest.raises(ValueError):
            ProductPut(TEA, "Tea", Decimal(price), "EUR")
    async with room.at_work() as worker:
        for price in prices:
            await room.put_foreign(TEA, price)
        await room.put_foreign(TEA, "999999999.99")
        await room.settled(worker)
        row = await room.views.of(app.id, products).get(("main", TEA))
        assert row is not None
        assert row.price == Decimal("999999999.99")
        assert (await room.broker.extent("dead.letters")).last == len(prices) - 1


def _untimed(raw: bytes) -> bytes:
    """A row without its times: repeats take the log some of it."""
    return re.sub(rb'"\d{4}-\d\d-\d\dT[^"]*"', b'""', raw)
