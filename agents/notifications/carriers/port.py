"""The port of whoever carries messages. What becomes of a message is a receipt, never an exception."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

PATIENCE: Final = 30.0
"""Seconds within which a carrier gives its receipt."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it goes out. `id` is the same at every attempt; a channel uses the texts that it has room for."""

    id: str
    address: str
    subject: str
    text: str
    html: str
    short: str
    at: datetime


class Result(Enum):
    """SENT: handed over. REFUSED: for good. NOT_SENT: certainly not, and may be tried again. UNKNOWN: perhaps sent."""

    SENT = "sent"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a letter. `reason` holds no address."""

    result: Result
    reason: str | None = None
    trouble: str = ""
    """What is wrong with the way itself, whoever a letter is to, and what to do about it."""


class Carrier(Protocol):
    """Takes letters to where they go."""

    @property
    def repeatable(self) -> bool:
        """Whether a letter that is given twice, under the same id, arrives once."""

    async def send(self, letter: Letter) -> Receipt:
        """Hand a letter over; answers within PATIENCE."""

    async def check(self) -> str:
        """The trouble with the way, as in a receipt; "" where there is none that shows before a letter goes."""

    async def close(self) -> None:
        """Close connections."""
