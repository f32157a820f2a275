"""Frames of AMQP 0-9-1, read back by another library."""

from collections.abc import Iterator

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import FrameTypes
from pamqp.header import ContentHeader

from streams.broker import Message, Scalar
from streams.rabbitmq.frames import Publishing, Unsendable, ack, reject


def parsed(frames: bytes) -> Iterator[tuple[int, FrameTypes]]:
    while frames:
        used, channel, frame = pamqp.frame.unmarshal(frames)
        yield channel, frame
        frames = frames[used:]


def written(message: Message, frame_max: int = 131_072) -> list[FrameTypes]:
    frames: list[bytes] = []
    Publishing(5, frame_max, "orders").add(message, frames)
    found = list(parsed(b"".join(frames)))
    assert {channel for channel, _ in found} == {5}
    return [frame for _, frame in found]


short = st.text(max_size=60)
names = short.filter(lambda name: name not in {"CC", "BCC"} and not name.startswith("x-amqp-1.0-"))
scalars: st.SearchStrategy[Scalar] = st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1), st.booleans())
messages = st.builds(
    Message,
    exchange=short,
    routing_key=short,
    body=st.binary(max_size=100),
    message_id=short,
    type=short,
    headers=st.dictionaries(names, scalars, max_size=5),
    correlation_id=st.none() | short,
    timestamp=st.none() | st.integers(0, 2**32 - 1),
    app_id=st.none() | short,
)


@given(messages)
def test_a_message_is_written_with_all_its_properties(message: Message) -> None:
    method, header, *body = written(message)
    assert isinstance(method, commands.Basic.Publish)
    assert (method.exchange, method.routing_key) == (message.exchange, message.routing_key)
    assert method.mandatory
    assert isinstance(header, ContentHeader)
    properties = header.properties
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
    assert (properties.message_id, properties.message_type) == (message.message_id, message.type)
    assert (properties.user_id, properties.app_id) == ("orders", message.app_id)
    assert properties.correlation_id == message.correlation_id
    assert (properties.timestamp and int(properties.timestamp.timestamp())) == message.timestamp
    assert properties.headers == message.headers
    assert b"".join(part.value for part in body if isinstance(part, ContentBody)) == message.body
    assert header.body_size == len(message.body)


@pytest.mark.parametrize("size", [4087, 4088, 4089, 50_000])
def test_a_body_is_split_where_a_frame_is_full(size: int) -> None:
    message = Message(exchange="", routing_key="q", body=bytes(range(256)) * 200, message_id="m", type="t")
    message.body = message.body[:size]
    _, _, *bodies = written(message, frame_max=4096)
    parts = [part.value for part in bodies if isinstance(part, ContentBody)]
    assert b"".join(parts) == message.body
    assert all(len(part) <= 4088 for part in parts)
    assert len(parts) == -(-size // 4088)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"routing_key": "ö" * 128}, "256 bytes"),
        ({"message_id": "x" * 256}, "255 is the most"),
        ({"headers": {"n": 2**63}}, "64 bits"),
        ({"headers": {"n": 1.5}}, "64 bits"),
        ({"headers": {"n": "\ud800"}}, "surrogate"),
        ({"type": "\ud800"}, "surrogate"),
        ({"timestamp": 1_700_000_000_000_000}, "seconds"),
        ({"timestamp": -1}, "seconds"),
        ({"headers": {"CC": "elsewhere"}}, "means something to RabbitMQ"),
        ({"headers": {"x-amqp-1.0-properties": "forged"}}, "means something to RabbitMQ"),
    ],
)
def test_what_amqp_cannot_hold_is_unsendable_and_writes_nothing(changes: dict[str, object], reason: str) -> None:
    fields = {"exchange": "e", "routing_key": "k", "body": b"", "message_id": "m", "type": "t"} | changes
    frames: list[bytes] = []
    with pytest.raises(Unsendable, match=reason):
        Publishing(1, 4096, "orders").add(Message(**fields), frames)  # type: ignore[arg-type]  # wrong on purpose
    assert frames == []


def test_settlements_are_written() -> None:
    frames = ack(3, 17, multiple=True) + ack(3, 18, multiple=False) + reject(3, 19, requeue=True)
    found = [frame for _, frame in parsed(frames)]
    first, second, third = found
    assert isinstance(first, commands.Basic.Ack)
    assert isinstance(second, commands.Basic.Ack)
    assert isinstance(third, commands.Basic.Reject)
    assert (first.delivery_tag, first.multiple) == (17, True)
    assert (second.delivery_tag, second.multiple) == (18, False)
    assert (third.delivery_tag, third.requeue) == (19, True)
