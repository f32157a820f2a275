"""Messages as RabbitMQ keeps them in a stream, written byte by byte (AMQP 1.0, parts 1 and 3)."""

import struct
from collections.abc import Mapping, Sequence
from uuid import UUID

from hypothesis import strategies as st

HEADER, ANNOTATIONS, PROPERTIES, APPLICATION, DATA, VALUE, FOOTER = 0x70, 0x72, 0x73, 0x74, 0x75, 0x77, 0x78

NULL = b"\x40"


def _sized(short: int, content: bytes) -> bytes:
    if len(content) < 256:
        return bytes([short, len(content)]) + content
    return bytes([short + 0x10]) + struct.pack(">I", len(content)) + content


def text(value: str) -> bytes:
    return _sized(0xA1, value.encode())


def symbol(value: str) -> bytes:
    return _sized(0xA3, value.encode())


def binary(value: bytes) -> bytes:
    return _sized(0xA0, value)


def long(value: int) -> bytes:
    """As Erlang's writer does: small numbers in one byte."""
    return struct.pack(">Bb", 0x55, value) if -128 <= value < 128 else struct.pack(">Bq", 0x81, value)


def timestamp(milliseconds: int) -> bytes:
    return struct.pack(">Bq", 0x83, milliseconds)


def truth(value: bool) -> bytes:
    return b"\x41" if value else b"\x42"


def uuid(value: UUID) -> bytes:
    return b"\x98" + value.bytes


def _compound(short: int, parts: Sequence[bytes]) -> bytes:
    content = b"".join(parts)
    if len(content) < 255 and len(parts) < 256:
        return bytes([short, len(content) + 1, len(parts)]) + content
    return bytes([short + 0x10]) + struct.pack(">II", len(content) + 4, len(parts)) + content


def listing(parts: Sequence[bytes]) -> bytes:
    return _compound(0xC0, parts)


