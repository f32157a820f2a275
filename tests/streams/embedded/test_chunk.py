from hypothesis import given
from hypothesis import strategies as st

from streams.broker import Message
from streams.embedded.chunk import MAX_BYTES, MAX_MESSAGES, pack_chunks, unpack_chunk
from streams.embedded.message import pack


def packed(body: bytes) -> bytes:
    return pack(Message(exchange="e", routing_key="k", body=body, message_id="m", type="t"), "u")


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40), st.integers(0, 2**50), st.integers(0, 2**42))
def test_messages_come_back_with_consecutive_offsets(contents: list[bytes], first: int, time: int) -> None:
    chunks = pack_chunks([packed(body) for body in contents], first, time)
    read = [envelope for chunk in chunks for envelope in unpack_chunk(chunk).raws]
    assert [envelope.body for envelope in read] == contents
    assert [envelope.offset for envelope in read] == list(range(first, first + len(contents)))
    assert {chunk.time for chunk in chunks} == {time}


def test_a_chunk_ends_at_so_many_messages() -> None:
    chunks = pack_chunks([packed(b"")] * (2 * MAX_MESSAGES + 1), 10, 0)
    assert [(chunk.first, chunk.last) for chunk in chunks] == [
        (10, 9 + MAX_MESSAGES),
        (10 + MAX_MESSAGES, 9 + 2 * MAX_MESSAGES),
        (10 + 2 * MAX_MESSAGES, 10 + 2 * MAX_MESSAGES),
    ]


def test_a_chunk_ends_at_so_many_bytes_but_holds_a_message_at_least() -> None:
    large, small = packed(b"x" * (MAX_BYTES + 1)), packed(b"")
    chunks = pack_chunks([small, large, large, small, small], 0, 0)
    assert [(chunk.first, chunk.last) for chunk in chunks] == [(0, 0), (1, 1), (2, 2), (3, 4)]
    assert [len(unpack_chunk(chunk).raws) for chunk in chunks] == [1, 1, 1, 2]
