"""A circuit breaker: whoever fails too often is left alone for a while. Pure: times are given, in seconds."""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

BUCKET: Final = 1.0
"""Seconds; calls are counted by these."""


class Circuit(Enum):
    """Calls pass while it is CLOSED; while it is OPEN none does; PROBING lets a few through, to see."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class Limits:
    """Opens where at least `calls` calls came within `window` and this `share` of them failed; rests; then probes."""

    calls: int = 20
    share: float = 0.5
    window: float = 10.0
    rest: float = 30.0
    probes: int = 3


@dataclass(slots=True)
class _Bucket:
    start: float
    calls: int = 0
    failures: int = 0


Ticket = int
"""Stands for a call that was admitted; it goes with the state it was admitted in."""


class Breaker:
    """Ask `admit` before each call, and tell it by `record` how the call went."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._buckets: deque[_Bucket] = deque()
        self._epoch: Ticket = 0
        self._since = 0.0
        self._out = 0
        self._well = 0
        self.circuit = Circuit.CLOSED

    def admit(self, now: float) -> Ticket | None:
        """A ticket for a call, or None: it is not to be made now."""
        if self.circuit is Circuit.CLOSED:
            return self._epoch
        if self.circuit is Circuit.OPEN and now - self._since < self._limits.rest:
            return None
        # Probes that were never heard of again are made up for after a rest.
        if self.circuit is Circuit.OPEN or now - self._since >= self._limits.rest:
            self._become(Circuit.PROBING, now)
        if self._out >= self._limits.probes:
            return None
        self._out += 1
        return self._epoch

    def record(self, ticket: Ticket, now: float, *, ok: bool) -> None:
        """How a call went. A call admitted in an earlier state says nothing about this one."""
        if ticket != self._epoch:
            return
        if self.circuit is Circuit.PROBING:
            self._probed(now, ok=ok)
        else:
            self._count(now, ok=ok)

    def _probed(self, now: float, *, ok: bool) -> None:
        self._well += ok
        if not ok:
            self._become(Circuit.OPEN, now)
        elif self._well >= self._limits.probes:
            self._become(Circuit.CLOSED, now)

    def _count(self, now: float, *, ok: bool) -> None:
        buckets = self._buckets
        if not buckets or now - buckets[-1].start >= BUCKET:
            buckets.append(_Bucket(now))
        buckets[-1].calls += 1
        buckets[-1].failures += not ok
        while buckets[0].start <= now - self._limits.window:
            buckets.popleft()
        calls, failures = sum(b.calls for b in buckets), sum(b.failures for b in buckets)
        if calls >= self._limits.calls and failures >= self._limits.share * calls:
            self._become(Circuit.OPEN, now)

    def _become(self, circuit: Circuit, now: float) -> None:
        self.circuit, self._since = circuit, now
        self._epoch += 1
        self._out = self._well = 0
        self._buckets.clear()
