"""aio-pika: a queue's iterator, each message decoded and acknowledged."""

from time import perf_counter

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractQueue

from benchmarks.results import Tally
from benchmarks.scene import Scene
from benchmarks.subjects.peer_order import decode

PREFETCH = 1_000


class AioPikaQueue:
    """The consumer of aio-pika's own documentation."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tally = Tally()
        self._connection: AbstractConnection
        self._queue: AbstractQueue

    async def prepare(self) -> None:
        self._connection = await aio_pika.connect(self._scene.amqp)
        channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        self._queue = await channel.get_queue(self._scene.source)

    async def run(self, count: int) -> float:
        began, ended = perf_counter(), 0.0
        async with self._queue.iterator() as messages:
            async for message in messages:
                self._tally.add(decode(message.body).total_cents)
                await message.ack()
                if self._tally.orders == count:
                    ended = perf_counter()
                    break
        return ended - began

    async def check(self, count: int) -> None:
        self._tally.check(count)

    async def close(self) -> None:
        await self._connection.close()
