"""A store in memory that keeps a history: what became visible together, in its order."""

from collections.abc import Callable, Mapping, Sequence

from stores.births import random_birth
from stores.memory import MemoryStore
from stores.port import Commit as Batch
from stores.port import Put
from tests.shop.invariants.evidence import Commit

WATCHED = frozenset(
    {
        "inventory.stock",
        "inventory.reservations",
        "payments.ledger",
        "payments.balances",
        "notifications.notifications",
    }
)
"""What is checked at every instant; other tables are checked at rest."""


class RecordingStore(MemoryStore):
    """A MemoryStore of one service whose commits are kept in a history, which services may share."""

    def __init__(
        self,
        service: str,
        history: list[Commit],
        clock: Callable[[], float],
        births: Callable[[], str] = random_birth,
    ) -> None:
        super().__init__(clock, births)
        self._service = service
        self._history = history

    async def commit(self, commit: Batch) -> None:
        await super().commit(commit)
        self._keep({name: dict(rows) for name, rows in commit.rows.items()})

    async def commit_together(self, commits: Sequence[Batch]) -> None:
        await super().commit_together(commits)
        for commit in commits:
            self._keep({name: dict(rows) for name, rows in commit.rows.items()})

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        outcomes = await super().write(documents, puts)
        self._keep({documents: {put.id: put.value for put, done in zip(puts, outcomes, strict=True) if done}})
        return outcomes

    def _keep(self, rows: Mapping[str, Mapping[str, bytes | None]]) -> None:
        watched = {f"{self._service}.{name}": values for name, values in rows.items() if values}
        watched = {name: values for name, values in watched.items() if name in WATCHED}
        if watched:
            self._history.append(Commit(watched))
