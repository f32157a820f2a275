"""The text by which an indexed field is compared and sorted.

SQL stores keep it in a column of its own, which the database derives from the value (`tables.py`). An index on an
expression over the value would cost PostgreSQL its heap-only updates: a column that stays as it was does not (M: 1.6
times the updates per second).
"""

import msgspec

from stores.port import Encoded

LONGEST = 256
"""Characters that count: a longer text would not fit into PostgreSQL's index, and would stop the commit."""

ABSENT = ""
"""Sorts before every text that is there."""

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


def column(field: str) -> str:
    """The column that holds a field's text: no field and no other column can be called so."""
    return f"by.{field}"


def sort_text(text: str) -> str:
    """A text as it is kept: not empty, so that a row without the field is told from one with an empty text."""
    return f"={text[:LONGEST]}"


def field_text(value: Encoded, field: str) -> str:
    """What a database derives from a value; ABSENT for null, a missing field, and a value with a NUL character."""
    if b"\\u0000" in value:
        return ABSENT
    try:
        raw = bytes(_decode(value).get(field, b"null"))
    except msgspec.ValidationError:
        return ABSENT
    if raw == b"null":
        return ABSENT
    return sort_text(_decode_text(raw) if raw.startswith(b'"') else raw.decode())
