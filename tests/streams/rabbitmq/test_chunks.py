"""Chunks of a stream, with batches of every kind in them."""

import gzip
import struct

import pytest

from streams.broker import Envelope
from streams.rabbitmq.chunks import messages
from streams.rabbitmq.reading import read


def entry(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def batch(content: bytes, count: int, *, compression: int = 0, size: int | None = None) -> bytes:
    head = struct.pack(">BHII", 0x80 | compression << 4, count, len(content) if size is None else size, len(content))
    return head + content


TOLD = (
    b"of a batch that could not be unpacked: plain and gzip can be; what there is stands in its first message's place"
)
INSIDE = entry(b"one") + entry(b"") + entry(b"three")


def test_messages_come_in_order() -> None:
    assert messages(entry(b"a") + entry(b"") + entry(b"ccc"), 3) == [b"a", b"", b"ccc"]


def test_a_batch_stands_for_all_its_messages() -> None:
    assert messages(entry(b"a") + batch(INSIDE, 3) + entry(b"z"), 3) == [b"a", b"one", b"", b"three", b"z"]


def test_a_batch_may_be_compressed_with_gzip() -> None:
    packed = batch(gzip.compress(INSIDE), 3, compression=1, size=len(INSIDE))
    assert messages(packed + entry(b"z"), 2) == [b"one", b"", b"three", b"z"]


@pytest.mark.parametrize("compression", [2, 3, 4, 7])
def test_a_batch_of_an_unknown_compression_stands_in_the_place_of_its_first_message(compression: int) -> None:
    found = messages(entry(b"a") + batch(b"\xffpacked", 3, compression=compression) + entry(b"z"), 3)
    assert found == [b"a", b"\xffpacked", TOLD, TOLD, b"z"]


def test_a_batch_that_cannot_be_unpacked_takes_no_more_room_than_it_has() -> None:
    packed = b"\xff" * 100_000
    found = messages(batch(packed, 1_000, compression=2), 1)
    assert len(found) == 1_000
    assert sum(map(len, found)) < 3 * len(packed)


def test_a_batch_of_no_messages_that_cannot_be_unpacked_is_none() -> None:
    assert messages(batch(b"\xff", 0, compression=2) + entry(b"z"), 2) == [b"z"]


def test_what_is_told_of_a_batch_is_no_message_itself() -> None:
    assert read(TOLD, 5, ()) == Envelope(5, "", "", "", TOLD, raw=TOLD)


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip at all",
        gzip.compress(INSIDE)[:-12],
        gzip.compress(INSIDE + b"more"),
        gzip.compress(b"\0" * 10_000_000),
    ],
    ids=["no gzip", "cut", "longer", "much longer"],
)
def test_a_batch_that_is_not_what_it_says_is_passed_on_packed(content: bytes) -> None:
    found = messages(batch(content, 2, compression=1, size=len(INSIDE)) + entry(b"z"), 2)
    assert found == [content, TOLD, b"z"]


def test_a_batch_that_says_that_it_is_huge_is_passed_on_packed() -> None:
    inside = entry(b"\0" * (65 << 20))
    packed = gzip.compress(inside)
    assert messages(batch(packed, 1, compression=1, size=len(inside)), 1) == [packed]


def test_a_chunk_that_is_cut_is_an_error() -> None:
    with pytest.raises((struct.error, IndexError)):
        messages(entry(b"a"), 2)
