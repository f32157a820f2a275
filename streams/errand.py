"""An errand: a log agent at work in the hands of a tool, up to a place in its log and no further than need be."""

import asyncio
import contextvars
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stores.port import Checkpoint
from streams.errors import StreamsError
from streams.log_agent import LogAgent

LOOK = 0.05
"""Seconds between looks at how far it has come."""


class Stuck(StreamsError):
    """The agent does not come to where it is to go."""


class Errand:
    """See the module's text. Made by `errand`."""

    def __init__(self, agent: LogAgent, checkpoint: Checkpoint) -> None:
        self.status = agent.status
        self._slot = agent.slot
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(agent.serve(checkpoint, self._stop), context=contextvars.copy_context())

    async def comes_to(self, end: int) -> None:
        """Wait until it is past offset `end`. Raises Stuck where it pauses on the way, and what ends a tenure."""
        while self.status.position < end:
            if self._running.done():
                self._running.result()
                raise Stuck(f"agent {self._slot} has stopped at offset {self.status.position}")
            if self.status.state == "paused":
                raise Stuck(f"agent {self._slot} does not come to the end of its log: {self.status.reason}")
            await asyncio.wait([self._running], timeout=LOOK)

    async def finish(self) -> None:
        """Let it finish what it has, and clear its outbox. Raises what ends a tenure."""
        self._stop.set()
        await self._running

    async def give_up(self) -> None:
        """As in a crash, where it still runs."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


@asynccontextmanager
async def errand(agent: LogAgent, checkpoint: Checkpoint) -> AsyncIterator[Errand]:
    """Let an agent work from a checkpoint for as long as the context lasts."""
    agent.status.position = max(agent.status.position, checkpoint.position)
    under_way = Errand(agent, checkpoint)
    try:
        yield under_way
    finally:
        await under_way.give_up()


async def serve_up_to(agent: LogAgent, checkpoint: Checkpoint, end: int) -> None:
    """Let an agent work from a checkpoint until it is past offset `end`; then it finishes, and clears its outbox.

    Raises Stuck where it pauses on the way, and what ends a tenure.
    """
    async with errand(agent, checkpoint) as under_way:
        await under_way.comes_to(end)
        await under_way.finish()
