"""How the documents of a service lie in Redis.

    warren:{SERVICE}              hash    collection -> its shape, as JSON
    warren:{SERVICE}:NAME         hash    id -> "VERSION VALUE"
    warren:{SERVICE}:NAME:keys    sorted  ids
    warren:{SERVICE}:NAME:by.F    sorted  TEXT, NUL, id: one for each indexed field (`fields.py` says what its text is)

Every score is 0, so the sorted ones stand in the order of their bytes, and UTF-8 sorts as code points do. The braces
keep the keys of a service together where keys are spread over servers.
"""

import msgspec

from stores.fields import column, field_text
from stores.port import Document, Encoded, TableSpec

SEPARATOR = "\0"
"""Sorts before every character that a text or an id can have."""


class Shape(msgspec.Struct, frozen=True):
    """A collection as it is now."""

    index: tuple[str, ...] = ()
    """Fields whose every document is indexed."""
    building: tuple[str, ...] = ()
    """Fields that writers keep already, and older documents may lack."""

    @property
    def fields(self) -> tuple[str, ...]:
        """What a writer keeps."""
        return (*self.index, *self.building)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Shape).decode


def encoded(shape: Shape) -> bytes:
    """The same bytes for the same shape: scripts compare them."""
    return _encode(shape)


def decoded(shape: bytes) -> Shape:
    return _decode(shape)


class Layout:
    """The keys of one service."""

    def __init__(self, service: str) -> None:
        self.shapes = f"warren:{{{service}}}"
        self.lock = f"{self.shapes}/apply"

    def documents(self, name: str) -> str:
        """The documents of a collection."""
        return f"{self.shapes}:{name}"

    def keys(self, name: str) -> str:
        """Their ids, sorted."""
        return f"{self.documents(name)}:keys"

    def by(self, name: str, field: str) -> str:
        """A field's index."""
        return f"{self.documents(name)}:{column(field)}"


def record(document: Document) -> str:
    """A document as it lies there."""
    return f"{document.version} {document.value.decode()}"


def document(record: bytes) -> Document:
    """What `record` made."""
    version, _, value = record.partition(b" ")
    return Document(value, int(version))


def entry(text: str, id: str) -> str:
    """A document's entry in a field's index."""
    return f"{text}{SEPARATOR}{id}"


def entries(value: Encoded, id: str, fields: tuple[str, ...]) -> list[str]:
    """A document's entries in those fields' indexes."""
    return [entry(field_text(value, field), id) for field in fields]


def new_shape(spec: TableSpec, made: Shape) -> Shape:
    """What a collection is to be while the fields that are new to it are being indexed."""
    ready = tuple(field for field in spec.index if field in made.index)
    return Shape(ready, tuple(field for field in spec.index if field not in made.index))
