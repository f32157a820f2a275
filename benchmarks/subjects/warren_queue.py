"""Warren: a queue agent, each message decoded and acknowledged."""

from benchmarks.results import Tally
from benchmarks.scene import Scene
from benchmarks.subjects.warren_order import OrderCreated
from benchmarks.subjects.warren_worker import WarrenWorker
from stores.memory import MemoryStore
from streams import App, Stream

PREFETCH = 1_000


class WarrenQueue:
    """Stateless: its store is never asked for anything."""

    def __init__(self, scene: Scene) -> None:
        tally = self._tally = Tally()
        app = App("orders")

        @app.agent(app.topic(scene.source, value_type=OrderCreated), prefetch=PREFETCH)
        async def read(stream: Stream[OrderCreated]) -> None:
            async for order in stream:
                tally.add(order.total_cents)

        self._worker = WarrenWorker(scene, app, MemoryStore())

    async def prepare(self) -> None:
        await self._worker.prepare()

    async def run(self, count: int) -> float:
        return await self._worker.run(count)

    async def check(self, count: int) -> None:
        self._tally.check(count)

    async def close(self) -> None:
        await self._worker.close()
