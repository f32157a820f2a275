"""What the shop's agents have once in a process, had once in each simulated process."""

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any

from agents.notifications.carriers.port import Receipt
from agents.notifications.post import post
from stores.port import Document, Put
from streams import App
from streams.documents import Documents, DocumentStore

_receipts: ContextVar[dict[str, Receipt]] = ContextVar("receipts")


class OfProcess(Documents[Any]):
    """Documents that every process reads and writes by its own connection."""

    def __init__(self, documents: Documents[Any]) -> None:
        super().__init__(documents.name, documents.value_type, index=documents.index)
        self._connection: ContextVar[DocumentStore] = ContextVar(documents.name)
        documents.bind(self)

    def bind(self, store: DocumentStore) -> None:
        """By a worker that starts, in its process, which remembers nothing yet."""
        self._connection.set(store)
        _receipts.set({})

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]:
        """By this process's connection."""
        return await self._connection.get().read(documents, ids)

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]:
        """By this process's connection."""
        return await self._connection.get().write(documents, puts)


class _Receipts(MutableMapping[str, Receipt]):
    """Those that this process remembers."""

    def __getitem__(self, id: str) -> Receipt:
        return _receipts.get()[id]

    def __setitem__(self, id: str, receipt: Receipt) -> None:
        _receipts.get()[id] = receipt

    def __delitem__(self, id: str) -> None:
        del _receipts.get()[id]

    def __iter__(self) -> Iterator[str]:
        return iter(_receipts.get())

    def __len__(self) -> int:
        return len(_receipts.get())


def of_process(app: App) -> App:
    """The app for workers of several processes. Its tables need nothing: they are their tenure's."""
    own = copy(app)
    own.collections = {name: OfProcess(documents) for name, documents in app.collections.items()}
    return own


@contextmanager
def separate_memories() -> Iterator[None]:
    """As long as the context lasts, no process knows of letters that another one has sent."""
    kept = vars(post)["_receipts"]
    vars(post)["_receipts"] = _Receipts()
    try:
        yield
    finally:
        vars(post)["_receipts"] = kept
