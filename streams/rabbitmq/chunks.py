"""Taking the chunks of a stream apart (RabbitMQ's stream protocol, frame Deliver)."""

import zlib
from struct import Struct

_SIZE = Struct(">I")
_BATCH = Struct(">BHII")

# Bits of the first byte of an entry: whether it is a batch of messages, and how the batch is compressed.
_IS_BATCH = 0x80
_PLAIN, _GZIP = 0, 1

# A batch that says that it is larger is not unpacked.
_MOST = 64 << 20

_REST = (
    b"of a batch that could not be unpacked: plain and gzip can be; what there is stands in its first message's place"
)

# With 16 added to the window's size zlib expects a gzip header.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def messages(data: bytes, entries: int) -> list[bytes]:
    """The messages in a chunk's data. Raises struct.error or IndexError where the data is cut."""
    found: list[bytes] = []
    unpack, place = _SIZE.unpack_from, 0
    for _ in range(entries):
        if data[place] & _IS_BATCH:
            _, _, _, size = _BATCH.unpack_from(data, place)
            stop = place + _BATCH.size + size
            found += _batch(data, place, stop)
        else:
            stop = place + 4 + unpack(data, place)[0]
            found.append(data[place + 4 : stop])
        place = stop
    return found


def _batch(data: bytes, place: int, stop: int) -> list[bytes]:
    """The messages of a batch, always as many as it says, so that offsets stay right.

    The broker has not looked into it. Where it cannot be taken apart, it stands in the place of its first message, and
    a word about it in those of the others: else a megabyte of a thousand messages would become a gigabyte.
    """
    kind, count, size, _ = _BATCH.unpack_from(data, place)
    content = data[place + _BATCH.size : stop]
    try:
        return _split(_unpacked(content, kind >> 4 & 7, size), count)
    except (zlib.error, ValueError):
        return [content, *[_REST] * (count - 1)][:count]


def _unpacked(content: bytes, compression: int, size: int) -> bytes:
    if compression == _PLAIN:
        return content
    if compression != _GZIP:
        raise ValueError("a compression that this build cannot undo")
    if size > _MOST:
        raise ValueError("a batch that is too large")
    # Never more than the batch says it is: a small batch must not fill the memory.
    return zlib.decompressobj(_GZIP_WINDOW).decompress(content, size + 1)


def _split(content: bytes, count: int) -> list[bytes]:
    found: list[bytes] = []
    place = 0
    for _ in range(count):
        start = place + 4
        place = start + int.from_bytes(content[place:start], "big")
        found.append(content[start:place])
    if place != len(content):
        raise ValueError("a batch with another length than its messages have")
    return found
