"""FastStream: a subscriber on a queue, each message decoded and acknowledged.

Of FastStream's ways to a typed value this was the fastest: its argument parsing off, and a decoder of our own.
"""

import asyncio
from time import perf_counter

from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue

from benchmarks.results import Tally
from benchmarks.scene import Scene
from benchmarks.subjects.peer_order import PeerOrder, decode

PREFETCH = 1_000


async def _decoded(message: RabbitMessage) -> PeerOrder:
    return decode(message.body)


class FastStreamQueue:
    """A stateless subscriber; FastStream acknowledges each message after its handler."""

    def __init__(self, scene: Scene) -> None:
        self._tally = Tally()
        self._count = -1
        self._done = asyncio.Event()
        self._broker = RabbitBroker(scene.amqp, decoder=_decoded, apply_types=False, logger=None)
        queue = RabbitQueue(scene.source, queue_type=QueueType.QUORUM, durable=True, declare=False)
        self._broker.subscriber(queue, channel=Channel(prefetch_count=PREFETCH))(self._handle)

    async def _handle(self, order: PeerOrder) -> None:
        self._tally.add(order.total_cents)
        if self._tally.orders == self._count:
            self._done.set()

    async def prepare(self) -> None:
        await self._broker.connect()

    async def run(self, count: int) -> float:
        self._count = count
        began = perf_counter()
        await self._broker.start()
        await self._done.wait()
        return perf_counter() - began

    async def check(self, count: int) -> None:
        self._tally.check(count)

    async def close(self) -> None:
        await self._broker.stop()