def mapping(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    return _compound(0xC1, [part for pair in pairs for part in pair])


def section(kind: int, value: bytes) -> bytes:
    return bytes([0, 0x53, kind]) + value


def data(body: bytes) -> bytes:
    return section(DATA, binary(body))


def as_3_10(
    *,
    type: str = "order.created",
    id: str = "5f2c6c9e-7c1e-4d5b-9f0d-0d4c4f1f8f11",
    user: str = "orders",
    headers: Mapping[str, bytes] | None = None,
    body: bytes = b"{}",
    correlation: bytes = NULL,
    app_id: str = "orders",
    created: bytes = NULL,
    exchange: str = "order.events",
) -> bytes:
    """What RabbitMQ 3.10 makes of an AMQP 0-9-1 message."""
    notes = [(symbol("x-routing-key"), text(type)), (symbol("x-exchange"), text(exchange))]
    notes.append((symbol("x-basic-delivery-mode"), b"\x50\x02"))
    properties = [text(id), binary(user.encode()), NULL, NULL, NULL, correlation, symbol("application/json")]
    properties += [NULL, NULL, created, NULL, NULL, NULL]
    application = [(text("x-basic-type"), text(type)), (text("x-basic-app-id"), text(app_id))]
    application += [(text(name), value) for name, value in (headers or {}).items()]
    return b"".join(
        (
            section(ANNOTATIONS, mapping(notes)),
            section(PROPERTIES, listing(properties)),
            section(APPLICATION, mapping(application)),
            data(body),
        )
    )


def as_4(
    *,
    type: str = "order.created",
    id: bytes | None = None,
    user: str = "orders",
    headers: Mapping[str, bytes] | None = None,
    body: bytes = b"{}",
    app_id: str = "orders",
) -> bytes:
    """What RabbitMQ 4 makes of an AMQP 0-9-1 message: a header, the type among the annotations, app_id as group_id."""
    notes = [(symbol("x-exchange"), text("order.events")), (symbol("x-routing-key"), text(type))]
    notes.append((symbol("x-basic-type"), text(type)))
    properties = [id or text("an-id"), binary(user.encode()), NULL, NULL, NULL, NULL, symbol("application/json"), NULL]
    properties += [NULL, timestamp(1_700_000_000_000), text(app_id)]
    return b"".join(
        (
            section(HEADER, listing([truth(True)])),
            section(ANNOTATIONS, mapping(notes)),
            section(PROPERTIES, listing(properties)),
            section(APPLICATION, mapping([(text(name), value) for name, value in (headers or {}).items()])),
            data(body),
        )
    )


# --- random messages ---

names = st.sampled_from(
    ["key", "time", "lane", "seq", "floor", "log_time", "x-basic-type", "x-exchange", "schema", "traceparent"]
)
short_texts = st.text(max_size=12)

values: st.SearchStrategy[bytes] = st.one_of(
    short_texts.map(text),
    short_texts.map(symbol),
    st.text(min_size=250, max_size=260).map(text),
    st.binary(max_size=12).map(binary),
    # Texts that are no UTF-8, and texts that look like what stands around them.
    st.binary(max_size=8).map(lambda content: _sized(0xA1, content)),
    st.sampled_from([b"\xa1\x03key\xa1\x01", b"\x00Su\xa0", b"@@@\xa1$"]).map(lambda content: _sized(0xA1, content)),
    st.integers(-(2**63), 2**63 - 1).map(long),
    st.integers(0, 2**64 - 1).map(lambda n: struct.pack(">BQ", 0x80, n)),
    st.integers(0, 255).map(lambda n: bytes([0x50, n])),
    st.integers(-(2**31), 2**31 - 1).map(lambda n: struct.pack(">Bi", 0x71, n)),
    st.integers(0, 2**62).map(timestamp),
    st.booleans().map(truth),
    st.uuids().map(uuid),
    st.just(NULL),
    st.just(b"\x43"),
    st.floats(width=64).map(lambda n: struct.pack(">Bd", 0x82, n)),
    st.lists(short_texts.map(text), max_size=3).map(listing),
    st.lists(st.tuples(short_texts.map(symbol), short_texts.map(text)), max_size=3).map(mapping),
    st.tuples(short_texts.map(symbol), short_texts.map(text)).map(lambda pair: b"\0" + pair[0] + pair[1]),
)
keys = st.one_of(names.map(text), names.map(symbol), short_texts.map(text))
mappings = st.lists(st.tuples(keys, values), max_size=8).map(mapping)
sections: st.SearchStrategy[bytes] = st.one_of(
    mappings.map(lambda value: section(ANNOTATIONS, value)),
    mappings.map(lambda value: section(APPLICATION, value)),
    st.lists(values, max_size=13).map(listing).map(lambda value: section(PROPERTIES, value)),
    st.lists(values, max_size=3).map(listing).map(lambda value: section(HEADER, value)),
    mappings.map(lambda value: section(FOOTER, value)),
    values.map(lambda value: section(VALUE, value)),
    values.map(lambda value: section(ANNOTATIONS, value)),
)
bodies = st.binary(max_size=300).map(data)
messages = st.tuples(st.lists(sections, max_size=5), st.lists(bodies, max_size=2)).map(
    lambda parts: b"".join((*parts[0], *parts[1]))
)

headers = st.dictionaries(names, values, max_size=6)
engine_headers = st.fixed_dictionaries(
    {"key": short_texts.map(text), "time": st.integers(0, 2**48).map(long)},
    optional={
        "lane": short_texts.map(text),
        "seq": st.integers(0, 2**60).map(long),
        "floor": st.integers(0, 2**60).map(long),
        "log_time": st.integers(0, 2**42).map(long),
        "traceparent": values,
    },
)
usual = st.builds(
    as_3_10,
    type=short_texts,
    id=short_texts,
    user=short_texts,
    headers=engine_headers,
    body=st.binary(max_size=300),
    correlation=st.just(NULL) | values,
)
usual_4 = st.builds(as_4, type=short_texts, user=short_texts, headers=st.one_of(engine_headers, headers))
