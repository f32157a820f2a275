"""What every broker promises.

A broker carries messages from exchanges to queues (each message settled by itself) and logs (ordered, kept, read from
any offset). Implementations connect when they are first used and again after a failure: a call on a broken connection
raises BrokerUnavailable, and the next call tries anew. Waiting between tries is the caller's.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

Scalar = str | int | bool
"""What a header may hold: tables, arrays and bytes do not survive on their way into a RabbitMQ stream."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a broker can do, as data."""

    name: str
    durable: bool
    """Whether a confirmed message survives the process."""
    max_message_bytes: int
    """Largest body."""


class Message(msgspec.Struct, kw_only=True, gc=False):
    """A message to publish. Persistent, always; content type application/json.

    `exchange` "" is the default exchange: `routing_key` is then the name of a queue or log. The broker stamps the
    publishing user, which it has verified, on every message.
    """

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    """Unique among the messages in flight."""
    type: str
    headers: Mapping[str, Scalar] = {}
    correlation_id: str | None = None
    timestamp: int | None = None
    """When it was published, in whole seconds since 1970 UTC."""
    app_id: str | None = None


class Outcome(Enum):
    """What became of a published message."""

    CONFIRMED = "confirmed"
    """The broker has it, in every queue and log that it was routed to."""
    UNROUTABLE = "unroutable"
    """No queue or log takes it: the broker returned it."""
    REFUSED = "refused"
    """The broker said no (a queue is full or unavailable, or the message is too large); other queues may have it."""
    LOST = "lost"
    """The connection broke before an answer: it may or may not have been kept."""


class Envelope(msgspec.Struct, gc=False):
    """A received message, with the fields the engine reads decoded and the rest left as it came.

    Absent properties are "" (texts) and -1 (numbers). Times are milliseconds since 1970 UTC.
    """

    offset: int
    """In its log; for queues the delivery tag."""
    type: str
    id: str
    """The message id."""
    user: str
    """The publishing user, verified by the broker; "" if it did not say."""
    body: bytes
    key: str = ""
    time: int = -1
    """Header `time`: when the event happened."""
    lane: str = ""
    seq: int = -1
    floor: int = -1
    raw: Any = None
    """As the broker sent it: `details` reads the rest from it."""
    log_time: int = -1
    """Header `log_time`: when the intake of a partitioned log took it. Its forwarder writes it."""
    schedule: str = ""
    """Whose due time it is, and which; of messages in logs alone."""
    only: str = ""
    """Which agent's dead letter comes back, and from where; of messages in logs alone."""


class Details(msgspec.Struct):
    """What is seldom read of a message."""

    headers: dict[str, Scalar]
    """All application headers, without the broker's own (`x-…`)."""
    correlation_id: str | None
    timestamp: int | None
    app_id: str | None
    exchange: str
    routing_key: str
    death: str | None = None
    """Why the broker first moved it by itself: `rejected`, `delivery_limit`, or `expired` on a rung of the retry ladder
    (RabbitMQ's `x-first-death-reason`); None if it never did."""


class Lineage(NamedTuple):
    """What a message says it belongs to. Both are "" where it says nothing."""

    correlation_id: str
    traceparent: str
    """The header of that name (W3C Trace Context); one that is no text says nothing."""


class Reader(Protocol):
    """What is read of a message when somebody asks, and not with its envelope."""

    def details(self, envelope: Envelope) -> Details:
        """The rest of a message."""

    def lineage(self, envelope: Envelope) -> Lineage:
        """What its details say too, and much sooner: whoever sends on asks for every event."""


class Chunk(msgspec.Struct, gc=False):
    """Consecutive messages of a log, as they were stored together."""

    first: int
    """Offset of the first of `raws`; the others follow without gaps. The next chunk's `first` may leave a gap."""
    time: int
    """When the log took them (the same at every reading)."""
    raws: Sequence[Any]


class LogReader(Reader, Protocol):
    """A subscription to a log: an iterator of chunks, with back-pressure by credit (a few chunks are read ahead)."""

    def __aiter__(self) -> AsyncIterator[Chunk]: ...

    async def __anext__(self) -> Chunk:
        """The next chunk; waits while there is none. The first chunk may begin below the offset asked for.
        Raises BrokerUnavailable when the connection breaks, NoSuchTarget when the log is deleted."""

    def scan(self, chunk: Chunk, start: int, skip: Collection[str]) -> list[Envelope]:
        """The envelopes of the chunk from offset `start` on, without those whose type is in `skip`.

        Runs once per message at full speed: no task, lock or log line. A message that cannot be read comes with type
        "" and the raw bytes as its body, and is never left out.
        """

    def fingerprint(self, chunk: Chunk, offset: int) -> bytes:
        """8 bytes that tell this message from others (a hash of it), the same at every reading."""


