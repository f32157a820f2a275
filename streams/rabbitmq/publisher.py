"""Publishing with confirms."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from streams.broker import Message, Outcome
from streams.errors import BrokerError, BrokerUnavailable
from streams.rabbitmq.confirms import Publication
from streams.rabbitmq.link import Link
from streams.rabbitmq.publish_channel import PublishChannel
from streams.rabbitmq.roll_call import RollCall
from streams.rabbitmq.suspects import Suspect, Suspects, Target, verdict

CLOSE_SECONDS = 30.0


class Publisher:
    """Publishes on one channel of its own connection, and what is suspect on another, alone."""

    def __init__(self, link: Link, user: str, most: int) -> None:
        """`most`: the largest body in bytes."""
        self._link = link
        self._user = user
        self._most = most
        self._channel: PublishChannel | None = None
        self._turn = asyncio.Lock()
        self.roll_call = RollCall(link)
        self.suspects = Suspects()

    @property
    def most(self) -> int:
        """The largest body in bytes."""
        return min(self._most, self.suspects.most or self._most)

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """See `streams.broker.Broker.publish`."""
        publication = Publication(messages)
        failures = self._link.failures
        async with self._turn:
            # Who waited while connecting failed does not try it again.
            if self._link.failures == failures:
                await self._send(publication)
            publication.lose_rest()
        return await publication.outcomes()

    async def close(self) -> None:
        """Wait for what is under way, but not for ever: a blocked broker may not answer before it is mended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS), self._turn:
                if self._channel is not None:
                    await self._channel.quiet()

    async def _send(self, publication: Publication) -> None:
        """Send messages until all are sent, or the channel is gone."""
        verdicts: dict[Suspect, Outcome] = {}
        try:
            channel = await self._connected()
        except BrokerUnavailable:
            return
        with suppress(BrokerError):
            while publication.sent < len(publication.messages) and not channel.ended:
                stop, suspect = self._next_suspect(publication)
                if publication.sent < stop:
                    await self._write(channel, publication, stop)
                elif suspect is not None:
                    await channel.quiet()
                    await self._try(publication, suspect, verdicts)

    async def _connected(self) -> PublishChannel:
        if self._channel is None or self._channel.ended:
            self._channel = await self._link.channel(PublishChannel, self._user, self._accuse)
        await self.roll_call.call(self._channel.wire)
        return self._channel

    def _accuse(self, code: int, reason: str, targets: set[Target]) -> Outcome:
        self.suspects.accuse(reason, targets)
        return Outcome.LOST

    def _next_suspect(self, publication: Publication) -> tuple[int, Suspect | None]:
        """The number of the next message that is not to be sent with the others, and as what it is suspect."""
        messages = publication.messages
        if self.suspects:
            for index in range(publication.sent, len(messages)):
                suspect = self.suspects.named((messages[index].exchange, messages[index].routing_key))
                if suspect is not None:
                    return index, suspect
        return len(messages), None

    async def _write(self, channel: PublishChannel, publication: Publication, stop: int) -> None:
        while publication.sent < stop and not channel.ended:
            if self._link.blocked:
                await self._link.unblocked()
                continue
            before = publication.sent
            channel.write(publication, stop, self.most)
            if publication.sent == before:
                await channel.room()
            else:
                await asyncio.sleep(0)

    async def _try(self, publication: Publication, suspect: Suspect, verdicts: dict[Suspect, Outcome]) -> None:
        """Send one message alone; where it is refused, so is the rest of its kind in this call."""
        index = publication.sent
        if suspect not in verdicts:
            outcome, accepted = await self._alone(publication.messages[index])
            if accepted:
                self.suspects.acquit(suspect)
            else:
                verdicts[suspect] = outcome
        else:
            outcome = verdicts[suspect]
        publication.sent += 1
        publication.settle(index, outcome)

    async def _alone(self, message: Message) -> tuple[Outcome, bool]:
        """What became of the message, and whether its channel is still open."""
        channel = await self._link.channel(PublishChannel, self._user, lambda code, _reason, _targets: verdict(code))
        alone = Publication([message])
        try:
            if self.roll_call.answered(channel.wire):
                channel.write(alone, 1, self.most)
            alone.lose_rest()
            return (await alone.outcomes())[0], not channel.ended
        finally:
            await self._link.leave(channel)
