"""The text by which an indexed field is compared and sorted.

SQL stores keep it in a column of its own, derived from the value (`tables.py`). An index on an expression over the
value would cost PostgreSQL its heap-only updates: a column that stays as it was does not (M: 1.6 times the updates per
second).
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec

from stores.port import Encoded

LONGEST = 256
"""Characters that count: a longer text would not fit into PostgreSQL's index, and would stop the commit."""

ABSENT = ""
"""Sorts before every text that is there."""

_NULL = msgspec.Raw(b"null")
_decode_text = msgspec.json.Decoder(str).decode


def column(field: str) -> str:
    """The column that holds a field's text: no field and no other column can be called so."""
    return f"by.{field}"


def sort_text(text: str) -> str:
    """A text as it is kept: not empty, so that a row without the field is told from one with an empty text."""
    return f"={text[:LONGEST]}"


def field_text(value: Encoded, field: str) -> str:
    """What a database derives from a value; ABSENT for null, a missing field, and a value with a NUL character."""
    return field_texts(value, (field,))[0]


def field_texts(value: Encoded, fields: tuple[str, ...]) -> list[str]:
    """The same for several fields: the value is read once."""
    if b"\\u0000" in value:
        return [ABSENT] * len(fields)
    try:
        return [_text(bytes(raw)) for raw in _reader(fields)(value)]
    except msgspec.DecodeError:
        return [ABSENT] * len(fields)


def _text(raw: bytes) -> str:
    if raw == b"null":
        return ABSENT
    return sort_text(_decode_text(raw) if raw.startswith(b'"') else raw.decode())


@lru_cache(1024)
def _reader(fields: tuple[str, ...]) -> Callable[[Encoded], tuple[msgspec.Raw, ...]]:
    """Reads these fields' JSON texts out of an object, and passes over all others."""
    names = [f"field{number}" for number in range(len(fields))]
    struct = msgspec.defstruct(
        "Fields", [(name, msgspec.Raw, _NULL) for name in names], rename=dict(zip(names, fields, strict=True))
    )
    decode = msgspec.json.Decoder(struct).decode
    return lambda value: msgspec.structs.astuple(decode(value))
