"""A flush: what leaves a tenure at the end of a batch. First the commit, then the messages that are in its outbox."""

import asyncio
import random
from collections.abc import Callable, Sequence

from stores.errors import StoreError
from stores.port import Store
from streams.alarm import Alarm
from streams.batch import Settled
from streams.broker import Broker, Message
from streams.changes import Herald
from streams.delivery import deliver
from streams.gate import Gate
from streams.pace import Pace
from streams.partition import Partition
from streams.status import Status


class Flush:
    """One is under way at a time, beside the next batch."""

    def __init__(
        self,
        *,
        store: Store,
        broker: Broker,
        herald: Herald,
        alarm: Alarm | None,
        jitter: random.Random,
        status: Status,
        partition: Partition,
        gate: Gate,
        pace: Pace,
        outbox_stored: bool,
        wake: Callable[[], None],
    ) -> None:
        """`status` is told what `partition` and `gate` hold, `pace` how commits go; `wake` is called when a flush has
        ended."""
        self.outbox_stored = outbox_stored
        """Whether the checkpoint has an outbox that is to be cleared."""
        self.began = 0.0
        """When the last one did, by the event loop's clock."""
        self._store = store
        self._broker = broker
        self._herald = herald
        self._alarm = alarm
        self._jitter = jitter
        self._status = status
        self._partition = partition
        self._gate = gate
        self._pace = pace
        self._wake = wake
        self._task: asyncio.Task[None] | None = None

    @property
    def under_way(self) -> bool:
        """Whether there is one that has not ended."""
        return self._task is not None and not self._task.done()

    def start(self, settled: Settled) -> None:
        """Carry out the end of a batch."""
        self.began = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._carry_out(settled))
        self._task.add_done_callback(lambda _: self._wake())

    async def ended(self) -> None:
        """Wait for the one under way. Raises what ended it."""
        if self._task is not None:
            task, self._task = self._task, None
            await task

    async def drop(self) -> None:
        """End the one under way as a crash would."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish an outbox that was committed, until all of it is confirmed."""
        if messages:
            await deliver(self._broker, messages, self._trouble, self._jitter)
            self._status.sent += len(messages)

    async def _carry_out(self, settled: Settled) -> None:
        """Commit, publish, count."""
        await self._commit(settled)
        self._herald.tell(settled.commit.rows)
        self.outbox_stored = bool(settled.messages)
        self._count(settled)
        if self._alarm is not None and settled.commit.due:
            self._alarm.wake()
        await self.publish(settled.messages)

    async def _commit(self, settled: Settled) -> None:
        events, clock = settled.handled + settled.repeats + settled.dead, asyncio.get_running_loop().time
        began = clock()
        try:
            await self._store.commit(settled.commit)
        except StoreError:
            self._pace.too_many(events)
            raise
        self._pace.committed(events, clock() - began)

    def _count(self, settled: Settled) -> None:
        status = self._status
        status.commits += 1
        status.position = settled.commit.position
        status.log_time = settled.log_time or status.log_time
        status.handled += settled.handled
        status.repeats += settled.repeats
        status.dead += settled.dead
        status.rows, status.numbers = self._partition.rows(), self._gate.lanes.remembered
        status.ids = len(self._gate.ids) if self._gate.ids is not None else 0

    def _trouble(self, reason: str) -> None:
        self._status.trouble("publishing", reason)
