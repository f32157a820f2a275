"""Warren: a log agent that counts by user in a table, exactly once, on RabbitMQ and PostgreSQL."""

import msgspec

from benchmarks import results
from benchmarks.scene import Scene
from benchmarks.subjects.warren_order import OrderCreated
from benchmarks.subjects.warren_worker import WarrenWorker
from stores.postgres import PostgresStore
from streams import App, Record, Stream


class Spending(Record):
    """What a user has ordered."""

    orders: int = 0
    cents: int = 0


_decode = msgspec.json.Decoder(Spending).decode


class WarrenCounting:
    """Position, rows and what de-duplication remembers are committed together; everything is at its defaults."""

    def __init__(self, scene: Scene) -> None:
        self._store = PostgresStore(scene.postgres, scene.schema)
        app = App("orders")
        spending = app.Table("spending", default=Spending)

        @app.agent(app.topic(scene.source, value_type=OrderCreated))
        async def count(stream: Stream[OrderCreated]) -> None:
            async for order in stream:
                row = spending[order.user_id]
                row.orders += 1
                row.cents += order.total_cents

        self._worker = WarrenWorker(scene, app, self._store)

    async def prepare(self) -> None:
        await self._worker.prepare()

    async def run(self, count: int) -> float:
        return await self._worker.run(count)

    async def check(self, count: int) -> None:
        rows = await self._store.scan("spending", 0)
        spending = {user: _decode(row) for user, row in rows.items()}
        results.check_spending({u: results.Spending(s.orders, s.cents) for u, s in spending.items()}, count)

    async def close(self) -> None:
        await self._worker.close()
