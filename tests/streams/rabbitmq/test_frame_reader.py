"""Sorting deliveries out of what a server sends."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import FrameTypes, marshal
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from streams.rabbitmq.deliveries import Received, delivery
from streams.rabbitmq.frame_reader import FrameReader

CHANNEL = 3
HEARTBEAT = Heartbeat.marshal()


def frames(*parts: FrameTypes, channel: int = CHANNEL) -> bytes:
    return b"".join(marshal(part, channel) for part in parts)


def a_delivery(tag: int, *bodies: bytes, channel: int = CHANNEL) -> bytes:
    method = commands.Basic.Deliver("tag", tag, False, "events", "order.created")
    header = ContentHeader(
        body_size=sum(map(len, bodies)), properties=commands.Basic.Properties(message_id=f"id-{tag}")
    )
    return frames(method, header, *map(ContentBody, bodies), channel=channel)


async def passed_on(reader: FrameReader) -> bytes:
    """What aiormq would read, as it does: a byte, six, and the rest of the frame."""
    found = b""
    with suppress(asyncio.IncompleteReadError):
        while not reader.at_eof():
            head = await reader.readexactly(1)
            head += await reader.readexactly(6)
            found += head + await reader.readexactly(int.from_bytes(head[3:7], "big") + 1)
    return found


async def sorted_out(data: bytes) -> tuple[bytes, list[Received]]:
    source = asyncio.StreamReader()
    reader = FrameReader(source)
    taken: list[Received] = []
    reader.deliver(CHANNEL, taken.append)
    source.feed_data(data)
    source.feed_eof()
    return await passed_on(reader), taken


async def test_deliveries_go_to_their_consumer_and_all_else_is_passed_on() -> None:
    ok, cancel = frames(commands.Basic.QosOk()), frames(commands.Basic.Cancel("tag"))
    rest, taken = await sorted_out(ok + a_delivery(1, b"a", b"b") + HEARTBEAT + a_delivery(2) + cancel)
    assert rest == ok + HEARTBEAT + cancel
    found = [delivery(each).envelope for each in taken]
    assert [(e.offset, e.id, e.body) for e in found] == [(1, "id-1", b"ab"), (2, "id-2", b"")]


async def test_deliveries_of_other_channels_are_passed_on() -> None:
    other = a_delivery(1, b"a", channel=7)
    assert await sorted_out(other) == (other, [])


async def test_frames_of_other_channels_may_come_in_the_middle_of_a_delivery() -> None:
    whole, other = a_delivery(1, b"abc", b"def"), frames(commands.Basic.QosOk(), channel=7)
    cut = whole.index(b"abc") + 4
    rest, taken = await sorted_out(whole[:cut] + other + HEARTBEAT + whole[cut:])
    assert rest == other + HEARTBEAT
    assert [each.body for each in taken] == [b"abcdef"]


async def test_returned_messages_are_no_deliveries() -> None:
    method = commands.Basic.Return(312, "NO_ROUTE", "events", "nowhere")
    returned = frames(method, ContentHeader(body_size=1), ContentBody(b"x"))
    assert await sorted_out(returned) == (returned, [])


async def test_a_greeting_of_another_version_is_passed_on() -> None:
    source = asyncio.StreamReader()
    source.feed_data(b"AMQP\0\0\x09\x01")
    assert await FrameReader(source).readexactly(8) == b"AMQP\0\0\x09\x01"


async def test_a_delivery_that_is_cut_is_not_given() -> None:
    source = asyncio.StreamReader()
    reader = FrameReader(source)
    taken: list[Received] = []
    reader.deliver(CHANNEL, taken.append)
    source.feed_data(a_delivery(1, b"abc")[:-3])
    source.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await reader.readexactly(1)
    assert taken == []


async def test_aiormq_sees_a_sign_of_life_while_nothing_but_deliveries_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.rabbitmq.frame_reader._HEARTBEAT_SECONDS", -1.0)
    rest, taken = await sorted_out(a_delivery(1, b"a") * 3)
    assert rest == HEARTBEAT * 9
    assert len(taken) == 3


@given(st.binary(max_size=60), st.binary(max_size=30))
def test_whatever_the_properties_of_a_message_are_it_becomes_a_delivery(header: bytes, body: bytes) -> None:
    method = marshal(commands.Basic.Deliver("tag", 5, True, "e", "k"), CHANNEL)[7:-1]
    found = delivery(Received(method, b"\0\x3c\0\0" + len(body).to_bytes(8, "big") + header, body))
    assert (found.envelope.offset, found.envelope.body, found.redelivered) == (5, body, True)
