"""aiormq: its own publishing, a window of confirms gathered at a time."""

from time import perf_counter

import aiormq
from aiormq.abc import AbstractChannel, AbstractConnection

from benchmarks import feed
from benchmarks.messages import messages
from benchmarks.orders import EXCHANGE, TYPE
from benchmarks.scene import Scene


class AiormqPublishing:
    """Messages are made before the clock starts."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._parcels: list[feed.Parcel] = []
        self._connection: AbstractConnection
        self._channel: AbstractChannel

    async def prepare(self) -> None:
        self._connection = await aiormq.connect(self._scene.amqp)
        self._channel = await self._connection.channel(publisher_confirms=True)
        made = messages(self._scene.count, lanes=False)
        self._parcels = [feed.parcel(message, self._scene.user) for message in made]

    async def run(self, count: int) -> float:
        began = perf_counter()
        await feed.publish(self._channel, self._parcels[:count], EXCHANGE, TYPE)
        return perf_counter() - began

    async def check(self, count: int) -> None:
        """Every confirm was looked at; whoever set the scene looks into the log."""

    async def close(self) -> None:
        await self._connection.close()
