"""Warren: a worker with one app, on RabbitMQ."""

import asyncio
import random
import time
from time import perf_counter

from benchmarks.orders import EXCHANGE, TYPE
from benchmarks.results import WrongResult
from benchmarks.scene import QUEUE, Scene
from stores.port import Store
from streams import App, Worker
from streams.rabbitmq import RabbitMQ
from streams.status import Status
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

LOOK = 0.005
"""Seconds between looks at the worker's status."""


class WarrenWorker:
    """Prepares the store and the broker, and runs the worker until its one agent has settled every event."""

    def __init__(self, scene: Scene, app: App, store: Store) -> None:
        self._app = app
        self._topology = _topology(scene.source)
        self._store = store
        self._broker = RabbitMQ(scene.amqp, scene.stream)
        self._worker: Worker

    @property
    def status(self) -> Status:
        """How the agent does."""
        return self._worker.status()[0]

    async def prepare(self) -> None:
        await self._store.open()
        await self._store.apply(self._app.specs())
        await self._broker.open()
        self._worker = Worker(
            [self._app],
            broker=self._broker,
            stores={self._app.id: self._store},
            topology=self._topology,
            now=lambda: int(time.time() * 1000),
            ids=random.Random(),
        )

    async def run(self, count: int) -> float:
        """From the worker's start (taking the partition over, subscribing) until the last event was committed or
        acknowledged."""
        began = perf_counter()
        await self._worker.start()
        while self.status.handled < count:
            self._go_on()
            await asyncio.sleep(LOOK)
        return perf_counter() - began

    def _go_on(self) -> None:
        status = self.status
        if status.state in ("paused", "halted") or status.dead or status.repeats:
            raise WrongResult(f"the agent is {status.state} {status.reason}: {status}")

    async def close(self) -> None:
        await self._worker.stop()
        await self._broker.close()
        await self._store.close()


def _topology(source: str) -> Topology:
    """What the worker finds declared."""
    bindings = (Binding(EXCHANGE, "#"),)
    service = Service(
        "orders",
        exchanges=(Exchange(EXCHANGE),),
        publishes={EXCHANGE: (TYPE,)},
        queues=(Queue(source, bindings),) if source == QUEUE else (),
        logs=() if source == QUEUE else (Log(source, bindings),),
    )
    return Topology((service,))
