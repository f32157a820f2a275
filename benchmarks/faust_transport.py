"""A transport that lets Faust read a RabbitMQ stream.

It is all that Faust lacks to run beside the others: one partition, read by rstream from the beginning, offsets kept in
memory. What Faust does with a message, from its conductor to its acknowledgements and commits, is Faust's own. What it
sends (a table's changelog) is taken and forgotten, which is cheaper than any broker.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable, Mapping

from faust.transport import base
from faust.transport.consumer import Consumer
from faust.transport.producer import Producer
from faust.types import TP, AppT, ConsumerMessage, HeadersArg, RecordMetadata
from rstream import AMQPMessage, MessageContext

from benchmarks import rstream_consumer
from benchmarks.scene import Scene

AHEAD = 10_000
"""Messages read ahead of Faust's fetches."""
AT_ONCE = 1_000
"""Messages of one fetch."""

Fetched = tuple[AMQPMessage, MessageContext]


class StreamConsumer(Consumer):
    """Reads the scene's log. Every other topic (changelogs) is empty."""

    transport: "StreamTransport"

    def on_init(self) -> None:
        self._assigned: set[TP] = set()
        self._committed: dict[TP, int] = {}
        self._waiting: deque[Fetched] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._reading = False
        self._reader = rstream_consumer.connect(self.transport.scene)

    # --- reading ---

    async def subscribe(self, topics: Iterable[str]) -> None:
        self._assigned = {TP(topic, 0) for topic in topics}
        self.app.on_rebalance_start()
        self._assigning = self.add_future(self.on_partitions_assigned(self._assigned))

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Faust calls this when its tables are recovered, once: reading begins here."""
        if not self._reading:
            self._reading = True
            await rstream_consumer.subscribe(self._reader, self.transport.scene.source, self._on_message)
        return {tp: self._committed.get(tp, 0) for tp in self._assigned}

    def _on_message(self, message: AMQPMessage, context: MessageContext) -> Awaitable[None] | None:
        """rstream waits for what is returned, and reads no further meanwhile."""
        self._waiting.append((message, context))
        self._arrived.set()
        return self._wait_for_room() if len(self._waiting) >= AHEAD else None

    async def _wait_for_room(self) -> None:
        self._room.clear()
        await self._room.wait()

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109  # Faust's signature
    ) -> Mapping[TP, list[Fetched]]:
        if not self._waiting:
            self._arrived.clear()
            await self.wait_for_stopped(self._arrived.wait(), timeout=timeout)
        batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        self._room.set()
        return {TP(self.transport.scene.source, 0): batch} if batch else {}

    def _to_message(self, tp: TP, record: Fetched) -> ConsumerMessage:
        message, context = record
        headers = message.application_properties
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            context.offset,
            headers[b"time"] / 1000,
            0,
            [],
            headers[b"key"],
            message.body,
            None,
            None,
            None,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def on_stop(self) -> None:
        await super().on_stop()
        await self._reader.close()

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: object) -> None:
        """There is nothing to create."""

    # --- positions ---

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        self._committed.update(offsets)
        return True

    def assignment(self) -> set[TP]:
        return self._assigned

    def highwater(self, tp: TP) -> int:
        return self.transport.scene.count if tp.topic == self.transport.scene.source else 0

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def position(self, tp: TP) -> int | None:
        return self._committed.get(tp)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Changelogs are empty: there is nowhere to go."""

    async def _seek(self, partition: TP, offset: int) -> None:
        """See `seek_wait`."""

    def topic_partitions(self, topic: str) -> int | None:
        return 1

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        return 0

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)


class ForgetfulProducer(Producer):
    """Takes what Faust sends, confirms it at once and forgets it."""

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        done: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        done.set_result(RecordMetadata(topic, 0, TP(topic, 0), 0))
        return done

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: object) -> None:
        """There is nothing to create."""

    def key_partition(self, topic: str, key: bytes) -> TP:
        return TP(topic, 0)


class StreamTransport(base.Transport):
    """See the module's text."""

    Consumer = StreamConsumer
    Producer = ForgetfulProducer
    driver_version = "rstream"

    def __init__(self, scene: Scene, app: AppT) -> None:
        super().__init__([], app)
        self.scene = scene
