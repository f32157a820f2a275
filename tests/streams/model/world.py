"""A state of everything: a store, two workers, two readers, and what is between them."""

from typing import NamedTuple

Rows = tuple[int, int]
Line = tuple["Send", ...]


class Send(NamedTuple):
    """A message of the agent: its number and the floor of its outbox."""

    seq: int
    floor: int


class Commit(NamedTuple):
    """A request to the store: as the engine's, it holds the rows that have changed, and new ids."""

    epoch: int
    position: int
    rows: tuple[tuple[int, int], ...]
    ids: frozenset[int]
    outbox: Line


class Stored(NamedTuple):
    """The slot's row and its table."""

    epoch: int = 0
    position: int = -1
    rows: Rows = (0, 0)
    ids: frozenset[int] = frozenset()
    outbox: Line = ()


class Worker(NamedTuple):
    """A worker; what it has in memory, and its connection to the broker."""

    phase: str = "down"
    """down, peeked (state was read before the epoch), taking, running, committing"""
    epoch: int = 0
    position: int = -1
    rows: Rows = (0, 0)
    ids: frozenset[int] = frozenset()
    stored: bool = False
    """Whether the store has an outbox."""
    unconfirmed: Line = ()
    line: Line = ()
    """Of these, what the broker has not had yet."""
    refused: Line = ()
    """Of these, what it has refused."""
    request: Commit | None = None


class Reader(NamedTuple):
    """What a reader of the agent's sends remembers of the lane, and what it has counted."""

    floor: int = 0
    seen: frozenset[int] = frozenset()
    counted: tuple[int, ...] = ()


class Budget(NamedTuple):
    """How much may still happen."""

    takeovers: int
    mishaps: int
    """Crashes, broken connections, commits of unknown outcome, nacks: any of them, in any order."""


class World(NamedTuple):
    """A state of everything."""

    budget: Budget
    store: Stored = Stored()
    workers: tuple[Worker, Worker] = (Worker(), Worker())
    requests: tuple[Commit, ...] = ()
    """Commits under way whose senders no longer wait for them."""
    lines: tuple[Line, ...] = ()
    """Messages in broken connections, which the broker may still read."""
    readers: tuple[Reader, Reader] = (Reader(), Reader())
    """One hears everything, one only odd numbers."""
    nacked: bool = False


def replaced(world: World, index: int, worker: Worker) -> World:
    """The world with that worker changed. Which of the two is which makes no difference: it is one state."""
    one, other = worker, world.workers[1 - index]
    return world._replace(workers=(one, other) if _order(one) <= _order(other) else (other, one))


def _order(worker: Worker) -> tuple[int, str, Rows]:
    return worker.epoch, worker.phase, worker.rows
