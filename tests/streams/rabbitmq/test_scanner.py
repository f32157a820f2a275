"""The scanner of a log, whose shortcut must never be seen."""

from collections.abc import Sequence
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.broker import Envelope
from streams.rabbitmq.layout import Layout
from streams.rabbitmq.outline import outline
from streams.rabbitmq.reading import lineage, read
from streams.rabbitmq.scanner import Scanner
from tests.streams.rabbitmq.amqp10_writer import (
    as_3_10,
    as_4,
    binary,
    data,
    long,
    messages,
    text,
    timestamp,
    usual,
    usual_4,
    uuid,
)

SKIPPED = frozenset({"", "a", "order.paid"})


def in_full(raws: Sequence[bytes], skip: frozenset[str] = frozenset()) -> list[Envelope]:
    found = (read(raw, offset, skip) for offset, raw in enumerate(raws, 100))
    return [envelope for envelope in found if envelope is not None]


def scanned(raws: Sequence[bytes], skip: frozenset[str] = frozenset()) -> list[Envelope]:
    """What a scanner gives that has seen the messages before."""
    scanner = Scanner()
    scanner.scan(raws, 100, skip)
    return scanner.scan(raws, 100, skip)


@given(st.lists(st.one_of(usual, usual_4, messages), max_size=12), st.sampled_from([frozenset[str](), SKIPPED]))
@settings(max_examples=300, deadline=None)
def test_learnt_layouts_read_every_message_as_it_reads_in_full(raws: list[bytes], skip: frozenset[str]) -> None:
    assert scanned(raws, skip) == in_full(raws, skip)


@given(st.lists(st.one_of(usual, usual_4, messages), max_size=12))
@settings(max_examples=300, deadline=None)
def test_learnt_layouts_say_what_a_message_belongs_to_as_its_details_do(raws: list[bytes]) -> None:
    scanner = Scanner()
    scanner.scan(raws, 100, ())
    assert [scanner.lineage(raw) for raw in raws] == [lineage(raw) for raw in raws]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A message and others that are a few bytes away from it."""
    raw = draw(st.one_of(usual, usual_4))
    others = []
    for _ in range(draw(st.integers(1, 6))):
        changed = bytearray(raw)
        for _ in range(draw(st.integers(1, 3))):
            place = draw(st.integers(0, len(changed) - 1))
            kind = draw(st.sampled_from("sid"))
            if kind == "s":
                changed[place] = draw(st.integers(0, 255))
            elif kind == "i":
                changed.insert(place, draw(st.integers(0, 255)))
            elif len(changed) > 1:
                del changed[place]
        others.append(bytes(changed))
    return raw, others


@given(damaged())
@settings(max_examples=500, deadline=None)
def test_a_message_that_is_nearly_like_a_known_one_reads_as_it_reads_in_full(given_: tuple[bytes, list[bytes]]) -> None:
    raw, others = given_
    scanner = Scanner()
    scanner.scan([raw], 100, ())
    assert scanner.scan(others, 100, ()) == in_full(others)
    assert [scanner.lineage(other) for other in others] == [lineage(other) for other in others]


@given(st.lists(usual, min_size=1, max_size=5), st.binary(max_size=400))
@settings(deadline=None)
def test_bytes_that_are_no_message_are_passed_on_whole_and_never_left_out(raws: list[bytes], junk: bytes) -> None:
    junk = b"\xff" + junk
    found = scanned([*raws, junk], frozenset({""}))
    assert found[-1] == Envelope(100 + len(raws), "", "", "", junk, raw=junk)


def test_offsets_count_from_the_first_message_over_those_that_are_skipped() -> None:
    raws = [as_3_10(type="order.paid"), as_3_10(), as_3_10(type="order.paid"), as_3_10()]
    assert [envelope.offset for envelope in scanned(raws, SKIPPED)] == [101, 103]


def test_a_text_may_have_any_length_once_many_lengths_have_been_seen() -> None:
    raws = [as_3_10(headers={"key": text("k" * length)}) for length in (*range(20), 254, 255, 256, 3, 40)]
    assert scanned(raws) == in_full(raws)


def test_texts_that_are_no_utf_8_are_shown_with_escapes_and_stay_different() -> None:
    raws = [as_3_10(headers={"key": text("ok")})] + [
        as_3_10(headers={"key": b"\xa1\x02o" + bytes([n])}) for n in (200, 201)
    ]
    assert [envelope.key for envelope in scanned(raws)] == ["ok", "o\\xc8", "o\\xc9"]


def test_numbers_of_every_width_and_sign_are_read() -> None:
    numbers = [0, 1, -1, 127, 128, -128, -129, 2**31, -(2**31), 2**62, -(2**62)]
    raws = [as_3_10(headers={"seq": long(n), "floor": long(n), "time": timestamp(abs(n))}) for n in numbers]
    assert [(e.seq, e.floor, e.time) for e in scanned(raws)] == [(n, n, abs(n)) for n in numbers]


def test_bodies_of_every_length_are_read() -> None:
    raws = [as_3_10(body=b"x" * length) for length in (0, 1, 255, 256, 70_000)]
    assert [envelope.body for envelope in scanned(raws)] == [b"x" * length for length in (0, 1, 255, 256, 70_000)]


def test_a_body_in_two_parts_is_joined() -> None:
    raw = as_3_10(body=b'{"a":') + data(b"1}")
    assert [envelope.body for envelope in scanned([as_3_10(), raw])] == [b"{}", b'{"a":1}']


def test_many_layouts_at_once_are_all_read_right() -> None:
    raws = [as_3_10(headers={f"h{n}": text("x") for n in range(count)}) for count in range(40)] * 3
    raws += [as_4(headers={f"h{n}": binary(b"x") for n in range(count)}) for count in range(40)]
    assert scanned(raws) == in_full(raws)


def test_an_id_that_is_no_text_is_read_in_full_when_somebody_asks_and_its_message_is_not() -> None:
    raws = [as_3_10(correlation=uuid(UUID(int=n)), headers={"traceparent": long(n)}) for n in range(3)]
    scanner = Scanner()
    scanner.scan(raws, 100, ())
    assert [scanner.lineage(raw) for raw in raws] == [lineage(raw) for raw in raws]
    assert lineage(raws[1]).correlation_id == f"urn:uuid:{UUID(int=1)}"
    assert Layout(raws[0], outline(raws[0])).match(raws[2]) is not None
