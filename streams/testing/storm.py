"""A storm: the input comes in, and servers have trouble."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import Random

from streams.broker import Message
from streams.codec import encode, event_type
from streams.delivery import deliver
from streams.embedded import Embedded
from streams.errors import DeclarationError
from streams.publisher import Publisher
from streams.testing.process import Process
from streams.testing.remote_broker import RemoteBroker
from streams.testing.scenario import Input
from streams.testing.wire import Network, Wire
from topology.spec import Topology

CLIENT = "client"
"""The user who publishes the input: a stranger, whose lanes would not count."""


class Client:
    """Publishes the input from a process of its own, in order, each event again until it is confirmed."""

    def __init__(
        self, topology: Topology, server: Embedded, network: Network, now: Callable[[], int], seed: int
    ) -> None:
        self._process = Process(CLIENT)
        self._broker = RemoteBroker(server.connect(CLIENT), Wire(self._process, network))
        self._publisher = Publisher(self._broker, topology, service=CLIENT, now=now, ids=Random(f"{seed} ids"))
        self._jitter = Random(f"{seed} client")

    async def publish(self, inputs: Iterable[Input]) -> None:
        """Until all of it is confirmed."""
        await self._process.spawn(self._publish(inputs))

    async def _publish(self, inputs: Iterable[Input]) -> None:
        together: list[Message] = []
        for given in inputs:
            if given.after > 0:
                await self._deliver(together)
                together = []
                await asyncio.sleep(given.after)
            together.append(self._message(given))
        await self._deliver(together)

    async def _deliver(self, messages: list[Message]) -> None:
        await deliver(self._broker, messages, lambda _: None, self._jitter)

    def _message(self, given: Input) -> Message:
        value = given.value
        name = event_type(type(value))
        if name is None:
            raise DeclarationError(f'{type(value).__name__} has no event name: declare it with `event="…"`')
        return self._publisher.message(
            given.exchange,
            name,
            encode(value),
            key=given.key,
            id=given.id,
            time=given.time,
            headers={"schema": value.__version_of_schema__},
        )


class Troubles:
    """What strikes the servers and everybody at once: outages, cut readers, cancelled consumers."""

    def __init__(self, topology: Topology, server: Embedded, network: Network, random: Random) -> None:
        self._server = server
        self._weather = network.weather
        self._trace = network.trace
        self._random = random
        self._kinds: list[Callable[[], Awaitable[None]]] = [self._broker_outage, self._store_outage]
        self._kinds += [partial(self._cut, name) for name in topology.logs]
        self._kinds += [partial(self._cancel, name) for name in topology.queues]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._random.choice((0.2, 2.0, 5.0, 10.0)))
            self._weather.faults += 1
            await self._random.choice(self._kinds)()

    async def _broker_outage(self) -> None:
        self._trace.note("broker", "goes down")
        self._server.go_down()
        await asyncio.sleep(self._random.choice((0.0, 0.5, 5.0)))
        self._server.come_back()
        self._trace.note("broker", "is back")

    async def _store_outage(self) -> None:
        self._trace.note("stores", "go down")
        self._weather.store_down = True
        await asyncio.sleep(self._random.choice((0.1, 2.0, 12.0)))
        self._weather.store_down = False
        self._trace.note("stores", "are back")

    async def _cut(self, log: str) -> None:
        self._trace.note("broker", "cuts the readers of", log)
        self._server.cut(log)

    async def _cancel(self, queue: str) -> None:
        self._trace.note("broker", "cancels the consumers of", queue)
        self._server.cancel(queue)
