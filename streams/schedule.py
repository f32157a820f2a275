"""Due times: a record that an agent is sent later, on its own log, unless it is cleared or set anew before."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from stores.port import DueTime
from streams.addressing import Addressing, Cause, caused_by
from streams.admission import schedule_mark
from streams.broker import Message
from streams.codec import encode, event_type
from streams.errors import NotOwned, SendRefused
from streams.event import derived_text
from streams.keys import Key, row_key
from streams.recent import digest
from streams.record import Record
from streams.source import Source
from topology.spec import nearest

_pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(Message).decode
"""The message that a due time sends."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Makes the due times of one agent."""

    log: str
    """Where its messages come from, and its due times go: the declared log."""
    types: frozenset[str]
    """What the agent reads."""
    addressing: Addressing

    @property
    def place(self) -> str:
        """Whose due times these are."""
        return f"{self.addressing.service}/{self.addressing.agent}"

    def due_time(self, key: Key, at: datetime, record: Record, cause: Cause) -> DueTime:
        """What is stored. Raises SendRefused for a record that may not, or cannot, be sent to the agent itself."""
        name = self._checked_type(record)
        if at.tzinfo is None:
            raise SendRefused(
                f"{at} has no time zone: schedule at an aware time, such as event.time + timedelta(hours=1)"
            )
        text, moment, body = row_key(key), round(at.timestamp() * 1000), encode(record)
        self.addressing.check_size(name, body)
        set_by = digest(cause.id).hex()
        message = Message(
            exchange="",
            routing_key=self.log,
            body=body,
            message_id=derived_text(cause.id, f"schedule/{self.place}/{text}/{moment}"),
            type=name,
            headers={
                **caused_by(cause, record.__version_of_schema__),
                "key": text,
                "time": moment,
                "schedule": schedule_mark(self.place, set_by),
            },
            correlation_id=cause.correlation_id,
            app_id=self.addressing.service,
        )
        return DueTime(text, moment, set_by, _pack(message))

    def check_owned(self, key: str, source: Source) -> None:
        """Raises NotOwned for a key whose messages would come to another partition."""
        if not source.owns(key):
            raise NotOwned(
                f"key {key!r} comes due in another partition of log {self.log!r} than the one that schedules it: "
                "read the log by that key, `stream.group_by(key, topic)`"
            )

    def _checked_type(self, record: Record) -> str:
        name = event_type(type(record)) or ""
        declared = self.addressing.topology.logs[self.log].due
        if name not in declared:
            raise SendRefused(
                f"{self.addressing.agent} schedules {name or type(record).__name__!r}, which log {self.log!r} does not "
                f"declare{nearest(name, declared)}: add it to `due:` of the log in its file"
            )
        if name not in self.types:
            raise SendRefused(
                f"{self.addressing.agent} schedules {name!r}, which it does not read: add it to its topic"
            )
        return name
