"""What one event does to an order."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from agents.orders.events import Shortage
from agents.orders.order import Order, Step
from agents.orders.patience import SILENCE
from agents.orders.rules.telling import News, Request, Send
from agents.orders.statuses import Status


@dataclass(frozen=True, slots=True)
class Moment:
    """When an event happened, and when the log took it: orders tell of the one, and wait by the other."""

    time: datetime
    log_time: datetime
    patience: timedelta = SILENCE
    """How long the first asking may stay without any answer."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An order as it becomes, what is told, and its due time; no order: nothing changes."""

    order: Order | None = None
    sends: tuple[Send, ...] = ()
    schedule: datetime | None = None
    """The due time to be set."""
    unschedule: bool = False
    """Whether the due time is to be cleared."""

    @property
    def records(self) -> list[News | Request]:
        """What is told."""
        return [send.record for send in self.sends]


NOTHING: Final = Decision()


@dataclass(slots=True)
class Change:
    """An order while an event changes it. `by` and `why` are of the event."""

    order: Order
    moment: Moment
    by: str = ""
    why: str = ""
    shortages: list[Shortage] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)

    @property
    def time(self) -> datetime:
        """When it happens to the order: not before what has happened to it already. An answer counts as of when it was
        asked for, and meanwhile somebody may have cancelled the order."""
        return max(self.moment.time, self.order.updated_at)

    def become(self, status: Status, by: str | None = None, why: str | None = None) -> None:
        """The next status of the order."""
        order = self.order
        order.status = status
        order.history.append(Step(status, self.time, by or self.by, why or self.why))
        self.touch()

    def touch(self) -> None:
        """The order has changed."""
        self.order.updated_at = self.time
        self.order.version += 1

    def tell(self, record: News | Request, time: datetime | None = None) -> None:
        """Send a record, of this time or of now."""
        now = self.time
        self.sends.append(Send(record, time or (now if now > self.moment.time else None)))
