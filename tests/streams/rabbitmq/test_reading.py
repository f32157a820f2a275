"""Messages of a stream, by every kind of publisher, read in full."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rstream import AMQPMessage, Properties, amqp_decoder

from streams.broker import Details, Envelope
from streams.rabbitmq.reading import details, read
from tests.streams.rabbitmq.amqp10_writer import (
    ANNOTATIONS,
    APPLICATION,
    NULL,
    PROPERTIES,
    VALUE,
    as_3_10,
    as_4,
    binary,
    data,
    listing,
    long,
    mapping,
    section,
    symbol,
    text,
    timestamp,
    truth,
    usual,
    uuid,
)

# As RabbitMQ 3.10.8 stored them: published with AMQP 0-9-1 through an exchange.
STORED_BY_3_10 = (
    b"\x00Sr\xc1H\x06\xa3\rx-routing-key\xa1\rorder.created\xa3\nx-exchange\xa1\x02ev\xa3\x15x-basic-delivery-modeP\x02"
    b"\x00Ss\xc0o\r\xa1$449b5d6a-b5d7-474b-8955-a6f268aa4000\xa0\x05guest@@@\xa1$7ffb5e52-abb6-4bb0-bfa1-ce3fbef42cec"
    b"\xa3\x10application/json@@@@@@"
    b"\x00St\xd1\x00\x00\x01\x11\x00\x00\x00\x14\xa1\x0cx-basic-type\xa1\rorder.created\xa1\x0ex-basic-app-id\xa1\x06orders"
    b"\xa1\x0ccausation_id\xa1$83b74db2-4471-4430-ad9c-66279040b517\xa1\x05floorq.\xe0\x00\x00\xa1\x03key\xa1\ncustomer-1"
    b"\xa1\x04lane\xa1\x16orders/orders/0@abcdef\xa1\x06schemaQ\x01\xa1\x03seqq09\x00\x00"
    b"\xa1\x04time\x81\x00\x00\x01\xa2\x04hI\xcd"
    b"\xa1\x0btraceparent\xa1700-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"
    b'\x00Su\xa0\x07{"a":1}'
)


def envelope(raw: bytes) -> Envelope:
    found = read(raw, 7, ())
    assert found is not None
    return found


def test_a_message_that_rabbitmq_3_10_stored_is_read() -> None:
    assert envelope(STORED_BY_3_10) == Envelope(
        offset=7,
        type="order.created",
        id="449b5d6a-b5d7-474b-8955-a6f268aa4000",
        user="guest",
        body=b'{"a":1}',
        key="customer-1",
        time=1795370273229,
        lane="orders/orders/0@abcdef",
        seq=809041920,
        floor=786432000,
        raw=STORED_BY_3_10,
    )
    assert details(STORED_BY_3_10) == Details(
        headers={
            "causation_id": "83b74db2-4471-4430-ad9c-66279040b517",
            "floor": 786432000,
            "key": "customer-1",
            "lane": "orders/orders/0@abcdef",
            "schema": 1,
            "seq": 809041920,
            "time": 1795370273229,
            "traceparent": "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01",
        },
        correlation_id="7ffb5e52-abb6-4bb0-bfa1-ce3fbef42cec",
        timestamp=None,
        app_id="orders",
        exchange="ev",
        routing_key="order.created",
    )


def test_a_message_of_rabbitmq_4_has_its_type_in_the_annotations_and_its_application_in_the_group() -> None:
    raw = as_4(headers={"key": text("k"), "seq": long(65536), "ok": truth(True), "long": binary(b"x" * 300)})
    found = envelope(raw)
    assert (found.type, found.id, found.user, found.key, found.seq) == ("order.created", "an-id", "orders", "k", 65536)
    rest = details(raw)
    assert (rest.app_id, rest.timestamp, rest.routing_key) == ("orders", 1_700_000_000, "order.created")
    assert rest.headers == {"key": "k", "seq": 65536, "ok": True, "long": "x" * 300}


def test_ids_that_rabbitmq_4_turned_into_uuids_read_as_they_were_published() -> None:
    identity = UUID("449b5d6a-b5d7-474b-8955-a6f268aa4000")
    assert envelope(as_4(id=uuid(identity))).id == "urn:uuid:449b5d6a-b5d7-474b-8955-a6f268aa4000"
    assert envelope(as_4(id=long(12))).id == "12"


def test_a_message_that_a_stream_client_wrote_has_its_subject_as_type_and_no_verified_user() -> None:
    raw = bytes(
        AMQPMessage(
            body=b"{}",
            properties=Properties(message_id="m", user_id=b"orders", subject="order.created"),
            application_properties={"key": "k", "time": 5},
        )
    )
    found = envelope(raw)
    assert (found.type, found.id, found.user, found.key, found.time) == ("order.created", "m", "", "k", 5)
    assert details(raw).headers == {"key": "k", "time": 5}


def test_the_type_in_the_annotations_counts_before_those_elsewhere() -> None:
    notes = section(ANNOTATIONS, mapping([(symbol("x-basic-type"), text("annotated"))]))
    properties = section(PROPERTIES, listing([NULL, NULL, NULL, text("subject")]))
    application = section(APPLICATION, mapping([(text("x-basic-type"), text("applied"))]))
    assert envelope(notes + properties + application).type == "annotated"
    assert envelope(properties + application).type == "applied"
    assert envelope(properties).type == "subject"


def test_of_a_header_that_comes_twice_the_first_counts() -> None:
    raw = section(APPLICATION, mapping([(text("key"), text("one")), (text("key"), text("two"))]))
    assert envelope(raw).key == "one"
    assert details(raw).headers == {"key": "one"}


def test_sections_may_be_named_by_symbols() -> None:
    raw = b"\0" + symbol("amqp:application-properties:map") + mapping([(text("key"), text("k"))])
    raw += b"\0" + symbol("amqp:data:binary") + binary(b"{}")
    assert (envelope(raw).key, envelope(raw).body) == ("k", b"{}")


@pytest.mark.parametrize("value", [text("{}"), binary(b"{}")])
def test_a_body_may_be_a_single_text_or_binary_value(value: bytes) -> None:
    assert envelope(section(VALUE, value)).body == b"{}"


@pytest.mark.parametrize(
    "raw",
    [
        section(VALUE, long(1)),
        section(VALUE, listing([])),
        section(0x76, listing([])),
        section(0x79, NULL),
        b"{}",
        b"\0\0\0\0\0\0",
        b"\0" * 100_000,
        data(b"{}")[:-1],
        section(APPLICATION, b"\xc1\x02\x01\x40"),
        section(APPLICATION, b"\xd1\0\0\0\x08\xff\xff\xff\xfe"),
    ],
)
def test_what_cannot_be_read_is_passed_on_whole(raw: bytes) -> None:
    assert envelope(raw) == Envelope(7, "", "", "", raw, raw=raw)
    assert details(raw) == Details({}, None, None, None, "", "")


def test_a_field_of_another_kind_counts_as_absent() -> None:
    found = envelope(as_3_10(headers={"key": truth(True), "seq": text("1"), "time": timestamp(5), "lane": NULL}))
    assert (found.key, found.seq, found.time, found.lane) == ("", -1, 5, "")


def test_a_key_that_is_a_number_reads_as_text() -> None:
    assert envelope(as_3_10(headers={"key": long(42)})).key == "42"


def test_headers_of_other_kinds_become_scalars_and_those_without_a_value_are_left_out() -> None:
    identity = UUID("449b5d6a-b5d7-474b-8955-a6f268aa4000")
    raw = as_3_10(headers={"u": uuid(identity), "n": NULL, "t": timestamp(9), "m": mapping([]), "x-a": text("a")})
    assert details(raw).headers == {"u": identity.urn, "t": 9}


def test_the_reason_for_which_the_broker_moved_a_message_is_told() -> None:
    assert details(as_3_10(headers={"x-first-death-reason": text("rejected")})).death == "rejected"
    notes = section(ANNOTATIONS, mapping([(symbol("x-first-death-reason"), text("delivery_limit"))]))
    assert details(notes + data(b"")).death == "delivery_limit"


@given(st.one_of(usual))
@settings(deadline=None)
def test_what_is_read_agrees_with_another_decoder(raw: bytes) -> None:
    found, other = envelope(raw), amqp_decoder(raw)
    headers = other.application_properties
    assert found.body == other.body
    assert found.id.encode() == other.properties.message_id
    assert found.user.encode() == other.properties.user_id
    assert found.type.encode() == headers[b"x-basic-type"]
    assert found.key.encode() == headers[b"key"]
    assert (found.time, found.seq) == (headers[b"time"], headers.get(b"seq", -1))
