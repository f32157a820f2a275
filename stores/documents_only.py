"""What a store without transactions over several tables leaves out: all that log agents need."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from stores.errors import StoreRefused
from stores.port import Checkpoint, Commit, DueTime, Encoded, Epoch, IdRow, Reset, Roster, Slot, Standing, TableSpec


class DocumentsOnly:
    """Refuses what its `Capabilities` say it cannot do (`commits=False`).

    Heartbeats are accepted and mean nothing, since nobody can hold a slot here.
    """

    async def heartbeat(self, worker: str, ttl: float) -> None:
        """There is no slot to keep."""

    async def roster(self) -> Roster:
        """Nobody is at work on slots here."""
        return Roster(frozenset(), {})

    async def acquire(self, slot: Slot, worker: str, ttl: float, *, seize: bool = False) -> Checkpoint | None:
        _refuse(f"the log agent {slot}")

    async def release(self, slot: Slot, epoch: Epoch) -> None:
        """There is no slot to give up."""

    async def commit(self, commit: Commit) -> None:
        _refuse(f"the log agent {commit.slot}")

    async def commit_together(self, commits: Sequence[Commit]) -> None:
        _refuse(f"the log agents {', '.join(str(commit.slot) for commit in commits)}")

    async def ids(self, slot: Slot) -> list[IdRow]:
        _refuse(f"the log agent {slot}")

    async def due(self, slot: Slot, until: int, limit: int) -> list[DueTime]:
        _refuse(f"the log agent {slot}")

    async def causes(self, slot: Slot, keys: Sequence[str]) -> dict[str, str]:
        _refuse(f"the log agent {slot}")

    async def dead(self, slot: Slot, offsets: Sequence[int] | None) -> set[int]:
        _refuse(f"the log agent {slot}")

    async def standings(self) -> list[Standing]:
        """No slot was ever taken here."""
        return []

    async def reset(self, reset: Reset) -> None:
        _refuse(f"the log agent {reset.slot}")

    async def swap(self, slot: Slot, epoch: Epoch, shadow: Slot, tables: Mapping[str, str]) -> None:
        _refuse(f"the log agent {slot}")

    async def fetch(self, table: str, partition: int, keys: Sequence[str]) -> dict[str, Encoded]:
        _refuse(f"the table {table!r}")

    async def scan(self, table: str, partition: int) -> dict[str, Encoded]:
        _refuse(f"the table {table!r}")


def refuse_tables(specs: Sequence[TableSpec]) -> None:
    """Raises StoreRefused where a spec is none of documents."""
    tables = [repr(spec.name) for spec in specs if spec.kind != "documents"]
    if tables:
        _refuse(f"the table{'s' if len(tables) > 1 else ''} {', '.join(tables)}")


def _refuse(what: str) -> NoReturn:
    raise StoreRefused(f"this store keeps documents alone, and {what} needs commits: name a store that has them")
