"""Documents: keyed state with compare-and-set, for queue agents and the HTTP edge."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from stores.port import Document, Encoded, Put, TableSpec
from streams.codec import encode
from streams.errors import Conflict, OutsideAgent, WrongValue
from streams.keys import Key, row_key

V = TypeVar("V")


class DocumentStore(Protocol):
    """The part of a store that documents need; a `Batcher` or a store."""

    async def read(self, documents: str, ids: Sequence[str]) -> dict[str, Document]: ...

    async def write(self, documents: str, puts: Sequence[Put]) -> list[bool]: ...


class Documents(Generic[V]):
    """A collection of documents. Each has a version, which a put must name.

    Read, decide, put; on Conflict somebody else was faster: read again. That is safe among any number of handlers.
    """

    def __init__(self, name: str, value_type: type[V], *, index: tuple[str, ...] = ()) -> None:
        self.name = name
        self.value_type = value_type
        self.index = index
        self._decode = msgspec.json.Decoder(value_type).decode
        self._store: DocumentStore | None = None

    @property
    def spec(self) -> TableSpec:
        """The collection as a store makes it."""
        return TableSpec(self.name, "documents", self.index)

    def bind(self, store: DocumentStore) -> None:
        """Say where the documents are; the worker, or the edge, does."""
        self._store = store

    def _bound(self) -> DocumentStore:
        if self._store is None:
            raise OutsideAgent(f"documents {self.name!r} have no store yet: start a Worker with their app")
        return self._store

    async def get(self, id: Key) -> tuple[V | None, int]:
        """(value, version); (None, 0) where there is none. Raises ValueError for an id that no store can hold."""
        text = row_key(id)
        found = (await self._bound().read(self.name, [text])).get(text)
        return (None, 0) if found is None else (self._decode(found.value), found.version)

    async def put(self, id: Key, value: V, version: int) -> int:
        """Write if the version is still that; returns the new version.

        Raises Conflict, ValueError as `get`, and WrongValue for a value that could not be read again.
        """
        text = row_key(id)
        (written,) = await self._bound().write(self.name, [Put(text, self._checked(text, value), version)])
        if not written:
            raise Conflict(f"document {text!r} of {self.name!r} is no longer at version {version}: read it again")
        return version + 1

    def _checked(self, text: str, value: V) -> Encoded:
        raw = encode(value)
        try:
            self._decode(raw)
        except msgspec.MsgspecError as error:
            raise WrongValue(
                f"document {text!r} of {self.name!r} could not be read again: {error}. Give it a value of its type"
            ) from error
        return raw
