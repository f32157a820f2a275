"""How the messages of a sender are laid out: learnt from one of them, then recognised and read in one step.

A sender's messages differ in their values and hardly in anything else. A layout is a regular expression in which a
message's structure (sections, names, constructors, counts) is literal and the values are groups. There is but one way
in which it can match a message, and that is how `reading.read` would take it apart.
"""

import re
from collections.abc import Callable, Collection

from streams.broker import Envelope, Lineage
from streams.rabbitmq.outline import Outline
from streams.rabbitmq.pieces import LINEAGE, NUMBERS, TEXTS, Irregular, dissect, expression

# What the constructor and size of a body come to, less the size: one byte of size, or four.
_BODY_HEADS = (0xA0 << 8, 0xB0 << 32)


class Texts(dict[bytes, str]):
    """Texts that come again and again (types, users, lanes), by their bytes with the size before them."""

    LIMIT = 10_000

    def __missing__(self, key: bytes) -> str:
        text = key[1:].decode()
        if len(self) >= self.LIMIT:
            self.clear()
        self[key] = text
        return text


class Layout:
    """What messages of one structure look like."""

    LENGTHS = 8
    """So many lengths of a text are told apart; when there are more, any will do."""

    def __init__(self, raw: bytes, found: Outline) -> None:
        """Learn from a message that can be read. Raises Irregular where its structure is not a common one."""
        self._pieces = dissect(raw, found)
        self._lengths: list[Collection[int]] = [() if p.length is None else (p.length,) for p in self._pieces]
        roles = {piece.role for piece in self._pieces}
        self._has_lineage = all(role in roles or found.places[role] < 0 for role in LINEAGE)
        self.structure = tuple((p.lead, p.rest, p.role, p.length is None) for p in self._pieces)
        self._compile()

    def widen(self, other: "Layout") -> None:
        """Take in another layout of the same structure, whose texts have other lengths."""
        both = zip(self._lengths, other._lengths, strict=True)
        self._lengths = [self._joined(mine, theirs) for mine, theirs in both]
        self._compile()

    def _joined(self, mine: Collection[int], theirs: Collection[int]) -> Collection[int]:
        joined = dict.fromkeys((*mine, *theirs))
        return joined if len(joined) <= self.LENGTHS else joined | dict.fromkeys(range(256))

    def _compile(self) -> None:
        pattern, groups = expression(self._pieces, self._lengths)
        self.match: Callable[[bytes], re.Match[bytes] | None] = re.compile(pattern, re.DOTALL).match
        content = len(groups) - 1, len(groups)
        places = {role: groups.index(role) + 1 if role in groups else 1 for role in (*TEXTS, *NUMBERS, *LINEAGE)}
        self._fields = (*(places[role] for role in (*TEXTS, *NUMBERS)), *content)
        self._lineage = (*(places[role] for role in LINEAGE), *content)

    def read(self, match: re.Match[bytes], offset: int, skip: Collection[str], texts: Texts) -> Envelope | None:
        """The envelope of a message that matched, None if its type is in `skip`.

        Raises Irregular or UnicodeDecodeError where it has to be read in full.
        """
        kind, identity, user, key, lane, time, seq, floor, log_time, head, body = match.group(*self._fields)
        number = int.from_bytes
        if number(head, "big") - len(body) not in _BODY_HEADS:
            raise Irregular
        type_ = texts[kind]
        if type_ in skip:
            return None
        return Envelope(
            offset,
            type_,
            identity[1:].decode(),
            texts[user],
            body,
            key[1:].decode(),
            number(time, "big") if time else -1,
            texts[lane],
            number(seq, "big") if seq else -1,
            number(floor, "big") if floor else -1,
            match.string,
            number(log_time, "big") if log_time else -1,
        )

    def lineage(self, match: re.Match[bytes]) -> Lineage:
        """What a message that matched belongs to. Raises as `read`."""
        if not self._has_lineage:
            raise Irregular
        correlation_id, traceparent, head, body = match.group(*self._lineage)
        if int.from_bytes(head, "big") - len(body) not in _BODY_HEADS:
            raise Irregular
        return Lineage(correlation_id[1:].decode(), traceparent[1:].decode())
