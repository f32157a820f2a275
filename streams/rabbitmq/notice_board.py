"""Telling notices: published without confirms, and dropped where that would take waiting."""

import asyncio
import logging
from typing import Final

from aiormq.channel import Channel
from pamqp import commands

from streams.errors import BrokerError
from streams.rabbitmq.frames import notice
from streams.rabbitmq.link import Link, Wire

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 100
"""Notices that wait for the channel to open."""
MOST_BEHIND: Final = 1_000
"""Writes that wait for the connection; with more of them notices are dropped."""
PAUSE: Final = 5.0
"""Seconds before a channel that did not open, or did not last, is tried again."""


class NoticeChannel(Channel):
    """A channel for what needs no answer."""

    def __init__(self, wire: Wire, number: int) -> None:
        super().__init__(wire, number, publisher_confirms=False)
        self.wire = wire
        self.ended = False
        self.closing.add_done_callback(lambda _: self._end(None))

    def _end(self, reason: str | None) -> None:
        if reason is not None:
            logger.warning("notices cannot be told: %s", reason)
        self.ended = True

    async def _on_close_frame(self, frame: commands.Channel.Close) -> None:
        # Before anything else is written: frames on a closed channel would end the connection.
        self._end(frame.reply_text)
        await super()._on_close_frame(frame)


class NoticeBoard:
    """Posts notices on one channel, which is opened when the first one comes, and again after it broke."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: NoticeChannel | None = None
        self._opening: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._waiting: list[tuple[str, str, bytes]] = []

    def post(self, exchange: str, key: str, body: bytes) -> None:
        """See `streams.broker.Broker.tell`."""
        if self._channel is not None and not self._channel.ended:
            self._write(self._channel, exchange, key, body)
        else:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append((exchange, key, body))
            self._open_soon()

    def _write(self, channel: NoticeChannel, exchange: str, key: str, body: bytes) -> None:
        if channel.wire.write_queue.qsize() < MOST_BEHIND and not self._link.blocked:
            channel.wire.send(notice(channel.number, exchange, key, body))

    def _open_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self._opening is None and loop.time() >= self._not_before:
            self._not_before = loop.time() + PAUSE
            self._opening = loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            self._channel = await self._link.channel(NoticeChannel)
            for exchange, key, body in self._waiting:
                self._write(self._channel, exchange, key, body)
        except BrokerError as error:
            logger.debug("notices are dropped: %s", error)
        finally:
            self._waiting.clear()
            self._opening = None

    async def close(self) -> None:
        """What waits is dropped."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        channel, self._channel = self._channel, None
        if channel is not None:
            await self._link.leave(channel)
