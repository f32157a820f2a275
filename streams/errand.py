"""An errand: a log agent at work in the hands of a tool, up to a place in its log and no further than need be."""

import asyncio
import contextvars

from stores.port import Checkpoint
from streams.errors import StreamsError
from streams.log_agent import LogAgent

LOOK = 0.05
"""Seconds between looks at how far it has come."""


class Stuck(StreamsError):
    """The agent does not come to where it is to go."""


async def serve_up_to(agent: LogAgent, checkpoint: Checkpoint, end: int) -> None:
    """Let an agent work from a checkpoint until it is past offset `end`; then it finishes, and clears its outbox.

    Raises Stuck where it pauses on the way, and what ends a tenure.
    """
    stop = asyncio.Event()
    running = asyncio.create_task(agent.serve(checkpoint, stop), context=contextvars.copy_context())
    status = agent.status
    status.position = max(status.position, checkpoint.position)
    try:
        while status.position < end and not running.done():
            if status.state == "paused":
                raise Stuck(f"agent {agent.slot} does not come to the end of its log: {status.reason}")
            await asyncio.wait([running], timeout=LOOK)
        stop.set()
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
