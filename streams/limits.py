"""How large a batch may grow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a batch ends, at the latest."""

    events: int = 20_000
    bytes: int = 8 << 20
    """Of bodies read, and of sends recorded."""
