"""The weather between processes and servers: what becomes of each call, by chance and by the seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from streams.broker import Message
from streams.embedded import Break, Fate


class Passing(Enum):
    """What becomes of one call over the network."""

    WELL = "well"
    """It arrives, and so does its answer."""
    TURNED_AWAY = "turned away"
    """It does not arrive, and the caller knows."""
    LOST = "lost"
    """It does not arrive, and the caller does not know."""
    UNANSWERED = "unanswered"
    """It arrives; the answer does not."""
    LATE = "late"
    """The caller is told that the connection broke; after that it arrives all the same."""
    REFUSED = "refused"
    """Of what is published: from some message on the broker says no, as a log does that is full or unavailable."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One call's way: seconds there and back, and what becomes of it."""

    passing: Passing
    there: float
    back: float
    lateness: float = 0.0
    """Seconds between the answer and the arrival of what is LATE."""


CALM = Trip(Passing.WELL, 0.0, 0.0)
FAULTS = (Passing.TURNED_AWAY, Passing.LOST, Passing.UNANSWERED, Passing.LATE)
SEVERITIES = (0.0, 0.01, 0.03, 0.1, 0.25)
"""How often a call fails: drawn for each simulation, so that some faults meet a system that is otherwise well."""
SLOWNESS = (0.0, 0.02, 0.1)


class Weather:
    """Draws a fate for every call. Also the faults of the embedded broker (`streams.embedded.Faults`)."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.calm = False
        """Whether nothing goes wrong any more."""
        self.store_down = False
        self.faults = 0
        """How often something went wrong."""
        self._calls = random.choice(SEVERITIES)
        self._publishing = random.choice(SEVERITIES)
        self._reading = random.choice(SEVERITIES) / 4
        self._slow = random.choice(SLOWNESS)

    def store(self) -> Trip:
        """A call of a store."""
        if self.calm:
            return CALM
        if self.store_down:
            self.faults += 1
            return Trip(Passing.TURNED_AWAY, 0.001, 0.001)
        return self._trip(self._calls)

    def publish(self) -> Trip:
        """A call of a broker's `publish`."""
        return CALM if self.calm else self._trip(self._publishing, (*FAULTS, Passing.REFUSED))

    def other(self) -> Trip:
        """Any other call of a broker."""
        return CALM if self.calm else self._trip(self._reading)

    def attach(self) -> Trip:
        """A subscription: it is made, or it is not."""
        trip = self.other()
        return trip if trip.passing is Passing.WELL else replace(trip, passing=Passing.TURNED_AWAY)

    def _trip(self, severity: float, faults: Sequence[Passing] = FAULTS) -> Trip:
        random = self._random
        passing, lateness = Passing.WELL, 0.0
        if random.random() < severity:
            self.faults += 1
            passing = random.choice(faults)
            lateness = random.choice((0.005, 0.2, 2.0, 12.0))
        return Trip(passing, self._delay(), self._delay(), lateness)

    def _delay(self) -> float:
        if self._random.random() < self._slow:
            return self._random.choice((0.05, 0.5, 4.0))
        return 0.0005 + 0.002 * self._random.random()

    def up_to(self, count: int) -> int:
        """How many of so many messages got through before a connection broke."""
        return self._random.randint(0, count)

    def coin(self) -> bool:
        """One of two."""
        return self._random.random() < 0.5

    # --- streams.embedded.Faults ---

    def publishing(self, user: str, message: Message) -> Fate:
        """Nothing: `publish` decides for the whole call."""
        return Fate.KEPT

    def delivering(self, target: str) -> Break | None:
        """Connections of readers that break, consumers that are cancelled."""
        if self.calm or self._random.random() >= self._reading:
            return None
        self.faults += 1
        return self._random.choice((Break.CUT, Break.CANCELLED))
