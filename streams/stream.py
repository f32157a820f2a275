"""Streams: what an agent's body iterates over."""

from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from streams.event import Event
from streams.keys import Key
from streams.record import Record
from streams.topic import Topic
from streams.tracing import AgentTracing

T = TypeVar("T")


class Feed(Protocol[T]):
    """Where a stream's values come from: the runner of the agent."""

    def values(self) -> AsyncIterator[T]:
        """One value after another; asking for the next one says that the last one was handled."""

    def groups(self, size: int, within: float) -> AsyncIterator[list[T]]:
        """Values in groups, handled as one."""

    @property
    def event(self) -> Event[T]:
        """The event at hand."""

    def regrouped(self, key: Callable[[T], Key], topic: Topic[T], wanted: tuple[Callable[[T], bool], ...]) -> None:
        """The body wants those values, by this key, through that topic. Raises DeclarationError if they are not."""

    def schedule(self, key: Key, at: datetime, record: Record) -> None:
        """Set a due time."""

    def unschedule(self, key: Key) -> None:
        """Clear a due time."""


class Stream(Generic[T]):
    """The records of a topic, in the order of their log (of a queue: as they come)."""

    def __init__(self, feed: Feed[T], tracing: AgentTracing | None = None) -> None:
        self._feed = feed
        self._tracing = tracing
        self._wanted: tuple[Callable[[T], bool], ...] = ()

    @property
    def current_event(self) -> Event[T]:
        """The event whose value was given last."""
        return self._feed.event

    def __aiter__(self) -> AsyncIterator[T]:
        return self._filtered() if self._wanted else self._values()

    def _values(self) -> AsyncIterator[T]:
        return self._feed.values() if self._tracing is None else self._tracing.values(self._feed)

    async def _filtered(self) -> AsyncIterator[T]:
        async for value in self._values():
            if all(wanted(value) for wanted in self._wanted):
                yield value

    def filter(self, wanted: Callable[[T], bool]) -> "Stream[T]":
        """Only the values for which `wanted` is true; the others count as handled."""
        narrowed = Stream(self._feed, self._tracing)
        narrowed._wanted = (*self._wanted, wanted)
        return narrowed

    def group_by(self, key: Callable[[T], Key], topic: Topic[T]) -> "Stream[T]":
        """The same records by another key, read from `topic`, a declared log, to which they are sent on: each of them
        once, in the partition of its key.

        For log agents, and before anything else that the body does with its stream but `filter`. The records keep their
        times; their ids are new. Raises DeclarationError elsewhere.
        """
        self._feed.regrouped(key, topic, self._wanted)
        return Stream(self._feed, self._tracing)

    def schedule(self, key: Key, at: datetime, record: Record) -> None:
        """Have the agent sent this record, with this key, on its own log when the time has come.

        It is committed with the event at hand, and stands until it is handled, cleared, or set anew: a key has one due
        time. The record's event time will be `at`; it comes as soon as the log's clock says so, late if nobody runs the
        agent then, and never twice. Raises SendRefused where the log does not declare its type under `due:`, the agent
        does not read it, or the agent reads queues.
        """
        self._feed.schedule(key, at, record)

    def unschedule(self, key: Key) -> None:
        """Clear the due time that a key has; without one, nothing happens."""
        self._feed.unschedule(key)

    async def events(self) -> AsyncIterator[Event[T]]:
        """Events in place of values."""
        async for _ in self:
            yield self._feed.event

    async def items(self) -> AsyncIterator[tuple[str, T]]:
        """(key, value)."""
        async for value in self:
            yield self._feed.event.key, value

    async def enumerate(self, start: int = 0) -> AsyncIterator[tuple[int, T]]:
        """(number, value). Numbers begin anew whenever the body does: they are not state."""
        async for value in self:
            yield start, value
            start += 1

    async def take(self, n: int, within: timedelta) -> AsyncIterator[list[T]]:
        """Groups of up to `n` values, closed after `within`; a group is committed, or retried, as a whole."""
        async for group in self._feed.groups(n, within.total_seconds()):
            kept = [value for value in group if all(wanted(value) for wanted in self._wanted)]
            if kept:
                with nullcontext() if self._tracing is None else self._tracing.handling(self._feed.event):
                    yield kept
