"""Consumers that do as they like, on a server that breaks their connections."""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from streams.broker import Broker, Delivery, Outcome, QueueReader
from streams.embedded import Embedded
from streams.embedded.clock import Clock, system_clock
from streams.errors import BrokerUnavailable
from tests.streams.broker.exchange import message, numbered, read, send, topology
from tests.streams.embedded.virtual_time import clock, run_in_virtual_time
from topology.spec import Binding, Exchange, Queue

RUNGS = ("20ms", "50ms")
PARTS = topology(Exchange("events"), Queue("jobs", (Binding("events", "#"),), retry=RUNGS, delivery_limit=3))
BODIES = Counter(str(number) for number in range(60))
MOODS = ("ack", "ack", "give back", "reject", "later", "forget")


class Chaos:
    """Three consumers with moods, and what became of every message."""

    def __init__(self, seed: int, clock: Clock, file: Path | None = None) -> None:
        self.random = Random(seed)
        self.file = file
        self.clock = clock
        self.acked: Counter[str] = Counter()
        self.copies: Counter[str] = Counter()
        """Messages that were sent to the ladder, but could not be settled after that."""
        self.trace: list[str] = []
        self.start()

    def start(self) -> None:
        self.server = Embedded(PARTS, file=self.file, clock=self.clock)

    @property
    def broker(self) -> Broker:
        return self.server.connect("shop")

    async def run(self) -> Counter[str]:
        """What was acknowledged, and what became a dead letter, in the end."""
        await send(self.broker, *numbered("events", "job", range(len(BODIES))))
        consumers = [asyncio.create_task(self.consume()) for _ in range(3)]
        while (self.acked + await self.dead()).total() < len(BODIES) + self.copies.total():
            await self.disturb()
            await asyncio.sleep(0.01)
        for consumer in consumers:
            consumer.cancel()
        await asyncio.wait(consumers)
        dead = await self.dead()
        await self.server.close()
        return self.acked + dead

    async def dead(self) -> Counter[str]:
        count = (await self.broker.extent("dead.letters")).last + 1
        letters = await read(self.broker, "dead.letters", count) if count else []
        return Counter(letter.body.decode() for letter in letters)

    async def disturb(self) -> None:
        match self.random.choice(["cut", "cancel", "restart", "", "", ""]):
            case "cut":
                self.server.cut("jobs")
            case "cancel":
                self.server.cancel("jobs")
            case "restart" if self.file is not None:
                await self.server.close()
                self.start()

    async def consume(self) -> None:
        while True:
            try:
                await self.consume_for_a_while()
            except BrokerUnavailable:
                await asyncio.sleep(0.005)

    async def consume_for_a_while(self) -> None:
        async with self.broker.consume("jobs", self.random.randint(1, 7)) as reader:
            for _ in range(self.random.randint(1, 5)):
                for delivery in await anext(reader):
                    await self.settle(reader, delivery)

    async def settle(self, reader: QueueReader, delivery: Delivery) -> None:
        tag, body, mood = delivery.envelope.offset, delivery.envelope.body, self.random.choice(MOODS)
        self.trace.append(f"{mood} {body.decode()} {delivery.deliveries}")
        match mood:
            case "ack":
                await reader.ack([tag])
                self.acked[body.decode()] += 1
            case "give back" | "reject":
                await reader.reject(tag, requeue=mood == "give back")
            case "later":
                await self.send_to_the_ladder(reader, tag, body)

    async def send_to_the_ladder(self, reader: QueueReader, tag: int, body: bytes) -> None:
        sent = message(f"retry.{self.random.choice(RUNGS)}", "jobs", body)
        if await self.broker.publish([sent]) == [Outcome.CONFIRMED]:
            self.copies[body.decode()] += 1
            await reader.ack([tag])
            self.copies[body.decode()] -= 1


@pytest.mark.parametrize("seed", range(25))
def test_every_message_ends_once_and_a_run_can_be_repeated(seed: int) -> None:
    first, again = Chaos(seed, clock), Chaos(seed, clock)
    ends = run_in_virtual_time(first.run())
    assert ends == BODIES + first.copies
    assert run_in_virtual_time(again.run()) == ends
    assert again.trace == first.trace


@pytest.mark.parametrize("seed", range(3))
async def test_every_message_ends_once_over_restarts_too(seed: int, tmp_path: Path) -> None:
    chaos = Chaos(seed, system_clock, tmp_path / "broker.db")
    async with asyncio.timeout(60):
        assert await chaos.run() == BODIES + chaos.copies
