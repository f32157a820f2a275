"""From drafts to messages: where a send goes, whether it may, and the headers it carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.broker import Message, Scalar
from streams.carriable import HEADER_BYTES, carriable, carried_text, size
from streams.errors import SendRefused
from streams.event import Event, derived_text
from streams.topic import Draft
from streams.tracing import HEADER, AgentTracing
from topology.spec import Topology, nearest

RESERVED = frozenset(
    (
        *("key", "time", "causation_id", HEADER, "tracestate", "schema"),
        *("lane", "seq", "floor", "schedule", "only", "origin", "log_time"),
    )
)
"""Headers that the engine sets."""
SHARE_OF_KEY = 16 << 10
"""Bytes of headers that a key may take."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a message follows from."""

    id: str
    time_ms: int
    log_time_ms: int
    correlation_id: str
    traceparent: str = ""
    """"" for none."""

    @classmethod
    def of(cls, event: Event[object], tracing: AgentTracing | None = None) -> "Cause":
        """The cause that an event is to what its handler sends."""
        trace = event.lineage.traceparent if tracing is None else tracing.header(event)
        return cls(event.id, event.time_ms, event.log_time_ms, carried_text(event.correlation_id), carried_text(trace))


@dataclass(slots=True)
class Addressing:
    """The sends of one agent (or of the HTTP edge) of one service."""

    service: str
    agent: str
    topology: Topology
    max_bytes: int
    tracing: AgentTracing | None = None
    _targets: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def message(self, draft: Draft, cause: Cause, index: int) -> Message:
        """The message of the `index`th send that this cause set off; its id follows from both, if the draft has none.

        Raises SendRefused.
        """
        exchange, routing_key = self._target(draft)
        self.check_size(draft.type, draft.body)
        return Message(
            exchange=exchange,
            routing_key=routing_key,
            body=draft.body,
            message_id=str(draft.id or derived_text(cause.id, f"{self.service}/{self.agent}/{index}")),
            type=draft.type or routing_key,
            headers=self._headers(draft, cause),
            correlation_id=cause.correlation_id,
            timestamp=cause.log_time_ms // 1000,
            app_id=self.service,
        )

    def cause(self, event: Event[object]) -> Cause:
        """The cause that an event is to what this agent sends while it handles it."""
        return Cause.of(event, self.tracing)

    def check_size(self, type: str, body: bytes) -> None:
        """Raises SendRefused for a body that the broker does not take."""
        if len(body) > self.max_bytes:
            raise SendRefused(
                f"{type or 'a value'} of {len(body):,} bytes is larger than the broker takes "
                f"({self.max_bytes:,}): send a reference to it instead"
            )

    def _headers(self, draft: Draft, cause: Cause) -> dict[str, Scalar]:
        headers = dict(_checked(draft.headers)) if draft.headers else {}
        headers.update(caused_by(cause, draft.schema))
        headers["time"] = cause.time_ms if draft.time is None else round(draft.time.timestamp() * 1000)
        if draft.key is not None:
            headers["key"] = _checked_key(draft.key)
        return headers

    def _target(self, draft: Draft) -> tuple[str, str]:
        name = draft.topic.names[0]
        known = self._targets.get((name, draft.type))
        if known is None:
            known = self._targets[name, draft.type] = self.target(name, draft.type)
        return known

    def target(self, name: str, event_type: str) -> tuple[str, str]:
        """(exchange, routing key) of a send. Raises SendRefused, with the nearest name, where it is not declared."""
        topology = self.topology
        if name in topology.queues or name in topology.logs:
            return "", name
        if name not in topology.exchanges:
            known = (*topology.exchanges, *topology.queues, *topology.logs)
            raise SendRefused(
                f"{self.agent} sends to {name!r}, which the topology does not declare{nearest(name, known)}"
            )
        if not event_type:
            raise SendRefused(
                f'{self.agent} sends to exchange {name!r} a value without event name: give its Record `event="…"`'
            )
        if self.service not in topology.publishers(name, event_type):
            declared = topology.service(self.service).publishes.get(name, ())
            raise SendRefused(
                f"{self.agent} sends {event_type!r} to exchange {name!r}, but {self.service!r} does not "
                f"declare that it publishes it{nearest(event_type, declared)}: add it to `publishes:` in its file"
            )
        return name, event_type


def caused_by(cause: Cause, schema: int) -> dict[str, Scalar]:
    """The headers that say what a message follows from, and which version of its schema it has."""
    headers: dict[str, Scalar] = {"causation_id": carried_text(cause.id), "schema": schema}
    if cause.traceparent:
        headers[HEADER] = cause.traceparent
    return headers


def _checked(headers: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    for name, value in headers.items():
        if name in RESERVED or name.startswith("x-"):
            raise SendRefused(f"header {name!r} is the engine's own: choose another name")
        if not isinstance(value, str | int | bool):
            raise SendRefused(f"header {name!r} is a {type(value).__name__}: headers are texts, integers and booleans")
        if not carriable(name, value):
            raise SendRefused(f"header {name[:40]!r} cannot be sent: another name, or a number of 64 bits, can")
    if sum(size(name, value) for name, value in headers.items()) > HEADER_BYTES - SHARE_OF_KEY:
        raise SendRefused(f"the headers are larger than {HEADER_BYTES - SHARE_OF_KEY:,} bytes: send it in the value")
    return headers


def _checked_key(key: str) -> str:
    if len(key.encode()) > SHARE_OF_KEY:
        raise SendRefused(f"the key {key[:40]!r}… does not fit into the headers: {SHARE_OF_KEY:,} bytes are the most")
    return key
