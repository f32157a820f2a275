"""The alarm of a slot: publishes what is due to the agent's own log.

It acts outside the log, so it changes nothing: it publishes without lane or outbox, and again until the message was
read back and its row is gone. A crash between any two steps means no more than a message too many, which is skipped.
"""

import asyncio
from collections.abc import Callable

from stores.errors import StoreError
from stores.port import DueTime, Slot, Store
from streams.broker import Broker, Outcome
from streams.errors import BrokerError
from streams.journal import log
from streams.schedule import unpack

AGAIN = 30.0
"""Seconds after which a message that was not read back is published again."""
AT_ONCE = 1_000
"""Due times that are on their way at once; the next ones wait until these were read back."""
SOON = 0.1
"""Seconds between looks at the store, at the least."""
TROUBLE = 1.0
"""Seconds before the next try when something went wrong."""


class Alarm:
    """See the module's text."""

    def __init__(
        self,
        slot: Slot,
        store: Store,
        broker: Broker,
        *,
        now: Callable[[], int],
        ready: Callable[[], bool],
        trouble: Callable[[str], None],
    ) -> None:
        """`now` gives ms since 1970 UTC; nothing is published while the slot is not `ready`; `trouble` is told why
        nothing can be, and "" when it can again."""
        self._slot = slot
        self._store = store
        self._broker = broker
        self._now = now
        self._ready = ready
        self._trouble = trouble
        self._changed = asyncio.Event()
        self._sent: dict[tuple[str, str], float] = {}
        """When what is due was published, by the event loop's clock: AT_ONCE entries at the most."""

    def wake(self) -> None:
        """Due times have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled. Raises nothing."""
        while True:
            self._changed.clear()
            wait = await self._tried()
            await asyncio.sleep(SOON)
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _tried(self) -> float:
        try:
            wait = await self._round()
        except (StoreError, BrokerError) as error:
            self._trouble(f"due times: {error}")
            return TROUBLE
        except Exception as error:
            log.exception("due times failed", agent=str(self._slot))
            self._trouble(f"due times: unexpected {type(error).__name__}: {error}")
            return TROUBLE
        return wait

    async def _round(self) -> float:
        """Publish what is due; how many seconds to wait for the next round."""
        if not self._ready():
            return TROUBLE
        rows = await self._store.due(self._slot, self._now() + round(AGAIN * 1000), AT_ONCE)
        known = {(row.key, row.cause) for row in rows}
        self._sent = {row: at for row, at in self._sent.items() if row in known}
        ripe = [row for row in rows if self._wait(row) <= 0]
        if ripe and not await self._publish(ripe):
            return TROUBLE
        return min(map(self._wait, rows), default=AGAIN)

    def _wait(self, row: DueTime) -> float:
        """Seconds until the row's message is to be published."""
        sent = self._sent.get((row.key, row.cause))
        if sent is not None:
            return sent + AGAIN - asyncio.get_running_loop().time()
        return (row.at - self._now()) / 1000

    async def _publish(self, rows: list[DueTime]) -> bool:
        outcomes = await self._broker.publish([unpack(row.message) for row in rows])
        now = asyncio.get_running_loop().time()
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome is Outcome.CONFIRMED:
                self._sent[row.key, row.cause] = now
        failed = [outcome for outcome in outcomes if outcome is not Outcome.CONFIRMED]
        self._trouble(f"due times: {len(failed)} messages {failed[0].value}, published again soon" if failed else "")
        return not failed
