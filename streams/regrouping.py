"""Regrouping: a log agent that reads its records by another key, through a log that is declared for it.

`stream.group_by(key, topic)` makes two agents of one. The first reads the agent's own topic and sends every record to
`topic` under the new key; the second is the agent's body, reading from there. Both are ordinary log agents with
checkpoints of their own, so every record counts once on either side.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn

from streams.agent import Agent
from streams.body import Body
from streams.errors import OutsideAgent
from streams.keys import Key
from streams.record import Record
from streams.stream import Stream
from streams.topic import Topic

SUFFIX = ".group_by"
"""The first agent is called after the one that regroups."""


@dataclass(frozen=True, slots=True)
class Regrouping:
    """By what key the records are read, and through which log."""

    key: Callable[[Any], Key]
    topic: Topic[Any]
    wanted: tuple[Callable[[Any], bool], ...]
    """Filters that stand before it."""

    async def send_on(self, stream: Stream[Any]) -> None:
        """The body of the first agent."""
        async for value in stream:
            if all(wanted(value) for wanted in self.wanted):
                await self.topic.send(value=value, key=self.key(value))


class _Asked(BaseException):
    """Ends a trial: the body has asked for its records by another key."""

    def __init__(self, regrouping: Regrouping) -> None:
        self.regrouping = regrouping


class _Trial:
    """A feed that has nothing, and takes note of what the body asks for first."""

    def regrouped(
        self, key: Callable[[Any], Key], topic: Topic[Any], wanted: tuple[Callable[[Any], bool], ...]
    ) -> NoReturn:
        raise _Asked(Regrouping(key, topic, wanted))

    def values(self) -> AsyncIterator[Any]:
        raise OutsideAgent

    def groups(self, size: int, within: float) -> AsyncIterator[list[Any]]:
        raise OutsideAgent

    @property
    def event(self) -> NoReturn:
        raise OutsideAgent

    def schedule(self, key: Key, at: datetime, record: Record) -> None:
        raise OutsideAgent

    def unschedule(self, key: Key) -> None:
        raise OutsideAgent


def regrouping_of(agent: Agent) -> Regrouping | None:
    """What a log agent asks for before its first record, if it regroups. Its body is started for that, and dropped."""
    body = Body(lambda: agent.run(Stream(_Trial())))
    try:
        with suppress(Exception):
            body.advance().send(None)
    except _Asked as asked:
        return asked.regrouping
    finally:
        body.close()
    return None


def stages(agent: Agent) -> tuple[Agent, ...]:
    """The log agents that a declared one is at work: itself, or the two that regrouping makes of it."""
    regrouping = regrouping_of(agent)
    if regrouping is None:
        return (agent,)
    first = replace(agent, name=agent.name + SUFFIX, body=regrouping.send_on, sink=(), tables=())
    return first, replace(agent, topic=regrouping.topic)
