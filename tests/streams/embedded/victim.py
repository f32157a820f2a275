"""A process that uses an embedded broker in a file until it is killed. It prints a line for what it has done."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from streams.broker import Outcome
from streams.embedded import Embedded
from tests.streams.broker.exchange import message
from topology.spec import Binding, Exchange, Log, Queue, Service, Topology

TOPOLOGY = Topology(
    (
        Service(
            "shop",
            exchanges=(Exchange("dlx"), Exchange("events")),
            logs=(Log("dead.letters", (Binding("dlx", "#"),)), Log("orders", (Binding("events", "#"),))),
            queues=(Queue("jobs", (Binding("events", "job"),), retry=("10m",), delivery_limit=2),),
        ),
    )
)
PUBLISHERS = 5


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def publish(server: Embedded) -> None:
    """Publish from several tasks; tell the id of every message that is confirmed."""

    async def go_on(number: int) -> None:
        broker = server.connect(f"publisher-{number}")
        for step in count():
            messages = [message("events", "job", f"{number}.{step}.{part}".encode()) for part in range(3)]
            if await broker.publish(messages) == [Outcome.CONFIRMED] * 3:
                say(*(one.message_id for one in messages))

    await asyncio.gather(*(go_on(number) for number in range(PUBLISHERS)))


async def consume(server: Embedded) -> None:
    """Take messages and never settle them; tell the ids and counts of what has come."""
    async with server.connect("consumer").consume("jobs", 3) as reader:
        async for batch in reader:
            for delivery in batch:
                say(delivery.envelope.id, delivery.deliveries)


async def hold(server: Embedded) -> None:
    """Have the file, and do nothing."""
    await server.connect("holder").open()
    say("open")
    await asyncio.Event().wait()


if __name__ == "__main__":
    acts = {"publish": publish, "consume": consume, "hold": hold}
    asyncio.run(acts[sys.argv[1]](Embedded(TOPOLOGY, file=Path(sys.argv[2]))))
