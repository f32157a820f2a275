"""Agents: async functions that read a stream."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from streams.stream import Stream
from streams.topic import Topic

Body = Callable[[Stream[Any]], Awaitable[None] | AsyncIterator[Any]]


@dataclass(frozen=True, slots=True)
class Agent:
    """A declared agent. A body that yields sends what it yields to every topic in `sink`."""

    service: str
    name: str
    body: Body
    topic: Topic[Any]
    concurrency: int = 1
    sink: tuple[Topic[Any], ...] = ()
    prefetch: int = 200
    """Queue agents: messages that the broker may have under way to this agent, per queue."""
    tables: tuple[str, ...] | None = None
    """Log agents: the tables that are this agent's; None: all of its app's, when it is the only log agent."""

    async def run(self, stream: Stream[Any]) -> None:
        """The body on a stream, its yields sent to the sinks."""
        running = self.body(stream)
        if isinstance(running, AsyncIterator):
            async for value in running:
                for topic in self.sink:
                    await topic.send(value=value)
        else:
            await running
