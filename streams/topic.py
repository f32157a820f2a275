"""Topics: where records come from and go to."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from streams.broker import Scalar
from streams.codec import Decode, decoders, encode, event_type, members
from streams.errors import OutsideAgent, SendRefused
from streams.keys import Key, encode_key
from streams.windows import milliseconds

T = TypeVar("T")

A_DAY = timedelta(hours=24)


class Topic(Generic[T]):
    """Names of exchanges (to send to), of queues (to read from), or of one log, with the type of what travels there.

    `key` and `time` compute the headers of what is sent, from the value; `dedupe` says for how long (of log time) the
    ids of messages without a lane are remembered, None for not at all.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        *,
        value_type: object,
        key: Callable[[T], Key] | None = None,
        time: Callable[[T], datetime] | None = None,
        dedupe: timedelta | None = A_DAY,
    ) -> None:
        self.names = names
        self.value_type = value_type
        self.decoders: Mapping[str, Decode] = decoders(value_type)
        self.dedupe = None if dedupe is None else milliseconds(dedupe)
        self._key = key
        self._time = time

    def __repr__(self) -> str:
        return f"topic({', '.join(map(repr, self.names))})"

    def events(self) -> list[str]:
        """The event types that travel here; empty where the value type names none."""
        return [name for name in map(event_type, members(self.value_type)) if name]

    def key_of(self, value: T) -> str | None:
        """The key that a value is sent under."""
        return None if self._key is None else encode_key(self._key(value))

    def time_of(self, value: T) -> datetime | None:
        """When a value happened, where the topic computes it."""
        return None if self._time is None else self._time(value)

    async def send(
        self,
        *,
        value: T,
        key: Key | None = None,
        time: datetime | None = None,
        headers: Mapping[str, Scalar] | None = None,
        id: UUID | None = None,
    ) -> None:
        """Send a record from an agent. It leaves after the batch's commit (in queue agents: before the ack).

        `id` is the message id, for what several causes may tell and counts once; without it the id follows from the
        cause. Readers know a queue agent's repeats by it; a log agent's they know by its numbers.

        Raises SendRefused at once where the target, the size, a header or the time is not allowed, and OutsideAgent
        elsewhere.
        """
        sender = current_sender.get(None)
        if sender is None:
            raise OutsideAgent
        happened = time or self.time_of(value)
        if happened is not None and happened.tzinfo is None:
            raise SendRefused(f"{happened} has no time zone: send it with an aware time, in UTC or with its offset")
        sender.send(
            Draft(
                topic=self,
                type=event_type(type(value)) or "",
                schema=getattr(value, "__version_of_schema__", 1),
                body=encode(value),
                key=self.key_of(value) if key is None else encode_key(key),
                time=happened,
                headers=headers or {},
                id=id,
            )
        )


class Draft:
    """A send as an agent made it: encoded, not yet addressed."""

    __slots__ = ("body", "headers", "id", "key", "schema", "time", "topic", "type")

    def __init__(
        self,
        *,
        topic: Topic[T],
        type: str,
        schema: int,
        body: bytes,
        key: str | None,
        time: datetime | None,
        headers: Mapping[str, Scalar],
        id: UUID | None = None,
    ) -> None:
        self.topic: Topic[T] = topic
        self.type = type
        self.schema = schema
        self.body = body
        self.key = key
        self.time = time
        self.headers = headers
        self.id = id


class Sender(Protocol):
    """Whoever runs an agent's body and takes its sends."""

    def send(self, draft: Draft) -> None: ...


current_sender: ContextVar[Sender] = ContextVar("current_sender")
"""Set around every agent's body."""
