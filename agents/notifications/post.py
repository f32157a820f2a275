"""The post office: the carrier of each channel, as the composition root names them."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from agents.notifications.carriers.outbox import MemoryOutbox
from agents.notifications.carriers.port import Carrier, Letter, Receipt
from agents.notifications.tables import Channel
from streams.status import Status

log = structlog.get_logger("warren.notifications")


class Post:
    """Hands letters to their carriers. Remembers each receipt until it is written down: a store that is away between
    sending and writing does not make a letter's fate unknown."""

    def __init__(self, carriers: Mapping[Channel, Carrier]) -> None:
        self._carriers = carriers
        self.operators: str | None = None
        """Where mail for the shop's own people goes; None where nobody has said."""
        self.status = Status("notifications", "post", 0, "carriers")
        """Its troubles are those of carriers, by channel."""
        self._receipts: dict[str, Receipt] = {}

    @contextmanager
    def served_by(self, carriers: Mapping[Channel, Carrier], *, operators: str | None = None) -> Iterator[None]:
        """As long as the context lasts, these carriers are used, and the shop's own people have this address."""
        before = self._carriers, self.operators
        self._carriers, self.operators = carriers, operators
        self._receipts.clear()
        self.status.troubles.clear()
        try:
            yield
        finally:
            self._carriers, self.operators = before

    def repeatable(self, channel: Channel) -> bool:
        """Whether a letter may be given twice."""
        return self._carriers[channel].repeatable

    def has_receipt(self, id: str) -> bool:
        """Whether this letter's fate is known and not yet written down."""
        return id in self._receipts

    def receipt(self, id: str) -> Receipt:
        """It. Raises KeyError where it is not known."""
        return self._receipts[id]

    async def send(self, channel: Channel, letter: Letter) -> None:
        """Send a letter, and keep its receipt until it is filed."""
        receipt = await self._carriers[channel].send(letter)
        self._receipts[letter.id] = receipt
        self._note(channel, receipt.trouble)

    async def check(self) -> None:
        """See whether the ways are open. Takes as long as the slowest carrier."""
        troubles = await asyncio.gather(*(carrier.check() for carrier in self._carriers.values()))
        for channel, trouble in zip(self._carriers, troubles, strict=True):
            self._note(channel, trouble)

    def _note(self, channel: Channel, trouble: str) -> None:
        if trouble and self.status.troubles.get(channel) != trouble:
            log.warning("letters cannot be sent", channel=str(channel), reason=trouble)
        self.status.trouble(channel, trouble)

    def file(self, id: str) -> None:
        """This letter's fate is written down."""
        self._receipts.pop(id, None)


_outbox = MemoryOutbox()
post = Post(dict.fromkeys(Channel, _outbox))
"""The shop's; without a composition root it keeps what would have been sent."""
