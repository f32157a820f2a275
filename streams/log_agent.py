"""A log agent at work on one partition: takes the slot, serves it, and begins again after whatever goes wrong."""

import asyncio
from collections.abc import Sequence
from typing import Any

from stores.errors import StoreError
from stores.port import Checkpoint, Slot
from streams.addressing import Addressing
from streams.agent import Agent
from streams.errors import Halted, StreamsError
from streams.gate import Gate
from streams.journal import log
from streams.lanes import Lanes
from streams.partition import Partition
from streams.pausing import being_cancelled, pause
from streams.recent import RecentIds
from streams.retry import Backoff
from streams.status import Status
from streams.surroundings import Surroundings
from streams.table import Table
from streams.tenure import Tenure

MOST_IDS = 500_000
"""Message ids remembered in one partition."""


class LogAgent:
    """See the module's text."""

    def __init__(self, agent: Agent, partition: int, tables: Sequence[Table[Any]], around: Surroundings) -> None:
        self._agent = agent
        self._slot = Slot(agent.name, partition)
        self._log = agent.topic.names[0]
        self._tables = tables
        self._around = around
        self._addressing = Addressing(
            agent.service, agent.name, around.topology, around.broker.capabilities.max_message_bytes
        )
        self._skip = around.skipped(agent)
        self.status = Status(agent.service, agent.name, partition, self._log)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises nothing: troubles pause it, visibly."""
        failures = 0
        while not stop.is_set():
            commits = self.status.commits
            try:
                await self._once(stop)
            except Halted as error:
                self.status.halted(str(error))
                log.error("agent halted", agent=str(self._slot), reason=str(error))
                await stop.wait()
            except (StoreError, StreamsError, OSError) as error:
                failures = 1 if self.status.commits > commits else failures + 1
                await self._pause(f"{type(error).__name__}: {error}", failures, stop)
            except (Exception, asyncio.CancelledError) as error:
                if being_cancelled():
                    raise
                log.exception("agent failed", agent=str(self._slot))
                failures = 1 if self.status.commits > commits else failures + 1
                await self._pause(f"unexpected {type(error).__name__}: {error}", failures, stop)
            else:
                failures = 0
        self.status.state = "stopped"

    async def _pause(self, reason: str, failures: int, stop: asyncio.Event) -> None:
        self.status.paused(reason)
        log.warning("agent paused", agent=str(self._slot), reason=reason)
        await pause(stop, Backoff().delay(failures, self._around.jitter.random()))

    async def _once(self, stop: asyncio.Event) -> None:
        around = self._around
        checkpoint = await around.store.acquire(self._slot, around.worker, around.lease)
        if checkpoint is None:
            self.status.state, self.status.reason = "waiting", "another worker has this partition"
            await pause(stop, around.lease / 4)
            return
        self.status.takeovers += 1
        self.status.position = checkpoint.position
        await self._serve(checkpoint, stop)
        await around.store.release(self._slot, checkpoint.epoch)

    async def _serve(self, checkpoint: Checkpoint, stop: asyncio.Event) -> None:
        around = self._around
        partition = Partition(self._slot, around.store, self._tables)
        tenure = Tenure(
            self._agent,
            checkpoint,
            log=self._log,
            store=around.store,
            broker=around.broker,
            partition=partition,
            gate=await self._gate(checkpoint),
            addressing=self._addressing,
            status=self.status,
            limits=around.limits,
            jitter=around.jitter,
        )
        await tenure.republish()
        await partition.load()
        async with around.broker.read(
            self._log, checkpoint.position if checkpoint.position >= 0 else "first"
        ) as reader:
            await tenure.serve(reader, stop, self._skip)

    async def _gate(self, checkpoint: Checkpoint) -> Gate:
        keep = self._agent.topic.dedupe
        ids = None
        if keep is not None:
            ids = RecentIds(keep=keep, at_most=MOST_IDS, rows=await self._around.store.ids(self._slot))
        return Gate(self._agent.topic.decoders, lanes=Lanes(checkpoint.seen), ids=ids, trusted=self._around.trusted)
