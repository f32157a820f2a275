"""Warren: publishing with confirms, one batch after another."""

from time import perf_counter

from benchmarks.messages import messages
from benchmarks.results import WrongResult
from benchmarks.scene import Scene
from streams.broker import Message, Outcome
from streams.rabbitmq import RabbitMQ

BATCH = 2_000


class WarrenPublishing:
    """Messages are made before the clock starts; the next batch begins when the last one is confirmed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._messages: list[Message] = []
        self._broker = RabbitMQ(scene.amqp, scene.stream)

    async def prepare(self) -> None:
        await self._broker.open()
        self._messages = list(messages(self._scene.count, lanes=False))

    async def run(self, count: int) -> float:
        began = perf_counter()
        for start in range(0, count, BATCH):
            outcomes = await self._broker.publish(self._messages[start : min(start + BATCH, count)])
            if outcomes.count(Outcome.CONFIRMED) != len(outcomes):
                raise WrongResult(f"RabbitMQ did not take every message: {set(outcomes)}")
        return perf_counter() - began

    async def check(self, count: int) -> None:
        """Every outcome was looked at; whoever set the scene looks into the log."""

    async def close(self) -> None:
        await self._broker.close()
