"""rstream: its own consumer and decoder on a log. No state, no position kept."""

import asyncio
from time import perf_counter

from rstream import AMQPMessage, Consumer, MessageContext

from benchmarks import rstream_consumer
from benchmarks.results import Tally
from benchmarks.scene import Scene
from benchmarks.subjects.peer_order import decode


class RstreamReading:
    """A callback for each message."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tally = Tally()
        self._count = -1
        self._done = asyncio.Event()
        self._consumer: Consumer

    def _handle(self, message: AMQPMessage, context: MessageContext) -> None:
        if self._tally.orders < self._count:
            self._tally.add(decode(message.body).total_cents)
            if self._tally.orders == self._count:
                self._done.set()

    async def prepare(self) -> None:
        self._consumer = rstream_consumer.connect(self._scene)
        await self._consumer.start()

    async def run(self, count: int) -> float:
        self._count = count
        began = perf_counter()
        await rstream_consumer.subscribe(self._consumer, self._scene.source, self._handle)
        await self._done.wait()
        return perf_counter() - began

    async def check(self, count: int) -> None:
        self._tally.check(count)

    async def close(self) -> None:
        await self._consumer.close()
