"""What follows from a message can be sent, however it came."""

import pytest

from streams.broker import Details, Envelope, Message, Scalar
from streams.carriable import HEADER_BYTES, carried_headers, carried_text
from streams.letters import dead_letter
from streams.rabbitmq.frames import Publishing

FRAME = 128 << 10


def letter(headers: dict[str, Scalar], *, timestamp: int | None = 1, text: str = "text") -> Message:
    return dead_letter(
        service="shop",
        agent="count",
        source="orders",
        offset=7,
        event_id=text,
        envelope=Envelope(7, text, text, "guest", b"{"),
        details=Details(headers, text, timestamp, text, text, text),
        error=ValueError("no " * 10_000),
        attempts=1,
        largest=1_000,
    )


@pytest.mark.parametrize(
    "made",
    [
        letter({}, timestamp=1_700_000_000_000),
        letter({}, timestamp=-1),
        letter({}, text="ü" * 300),
        letter({"CC": "elsewhere", "BCC": "elsewhere"}),
        letter({"much": "x" * (FRAME - 100)}),
        letter({f"h{n}": "ü" * 100 for n in range(600)}),
        letter({"n" * 256: 1, "whole": 2**64 - 1}),
    ],
    ids=["milliseconds", "before 1970", "long texts", "routing", "one large header", "many headers", "strange headers"],
)
def test_a_dead_letter_can_be_sent_whatever_died(made: Message) -> None:
    frames: list[bytes] = []
    Publishing(1, FRAME, "shop").add(made, frames)
    assert max(map(len, frames)) <= FRAME - 8
    assert made.headers["dead-agent"] == "count"


def test_headers_that_can_be_sent_are_kept_as_they_are() -> None:
    headers: dict[str, Scalar] = {"a": "ä", "b": True, "c": -(2**63)}
    assert carried_headers(headers) == headers


def test_one_header_that_is_too_large_leaves_room_for_the_others() -> None:
    assert carried_headers({"a": "x" * HEADER_BYTES, "b": "y"}) == {"b": "y"}


def test_texts_that_are_too_long_stay_different() -> None:
    assert carried_text("x" * 255) == "x" * 255
    assert carried_text("x" * 256) != carried_text("x" * 257)