class Delivery(msgspec.Struct, gc=False):
    """A message of a queue, to be settled by its envelope's `offset` (the delivery tag)."""

    envelope: Envelope
    redelivered: bool
    deliveries: int
    """How often the broker has delivered it before (quorum queues count)."""


class QueueReader(Reader, Protocol):
    """A consumer of a queue: an iterator of batches, at most `prefetch` messages unsettled."""

    def __aiter__(self) -> AsyncIterator[list[Delivery]]: ...

    async def __anext__(self) -> list[Delivery]:
        """What has arrived, at least one. Raises BrokerUnavailable, or ConsumerCancelled when the broker ends it."""

    async def ack(self, tags: Sequence[int]) -> None:
        """Settle these. On a connection that has broken it raises BrokerUnavailable; the broker delivers them again."""

    async def reject(self, tag: int, *, requeue: bool) -> None:
        """Give it back (counts towards the delivery limit), or dead-letter it."""


class Notice(NamedTuple):
    """Something told, best effort: its routing key and body."""

    key: str
    body: bytes


class Listener(Protocol):
    """What is told from now on: an iterator of batches of notices. Who is slow misses the oldest."""

    def __aiter__(self) -> AsyncIterator[list[Notice]]: ...

    async def __anext__(self) -> list[Notice]:
        """What has arrived, at least one. Raises BrokerUnavailable when the connection breaks."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The offsets that a log holds: from `first` to `last`, both -1 when it is empty."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Health:
    """How a broker's connections do, for /readyz and metrics. `problems` are sentences, each with what to do."""

    state: Literal["idle", "connected", "blocked", "down"]
    problems: tuple[str, ...] = field(default=())


class Broker(Protocol):
    """One user's way to a broker. See the module's text."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def user(self) -> str:
        """The user that is stamped on what this broker publishes."""

    async def open(self) -> None:
        """Connect once, to fail early. Raises BrokerUnavailable, AccessRefused."""

    def expect(self, logs: Iterable[str]) -> None:
        """These logs too have to be up, as far as they are declared, before anything is published."""

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish in this order and wait for every answer; outcomes in the same order.

        A missing confirm on a live connection is waited for. When the connection breaks, what is unanswered is LOST
        (the messages after the break were not sent and are LOST too). Never raises for a broken connection. Calls at
        once share the connection; each keeps its own order. Cancelling leaves the outcome of what was sent unknown.

        A message whose exchange does not exist, or may not be written to, may make all that is unanswered LOST, once;
        sent again, it alone is UNROUTABLE or REFUSED. Raises AccessRefused where the broker refuses the user.
        """

    def tell(self, exchange: str, key: str, body: bytes) -> None:
        """Give a notice to whoever listens: best effort. It is kept nowhere, and lost where nobody listens, where the
        connection is down or the broker is busy. Never waits, never raises."""

    def listen(self, exchange: str, keys: Sequence[str]) -> AbstractAsyncContextManager[Listener]:
        """Listen to the notices of a topic exchange whose keys match these patterns, for as long as the context lasts.

        Raises NoSuchTarget, BrokerUnavailable, AccessRefused.
        """

    def read(self, log: str, offset: int | Literal["first", "next"]) -> AbstractAsyncContextManager[LogReader]:
        """Subscribe to a log from an offset (or the first after it that the log still has), its beginning or its end.

        Raises NoSuchTarget, BrokerUnavailable, AccessRefused.
        """

    def consume(self, queue: str, prefetch: int) -> AbstractAsyncContextManager[QueueReader]:
        """Consume from a queue. Leaving the context returns what is unsettled to the queue."""

    async def depth(self, queue: str) -> int:
        """Messages in a queue that are ready to be delivered. Raises NoSuchTarget."""

    async def extent(self, log: str) -> Extent:
        """The offsets that a log holds now. Raises NoSuchTarget."""

    def health(self) -> Health: ...

    async def close(self) -> None:
        """Close the connections; waits for publishes under way. May be called twice."""
