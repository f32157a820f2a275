"""A hold: one slot in the hands of this worker, until it is given up or another worker has it."""

import asyncio
from typing import Protocol

from stores.errors import StoreError
from stores.port import Checkpoint, Epoch, Slot
from streams.errors import Halted, Outdated, StreamsError
from streams.journal import log
from streams.pausing import being_cancelled, pause
from streams.retry import Backoff
from streams.status import Status
from streams.surroundings import Surroundings


class Duty(Protocol):
    """What is done with a slot: by a log agent, by a forwarder."""

    @property
    def slot(self) -> Slot: ...

    @property
    def status(self) -> Status: ...

    async def serve(self, checkpoint: Checkpoint, stop: asyncio.Event) -> None:
        """Work from a checkpoint that was just taken, until `stop`; then finish what is at hand.

        Raises whatever ends the work before: Halted to wait for somebody, anything else to begin again.
        """

    def forget(self) -> None:
        """The slot is somebody else's: what is in memory is of no use any more."""


class Hold:
    """Takes a slot, does its duty, and begins again after whatever goes wrong."""

    def __init__(self, duty: Duty, around: Surroundings) -> None:
        self.slot = duty.slot
        self.status = duty.status
        self.epoch = Epoch(-1)
        """With which the slot was last taken."""
        self.outdated = ""
        """Why this worker is to leave the slot, and all of the service, to others."""
        self._duty = duty
        self._around = around

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, or until another worker has the slot. Raises nothing: troubles pause it, visibly."""
        failures = 0
        while not stop.is_set():
            commits = self.status.commits
            try:
                checkpoint = await self._take()
                if checkpoint is None:
                    self._duty.forget()
                    return
                await self._serve(checkpoint, stop)
            except (Exception, asyncio.CancelledError) as error:
                if being_cancelled():
                    raise
                failures = 1 if self.status.commits > commits else failures + 1
                await self._pause(error, failures, stop)
        self._duty.forget()
        await self._release()

    async def _take(self) -> Checkpoint | None:
        around = self._around
        checkpoint = await around.store.acquire(self.slot, around.worker, around.lease)
        if checkpoint is not None:
            self.epoch = checkpoint.epoch
            self.status.taken(around.worker, checkpoint.position)
        return checkpoint

    async def _serve(self, checkpoint: Checkpoint, stop: asyncio.Event) -> None:
        try:
            await self._duty.serve(checkpoint, stop)
        except Halted as error:
            self.status.halted(str(error))
            log.error("agent halted", agent=str(self.slot), reason=str(error))
            if isinstance(error, Outdated):
                self.outdated = str(error)
            await stop.wait()

    async def _pause(self, error: BaseException, failures: int, stop: asyncio.Event) -> None:
        reason = f"{type(error).__name__}: {error}"
        if not isinstance(error, StoreError | StreamsError | OSError):
            log.exception("agent failed", agent=str(self.slot))
            reason = f"unexpected {reason}"
        self.status.paused(reason)
        log.warning("agent paused", agent=str(self.slot), reason=reason)
        await pause(stop, Backoff().delay(failures, self._around.jitter.random()))

    async def _release(self) -> None:
        """So that others need not wait for the lease to run out."""
        try:
            await self._around.store.release(self.slot, self.epoch)
        except StoreError as error:
            log.warning("slot not released", agent=str(self.slot), reason=str(error))
