"""How rows and documents lie in MongoDB: a database for each service, a collection for each table.

    {_id: "PARTITION/KEY", p: partition, k: key, v: JSON text, by: {FIELD: text}, g: generation, n: version}

`by` holds the texts of the indexed fields (`fields.py`), `n` is there in documents alone. `g` is the generation of the
table's indexes that the row was written for: a writer that knew older ones leaves a row that is told by it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from stores.fields import field_text
from stores.mongo_sessions import Bson
from stores.port import Encoded, Slot

T = TypeVar("T")

Keys = list[tuple[str, int]]
"""Fields of an index: name, and 1 for upwards."""

_AT_ONCE = 5_000
"""Keys in one command: 5 MB of them, of the 16 that a command may have."""


@dataclass(frozen=True, slots=True)
class Made:
    """A table, or a collection of documents, as it is now."""

    name: str
    kind: Literal["table", "documents"]
    index: tuple[str, ...]
    generation: int


def row_id(partition: int, key: str) -> str:
    """The `_id` of a row."""
    return f"{partition}/{key}"


def of_partition(partition: int) -> Bson:
    """Finds the rows of a partition: "0" comes right after "/"."""
    return {"_id": {"$gte": f"{partition}/", "$lt": f"{partition}0"}}


def row(made: Made, partition: int, key: str, value: Encoded) -> Bson:
    """A row as it lies there."""
    return {"_id": row_id(partition, key), "p": partition, "k": key, **changing(made, value)}


def changing(made: Made, value: Encoded) -> Bson:
    """What of a row changes with its value."""
    return {"v": value.decode(), "by": texts(made, value), "g": made.generation}


def texts(made: Made, value: Encoded) -> dict[str, str]:
    """What a row's indexes hold."""
    return {field: field_text(value, field) for field in made.index}


def field_keys(field: str) -> Keys:
    """The index of a field, in the order of pages."""
    return [(f"by.{field}", 1), ("k", 1), ("p", 1)]


BY_KEY: Keys = [("k", 1), ("p", 1)]
BY_GENERATION: Keys = [("g", 1)]


def slot_id(slot: Slot) -> str:
    """A slot, as one text."""
    return f"{slot.partition}/{slot.agent}"


def portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts that fit into one command each."""
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
