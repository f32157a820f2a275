"""Ownership: which slots of one service this worker holds, beside others that share them through the store.

A heartbeat says that this worker is alive; the roster says who else is, and who holds what. Both serve liveness alone:
what is safe to write, the epoch decides.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from stores.errors import StoreError
from stores.port import Epoch, Roster, Slot
from streams.hold import Hold
from streams.journal import log
from streams.pausing import pause
from streams.share import share
from streams.surroundings import Surroundings

LOOK = 1.0
"""Seconds between looks at the roster, at the most; a tenth of the lease, if that is less."""
BEATS = 3
"""Heartbeats in a lease."""


class _Run:
    """A hold at work."""

    def __init__(self, hold: Hold) -> None:
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(hold.run(self.stop))


class Ownership:
    """See the module's text."""

    def __init__(self, service: str, holds: Sequence[Hold], around: Surroundings, left: asyncio.Event) -> None:
        """`left` is set once the worker has left the service to others: its topology is not the one in force."""
        self._service = service
        self._holds = {hold.slot: hold for hold in holds}
        self._around = around
        self._runs: dict[Slot, _Run] = {}
        self._left = left
        self._free: dict[Slot, Epoch] = {}
        """Slots that this worker works on, by the epochs it has them with, and that were free at the last look."""

    async def run(self, stop: asyncio.Event) -> None:
        """Hold this worker's share until `stop`; then finish, release and leave. Raises nothing.

        A worker whose topology is not the one in force leaves at once: what it holds, nobody could work on.
        """
        alive = asyncio.create_task(self._stay_alive())
        try:
            while not stop.is_set() and not self._outdated:
                await self._tried("the roster", self._look)
                await pause(stop, min(LOOK, self._around.lease / 10))
            await self._end()
            alive.cancel()
            if self._outdated:
                self._tell_outdated()
                self._left.set()
                await stop.wait()
        finally:
            alive.cancel()
            for run in self._runs.values():
                run.task.cancel()
            await asyncio.gather(alive, *(run.task for run in self._runs.values()), return_exceptions=True)

    @property
    def _outdated(self) -> str:
        return next((hold.outdated for hold in self._holds.values() if hold.outdated), "")

    def _tell_outdated(self) -> None:
        reason = self._outdated
        log.error("worker leaves the service to others", service=self._service, reason=reason)
        for hold in self._holds.values():
            hold.status.halted(reason)

    async def _stay_alive(self) -> None:
        """Also while the holds finish: what they have begun is theirs."""
        while True:
            await asyncio.sleep(self._around.lease / BEATS)
            await self._tried("the heartbeat", self._beat)

    async def _beat(self) -> None:
        await self._around.store.heartbeat(self._around.worker, self._around.lease)

    async def _look(self) -> None:
        if not self._runs:
            await self._beat()
        roster = await self._around.store.roster()
        self._forget_ended()
        self._give_up_lost(roster)
        mine = share(self._around.worker, self._holds.keys(), roster)
        for slot in mine.give:
            if slot in self._runs:
                self._runs[slot].stop.set()
        for slot in (*mine.take, *self._unattended(roster)):
            if slot not in self._runs:
                self._runs[slot] = _Run(self._holds[slot])
        self._tell(roster)

    def _forget_ended(self) -> None:
        for slot, run in list(self._runs.items()):
            if run.task.done():
                del self._runs[slot]

    def _unattended(self, roster: Roster) -> list[Slot]:
        """Slots that are this worker's, although it does not know: taken by a call whose answer was lost."""
        return [slot for slot in self._holds if slot in roster.held and roster.held[slot].worker == self._around.worker]

    def _give_up_lost(self, roster: Roster) -> None:
        """Where somebody has taken a slot over, its next commit would say so; but that may be long in coming.

        He may have given it back already: what is free at two looks, this worker has no more.
        """
        free: dict[Slot, Epoch] = {}
        for slot, run in self._runs.items():
            holding, epoch = roster.held.get(slot), self._holds[slot].epoch
            if holding is None:
                free[slot] = epoch
                lost = self._free.get(slot) == epoch
            else:
                lost = holding.worker != self._around.worker and holding.epoch > epoch
            if lost and epoch >= 0:
                run.stop.set()
        self._free = free

    def _tell(self, roster: Roster) -> None:
        for slot, hold in self._holds.items():
            if slot not in self._runs:
                hold.status.waiting(roster.held[slot].worker if slot in roster.held else "")

    async def _end(self) -> None:
        for run in self._runs.values():
            run.stop.set()
        await asyncio.gather(*(run.task for run in self._runs.values()), return_exceptions=True)
        for hold in self._holds.values():
            hold.status.stopped()
        await self._tried("leaving", self._leave)

    async def _leave(self) -> None:
        await self._around.store.heartbeat(self._around.worker, 0)

    async def _tried(self, what: str, call: Callable[[], Coroutine[None, None, None]]) -> None:
        """A call that may fail: the next one comes soon. Slots that are held stay so."""
        try:
            await call()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            if isinstance(error, StoreError):
                log.warning(f"{what} failed", service=self._service, reason=reason)
            else:
                log.exception(f"{what} failed", service=self._service)
            for slot, hold in self._holds.items():
                if slot not in self._runs:
                    hold.status.paused(reason)
