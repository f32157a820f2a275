"""Spans of what agents do (W3C Trace Context): one for each event that came with a sampled trace, a child of the span
that sent it. What a handler sends carries the span on.

A span's id follows from the event and the agent, not from chance: an event that is handled again, after a crash, has
the same span, and what it sends is the same to the byte.
"""

import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from typing import Any, Final, Protocol

from streams.event import Event

HEADER: Final = "traceparent"
# Version 00; ids of zeros only are invalid. The last bit of the flags says that the trace is recorded.
_PARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED: Final = 1


class Kind(Enum):
    """What a span's work is to the one that set it off."""

    SERVER = "server"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Span:
    """Work that was done. Ids in hexadecimal: 32 and 16 digits."""

    service: str
    name: str
    kind: Kind
    trace_id: str
    span_id: str
    parent_id: str | None
    began: int
    """Nanoseconds since 1970 UTC."""
    ended: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    """Names of OpenTelemetry's semantic conventions. Never content of messages."""
    failed: bool = False


class Tracer(Protocol):
    """Where spans go."""

    def ended(self, span: Span) -> None:
        """Take a span. Waits for nothing, and raises nothing."""


@dataclass(frozen=True, slots=True)
class Parent:
    """What a sampled `traceparent` says."""

    trace_id: str
    span_id: str


def parent_of(header: str | None) -> Parent | None:
    """The span that a `traceparent` names; None where it is none, or is not recorded."""
    match = _PARENT.fullmatch(header or "")
    if match is None or not int(match[3], 16) & _SAMPLED:
        return None
    return Parent(match[1], match[2])


def header_of(trace_id: str, span_id: str) -> str:
    """The `traceparent` of a recorded span."""
    return f"00-{trace_id}-{span_id}-{_SAMPLED:02x}"


class Feed(Protocol):
    """What gives a body its values."""

    def values(self) -> AsyncIterator[Any]:
        """One after another."""

    @property
    def event(self) -> Event[Any]:
        """The one at hand."""


class AgentTracing:
    """The spans of one agent."""

    def __init__(self, service: str, agent: str, tracer: Tracer) -> None:
        self._service = service
        self._agent = agent
        self._tracer = tracer

    def header(self, event: Event[Any]) -> str:
        """The `traceparent` of what the event's handler sends; "" for none."""
        given = event.lineage.traceparent
        parent = parent_of(given)
        return given if parent is None else header_of(parent.trace_id, self._span_id(event))

    async def values(self, feed: Feed) -> AsyncIterator[Any]:
        """The feed's values, each with a span from when it is given until the next is asked for."""
        async for value in feed.values():
            with self.handling(feed.event):
                yield value

    def _span_id(self, event: Event[Any]) -> str:
        return blake2b(f"{event.id}/{self._service}/{self._agent}".encode(), digest_size=8).hexdigest()

    @contextmanager
    def handling(self, event: Event[Any]) -> Iterator[None]:
        """As long as the context lasts, the event is handled. A body that leaves it in between has failed."""
        parent = parent_of(event.lineage.traceparent)
        began, failed = time.time_ns(), True
        try:
            yield
            failed = False
        finally:
            if parent is not None:
                self._tracer.ended(self._span(event, parent, began, failed=failed))

    def _span(self, event: Event[Any], parent: Parent, began: int, *, failed: bool) -> Span:
        attributes = {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": event.source,
            "messaging.message.id": event.id,
            "messaging.message.type": event.type,
            "warren.agent": self._agent,
        }
        return Span(
            self._service,
            f"{self._agent} process {event.type}",
            Kind.CONSUMER,
            parent.trace_id,
            self._span_id(event),
            parent.span_id,
            began,
            time.time_ns(),
            attributes,
            failed,
        )
