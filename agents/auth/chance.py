"""Where chance comes from: tokens and keys must not be guessed, and agents have no chance of their own."""

from typing import Protocol
from uuid import UUID


class Chance(Protocol):
    """A source of unpredictable bytes, such as `random.SystemRandom`; tests have one that repeats itself."""

    def randbytes(self, n: int, /) -> bytes: ...


def random_id(chance: Chance) -> UUID:
    """A random UUID (RFC 9562, version 4)."""
    return UUID(bytes=chance.randbytes(16), version=4)
