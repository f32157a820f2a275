"""Chunks of a log: messages that were stored together, with their offsets and the time when the log took them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from streams.broker import Chunk
from streams.embedded.message import Stored

MAX_MESSAGES = 2_048
MAX_BYTES = 1_048_576
"""A chunk ends at one of these, but holds at least one message."""


class ChunkHead(NamedTuple):
    """What is known of a chunk without its messages."""

    first: int
    last: int
    time: int
    size: int
    """Bytes of its messages."""


class StoredChunk(NamedTuple):
    """A chunk as it is kept: `data` is a MessagePack array of messages."""

    first: int
    last: int
    time: int
    data: bytes

    @property
    def head(self) -> ChunkHead:
        return ChunkHead(self.first, self.last, self.time, len(self.data))


_decode = msgspec.msgpack.Decoder(list[Stored]).decode


def pack_chunks(messages: Sequence[bytes], first: int, time: int) -> list[StoredChunk]:
    """Consecutive chunks of packed messages, from offset `first` on."""
    chunks: list[StoredChunk] = []
    start = 0
    while start < len(messages):
        end = _end_of_chunk(messages, start)
        data = _array_header(end - start) + b"".join(messages[start:end])
        chunks.append(StoredChunk(first + start, first + end - 1, time, data))
        start = end
    return chunks


def unpack_chunk(chunk: StoredChunk) -> Chunk:
    """The chunk with its envelopes as `raws`."""
    envelopes = _decode(chunk.data)
    for offset, envelope in enumerate(envelopes, chunk.first):
        envelope.offset = offset
    return Chunk(chunk.first, chunk.time, envelopes)


def _end_of_chunk(messages: Sequence[bytes], start: int) -> int:
    size = 0
    most = min(start + MAX_MESSAGES, len(messages))
    for end in range(start, most):
        size += len(messages[end])
        if size > MAX_BYTES and end > start:
            return end
    return most


def _array_header(count: int) -> bytes:
    """MessagePack's array 16 (MAX_MESSAGES is below 65,536)."""
    return b"\xdc" + count.to_bytes(2, "big")
