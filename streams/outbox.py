"""The outbox: the sends of one batch, stored with its commit and published after it."""

from collections.abc import Mapping

import msgspec

from streams.broker import Message, Scalar
from streams.errors import SendRefused

INDEX_BITS = 16
"""A send's number is its event's offset and its index among that event's sends: no counter that can be set back."""

OVERHEAD = 400
"""Bytes a message takes beside its body, roughly: properties and headers."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


class Outbox:
    """Collects sends, numbers them on their lane, and says when it is full."""

    def __init__(self, lane: str, max_bytes: int) -> None:
        self._lane = lane
        self._max_bytes = max_bytes
        self._sends: list[tuple[int, Message]] = []
        self._offset = -1
        self._index = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sends)

    @property
    def full(self) -> bool:
        """Whether the batch must end."""
        return self.bytes >= self._max_bytes

    def next_index(self, offset: int) -> int:
        """The index that the next send of the event at that offset gets."""
        return self._index if offset == self._offset else 0

    def add(self, offset: int, message: Message) -> None:
        """Record a send of the event at that offset. Raises SendRefused for the 65,537th of one event."""
        index = self.next_index(offset)
        if index >> INDEX_BITS:
            raise SendRefused(f"one event may set off {1 << INDEX_BITS:,} sends: split the work over several events")
        self._offset, self._index = offset, index + 1
        self._sends.append((offset << INDEX_BITS | index, message))
        self.bytes += len(message.body) + OVERHEAD

    def messages(self) -> list[Message]:
        """The sends in the order of their numbers, with lane, seq and floor in their headers."""
        self._sends.sort(key=_number)
        floor = self._sends[0][0] if self._sends else 0
        for seq, message in self._sends:
            message.headers = _numbered(message.headers, self._lane, seq, floor)
        return [message for _, message in self._sends]


def _number(send: tuple[int, Message]) -> int:
    return send[0]


def _numbered(headers: Mapping[str, Scalar], lane: str, seq: int, floor: int) -> dict[str, Scalar]:
    return {**headers, "lane": lane, "seq": seq, "floor": floor}


def pack(messages: list[Message]) -> bytes:
    """Messages as the checkpoint keeps them."""
    return _encode(messages) if messages else b""


def unpack(packed: bytes) -> list[Message]:
    """The messages of a checkpoint."""
    return _decode(packed) if packed else []
