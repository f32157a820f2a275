"""Listens to what is told on the embedded broker."""

from collections import deque
from collections.abc import Sequence
from typing import Final, Self

from streams.broker import Notice
from streams.embedded.subscription import Subscription
from topology.matching import matches

MOST: Final = 10_000
"""Notices that wait for a listener; the oldest go first."""


class EmbeddedListener(Subscription):
    """A Listener."""

    def __init__(self, exchange: str, keys: Sequence[str]) -> None:
        super().__init__(exchange)
        self._keys = keys
        self._arrived: deque[Notice] = deque(maxlen=MOST)

    def hear(self, exchange: str, notice: Notice) -> None:
        """Take a notice in, if it is one that is listened to."""
        if exchange == self.target and any(matches(pattern, notice.key) for pattern in self._keys):
            self._arrived.append(notice)
            self.stir()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Notice]:
        self.check()
        while not self._arrived:
            await self.stirred()
        batch = list(self._arrived)
        self._arrived.clear()
        return batch
