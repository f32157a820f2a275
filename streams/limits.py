"""How large a batch may grow, and how soon it may follow the one before."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a batch ends, at the latest."""

    events: int = 20_000
    bytes: int = 8 << 20
    """Of bodies read, and of sends recorded."""
    linger: float = 0.0
    """Seconds between the beginnings of two commits of an agent, at the least: what comes meanwhile shares the second
    one. After a rest of that long an event is committed at once."""
