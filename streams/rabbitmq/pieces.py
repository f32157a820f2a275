"""A message of a stream in pieces: what is fixed by its structure, and what may vary."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from streams.rabbitmq.amqp10 import LISTS, MAPS, after, enter
from streams.rabbitmq.outline import (
    APPLICATION_PROPERTIES,
    BODIES,
    DATA,
    MESSAGE_ANNOTATIONS,
    PROPERTIES,
    Outline,
    Role,
)

SELDOM = (Role.SCHEDULE, Role.ONLY)
"""What no layout has, so that layouts need not look for it."""
TEXTS = (Role.TYPE, Role.ID, Role.USER, Role.KEY, Role.LANE)
LINEAGE = (Role.CORRELATION, Role.TRACE)
"""What is read when somebody asks: in full, where it is no short text."""
NUMBERS = (Role.TIME, Role.SEQ, Role.FLOOR, Role.LOG_TIME)

_SHORT_TEXTS = (0xA0, 0xA1, 0xA3)
_WHOLE_NUMBERS = (0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x60, 0x61, 0x70, 0x71, 0x80, 0x81, 0x83)

# How many bytes of size follow a constructor, by its upper half.
_SIZE_BYTES = {0xA: 1, 0xB: 4, 0xC: 1, 0xD: 4, 0xE: 1, 0xF: 4}

# Groups: the constructor with the size, and the content.
_BODY = rb"(\xa0.|\xb0.{4})(.*)\Z"


class Irregular(Exception):
    """This message is to be read in full."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Fixed bytes, and then something that may vary: a short text, or what a regular expression says."""

    lead: bytes
    rest: bytes = b""
    role: Role | None = None
    length: int | None = None
    """Of a short text: how long it is in this message. Its size byte belongs to what varies."""


def dissect(raw: bytes, found: Outline) -> list[Piece]:
    """The pieces of a message that can be read, in order. Raises Irregular where its structure is not a common one.

    A common one ends in one data section, has no section twice, and the fields that the engine reads in their usual
    types.
    """
    kinds = [kind for kind, _ in found.sections]
    if [kind for kind in kinds if kind in BODIES] != [DATA] or kinds[-1] != DATA or len(set(kinds)) < len(kinds):
        raise Irregular
    if any(found.places[role] >= 0 for role in SELDOM):
        raise Irregular
    dissection = _Dissection(raw, found)
    for kind, place in found.sections:
        dissection.section(kind, place)
    return dissection.pieces


class _Dissection:
    def __init__(self, raw: bytes, found: Outline) -> None:
        self.pieces: list[Piece] = []
        self._raw = raw
        self._place = 0
        self._literal = b""
        self._roles = _roles(found)

    def section(self, kind: int, place: int) -> None:
        descriptor = self._raw[self._place : place]
        self._place = place
        if kind == DATA:
            self._add(Piece(descriptor, _BODY))
        elif kind in (MESSAGE_ANNOTATIONS, APPLICATION_PROPERTIES):
            for _ in range(self._enter(descriptor, MAPS) // 2):
                start, self._place = self._place, after(self._raw, self._place)
                self._value(self._raw[start : self._place])
        elif kind == PROPERTIES:
            for _ in range(self._enter(descriptor, LISTS)):
                self._value(b"")
        else:
            self._value(descriptor)

    def _enter(self, descriptor: bytes, codes: tuple[int, int]) -> int:
        """A list or map: its count is fixed; how its size is written is not."""
        code = self._raw[self._place]
        count, self._place = enter(self._raw, self._place, codes)
        if code not in codes:
            self._fixed(descriptor + bytes([code]), 0)
            return count
        short = re.escape(bytes([codes[0]])) + b"." + re.escape(bytes([count])) if count < 256 else b"(?!)"
        long = re.escape(bytes([codes[1]])) + b".{4}" + re.escape(count.to_bytes(4, "big"))
        self._add(Piece(descriptor, b"(?>" + short + b"|" + long + b")"))
        return count

    def _value(self, name: bytes) -> None:
        start, self._place = self._place, after(self._raw, self._place)
        code, size = self._raw[start], self._place - start
        role = self._roles.get(start)
        if role in LINEAGE and code not in _SHORT_TEXTS:
            role = None
        if (
            (role in NUMBERS and code not in _WHOLE_NUMBERS)
            or (role in TEXTS and code not in _SHORT_TEXTS)
            or code == 0
        ):
            raise Irregular
        lead = name + self._raw[start : start + 1]
        if code in _SHORT_TEXTS:
            self._add(Piece(lead, role=role, length=size - 2))
        elif role is not None:
            # Only positive numbers, so that one decoding fits the signed and the unsigned.
            self._add(Piece(lead, rb"[\x00-\x7f].{%d}" % (size - 2), role))
        else:
            head = 1 + _SIZE_BYTES.get(code >> 4, 0)
            self._fixed(name + self._raw[start : start + head], size - head)

    def _add(self, piece: Piece) -> None:
        """Bytes that nothing follows are put before the next piece."""
        self.pieces.append(replace(piece, lead=self._literal + piece.lead))
        self._literal = b""

    def _fixed(self, lead: bytes, width: int) -> None:
        if width:
            self._add(Piece(lead, b".{%d}" % width))
        else:
            self._literal += lead


def _roles(found: Outline) -> dict[int, Role]:
    """The fields that are read, by their places."""
    read = {role: found.places[role] for role in (Role.ID, Role.KEY, Role.LANE, *LINEAGE, *NUMBERS)}
    read |= {Role.TYPE: found.type, Role.USER: found.user}
    return {place: role for role, place in read.items() if place >= 0}


def expression(pieces: list[Piece], lengths: list[Collection[int]]) -> tuple[bytes, list[Role | None]]:
    """A regular expression for messages of these pieces, and the roles of its groups.

    `lengths` are those that each piece, if it is a short text, may have, the usual ones first. The first group is
    always empty, the last two are the body's head and the body.
    """
    parts: list[bytes] = [b"()"]
    groups: list[Role | None] = [None]
    for piece, taken in zip(pieces, lengths, strict=True):
        rest = piece.rest if piece.length is None else _short_text(taken)
        if piece.role is not None:
            rest = b"(" + rest + b")"
            groups.append(piece.role)
        parts += [re.escape(piece.lead), rest]
    return b"".join(parts), [*groups, None, None]


def _short_text(lengths: Collection[int]) -> bytes:
    """A text of one of these lengths, with its size: there is but one way to match it."""
    texts = [re.escape(bytes([length])) + b".{%d}" % length for length in lengths]
    return b"(?>" + b"|".join(texts) + b")"
