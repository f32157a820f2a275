"""Warren: a log agent without tables; its position and what de-duplication remembers are kept in PostgreSQL."""

from benchmarks.results import Tally
from benchmarks.scene import Scene
from benchmarks.subjects.warren_order import OrderCreated
from benchmarks.subjects.warren_worker import WarrenWorker
from stores.postgres import PostgresStore
from streams import App, Stream


class WarrenReading:
    """Everything is at its defaults."""

    def __init__(self, scene: Scene) -> None:
        tally = self._tally = Tally()
        app = App("orders")

        @app.agent(app.topic(scene.source, value_type=OrderCreated))
        async def read(stream: Stream[OrderCreated]) -> None:
            async for order in stream:
                tally.add(order.total_cents)

        self._worker = WarrenWorker(scene, app, PostgresStore(scene.postgres, scene.schema))

    async def prepare(self) -> None:
        await self._worker.prepare()

    async def run(self, count: int) -> float:
        return await self._worker.run(count)

    async def check(self, count: int) -> None:
        self._tally.check(count)

    async def close(self) -> None:
        await self._worker.close()
