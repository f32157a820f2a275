import pytest

from streams.broker import Message, Outcome
from streams.delivery import unconfirmed
from streams.errors import SendRefused
from streams.outbox import Outbox, pack, unpack


def message(name: str) -> Message:
    return Message(exchange="e", routing_key="k", body=b"{}", message_id=name, type="k", headers={"key": "x"})


def test_sends_are_numbered_by_their_event_and_their_index() -> None:
    outbox = Outbox("svc/agent/0@b", 10_000)
    outbox.add(3, message("a"))
    outbox.add(3, message("b"))
    outbox.add(5, message("c"))
    sent = outbox.messages()
    assert [m.headers["seq"] for m in sent] == [3 << 16, 3 << 16 | 1, 5 << 16]
    assert {m.headers["floor"] for m in sent} == {3 << 16}
    assert {m.headers["lane"] for m in sent} == {"svc/agent/0@b"}
    assert sent[0].headers["key"] == "x"


def test_the_floor_is_the_lowest_number_whatever_was_recorded_first() -> None:
    outbox = Outbox("l", 10_000)
    outbox.add(9, message("late"))
    outbox.add(2, message("early"))
    assert [m.message_id for m in outbox.messages()] == ["early", "late"]
    assert outbox.messages()[1].headers["floor"] == 2 << 16


def test_an_outbox_is_full_at_its_bytes() -> None:
    outbox = Outbox("l", 500)
    outbox.add(1, message("a"))
    assert not outbox.full
    outbox.add(1, message("b"))
    assert outbox.full


def test_more_sends_of_one_event_than_numbers_are_refused() -> None:
    outbox = Outbox("l", 1 << 40)
    same = message("a")
    for _ in range(1 << 16):
        outbox.add(1, same)
    with pytest.raises(SendRefused, match="65,536"):
        outbox.add(1, same)


def test_packing_keeps_messages_whole() -> None:
    sends = [message("a"), message("ü")]
    assert unpack(pack(sends)) == sends
    assert unpack(b"") == []


C, R, L = Outcome.CONFIRMED, Outcome.REFUSED, Outcome.LOST


@pytest.mark.parametrize(
    ("outcomes", "again"),
    [
        ([C, C, C, C], ""),
        ([C, R, C, C], "b"),
        ([C, C, L, L], "cd"),
        ([R, C, L, C], "acd"),
        ([C, L, C, R], "bcd"),
    ],
)
def test_after_a_break_everything_from_the_first_lost_one_on_is_sent_again_and_what_was_refused_alone(
    outcomes: list[Outcome], again: str
) -> None:
    sends = [message(name) for name in "abcd"]
    assert "".join(m.message_id for m in unconfirmed(sends, outcomes)) == again
