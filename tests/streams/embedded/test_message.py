from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.broker import Details, Message, Scalar
from streams.embedded.message import details, fingerprint, moved, pack, unpack

_texts = st.text(max_size=20)
_headers = st.dictionaries(
    st.sampled_from(["key", "time", "lane", "seq", "floor", "log_time", "other", "x-own"]),
    st.one_of(_texts, st.integers(-(2**63), 2**63 - 1), st.booleans()),
)
_messages = st.builds(
    Message,
    exchange=_texts,
    routing_key=_texts,
    body=st.binary(max_size=50),
    message_id=_texts,
    type=_texts,
    headers=_headers,
    correlation_id=st.none() | _texts,
    timestamp=st.none() | st.integers(0, 2**40),
    app_id=st.none() | _texts,
)


@given(_messages, _texts, st.integers(0, 2**60))
def test_a_message_comes_back_whole(message: Message, user: str, offset: int) -> None:
    envelope = unpack(pack(message, user), offset)
    assert (envelope.offset, envelope.id, envelope.type) == (offset, message.message_id, message.type)
    assert (envelope.user, envelope.body) == (user, message.body)
    assert details(envelope) == Details(
        {name: value for name, value in message.headers.items() if name != "x-own"},
        message.correlation_id,
        message.timestamp,
        message.app_id,
        message.exchange,
        message.routing_key,
    )


@pytest.mark.parametrize(("value", "text", "number"), [("a", "a", -1), (5, "", 5), (True, "", -1)])
def test_headers_of_the_wrong_kind_count_as_absent(value: Scalar, text: str, number: int) -> None:
    headers = dict.fromkeys(("key", "lane", "time", "seq", "floor", "log_time"), value)
    envelope = unpack(
        pack(Message(exchange="e", routing_key="k", body=b"", message_id="m", type="t", headers=headers), ""), 0
    )
    assert (envelope.key, envelope.lane) == (text, text)
    assert (envelope.time, envelope.seq, envelope.floor, envelope.log_time) == (number,) * 4


@given(_messages, _texts)
def test_a_moved_message_changes_nothing_but_its_way_and_keeps_its_first_reason(message: Message, user: str) -> None:
    before = unpack(pack(message, user), 0)
    data, about = moved(pack(message, user), "dlx", "jobs", "rejected")
    after = unpack(data, 0)
    assert (after.id, after.type, after.user, after.body) == (before.id, before.type, before.user, before.body)
    assert about == details(after)
    assert (about.exchange, about.routing_key, about.death) == ("dlx", "jobs", "rejected")
    assert about.headers == details(before).headers
    again, about = moved(data, "", None, "expired")
    assert (about.exchange, about.routing_key, about.death) == ("", "jobs", "rejected")
    assert unpack(again, 0).user == user


def test_the_fingerprint_depends_on_what_the_message_is_and_not_on_where_it_is() -> None:
    one = Message(exchange="e", routing_key="k", body=b"1", message_id="m", type="t", headers={"a": "b"})
    prints = {fingerprint(unpack(pack(one, "u"), offset)) for offset in (0, 7)}
    others = (
        pack(one, "v"),
        pack(Message(exchange="e", routing_key="k", body=b"1", message_id="n", type="t", headers={"a": "b"}), "u"),
        pack(Message(exchange="e", routing_key="k", body=b"2", message_id="m", type="t", headers={"a": "b"}), "u"),
        pack(Message(exchange="e", routing_key="k", body=b"1", message_id="m", type="t", headers={"a": "c"}), "u"),
    )
    assert len(prints) == 1
    assert len(prints | {fingerprint(unpack(other, 0)) for other in others}) == 5


def test_an_integer_that_no_broker_takes_is_an_error_of_its_publisher() -> None:
    message = Message(exchange="e", routing_key="k", body=b"", message_id="m", type="t", headers={"n": 2**70})
    with pytest.raises(OverflowError):
        pack(message, "u")


def test_a_header_that_is_no_scalar_is_an_error_of_its_publisher() -> None:
    headers: dict[str, Any] = {"price": 1.5}
    message = Message(exchange="e", routing_key="k", body=b"", message_id="m", type="t", headers=headers)
    with pytest.raises(TypeError, match="texts, integers and booleans only"):
        pack(message, "u")
