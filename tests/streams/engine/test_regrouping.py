"""Reading a log by another key: `stream.group_by(key, topic)`."""

import asyncio
from typing import Any

import pytest

from streams import App, Record
from streams.embedded import Embedded, Fate
from streams.errors import DeclarationError
from streams.source import partition_of
from tests.streams.engine.stage import Order, Stage, on_stage, until
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

PARTITIONS = 3


class Sale(Record, event="order"):
    """Comes keyed by its shop, and is counted by its product."""

    shop: str
    product: str


def regrouped_topology() -> Topology:
    shared = Service("shared", exchanges=(Exchange("dlx"),), logs=(Log("dead.letters", (Binding("dlx", "#"),)),))
    counter = Service(
        "counter",
        exchanges=(Exchange("in"),),
        publishes={"in": ("order",)},
        logs=(
            Log("orders", (Binding("in", "order"),), partitions=2, key="shop"),
            Log("orders.by.product", partitions=PARTITIONS),
        ),
        queues=(Queue("jobs", (Binding("in", "nothing"),)),),
    )
    return Topology((shared, counter))


def regroup(stage: Stage) -> None:
    stage.topology = regrouped_topology()
    stage.server = Embedded(stage.topology, clock=stage.now, faults=stage.faults)
    stage.broker = stage.server.connect("counter")
    stage.publisher._broker = stage.server.connect("guest")
    stage.publisher._topology = stage.topology


def shop() -> App:
    app = App("counter")
    sold = app.Table("sold", default=int)
    by_product = app.topic("orders.by.product", value_type=Sale)

    @app.agent(app.topic("orders", value_type=Sale), name="count")
    async def count(stream: Any) -> None:
        async for sale in stream.filter(lambda s: s.product != "sample").group_by(lambda s: s.product, by_product):
            sold[sale.product] += 1

    return app


async def sell(stage: Stage, *sales: Sale) -> None:
    await stage.publisher.publish([stage.publisher.record("in", sale) for sale in sales])


async def sold(stage: Stage) -> dict[str, int]:
    rows: dict[str, int] = {}
    for number in range(PARTITIONS):
        for key, value in (await stage.store.scan("sold", number)).items():
            assert partition_of(key, PARTITIONS) == number
            rows[key] = int(value)
    return rows


async def sold_is(stage: Stage, **wanted: int) -> None:
    async def right() -> bool:
        return await sold(stage) == wanted

    await until(right)
    await asyncio.sleep(5)
    assert await right()


@on_stage
async def test_records_are_counted_where_their_new_key_belongs(stage: Stage) -> None:
    regroup(stage)
    worker = await stage.start(shop())
    await sell(stage, *[Sale(f"shop{n}", product) for n in range(5) for product in ("tea", "cup", "jam", "sample")])
    await sold_is(stage, tea=5, cup=5, jam=5)
    slots = sorted((status.agent, status.source) for status in worker.status() if status.agent.startswith("count"))
    assert slots == [
        *(("count", f"orders.by.product-{number}") for number in range(3)),
        *(("count.group_by", f"orders-{number}") for number in range(2)),
    ]
    await worker.stop()


@on_stage
async def test_every_record_counts_once_through_crashes_on_either_side(stage: Stage) -> None:
    regroup(stage)
    stage.faults.fates[""] = [Fate.KEPT, Fate.UNCONFIRMED, Fate.LOST, Fate.REFUSED] * 20
    for _ in range(6):
        worker = await stage.start(shop())
        await sell(stage, *[Sale("a", product) for product in ("tea", "cup", "jam")])
        await asyncio.sleep(1.3)
        await worker.abandon()
    worker = await stage.start(shop())
    await sold_is(stage, tea=6, cup=6, jam=6)
    await worker.stop()


def declared(topic: str, through: str, *, late: bool = False) -> App:
    app = App("counter")

    @app.agent(app.topic(topic, value_type=Order), name="count")
    async def count(stream: Any) -> None:
        if late:
            async for _ in stream:
                break
        async for _ in stream.group_by(lambda order: order.user, app.topic(through, value_type=Order)):
            pass

    return app


@pytest.mark.parametrize(
    ("through", "fault"),
    [
        ("orders.by.produkt", "did you mean 'orders.by.product'?"),
        ("in", "it has to be one declared log"),
        ("orders", "'orders', the log that it reads"),
    ],
)
def test_what_cannot_be_regrouped_through_is_told_at_start(through: str, fault: str) -> None:
    @on_stage
    async def starts(stage: Stage) -> None:
        regroup(stage)
        with pytest.raises(DeclarationError) as told:
            await stage.start(declared("orders", through))
        assert fault in str(told.value)

    starts()


@on_stage
async def test_a_body_that_regroups_too_late_is_told_so(stage: Stage) -> None:
    regroup(stage)
    worker = await stage.start(declared("orders", "orders.by.product", late=True))
    await stage.publisher.publish([stage.publisher.record("in", Order("a"), key="a")])
    await asyncio.sleep(30)
    reasons = [headers["dead-error"] for _, headers in await stage.dead()]
    assert any("call it first in the body" in reason for reason in reasons), reasons
    await worker.stop()
