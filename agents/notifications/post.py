"""The post office: the carrier of each channel, as the composition root names them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from agents.notifications.carriers.outbox import MemoryOutbox
from agents.notifications.carriers.port import Carrier, Letter, Receipt
from agents.notifications.tables import Channel


class Post:
    """Hands letters to their carriers. Remembers each receipt until it is written down: a store that is away between
    sending and writing does not make a letter's fate unknown."""

    def __init__(self, carriers: Mapping[Channel, Carrier]) -> None:
        self._carriers = carriers
        self.operators: str | None = None
        """Where mail for the shop's own people goes; None where nobody has said."""
        self._receipts: dict[str, Receipt] = {}

    @contextmanager
    def served_by(self, carriers: Mapping[Channel, Carrier], *, operators: str | None = None) -> Iterator[None]:
        """As long as the context lasts, these carriers are used, and the shop's own people have this address."""
        before = self._carriers, self.operators
        self._carriers, self.operators = carriers, operators
        self._receipts.clear()
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
        self._receipts[letter.id] = await self._carriers[channel].send(letter)

    def file(self, id: str) -> None:
        """This letter's fate is written down."""
        self._receipts.pop(id, None)


_outbox = MemoryOutbox()
post = Post(dict.fromkeys(Channel, _outbox))
"""The shop's; without a composition root it keeps what would have been sent."""
