"""Faust: an agent that counts by user in a table kept in memory."""

import asyncio
from time import perf_counter

import faust
from faust.models.fields import IntegerField, StringField
from faust.types import StreamT

from benchmarks.faust_transport import StreamTransport
from benchmarks.results import Spending, check_spending
from benchmarks.scene import Scene


class Order(faust.Record):
    """An order, as it is in the messages."""

    order_id: str = StringField(field="orderId")
    user_id: str = StringField(field="userId")
    total_cents: int = IntegerField(field="totalCents")
    currency: str
    items: int


class FaustCounting:
    """Each event changes one row; Faust encodes each change for the table's changelog, acknowledges the event, and
    commits its position every few seconds. The clock runs from the first event on: to start up takes Faust seconds.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._seen, self._count = 0, -1
        self._began = self._ended = 0.0
        self._done = asyncio.Event()
        self._app = faust.App(
            "bench", broker="kafka://nowhere", store="memory://", web_enabled=False, topic_disable_leader=True
        )
        self._app.transport = StreamTransport(scene, self._app)
        self._table = self._app.Table("spending", default=lambda: [0, 0], partitions=1)
        self._app.agent(self._app.topic(scene.source, value_type=Order, partitions=1))(self._handle)

    async def _handle(self, stream: StreamT[Order]) -> None:
        async for order in stream:
            if self._seen == 0:
                self._began = perf_counter()
            orders, cents = self._table[order.user_id]
            self._table[order.user_id] = [orders + 1, cents + order.total_cents]
            self._seen += 1
            if self._seen == self._count:
                self._ended = perf_counter()
                self._done.set()

    async def prepare(self) -> None:
        """Faust connects when it starts."""

    async def run(self, count: int) -> float:
        self._count = count
        await self._app.start()
        await self._done.wait()
        return self._ended - self._began

    async def check(self, count: int) -> None:
        check_spending({user: Spending(*row) for user, row in self._table.items()}, count)

    async def close(self) -> None:
        await self._app.stop()
