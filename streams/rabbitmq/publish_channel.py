"""A channel that publishes in bulk."""

import logging
from collections.abc import Callable

from aiormq.channel import Channel
from pamqp import commands
from pamqp.header import ContentHeader

from streams.broker import Outcome
from streams.rabbitmq.confirms import Publication, Unanswered
from streams.rabbitmq.frames import Publishing, Unsendable
from streams.rabbitmq.link import Wire

logger = logging.getLogger(__name__)

# So many bytes are written at once, and so much may be unanswered; more does not make RabbitMQ faster.
SLICE_BYTES = 32 << 10
WINDOW_BYTES = 8 << 20
WINDOW_MESSAGES = 8_000

Judge = Callable[[int, str, set[tuple[str, str]]], Outcome]
"""Told when the broker closes the channel because of a message: the code, the reason, and the exchanges and routing
keys of the unanswered messages, of which one is the cause. Says what has become of them."""


class PublishChannel(Channel):
    """Writes the frames of many messages at once and counts the answers; aiormq's own way has a future for each."""

    def __init__(self, wire: Wire, number: int, user: str, judge: Judge) -> None:
        super().__init__(wire, number)
        self.unanswered = Unanswered()
        self.ended = False
        self.wire = wire
        self._frames = Publishing(number, wire.connection_tune.frame_max or 0, user)
        self._judge = judge
        self.closing.add_done_callback(lambda _: self._end(Outcome.LOST))

    @property
    def full(self) -> bool:
        return len(self.unanswered) >= WINDOW_MESSAGES or self.unanswered.bytes >= WINDOW_BYTES

    def write(self, publication: Publication, stop: int, most: int) -> None:
        """Send a publication's next messages, up to number `stop`: as many as fit into a slice and the window.

        `most`: the largest body. A message whose id is on its way already waits until that is answered, because the
        broker names what it returns by its id.
        """
        frames: list[bytes] = []
        size = 0
        while publication.sent < stop and size < SLICE_BYTES and not (self.full or self.ended):
            message = publication.messages[publication.sent]
            if message.message_id in self.unanswered:
                break
            size += len(message.body)
            self._add(publication, frames, most)
        if frames:
            self.wire.send(b"".join(frames))

    def _add(self, publication: Publication, frames: list[bytes], most: int) -> None:
        index = publication.sent
        publication.sent += 1
        message = publication.messages[index]
        try:
            if len(message.body) > most:
                raise Unsendable(f"its body has {len(message.body)} bytes, {most} is the most")
            self._frames.add(message, frames)
        except Unsendable as error:
            logger.warning("the message %s of type %s cannot be sent: %s", message.message_id, message.type, error)
            publication.settle(index, Outcome.REFUSED)
        else:
            self.unanswered.add(publication, index)

    async def room(self) -> None:
        """Wait while the window is full, until half of it is free; or for an answer."""
        await self.unanswered.progress()
        while not self.ended and (
            len(self.unanswered) > WINDOW_MESSAGES // 2 or self.unanswered.bytes > WINDOW_BYTES // 2
        ):
            await self.unanswered.progress()

    async def quiet(self) -> None:
        """Wait until everything is answered, or nothing will be."""
        while self.unanswered:
            await self.unanswered.progress()

    def _end(self, outcome: Outcome) -> None:
        self.ended = True
        self.unanswered.end(outcome)

    # aiormq's own handling of these frames, replaced.

    async def _on_confirm_frame(self, frame: commands.Basic.Ack | commands.Basic.Nack | commands.Basic.Reject) -> None:
        outcome = Outcome.CONFIRMED if isinstance(frame, commands.Basic.Ack) else Outcome.REFUSED
        multiple = not isinstance(frame, commands.Basic.Reject) and bool(frame.multiple)
        self.unanswered.answered(frame.delivery_tag or 0, outcome, multiple=multiple)

    async def _on_return_frame(self, frame: commands.Basic.Return) -> None:
        header = await self._get_frame()
        if not isinstance(header, ContentHeader):
            raise ValueError(f"a returned message without a header: {header!r}")
        message = await self._read_content(frame, header)
        self.unanswered.returned(message.header.properties.message_id)

    async def _on_close_frame(self, frame: commands.Channel.Close) -> None:
        # Before anything else is written: frames on a closed channel would end the connection.
        self._end(self._judge(frame.reply_code or 0, frame.reply_text or "", self.unanswered.targets()))
        await super()._on_close_frame(frame)
