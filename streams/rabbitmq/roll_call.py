"""Whether the logs take part in routing."""

from collections.abc import Iterable

from aiormq.channel import Channel
from aiormq.exceptions import ChannelNotFoundEntity

from streams.errors import BrokerUnavailable
from streams.rabbitmq.faults import LIBRARY_ERRORS, translated
from streams.rabbitmq.link import Link, Wire

_UNKNOWN = "no queue"
"""How RabbitMQ's text begins for what is not declared; what is declared and not up has another."""


class RollCall:
    """Asks for the logs before anything is published over a new connection.

    A RabbitMQ node that starts takes connections before its streams are back. Until they are, routing passes over
    them: a message that a queue takes too is confirmed and never reaches its log (seen with 3.10). A passive
    declaration looks where routing looks.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._logs: dict[str, None] = {}
        self._answered: Wire | None = None
        self.missing = ""
        """What was not back when last asked for, in words; "" if nothing."""

    def expect(self, logs: Iterable[str]) -> None:
        """Ask for these too."""
        before = len(self._logs)
        self._logs.update(dict.fromkeys(logs))
        if len(self._logs) > before:
            self._answered = None

    def answered(self, wire: Wire) -> bool:
        """Whether all logs were there on this connection."""
        return self._answered is wire

    async def call(self, wire: Wire) -> None:
        """Raises BrokerUnavailable where a log that is declared is not back."""
        if self.answered(wire):
            return
        self.missing = ""
        logs = list(self._logs)
        channel: Channel | None = None
        try:
            for log in logs:
                if channel is None or channel.is_closed:
                    channel = await self._link.channel(_plain)
                await self._ask(channel, log)
        finally:
            if channel is not None:
                await self._link.leave(channel)
        if len(logs) == len(self._logs):
            self._answered = wire

    async def _ask(self, channel: Channel, log: str) -> None:
        try:
            await channel.queue_declare(log, passive=True)
        except ChannelNotFoundEntity as error:
            if _UNKNOWN not in str(error):
                self.missing = f"the log {log!r} is not back yet since RabbitMQ started: publishing waits for it"
                raise BrokerUnavailable(self.missing) from error
        except LIBRARY_ERRORS as error:
            raise translated(error, f"asking for the log {log!r}") from error


def _plain(wire: Wire, number: int) -> Channel:
    return Channel(wire, number, publisher_confirms=False)
