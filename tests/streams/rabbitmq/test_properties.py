"""Properties of AMQP 0-9-1, written by another library."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.common import FieldValue
from pamqp.header import ContentHeader

from streams.rabbitmq.amqp091 import Unreadable
from streams.rabbitmq.properties import body_size, properties

short = st.text(max_size=40)
values: st.SearchStrategy[FieldValue] = st.one_of(
    st.text(max_size=300),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.none(),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.binary(max_size=20).map(bytearray),
    st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.decimals(0, 1000, places=2),
    st.lists(st.integers(0, 9), max_size=3),
    st.dictionaries(short, st.text(max_size=5), max_size=3),
)


def expected(value: FieldValue) -> object:
    if isinstance(value, datetime):
        return int(value.timestamp()) * 1000
    if isinstance(value, str | int | float):
        return value
    return bytes(value) if isinstance(value, bytearray) else None


@given(
    st.builds(
        commands.Basic.Properties,
        content_type=st.none() | short,
        headers=st.none() | st.dictionaries(short, values, max_size=5),
        delivery_mode=st.sampled_from([None, 1, 2]),
        priority=st.none() | st.integers(0, 9),
        correlation_id=st.none() | short,
        reply_to=st.none() | short,
        expiration=st.none() | short,
        message_id=st.none() | short,
        message_type=st.none() | short,
        app_id=st.none() | short,
    ),
    st.integers(0, 2**40),
)
def test_properties_of_every_kind_are_read(given_: commands.Basic.Properties, size: int) -> None:
    payload = ContentHeader(body_size=size, properties=given_).marshal()
    found = properties(payload)
    assert body_size(payload) == size
    assert found.headers == {name: expected(value) for name, value in (given_.headers or {}).items()}
    texts = {
        "content_type": given_.content_type,
        "correlation_id": given_.correlation_id,
        "reply_to": given_.reply_to,
        "expiration": given_.expiration,
        "message_id": given_.message_id,
        "type": given_.message_type,
        "app_id": given_.app_id,
    }
    assert found.texts == {name: text for name, text in texts.items() if text}


HEAD = b"\0\x3c\0\0" + b"\0" * 8


@pytest.mark.parametrize(
    "payload",
    [
        HEAD[:5],
        HEAD + b"\x80\0",
        HEAD + b"\x80\0\x05ab",
        HEAD + b"\0\x01\0\0",
        HEAD + b"\x20\0" + b"\0\0\0\x03\x01aZ",
        HEAD + b"\x20\0" + b"\0\0\0\x02\x01at\x01",
        HEAD + b"\0\0more",
    ],
)
def test_what_is_cut_too_long_or_unknown_is_unreadable(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        properties(payload)
