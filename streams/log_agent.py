"""A log agent on one partition: what this worker does with the slot while it holds it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stores.port import Checkpoint, Epoch, Slot
from streams.addressing import Addressing
from streams.agent import Agent
from streams.changes import Herald
from streams.editions import check_edition
from streams.errors import Halted, NotReadable
from streams.gate import Gate
from streams.lanes import Lanes
from streams.letter_gate import LetterGate
from streams.pace import Pace
from streams.partition import Partition
from streams.partition_gate import PartitionGate
from streams.recent import MOST_IDS, RecentIds
from streams.reunited_gate import ReunitedGate
from streams.source import Source
from streams.status import Status
from streams.surroundings import Surroundings
from streams.table import Table
from streams.tenure import Tenure
from topology.spec import DEAD_LETTERS


@dataclass(frozen=True, slots=True)
class Memory:
    """What is in memory of a partition, and what it stands for: all up to a position, under an epoch."""

    epoch: Epoch
    position: int
    partition: Partition
    gate: Gate

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Whether nobody has had the slot since, and the last batch that is in memory is the last one committed."""
        return (checkpoint.epoch, checkpoint.position) == (self.epoch + 1, self.position)


class LogAgent:
    """A Duty; see `streams.hold`."""

    def __init__(self, agent: Agent, source: Source, tables: Sequence[Table[Any]], around: Surroundings) -> None:
        self.slot = Slot(agent.name, source.partition)
        self._agent = agent
        self._source = source
        self._tables = tables
        self._around = around
        self._addressing = Addressing(
            agent.service,
            agent.name,
            around.topology,
            around.broker.capabilities.max_message_bytes,
            around.tracing(agent),
        )
        self._skip = around.skipped(agent)
        self._herald = Herald(around.broker, agent.service, tables)
        self.status = Status(agent.service, agent.name, source.partition, source.stream)
        self._pace = Pace(around.limits.events, around.lease)
        self._kept: Memory | None = None
        """Of the last tenure, if it broke off."""

    async def serve(self, checkpoint: Checkpoint, stop: asyncio.Event) -> None:
        """One tenure. What was in memory before it is used again where the store says that it still holds."""
        kept, self._kept = self._kept, None
        loaded = kept is not None and kept.fits(checkpoint)
        if kept is None or not loaded:
            kept = await self._empty(checkpoint)
        partition, gate = kept.partition, kept.gate
        tenure = self._tenure(checkpoint, partition, gate)
        await tenure.republish()
        if not loaded:
            await partition.load()
        try:
            await self._read(tenure, checkpoint, stop)
        except (Halted, NotReadable):  # begin again with what the store has then
            raise
        except Exception:
            partition.rollback()
            gate.rollback()
            # The batches of the tenure have moved its checkpoint: this is how far memory goes, committed or not.
            self._kept = Memory(checkpoint.epoch, checkpoint.position, partition, gate)
            raise

    def forget(self) -> None:
        """See Duty."""
        self._kept = None

    async def _read(self, tenure: Tenure, checkpoint: Checkpoint, stop: asyncio.Event) -> None:
        position = checkpoint.position
        async with self._around.broker.read(self._source.stream, position if position >= 0 else "first") as reader:
            await tenure.serve(reader, stop, self._skip)

    def _tenure(self, checkpoint: Checkpoint, partition: Partition, gate: Gate) -> Tenure:
        around = self._around
        return Tenure(
            self._agent,
            checkpoint,
            source=self._source,
            store=around.store,
            broker=around.broker,
            partition=partition,
            gate=gate,
            addressing=self._addressing,
            status=self.status,
            limits=around.limits,
            pace=self._pace,
            now=around.now,
            jitter=around.jitter,
            herald=self._herald,
        )

    async def _empty(self, checkpoint: Checkpoint) -> Memory:
        """Nothing of the tables yet, and what the checkpoint says of the messages seen."""
        partition = Partition(self._source, self._around.store, self._tables)
        return Memory(checkpoint.epoch, checkpoint.position, partition, await self._gate(checkpoint))

    async def _gate(self, checkpoint: Checkpoint) -> Gate:
        around, topic, lanes = self._around, self._agent.topic, Lanes(checkpoint.seen)
        check_edition(self._source, lanes)
        place = f"{self._agent.service}/{self._agent.name}"
        if self._source.forwarded:
            return PartitionGate(topic.decoders, lanes=lanes, ids=None, trusted=around.trusted, place=place)
        ids = None
        if topic.dedupe is not None:
            ids = RecentIds(keep=topic.dedupe, at_most=MOST_IDS, rows=await around.store.ids(self.slot))
        if self._source.log == DEAD_LETTERS:
            return LetterGate(topic, lanes, ids)
        if self._source.reunited:
            position, trusted = checkpoint.position, around.trusted
            return ReunitedGate(
                self._source, position, topic.decoders, lanes=lanes, ids=ids, trusted=trusted, place=place
            )
        return Gate(topic.decoders, lanes=lanes, ids=ids, trusted=around.trusted, place=place)
