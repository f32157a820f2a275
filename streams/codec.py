"""JSON for events and table values. Decimals are texts, times RFC 3339, names as the record says."""

from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from streams.errors import DeclarationError, NotDecodable
from streams.record import Record

encode: Callable[[object], bytes] = msgspec.json.Encoder(decimal_format="string").encode
"""A value as JSON text in UTF-8."""

Decode = Callable[[bytes], Any]

ANY_TYPE = ""
"""The entry of `decoders` that takes messages of every type."""


def members(value_type: object) -> tuple[type, ...]:
    """`A | B` -> (A, B); anything else is its own only member."""
    if get_origin(value_type) in (Union, UnionType):
        return get_args(value_type)
    return (value_type,)  # type: ignore[return-value]  # type forms such as list[int] decode just as well


def event_type(value_type: object) -> str | None:
    """The event name of a record type; None for anything else."""
    if isinstance(value_type, type) and issubclass(value_type, Record):
        return value_type.__event__
    return None


def decoders(value_type: object) -> Mapping[str, Decode]:
    """Event type -> decoder. A type that is not a named event stands alone and takes every message (ANY_TYPE); `bytes`
    takes bodies as they are."""
    parts = members(value_type)
    named = {event_type(part): part for part in parts}
    if None not in named and len(named) == len(parts):
        return {str(name): msgspec.json.Decoder(part).decode for name, part in named.items()}
    if parts == (bytes,):
        return {ANY_TYPE: bytes}
    if len(parts) == 1:
        return {ANY_TYPE: msgspec.json.Decoder(parts[0]).decode}
    raise DeclarationError(
        f"a topic of several types needs records that each name their own event; {value_type} does not: "
        'write `class Name(Record, event="some.name")`'
    )


def explain(error: Exception) -> NotDecodable:
    """Why a message could not be decoded, as the engine says it."""
    problem = NotDecodable(f"not decodable: {error}")
    problem.__cause__ = error
    return problem
