"""Publishing from outside agents: the HTTP edge, tools, tests as a foreign client would.

Such messages carry no lane: readers know repeats by the message id, so whoever may publish twice names the id.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from streams.broker import Broker, Message, Outcome, Scalar
from streams.codec import encode, event_type
from streams.errors import SendRefused
from streams.record import Record
from topology.spec import Topology, nearest


class Publisher:
    """One service's way to publish events and commands."""

    def __init__(
        self, broker: Broker, topology: Topology, *, service: str, now: Callable[[], int], ids: random.Random
    ) -> None:
        """`now` gives ms since 1970 UTC; `ids` makes message ids where none is given."""
        broker.expect(topology.logs)
        self._broker = broker
        self._topology = topology
        self._service = service
        self._now = now
        self._ids = ids

    def record(
        self,
        exchange: str,
        value: Record,
        *,
        key: str | None = None,
        id: str | None = None,
        time: int | None = None,
        correlation_id: str | None = None,
        headers: Mapping[str, Scalar] | None = None,
    ) -> Message:
        """The message of a record, routed by its event name. `time` in ms since 1970 UTC, now by default.

        Raises SendRefused where the topology does not let this service publish it.
        """
        routing_key = event_type(type(value))
        if routing_key is None:
            raise SendRefused(f'{type(value).__name__} has no event name: declare it with `event="…"`')
        if self._service not in self._topology.publishers(exchange, routing_key):
            raise SendRefused(f"{self._service!r} does not declare that it publishes {routing_key!r} to {exchange!r}")
        return self.message(
            exchange,
            routing_key,
            encode(value),
            key=key,
            id=id,
            time=time,
            correlation_id=correlation_id,
            headers={"schema": value.__version_of_schema__, **(headers or {})},
        )

    def message(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        *,
        key: str | None = None,
        id: str | None = None,
        time: int | None = None,
        correlation_id: str | None = None,
        headers: Mapping[str, Scalar] | None = None,
    ) -> Message:
        """The message of a body that is JSON already. Raises SendRefused where nothing takes it."""
        if exchange not in self._topology.exchanges:
            raise SendRefused(f"no exchange {exchange!r} is declared{nearest(exchange, self._topology.exchanges)}")
        if len(body) > self._broker.capabilities.max_message_bytes:
            raise SendRefused(f"{len(body):,} bytes are more than the broker takes in one message")
        now = self._now()
        message_id = id or str(UUID(int=self._ids.getrandbits(128), version=4))
        own: dict[str, Scalar] = {"time": now if time is None else time}
        if key is not None:
            own["key"] = key
        return Message(
            exchange=exchange,
            routing_key=routing_key,
            body=body,
            message_id=message_id,
            type=routing_key,
            headers={**(headers or {}), **own},
            correlation_id=correlation_id or message_id,
            timestamp=now // 1000,
            app_id=self._service,
        )

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish in order and wait for every confirm; see Broker.publish."""
        return await self._broker.publish(messages)
